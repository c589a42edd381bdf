"""When does time alone change something, so that somebody has to look?"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot import gates
from bot.decide.settle import checks_wanted
from bot.decide.time import asking_step, asks_now, calls
from bot.model import Deployment, Phase

#: So often it is looked whether what ran out has been measured again.
_AGAIN = timedelta(minutes=1)


def wake_at(deployment: Deployment, now: datetime) -> datetime | None:
    """The next moment at which time alone changes something; None: never."""
    return min((moment for moment in _moments(deployment, now) if moment > now), default=None)


def _moments(deployment: Deployment, now: datetime) -> Iterator[datetime]:
    if deployment.over:
        return
    if _ran_out(deployment, now):
        yield now + _AGAIN
    if deployment.phase is Phase.PREFLIGHT:
        yield from _before_it_starts(deployment, now)
    if deployment.phase in {Phase.PREFLIGHT, Phase.VERIFYING}:
        yield from (known.expires_at for known in deployment.findings.values())
        yield from (tick.until for tick in deployment.ticks.values() if tick.until is not None)
    if deployment.phase is Phase.LIVE:
        for plan in deployment.plan.follow_ups:
            record = deployment.follow_ups.get(plan.key)
            if record is None or record.done_at is not None:
                continue
            if record.opened_at is None:
                yield record.due_at
                continue
            ticked = (deployment.ticks.get(task.key) for task in plan.tasks)
            yield from (tick.until for tick in ticked if tick is not None and tick.until is not None)
            if record.snoozed_until is not None:
                yield record.snoozed_until
            if deployment.hold is None:
                yield from calls(deployment, plan, record, record.opened_at)
    if deployment.hold is not None:
        return
    late_s = deployment.plan.sign_off.remind_after_s
    asking = asking_step(deployment)
    if asking is not None:
        yield deployment.after(asking[1].at, late_s)
    yield from (deployment.after(alarm.at, late_s) for alarm in deployment.alarms if alarm.settled_at is None)
    yield from (alarm.auto_at for alarm in deployment.alarms if alarm.auto_at and alarm.settled_at is None)


def _before_it_starts(deployment: Deployment, now: datetime) -> Iterator[datetime]:
    plan = deployment.plan.sign_off
    for role, ask in deployment.asks.items():
        if asks_now(deployment, now) and gates.sign_off(deployment, role, now) is None:
            yield deployment.after(ask.at, plan.remind_after_s)
            yield deployment.after(ask.at, plan.escalate_after_s)
    yield from (given.until for given in deployment.sign_offs)
    yield from (waiver.until for waiver in deployment.waivers.values())
    yield from deployment.window or ()


def _ran_out(deployment: Deployment, now: datetime) -> bool:
    """Something that was known is being measured again: that is waited for, although no moment is known at which it comes."""
    known = (deployment.findings.get(name) for name in checks_wanted(deployment, now))
    return any(one is not None and one.expires_at <= now for one in known)
