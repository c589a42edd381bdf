"""What does the passing of time come to: asking, reminding, escalating, opening follow-ups, rolling back by itself?"""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot import gates
from bot.decide.journey import AFTER_THE_SCRIPT, raise_alarm, roll_back
from bot.errors import Refused
from bot.machine import Move, advance
from bot.model import (
    MACHINE,
    Alarm,
    Ask,
    Blind,
    Change,
    Deployment,
    Finding,
    FollowUp,
    Line,
    Person,
    Phase,
    StepRecord,
    StepState,
    Verdict,
)
from bot.plan import FollowUpPlan, ItemPlan, Stage, StepPlan, TriggerPlan

#: A trigger that rolls back by itself gives people this long to say no.
AUTO_AFTER = timedelta(minutes=2)
#: A follow-up goes to the backups after `escalate_after`, and to the captain when so many times that have passed.
CAPTAIN_AFTER = 2
#: A restart of the bot and of the probers is over in less, so that nobody is called because of one.
NO_RESTART_S = 30.0
#: Others than the watch are asked for so long after it went live; from then on their owners' alerts watch.
TRIGGERS_AFTER_LIVE = timedelta(hours=2)


# ── Sign-offs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask_for_sign_offs(deployment: Deployment, now: datetime) -> Change | None:
    """Ask every role once the first measurements are in, so that what they read has numbers."""
    if not asks_now(deployment, now) or deployment.asks:
        return None
    checks = {check for item in gates.preflight_items(deployment) for check in item.checks}
    if any(name not in deployment.findings for check in checks for name in gates.measured_by(deployment, check)):
        return None
    roles = deployment.plan.sign_off.roles
    if not roles:
        return None
    asks = {role: Ask(at=now) for role in roles}
    titles = ", ".join(deployment.seat(role).title for role in roles)
    return Change(deployment=replace(deployment, asks=asks), lines=(Line(what=f"asked for sign-offs: {titles}"),))


def remind_signers(deployment: Deployment, now: datetime) -> Change | None:
    """Remind the contact, then ask the backup, of each role that has not signed. Whoever started it is never asked."""
    if not asks_now(deployment, now):
        return None
    plan = deployment.plan.sign_off
    for role, ask in deployment.asks.items():
        if gates.sign_off(deployment, role, now) is not None:
            continue
        title = deployment.seat(role).title
        if ask.reminded_at is None and now >= deployment.after(ask.at, plan.remind_after_s):
            return _asked(deployment, role, replace(ask, reminded_at=now), f"reminded {title}")
        late = now >= deployment.after(ask.at, plan.escalate_after_s)
        if late and ask.escalated_at is None and len(gates.signers(deployment, role)) > 1:
            return _asked(deployment, role, replace(ask, escalated_at=now), f"asked the backup of {title}")
    return None


def asks_now(deployment: Deployment, now: datetime) -> bool:
    """Nobody is asked while it is on hold, nor for what cannot start any more."""
    held = deployment.hold is not None or gates.window_over(deployment, now)
    return deployment.phase is Phase.PREFLIGHT and not held


def tell_window_over(deployment: Deployment, now: datetime) -> Change | None:
    """Tell once that its window is over, and what to do; from then on nobody is asked."""
    if deployment.window_over_at is not None or not gates.window_over(deployment, now):
        return None
    return Change(deployment=replace(deployment, window_over_at=now), lines=(Line(what="its window is over"),))


def tell_ready(deployment: Deployment, now: datetime) -> Change | None:
    """Tell the captain once that nothing is in the way: from then on it waits for them."""
    if (
        deployment.phase is not Phase.PREFLIGHT
        or deployment.ready_at is not None
        or next(gates.blockers(deployment, now), None)
    ):
        return None
    line = Line(what=f"nothing is in the way; {deployment.captain.name} can start")
    return Change(deployment=replace(deployment, ready_at=now), lines=(line,))


def remind_deciders(deployment: Deployment, now: datetime) -> Change | None:
    """Remind once of a question that nobody has answered: a step that asks, or whether to roll back."""
    if deployment.hold is not None:
        return None
    late_s = deployment.plan.sign_off.remind_after_s
    asking = asking_step(deployment)
    if asking is not None:
        step, record = asking
        if record.reminded_at is None and now >= deployment.after(record.at, late_s):
            steps = {**deployment.steps, step.key: replace(record, reminded_at=now)}
            line = Line(what=f"reminded of {step.title}", facts={"step": step.key})
            return Change(deployment=replace(deployment, steps=steps), lines=(line,))
    if deployment.phase is Phase.DECIDING:
        for alarm in deployment.alarms:
            late = now >= deployment.after(alarm.at, late_s)
            if late and alarm.settled_at is None and alarm.reminded_at is None:
                alarms = tuple(replace(one, reminded_at=now) if one is alarm else one for one in deployment.alarms)
                line = Line(what=f"reminded of the decision: {alarm.title}", facts={"trigger": alarm.key})
                return Change(deployment=replace(deployment, alarms=alarms), lines=(line,))
    return None


def asking_step(deployment: Deployment) -> tuple[StepPlan, StepRecord] | None:
    """The step that waits for a person's word just now."""
    if deployment.phase.value not in {stage.value for stage in Stage}:
        return None
    current = gates.current_step(deployment, Stage(deployment.phase.value))
    if current is None or current[1] is None or current[1].state is not StepState.ASKING or current[1].by is not None:
        return None
    return current[0], current[1]


def _asked(deployment: Deployment, role: str, ask: Ask, what: str) -> Change:
    after = replace(deployment, asks={**deployment.asks, role: ask})
    return Change(deployment=after, lines=(Line(what=what, facts={"role": role}),))


# ── Follow-ups ───────────────────────────────────────────────────────────────────────────────────────────────────────


def plan_follow_ups(deployment: Deployment, now: datetime) -> Change | None:  # noqa: ARG001 - one shape for every rule
    """Fix the due times when the deployment goes live; they stay as they are afterwards."""
    if deployment.live_at is None or deployment.follow_ups or not deployment.plan.follow_ups:
        return None
    live = deployment.live_at
    due = {one.key: FollowUp(due_at=live + timedelta(seconds=one.after_s)) for one in deployment.plan.follow_ups}
    return Change(deployment=replace(deployment, follow_ups=due), lines=(Line(what="follow-ups planned"),))


def tend_follow_ups(deployment: Deployment, now: datetime) -> Change | None:
    """Open what is due, close what is done, remind, escalate; close the deployment after the last."""
    if deployment.phase is not Phase.LIVE:
        return None
    for plan in deployment.plan.follow_ups:
        record = deployment.follow_ups.get(plan.key)
        if record is not None and record.done_at is None:
            change = _tend(deployment, plan, record, now)
            if change is not None:
                return change
    if all(record.done_at is not None for record in deployment.follow_ups.values()):
        return Change(deployment=advance(deployment, Move.FINISH, now), lines=(Line(what="closed"),))
    return None


def _tend(deployment: Deployment, plan: FollowUpPlan, record: FollowUp, now: datetime) -> Change | None:
    if record.opened_at is None:
        if now < record.due_at:
            return None
        checks = [check for task in plan.tasks for check in task.checks]
        asked = {name: now for check in checks for name in gates.measured_by(deployment, check)}
        opened = _noted(deployment, plan, replace(record, opened_at=now), "is due")
        after = replace(opened.deployment, remeasure={**deployment.remeasure, **asked})
        return replace(opened, deployment=after)
    if not open_tasks(deployment, plan, now):
        return _noted(deployment, plan, replace(record, done_at=now), "is done")
    if deployment.hold is not None or (record.snoozed_until is not None and now < record.snoozed_until):
        return None
    remind, escalate, captain = calls(deployment, plan, record, record.opened_at)
    if record.reminded_at is None and now >= remind:
        return _noted(deployment, plan, replace(record, reminded_at=now), "was reminded of")
    if record.escalated_at is None and now >= escalate:
        return _noted(deployment, plan, replace(record, escalated_at=now), "went to the backups")
    if record.captain_at is None and now >= captain:
        return _noted(deployment, plan, replace(record, captain_at=now), "went to the captain")
    return None


def calls(deployment: Deployment, plan: FollowUpPlan, record: FollowUp, opened: datetime) -> tuple[datetime, ...]:
    """When its people are reminded, the backups are asked, and the captain."""
    since = max(opened, record.snoozed_until or opened)
    waits = (plan.remind_after_s, plan.escalate_after_s, CAPTAIN_AFTER * plan.escalate_after_s)
    return tuple(deployment.after(since, seconds) for seconds in waits)


def open_tasks(deployment: Deployment, plan: FollowUpPlan, now: datetime) -> list[ItemPlan]:
    return [task for task in plan.tasks if gates.standing(deployment, task, now) not in gates.DONE]


def _noted(deployment: Deployment, plan: FollowUpPlan, record: FollowUp, what: str) -> Change:
    after = replace(deployment, follow_ups={**deployment.follow_ups, plan.key: record})
    return Change(deployment=after, lines=(Line(what=f"{plan.title} {what}", facts={"follow_up": plan.key}),))


def snooze(deployment: Deployment, key: str, *, hours: float, by: Person, now: datetime) -> Change:
    """No reminder of this follow-up for a while."""
    plan = next((one for one in deployment.plan.follow_ups if one.key == key), None)
    record = deployment.follow_ups.get(key)
    if plan is None or record is None or record.opened_at is None or record.done_at is not None:
        raise Refused("That follow-up is not open; there is nothing to snooze.")
    gates.check_captain_or_roster(deployment, by, "snooze a follow-up")
    later = replace(
        record, snoozed_until=now + timedelta(hours=hours), reminded_at=None, escalated_at=None, captain_at=None
    )
    change = _noted(deployment, plan, later, f"snoozed for {hours:g} h")
    return replace(change, lines=(replace(change.lines[0], by=by),))


# ── Triggers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def judge_triggers(deployment: Deployment, now: datetime) -> Change | None:
    """Sample each trigger's rule at its interval; propose a rollback when enough of the last samples fail."""
    if deployment.phase not in AFTER_THE_SCRIPT or deployment.deploy_at is None:
        return None
    for trigger in deployment.plan.triggers:
        if trigger.check and _has_sample(deployment, trigger, now):
            return _sample(deployment, trigger, now)
    return None


def wanted_by_triggers(deployment: Deployment, now: datetime) -> set[str]:
    """The checks that triggers judge and that have to be measured now, each at the interval of its trigger."""
    live = deployment.live_at
    if deployment.phase not in AFTER_THE_SCRIPT or (live is not None and now >= live + TRIGGERS_AFTER_LIVE):
        return set()
    return {
        trigger.check
        for trigger in deployment.plan.triggers
        if trigger.check
        and gates.is_outside(deployment, trigger.check)
        and (
            (known := _since_the_script(deployment, trigger.check)) is None
            or now >= known.measured_at + timedelta(seconds=trigger.every_s)
        )
    }


def _has_sample(deployment: Deployment, trigger: TriggerPlan, now: datetime) -> bool:
    """The watch can be asked at any time; what is measured outside is one sample for each measurement."""
    last = deployment.trigger_at.get(trigger.key)
    if gates.is_outside(deployment, trigger.check):
        known = _since_the_script(deployment, trigger.check)
        return known is not None and (last is None or known.measured_at > last)
    return deployment.watch is not None and (last is None or now >= last + timedelta(seconds=trigger.every_s))


def _since_the_script(deployment: Deployment, check: str) -> Finding | None:
    """What was measured before the deploy script says nothing about what it did."""
    known = deployment.findings.get(check)
    began = deployment.deploy_at
    return known if known is not None and began is not None and known.measured_at >= began else None


def _sample(deployment: Deployment, trigger: TriggerPlan, now: datetime) -> Change:
    known = gates.finding(deployment, trigger.check, now)
    verdict = known.verdict if known is not None else Verdict.UNKNOWN
    samples = (*deployment.trigger_samples.get(trigger.key, ()), verdict)[-trigger.of :]
    muted = tuple(key for key in deployment.muted if key != trigger.key or verdict is not Verdict.PASS)
    after = replace(
        deployment,
        trigger_samples={**deployment.trigger_samples, trigger.key: samples},
        trigger_at={**deployment.trigger_at, trigger.key: now},
        muted=muted,
        blind=_blind(deployment, trigger, known, now),
    )
    lines = _sight(deployment, after, now)
    failed = sum(one is Verdict.FAIL for one in samples)
    if failed < trigger.fail_after or trigger.key in muted:
        return Change(deployment=after, lines=lines)
    detail = f"{known.summary if known else ''} ({failed} of {len(samples)} samples)"
    auto = now + AUTO_AFTER if trigger.auto else None
    alarm = Alarm(key=trigger.key, title=trigger.title, detail=detail, at=now, auto_at=auto)
    sampled = Change(deployment=after, lines=lines)
    asked = raise_alarm(after, alarm, now)
    return sampled.then(asked) if asked is not None else sampled


def _sight(before: Deployment, after: Deployment, now: datetime) -> tuple[Line, ...]:
    """The story of what could not be seen, when somebody is told of it."""
    new = [one for one in after.blind if one not in before.blind]
    told = [Line(what=f"blind: {one.title}", why=one.detail) for one in new if one.told_at == now and not one.until]
    return (*told, *(Line(what=f"seen again: {one.title}") for one in new if one.until == now))


def _blind(deployment: Deployment, trigger: TriggerPlan, known: Finding | None, now: datetime) -> tuple[Blind, ...]:
    """What could not be measured never proposes anything, and for long enough in a row somebody is told, once.

    Too few samples to judge are no blindness: they were seen.
    """
    open_ = next((one for one in deployment.blind if one.key == trigger.key and one.until is None), None)
    others = tuple(one for one in deployment.blind if one is not open_)
    if not _unseen(known):
        # What was told is said to be over; what nobody heard of is forgotten.
        return (*others, replace(open_, until=now)) if open_ is not None and open_.told_at else others
    detail = known.summary if known is not None else "nothing was measured"
    if open_ is None:
        one = Blind(key=trigger.key, title=trigger.title, detail=detail, since=now)
    else:
        one = replace(open_, samples=open_.samples + 1, detail=open_.detail if open_.told_at else detail)
    if one.told_at is None and one.samples >= _blind_after(trigger):
        one = replace(one, told_at=now)
    return (*others, one)


def _blind_after(trigger: TriggerPlan) -> int:
    """Counted in samples, which are taken only while the bot runs: a restart, or a clock that is moved, makes no stretch longer."""
    return max(trigger.unknown_after, math.ceil(NO_RESTART_S / max(trigger.every_s, 1.0)))


def _unseen(known: Finding | None) -> bool:
    if known is None:
        return True
    measured = bool(known.conditions) and all(one.measured is not None for one in known.conditions)
    return known.verdict is Verdict.UNKNOWN and not measured


def roll_back_by_itself(deployment: Deployment, now: datetime) -> Change | None:
    """Where the configuration says so, and nobody stopped it in time."""
    if deployment.phase is not Phase.DECIDING or deployment.hold is not None:
        return None
    due = [alarm for alarm in deployment.alarms if alarm.settled_at is None and alarm.auto_at and alarm.auto_at <= now]
    if not due:
        return None
    operator = replace(MACHINE, id="op:t-minus")
    return roll_back(deployment, by=operator, now=now, reason=f"{due[0].title}: nobody decided in time")


# ── All of them ──────────────────────────────────────────────────────────────────────────────────────────────────────

RULES: tuple[Callable[[Deployment, datetime], Change | None], ...] = (
    ask_for_sign_offs,
    remind_signers,
    tell_window_over,
    tell_ready,
    remind_deciders,
    plan_follow_ups,
    tend_follow_ups,
    judge_triggers,
    roll_back_by_itself,
)
