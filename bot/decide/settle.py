"""What follows by itself, after any change and at any time?"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot import gates
from bot.decide import steps, time, vouching
from bot.decide.runs import World, ending
from bot.model import Change, Deployment, Line, Phase, RunReport, RunState, WatchReport
from bot.plan import ItemPlan

#: More than any chain of consequences needs; a loop of rules is a bug that must not hang the program.
_MOST = 200


def settle(change: Change, now: datetime, world: World) -> Change:
    """The change with everything that follows from it."""
    for _ in range(_MOST):
        following = _next(change.deployment, now, world)
        if following is None:
            return change
        change = change.then(following)
    raise AssertionError(f"{change.deployment.id}: the rules never settle")


def _next(deployment: Deployment, now: datetime, world: World) -> Change | None:
    stepped = steps.next_step(deployment, now, world)
    if stepped is not None:
        entered = stepped.deployment.phase
        if entered is Phase.VERIFYING and deployment.phase is Phase.DEPLOYING:
            return replace(stepped, deployment=_measure_after_deploying(stepped.deployment, now))
        return stepped
    for rule in time.RULES:
        change = rule(deployment, now)
        if change is not None:
            return change
    return vouching.reopen(deployment, items_now(deployment), now)


def _measure_after_deploying(deployment: Deployment, now: datetime) -> Deployment:
    """What was measured of the old version proves nothing about the new one."""
    plan = deployment.plan
    names = _measured_for(deployment, (*plan.verification.items, *plan.criteria.items))
    return replace(deployment, remeasure={**deployment.remeasure, **dict.fromkeys(names, now)})


def _measured_for(deployment: Deployment, items: Iterable[ItemPlan]) -> set[str]:
    """Whatever the items need to be judged, also what those need that are worked out from the record."""
    return {name for item in items for check in item.checks for name in gates.measured_by(deployment, check)}


def checks_wanted(deployment: Deployment, now: datetime) -> set[str]:
    """Names of the checks that have to be measured now."""
    if deployment.over:
        return set()
    here = [item for item in items_now(deployment) if item.key not in deployment.not_applicable]
    stale = {name for name in _measured_for(deployment, here) if gates.is_measuring(deployment, name, now)}
    asked = {name for name in deployment.remeasure if _still_asked(deployment, name)}
    stale |= time.wanted_by_triggers(deployment, now)
    stale |= vouching.pages_wanted(deployment, items_now(deployment), now)
    return stale | {name for name in asked if name == steps.SEEN or gates.is_outside(deployment, name)}


def items_now(deployment: Deployment) -> tuple[ItemPlan, ...]:
    """The items whose measurements matter in this phase."""
    plan = deployment.plan
    match deployment.phase:
        case Phase.PREFLIGHT:
            return gates.preflight_items(deployment)
        case Phase.VERIFYING:
            return (*plan.verification.items, *plan.criteria.items)
        case Phase.LIVE:
            return tuple(task for one in plan.follow_ups if _is_open(deployment, one.key) for task in one.tasks)
        case _:
            return ()


def _is_open(deployment: Deployment, follow_up: str) -> bool:
    record = deployment.follow_ups.get(follow_up)
    return record is not None and record.opened_at is not None and record.done_at is None


def _still_asked(deployment: Deployment, name: str) -> bool:
    known = deployment.findings.get(name)
    return known is None or known.measured_at < deployment.remeasure[name]


def reported(deployment: Deployment, report: RunReport) -> Change | None:
    """A run told how far it is. What is over stays over."""
    run = deployment.run(report.id)
    if run is None or run.report.over or run.report == report:
        return None
    after = deployment.with_run(replace(run, report=report))
    if not report.over:
        started = run.report.state is RunState.WANTED and report.state is RunState.RUNNING
        return Change(
            deployment=after, lines=(Line(what=f"{run.title} is running", facts={"run": run.id}),) if started else ()
        )
    facts = {"run": run.id, "exit": report.exit_code, "log": report.log_sha256}
    return Change(deployment=after, lines=(Line(what=f"{run.title}: {ending(report)}", facts=facts),))


def watched(deployment: Deployment, report: WatchReport) -> Change | None:
    """The watch told what it saw."""
    if deployment.over or deployment.watch == report or _same_as_ever(deployment, report):
        return None
    return Change(deployment=replace(deployment, watch=report))


#: While all is well after going live, the record keeps the watch's numbers this often.
_EVERY = 60.0


def _same_as_ever(deployment: Deployment, report: WatchReport) -> bool:
    """Seven days of good probes are not worth a line of the database each."""
    known, plan = deployment.watch, deployment.plan.watch
    if known is None or plan is None or deployment.phase is not Phase.LIVE:
        return False
    told = (known.alive, known.problem, known.down_s, known.since.lost, known.since.errors)
    new = (report.alive, report.problem, report.down_s, report.since.lost, report.since.errors)
    return told == new and 0 <= report.since.probes - known.since.probes < _EVERY * plan.live_rate
