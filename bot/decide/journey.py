"""What do start, hold, abort, roll back and accept come to?"""

from dataclasses import replace
from datetime import datetime

from bot import gates
from bot.decide.runs import World, new_run
from bot.errors import Refused
from bot.machine import BACK, NEXT, Move, advance, words
from bot.model import Alarm, Change, Deployment, Hold, Line, Person, Phase, StepRecord, StepState
from bot.plan import Stage, StepKind, StepPlan

#: The phases that a rollback can be asked for in.
AFTER_THE_SCRIPT = frozenset({Phase.DEPLOYING, Phase.VERIFYING, Phase.LIVE})


def start(deployment: Deployment, *, by: Person, now: datetime) -> Change | None:
    """From the checklist to the preparations; Refused with everything that is in the way."""
    if deployment.phase in {Phase.PREPARING, Phase.DEPLOYING}:
        return None
    if Move.START not in NEXT[deployment.phase]:
        raise Refused(f"{deployment.id} is {words(deployment.phase)}; it cannot be started from there.")
    gates.check_captain_or_roster(deployment, by, "start it")
    waiting = [blocker.said for blocker in gates.blockers(deployment, now)]
    if waiting:
        more = f"; and {len(waiting) - 3} more, `/deploy why` lists them." if len(waiting) > 3 else "."  # noqa: PLR2004
        raise Refused("Not yet: " + "; ".join(waiting[:3]) + more)
    return Change(deployment=advance(deployment, Move.START, now), lines=(Line(what="started", by=by),))


def hold(deployment: Deployment, *, reason: str, by: Person, now: datetime) -> Change:
    if deployment.over:
        raise Refused(f"{deployment.id} is {words(deployment.phase)}; there is nothing to hold.")
    if deployment.hold is not None:
        raise Refused(f"{deployment.id} is on hold already, by {deployment.hold.by.name}: {deployment.hold.reason}.")
    gates.check_captain_or_roster(deployment, by, "hold it")
    role = next(iter(gates.roles_of(deployment, by)), "")
    said = " ".join(reason.split())[:500]
    if not said:
        raise Refused("A hold needs a reason: `/deploy hold the queue is draining`.")
    after = replace(deployment, hold=Hold(by=by, role=role, at=now, reason=said))
    return Change(deployment=after, lines=(Line(what="hold", by=by, why=said),))


def resume(deployment: Deployment, *, by: Person, now: datetime) -> Change:
    """Whoever set the hold releases it, or a role of the roster: what a role has stopped, the captain does not let go."""
    hold = deployment.hold
    if hold is None:
        raise Refused(f"{deployment.id} is not on hold.")
    if by.id != hold.by.id:
        gates.check_holds(deployment, "", by, f"release the hold of {hold.by.name}")
    # The clock stood still: who looks for longer than a rollback waits does not set it off by going on.
    alarms = tuple(
        replace(one, auto_at=one.auto_at + (now - max(hold.at, one.at))) if one.auto_at is not None else one
        for one in deployment.alarms
    )
    after = replace(_released(deployment, by=by, how="resumed", now=now), alarms=alarms)
    return Change(deployment=after, lines=(Line(what="resumed", by=by),))


def _released(deployment: Deployment, *, by: Person, how: str, now: datetime) -> Deployment:
    """Not on hold any more, and it is remembered that it was."""
    if deployment.hold is None:
        return deployment
    over = replace(deployment.hold, ended_at=now, ended_by=by, how=how)
    return replace(deployment, hold=None, held=(*deployment.held, over))


def abort(deployment: Deployment, *, reason: str, by: Person, now: datetime) -> Change | None:
    """Stop before production changed. What the preparations did is undone as steps of the abort."""
    if deployment.phase in {Phase.ABORTING, Phase.ABORTED}:
        return None
    if Move.ABORT not in NEXT[deployment.phase]:
        doing = "use `/deploy rollback`" if deployment.phase in AFTER_THE_SCRIPT else "nothing is left to abort"
        raise Refused(f"{deployment.id} is {words(deployment.phase)}; {doing}.")
    gates.check_captain_or_roster(deployment, by, "abort it")
    said = " ".join(reason.split())[:500]
    if not said:
        raise Refused("An abort needs a reason: `/deploy abort the supplier is down`.")
    released = _released(deployment, by=by, how="aborted", now=now)
    after = _end_runs(replace(advance(released, Move.ABORT, now), abort_reason=said, aborted_by=by), by)
    return Change(deployment=after, lines=(Line(what="aborted", by=by, why=said),))


def raise_alarm(deployment: Deployment, alarm: Alarm, now: datetime) -> Change | None:
    """Stop and ask: roll back, or accept? None when that is being asked already."""
    if any(one.key == alarm.key and one.settled_at is None for one in deployment.alarms):
        return None
    after = replace(deployment, alarms=(*deployment.alarms, alarm))
    if deployment.phase in AFTER_THE_SCRIPT:
        after = advance(after, Move.DECIDE, now)
    line = Line(what=f"roll back? {alarm.title}", why=alarm.detail, facts={"trigger": alarm.key})
    return Change(deployment=after, lines=(line if alarm.by is None else replace(line, by=alarm.by),))


def ask_roll_back(deployment: Deployment, *, reason: str, by: Person, now: datetime) -> Change | None:
    """A person wonders whether to roll back: the question goes to the roster."""
    if deployment.phase is Phase.DECIDING:
        return None
    _check_can_roll_back(deployment)
    gates.check_captain_or_roster(deployment, by, "ask for a rollback")
    said = " ".join(reason.split())[:300] or "asked for by hand"
    return raise_alarm(deployment, Alarm(key="person", title=f"{by.name} asks", detail=said, at=now, by=by), now)


def roll_back(deployment: Deployment, *, by: Person, now: datetime, reason: str = "") -> Change | None:
    """Go back to the previous version. The captain may, or any role of the roster, alone; also while it is on hold."""
    if deployment.phase in {Phase.ROLLING_BACK, Phase.ROLLED_BACK}:
        return None
    _check_can_roll_back(deployment)
    gates.check_captain_or_roster(deployment, by, "roll back")
    change = Change(deployment=deployment)
    if deployment.phase is not Phase.DECIDING:
        asked = ask_roll_back(deployment, reason=reason, by=by, now=now)
        change = asked if asked is not None else change
    settled = _settle_alarms(change.deployment, by=by, how="rolled_back", reason=reason, now=now)
    released = _released(settled, by=by, how="rolled_back", now=now)
    after = _end_runs(replace(advance(released, Move.ROLL_BACK, now), rollback_at=now), by)
    return change.then(Change(deployment=after, lines=(Line(what="rolls back", by=by, why=reason),)))


def stop_auto(deployment: Deployment, *, by: Person, now: datetime) -> Change | None:
    """Nothing rolls back by itself, however long people take to decide. None when somebody has said so already."""
    if deployment.phase is not Phase.DECIDING:
        raise Refused(f"{deployment.id} is {words(deployment.phase)}; there is nothing to stop any more.")
    gates.check_captain_or_roster(deployment, by, "stop that")
    alarms = tuple(
        replace(one, auto_at=None, stopped_by=by, stopped_at=now)
        if one.settled_at is None and one.auto_at is not None
        else one
        for one in deployment.alarms
    )
    if alarms == deployment.alarms:
        return None
    line = Line(what="nothing rolls back by itself: people decide", by=by)
    return Change(deployment=replace(deployment, alarms=alarms), lines=(line,))


def accept(deployment: Deployment, *, reason: str, by: Person, now: datetime) -> Change:
    """Go on in spite of what happened, with a reason. A failed step counts as skipped."""
    if deployment.phase is not Phase.DECIDING or deployment.left is None:
        raise Refused(f"{deployment.id} is {words(deployment.phase)}; there is nothing to accept.")
    gates.check_holds(deployment, "", by, "accept this")
    said = " ".join(reason.split())[:500]
    if not said:
        raise Refused("Say why this may be accepted.")
    after = _settle_alarms(deployment, by=by, how="accepted", reason=said, now=now)
    step = failed_step(after)
    if step is not None:
        after = _skipped(after, step, reason=said, by=by, now=now)
    muted = {*after.muted, *(alarm.key for alarm in deployment.alarms if alarm.settled_at is None)}
    after = replace(advance(after, BACK[deployment.left], now), trigger_samples={}, muted=tuple(sorted(muted)))
    return Change(deployment=after, lines=(Line(what="accepted, goes on", by=by, why=said),))


def failed_step(deployment: Deployment) -> StepPlan | None:
    """The step that failed and waits for a person; None when none does."""
    phase = deployment.left if deployment.phase is Phase.DECIDING else deployment.phase
    if phase is None or phase.value not in {stage.value for stage in Stage}:
        return None
    current = gates.current_step(deployment, Stage(phase.value))
    if current is None or current[1] is None or current[1].state is not StepState.FAILED:
        return None
    return current[0]


def _named_step(deployment: Deployment, key: str, *states: StepState) -> tuple[StepPlan, StepRecord]:
    step = next((one for one in deployment.plan.steps if one.key == key), None)
    record = deployment.steps.get(key)
    if step is None or record is None or record.state not in states:
        raise Refused("That step has moved on since; the thread shows where it is now.")
    return step, record


def retry(deployment: Deployment, key: str, *, by: Person, now: datetime) -> Change:
    """Run a failed step once more; a person says so, never a machine."""
    step, record = _named_step(deployment, key, StepState.FAILED)
    gates.check_captain_or_roster(deployment, by, f"retry “{step.title}”")
    again = {name: one for name, one in deployment.steps.items() if name != key}
    after = replace(deployment, steps=again, retried={**deployment.retried, key: record.tries})
    if deployment.phase is Phase.DECIDING and deployment.left is not None:
        after = _settle_alarms(after, by=by, how="retried", reason="", now=now)
        after = advance(after, BACK[deployment.left], now)
    return Change(deployment=after, lines=(Line(what=f"retries {step.title}", by=by, facts={"step": key}),))


def skip(deployment: Deployment, key: str, *, reason: str, by: Person, now: datetime) -> Change:
    """Go on without a step that failed, or that asks whether it is needed; with a reason. In DECIDING it is *accept*."""
    if deployment.phase is Phase.DECIDING:
        return accept(deployment, reason=reason, by=by, now=now)
    step, _ = _named_step(deployment, key, StepState.FAILED, StepState.ASKING)
    gates.check_holds(deployment, step.role, by, f"skip “{step.title}”")
    said = " ".join(reason.split())[:500]
    if not said:
        raise Refused("Say why this step may be skipped.")
    after = _skipped(deployment, step, reason=said, by=by, now=now)
    return Change(deployment=after, lines=(Line(what=f"skipped {step.title}", by=by, why=said, facts={"step": key}),))


def confirm(deployment: Deployment, key: str, *, by: Person) -> Change:
    """A person confirms a step that asks: approves the restore, or says that it is done."""
    step, record = _named_step(deployment, key, StepState.ASKING)
    gates.check_holds(deployment, step.role, by, f"give the go-ahead for “{step.title}”")
    said = "confirmed" if step.kind is StepKind.CONFIRM else "may go ahead"
    steps = {**deployment.steps, key: replace(record, by=by, note=said)}
    line = Line(what=f"go-ahead for {step.title}", by=by, facts={"step": key})
    return Change(deployment=replace(deployment, steps=steps), lines=(line,))


def cancel(deployment: Deployment, run_id: str, *, by: Person) -> Change | None:
    """End a running script: TERM, then KILL, to everything it started."""
    run = deployment.run(run_id)
    if run is None or run.report.over:
        raise Refused("That run is over already.")
    if run.cancelled_by is not None:
        return None
    gates.check_captain_or_roster(deployment, by, f"cancel “{run.title}”")
    after = deployment.with_run(replace(run, cancelled_by=by))
    return Change(deployment=after, lines=(Line(what=f"cancels {run.title}", by=by, facts={"run": run_id}),))


def superseded(deployment: Deployment, newer: Deployment, now: datetime) -> Change:
    """A newer version went live: this one closes, its open follow-ups with it."""
    after = replace(advance(deployment, Move.SUPERSEDE, now), superseded_by=newer.id)
    return Change(deployment=after, lines=(Line(what=f"superseded by {newer.id}"),))


def _check_can_roll_back(deployment: Deployment) -> None:
    if deployment.phase in {Phase.PREFLIGHT, Phase.PREPARING}:
        raise Refused(f"{deployment.id} has not changed production yet; use `/deploy abort`.")
    if deployment.superseded_by:
        raise Refused(f"{deployment.superseded_by} is live now; only the newest deployment can be rolled back.")
    if deployment.phase not in AFTER_THE_SCRIPT | {Phase.DECIDING}:
        raise Refused(f"{deployment.id} is {words(deployment.phase)}; there is nothing to roll back.")


def _end_runs(deployment: Deployment, by: Person) -> Deployment:
    """What still runs is ended first: two scripts never change production at the same time."""
    for run in deployment.runs:
        if not run.report.over and run.cancelled_by is None:
            deployment = deployment.with_run(replace(run, cancelled_by=by))
    return deployment


def _settle_alarms(deployment: Deployment, *, by: Person, how: str, reason: str, now: datetime) -> Deployment:
    alarms = tuple(
        alarm
        if alarm.settled_at is not None
        else replace(alarm, settled_at=now, settled_by=by, how=how, reason=reason, auto_at=None)
        for alarm in deployment.alarms
    )
    return replace(deployment, alarms=alarms)


def _skipped(deployment: Deployment, step: StepPlan, *, reason: str, by: Person, now: datetime) -> Deployment:
    record = deployment.steps[step.key]
    skipped = replace(record, state=StepState.SKIPPED, note=reason, by=by, ended_at=now)
    return replace(deployment, steps={**deployment.steps, step.key: skipped})


def run_by_hand(deployment: Deployment, name: str, *, by: Person, now: datetime, world: World) -> Change:
    """Run a script that the configuration lets people start; each time is a run of its own."""
    by_hand = {key: script for key, script in deployment.plan.scripts.items() if script.by_hand}
    script = by_hand.get(name)
    if script is None:
        known = ", ".join(sorted(by_hand)) or "none"
        raise Refused(f"“{name[:40]}” cannot be run by hand; what can is: {known}.")
    if deployment.over:
        raise Refused(f"{deployment.id} is {words(deployment.phase)}; nothing is run for it any more.")
    gates.check_captain_or_roster(deployment, by, f"run “{script.title}”")
    if any(run.script == name and not run.report.over for run in deployment.runs):
        raise Refused(f"“{script.title}” is running already; the thread shows its output.")
    count = sum(1 for run in deployment.runs if run.script == name and not run.step) + 1
    run = new_run(deployment, script, f"{deployment.id}.{name}.by-hand-{count}", step="", by=by, now=now, world=world)
    line = Line(what=f"runs {script.title} by hand", by=by, facts={"run": run.id})
    return Change(deployment=deployment.with_run(run), lines=(line,))
