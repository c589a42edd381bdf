"""What does somebody see in App Home: what waits for them, what is live, what was."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median

from bot import gates
from bot.decide.time import open_tasks
from bot.model import OVER, Deployment, Phase
from bot.plan import ItemPlan, StepKind
from bot.text import clip, duration, esc, moment, percent, plural
from bot.views import card, ids, itself, kit, section, signs, steps
from bot.views.kit import Block
from bot.views.leftover import not_well
from bot.views.restoring import at_stake

#: So many items of one deployment stand in Home; its thread has them all.
_ITEMS = 8
#: So many deployments are looked at to tell how they go of late, and no further back than this.
NEWEST, _LATELY = 30, timedelta(days=30)


def home(person_id: str, deployments: Sequence[Deployment], now: datetime) -> Block:
    """The Home view of one person; `deployments`: the newest first, and after them what is still under way of those before."""
    waiting = [block for one in deployments for block in _waits_for(one, person_id, now)]
    over = [one for one in deployments if one.phase in OVER][:10]
    blocks = kit.actions(kit.button("Start a deployment", ids.OPEN_START, "home:", style="primary"))
    blocks += [kit.header("Waiting for you"), *(waiting[:40] or [kit.section("Nothing waits for you.")])]
    if not deployments:
        blocks.append(
            kit.section("No deployment yet. Start one here, or type `/deploy start` in the service's channel.")
        )
        return {"type": "home", "blocks": blocks}
    for title, listed in (
        ("Under way", [one for one in deployments if one.active]),
        ("Live now", [one for one in deployments if one.phase is Phase.LIVE]),
    ):
        if listed:
            blocks.append(kit.header(title))
        for one in listed[:10]:
            blocks += [kit.section(f"*{card.summary(one, now)}*{_link(one)}"), kit.context(card.journey(one))]
            if one.hold is not None:
                resume = card.resume_button(one) if gates.may_release(one, person_id) else None
                blocks.append(kit.section(card.hold_line(one), accessory=resume))
    if over:
        blocks += [kit.header("Recently"), *(kit.context(_was(one)) for one in over)]
    newest = deployments[:NEWEST]
    all_of_them = len(newest) < NEWEST or now - newest[-1].opened_at > _LATELY
    blocks.append(kit.header("Last 30 days" if all_of_them else f"The newest {NEWEST} deployments"))
    blocks.append(kit.section(_lately(newest, now)))
    return {"type": "home", "blocks": blocks[:100]}


def _link(one: Deployment) -> str:
    return f"  <{signs.link_target(one.thread)}|thread>" if one.thread else ""


def _was(one: Deployment) -> str:
    ended = moment(one.ended_at or one.phase_at, "date_time")
    how_long = f" · {said}" if (said := _how_long(one)) else ""
    state = f"⚠️ {signs.TITLES[one.phase]}, not well" if not_well(one) else signs.TITLES[one.phase]
    return f"{state} · {esc(signs.name(one))} ({esc(one.id)}) · {ended}{how_long}{_link(one)}"


def _how_long(one: Deployment) -> str:
    """How long it took, and from when; empty where it came neither to live nor back."""
    if one.phase is Phase.ROLLED_BACK:
        return f"{duration(one.rollback_s)} after that was decided" if one.rollback_s is not None else ""
    took = _took(one)
    return f"live {duration(took)} after the start" if took is not None else ""


def _took(one: Deployment) -> float | None:
    """Seconds from the start to live; None when it never came so far."""
    return (one.live_at - one.started_at).total_seconds() if one.live_at and one.started_at else None


def _lately(deployments: Sequence[Deployment], now: datetime) -> str:
    """How deployments went of late, a line each: how many, how long until live, how many went back, how long that took."""
    changed = [one for one in deployments if one.deploy_at is not None and now - one.deploy_at <= _LATELY]
    if not changed:
        return "No deployment has changed production in the last 30 days."
    back = [one for one in changed if one.rollback_at is not None]
    live = [seconds for one in changed if (seconds := _took(one)) is not None]
    again = [one.rollback_s for one in back if one.rollback_s is not None]
    lines = [
        f"*Deployments*  {len(changed)} that changed production",
        f"*From start to live*  {_median(live)}",
        f"*Went back*  {len(back)} of {len(changed)} ({percent(len(back) / len(changed))})",
    ]
    return "\n".join([*lines, *([f"*To be back*  {_median(again)}"] if again else [])])


def _median(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none yet"
    return f"median {duration(median(seconds))}" if len(seconds) > 1 else duration(seconds[0])


def _to_tick(one: Deployment, items: Sequence[ItemPlan], held: set[str], now: datetime) -> Iterator[Block]:
    open_ = [item for item in items if item.role in held and gates.standing(one, item, now) is gates.Standing.OPEN]
    if open_:
        yield from _listed(one, f"*{esc(signs.name(one))}*: {plural(len(open_), 'item')} to tick", open_, now)


def _listed(one: Deployment, title: str, items: Sequence[ItemPlan], now: datetime) -> Iterator[Block]:
    """Each with its box or its menu, as in the thread."""
    more = f", the first {_ITEMS} of them here" if len(items) > _ITEMS else ""
    yield kit.section(f"{title}{more}{_link(one)}")
    for item in items[:_ITEMS]:
        yield section.line(one, item, now, pressable=True, among=f"home-{one.id}")


def _before_it_starts(one: Deployment, person_id: str, held: set[str], now: datetime) -> Iterator[Block]:
    if gates.window_over(one, now):
        if one.captain.id == person_id:
            over = f"The window of *{esc(signs.name(one))}* is over: abort it, and start again with another one"
            yield kit.section(f"{over}{_link(one)}", accessory=card.abort_button(one))
        return
    for role in one.asks:
        mine = person_id in {person.id for person in gates.signers(one, role)}
        if mine and gates.sign_off(one, role, now) is None:
            carried = ids.value(one.id, role)
            yield kit.section(f"*{esc(signs.name(one))}* wants your go as {esc(signs.owner(one, role))}{_link(one)}")
            yield from kit.actions(
                kit.button("Go", ids.GO, carried, style="primary"),
                kit.button("No-go…", ids.NO_GO, carried, style="danger"),
            )
    yield from _to_tick(one, gates.preflight_items(one), held, now)
    if one.captain.id == person_id and next(gates.blockers(one, now), None) is None:
        yield kit.section(f"*{esc(signs.name(one))}* is all clear{_link(one)}", accessory=card.start_button(one))


def _waits_for(one: Deployment, person_id: str, now: datetime) -> Iterator[Block]:
    held = {seat.role for seat in one.roster if seat.held_by(person_id) is not None}
    if one.phase is Phase.PREFLIGHT:
        yield from _before_it_starts(one, person_id, held, now)
    if one.phase is Phase.VERIFYING:
        yield from _to_tick(one, (*one.plan.verification.items, *one.plan.criteria.items), held, now)
    for step in one.plan.steps:
        if steps.is_asking(one, step) and (step.role in held or (not step.role and held)):
            about = f"\n_{esc(step.about)}_" if step.about and step.kind is not StepKind.CONFIRM else ""
            stake = f"\n{said}" if (said := at_stake(one, step)) else ""
            yield kit.section(f"*{esc(signs.name(one))}*: {esc(gates.asks_for(step))}{_link(one)}{about}{stake}")
            yield from kit.actions(*steps.needed(one, step))
    if one.phase is Phase.DECIDING and (held or one.captain.id == person_id):
        happened = [f"{alarm.title}: {clip(alarm.detail, 200)}" for alarm in one.alarms if alarm.settled_at is None]
        cause = "".join(f"\n{esc(line)}" for line in happened[:3])
        first = itself.first(one)
        alone = f"\n{said}" if (said := itself.told(one, first)) else ""
        yield kit.section(f"🚨 *{esc(signs.name(one))}*: roll back, or accept?{_link(one)}{cause}{alone}")
        # Whoever started it may go back, and only the roster accepts.
        accept = kit.button("Accept, because…", ids.ACCEPT, ids.value(one.id)) if held else None
        stop = itself.stop_button(one, first)
        yield from kit.actions(card.roll_back_button(one), steps.retry_button(one), accept, stop)
    for plan in one.plan.follow_ups:
        record = one.follow_ups.get(plan.key)
        if one.phase is Phase.LIVE and record is not None and record.opened_at is not None and record.done_at is None:
            mine = [task for task in open_tasks(one, plan, now) if task.role in held]
            if mine:
                title = f"*{esc(plan.title)}* of {esc(signs.name(one))}: {plural(len(mine), 'task')} for you"
                yield from _listed(one, title, mine, now)
