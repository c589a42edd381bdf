"""What does the next step of a phase come to?"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from bot import gates
from bot.decide.journey import raise_alarm
from bot.decide.runs import World, ending, new_run, warned
from bot.machine import Move, advance
from bot.model import (
    MACHINE,
    Alarm,
    Change,
    Deployment,
    Finding,
    Line,
    Person,
    Phase,
    RunState,
    StepRecord,
    StepState,
    Verdict,
)
from bot.plan import Stage, StepKind, StepPlan

#: The name of the built-in check that looks which version the service's addresses answer with.
SEEN = "seen"

_LEADS_TO = {
    Phase.PREPARING: Move.PREPARED,
    Phase.DEPLOYING: Move.DEPLOYED,
    Phase.VERIFYING: Move.VERIFIED,
    Phase.ROLLING_BACK: Move.ROLLED_BACK,
    Phase.ABORTING: Move.UNDONE,
}


def next_step(deployment: Deployment, now: datetime, world: World) -> Change | None:
    """Begin, judge or leave the current step; None when there is nothing to do now."""
    if deployment.phase not in _LEADS_TO:
        return None
    stage = Stage(deployment.phase.value)
    current = gates.current_step(deployment, stage)
    if current is None:
        return _leave(deployment, now)
    step, record = current
    if record is None:
        return _begin(deployment, step, now, world)
    if record.state is StepState.RUNNING:
        return _judge(deployment, step, record, now)
    if record.state is StepState.ASKING and record.by is not None:
        if step.kind is StepKind.SCRIPT:
            return _run(deployment, step, now, world, by=record.by)
        return _ended(deployment, step, StepState.PASSED, record.note, now)
    return None


# ── Between phases ───────────────────────────────────────────────────────────────────────────────────────────────────


def _leave(deployment: Deployment, now: datetime) -> Change | None:
    if deployment.hold is not None:
        return None
    phase = deployment.phase
    if phase is Phase.PREPARING and not baseline_taken(deployment):
        return None
    if phase is Phase.VERIFYING and next(gates.blockers(deployment, now), None) is not None:
        return None
    after = advance(deployment, _LEADS_TO[phase], now)
    return Change(deployment=after, lines=(Line(what=str(_LEADS_TO[phase])),))


def baseline_taken(deployment: Deployment) -> bool:
    """Is there enough of the time before to compare with?"""
    watch = deployment.plan.watch
    if watch is None:
        return True
    report = deployment.watch
    return report is not None and report.baseline.probes >= watch.rate * watch.baseline_s / 2


# ── Beginning ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _begin(deployment: Deployment, step: StepPlan, now: datetime, world: World) -> Change | None:
    if any(not run.report.over for run in deployment.runs):
        return None
    if deployment.hold is not None and deployment.phase not in {Phase.ROLLING_BACK, Phase.ABORTING}:
        return None
    undone = _nothing_to_undo(deployment, step)
    if undone:
        return _ended(deployment, step, StepState.SKIPPED, undone, now)
    if step.only_if == "schema_changed":
        changed = deployment.release.changes.schema_changed if deployment.release.changes else None
        if changed is False:
            return _ended(deployment, step, StepState.SKIPPED, "not needed: the schema did not change", now)
    match step.kind:
        case StepKind.SCRIPT if not step.role:
            return _run(deployment, step, now, world, by=MACHINE)
        case StepKind.CHECKS:
            change = _record(deployment, step, StepRecord(state=StepState.RUNNING, at=now), f"measures: {step.title}")
            asked = {name: now for check in step.checks for name in gates.measured_by(deployment, check)}
            return replace(change, deployment=replace(change.deployment, remeasure={**deployment.remeasure, **asked}))
        case StepKind.ANNOUNCE:
            return _record(deployment, step, StepRecord(state=StepState.RUNNING, at=now), f"announces: {step.title}")
        case _:
            after = _may_change_production(deployment, step, now)
            return _record(after, step, StepRecord(state=StepState.ASKING, at=now), f"asks for {step.title}")


def _may_change_production(deployment: Deployment, step: StepPlan, now: datetime) -> Deployment:
    """From the first step that deploys on, whether a script does it or a person."""
    if step.stage is Stage.DEPLOYING and deployment.deploy_at is None:
        return replace(deployment, deploy_at=now)
    return deployment


def _nothing_to_undo(deployment: Deployment, step: StepPlan) -> str:
    """A step of the abort whose counterpart never began is skipped, with this sentence."""
    if step.stage is not Stage.ABORTING:
        return ""
    doing = next((one for one in deployment.plan.steps if one.undo == step.key), None)
    if doing is None or doing.key in deployment.steps:
        return ""
    return f"not needed: “{doing.title}” had not begun"


def _run(deployment: Deployment, step: StepPlan, now: datetime, world: World, *, by: Person) -> Change:
    script = deployment.plan.scripts[step.script]
    tries = deployment.retried.get(step.key, 0) + 1
    run = new_run(deployment, script, f"{deployment.id}.{step.key}.{tries}", step=step.key, by=by, now=now, world=world)
    known = deployment.steps.get(step.key)
    record = StepRecord(
        state=StepState.RUNNING,
        at=now,
        run=run.id,
        tries=tries,
        by=None if by is MACHINE else by,
        reminded_at=known.reminded_at if known is not None else None,
    )
    after = _may_change_production(deployment.with_run(run), step, now)
    return _record(after, step, record, f"runs {script.title}", facts={"run": run.id})


# ── Judging ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _judge(deployment: Deployment, step: StepPlan, record: StepRecord, now: datetime) -> Change | None:
    match step.kind:
        case StepKind.SCRIPT:
            return _judge_run(deployment, step, record, now)
        case StepKind.CHECKS:
            return _judge_checks(deployment, step, record, now)
        case _:
            return None


def _judge_run(deployment: Deployment, step: StepPlan, record: StepRecord, now: datetime) -> Change | None:
    run = deployment.run(record.run)
    if run is None or not run.report.over:
        return None
    said = ending(run.report)
    warns = warned(deployment.plan, run)
    if run.report.state is not RunState.FINISHED or not (run.report.exit_code == 0 or warns):
        cause = f": {run.report.errors[-1]}" if run.report.errors else ""
        return _failed(deployment, step, f"{said}{cause}", now)
    names = {SEEN} if step.sees else set[str]()
    names |= {name for check in step.checks for name in gates.measured_by(deployment, check)}
    over_at = run.report.finished_at or record.at
    asked = [deployment.remeasure.get(name) for name in names]
    if not all(moment is not None and moment >= over_at for moment in asked):
        # An exit code is the script's own word; whether it is true is looked at from outside, once it is over.
        again = dict.fromkeys(names, max(now, over_at))
        return Change(deployment=replace(deployment, remeasure={**deployment.remeasure, **again}))
    if not all(
        (known := deployment.findings.get(name)) is not None and known.measured_at >= deployment.remeasure[name]
        for name in names
    ):
        return None
    seen = [deployment.findings[SEEN]] if step.sees else []
    found = [known for name in step.checks if (known := gates.finding(deployment, name, now)) is not None]
    if bad := _bad([*seen, *found]):
        return _failed(deployment, step, f"{said}, and yet {_told(bad)}", now)
    told = [f"⚠️ {said}, a warning" if warns else said, *(one.summary for one in (*seen, *found))]
    return _ended(deployment, step, StepState.PASSED, "; ".join(told), now)


def _bad(findings: Iterable[Finding]) -> list[Finding]:
    return [one for one in findings if one.verdict in {Verdict.FAIL, Verdict.UNKNOWN}]


def _told(findings: Iterable[Finding]) -> str:
    return "; ".join(one.summary if one.check == SEEN else f"{one.check}: {one.summary}" for one in findings)


def _judge_checks(deployment: Deployment, step: StepPlan, record: StepRecord, now: datetime) -> Change | None:
    names = {name for check in step.checks for name in gates.measured_by(deployment, check)}
    measured = [deployment.findings.get(name) for name in names]
    if not all(one is not None and one.measured_at >= record.at for one in measured):
        return None
    findings = [gates.finding(deployment, name, now) for name in step.checks]
    fresh = [one for one in findings if one is not None]
    if bad := _bad(fresh):
        return _failed(deployment, step, _told(bad), now)
    return _ended(deployment, step, StepState.PASSED, "; ".join(one.summary for one in fresh), now)


def announced(deployment: Deployment, key: str, *, note: str, ok: bool, now: datetime) -> Change | None:
    """The announcement of this step stands in its channels, or cannot."""
    step = next((one for one in deployment.plan.steps if one.key == key), None)
    record = deployment.steps.get(key)
    if step is None or record is None or record.state is not StepState.RUNNING:
        return None
    return _ended(deployment, step, StepState.PASSED, note, now) if ok else _failed(deployment, step, note, now)


def _ended(deployment: Deployment, step: StepPlan, state: StepState, note: str, now: datetime) -> Change:
    known = deployment.steps.get(step.key, StepRecord(state=state, at=now))
    record = replace(known, state=state, note=note, ended_at=now)
    return _record(deployment, step, record, f"{step.title}: {state}", facts={"note": note})


def _failed(deployment: Deployment, step: StepPlan, note: str, now: datetime) -> Change:
    change = _ended(deployment, step, StepState.FAILED, note, now)
    if deployment.phase not in {Phase.DEPLOYING, Phase.VERIFYING}:
        return change
    alarm = Alarm(key=f"step-{step.key}", title=step.title, detail=note, at=now)
    asked = raise_alarm(change.deployment, alarm, now)
    return change.then(asked) if asked is not None else change


def _record(
    deployment: Deployment, step: StepPlan, record: StepRecord, what: str, facts: Mapping[str, str] | None = None
) -> Change:
    after = replace(deployment, steps={**deployment.steps, step.key: record})
    return Change(deployment=after, lines=(Line(what=what, facts={"step": step.key, **(facts or {})}),))
