"""What does somebody see in App Home: what waits for them, what is live, what was."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from statistics import median

from bot import gates
from bot.decide.time import open_tasks
from bot.model import OVER, Deployment, Phase, StepState
from bot.plan import ItemPlan
from bot.text import duration, esc, moment, plural
from bot.views import card, ids, kit, signs
from bot.views.kit import Block


def home(person_id: str, deployments: Sequence[Deployment], now: datetime) -> Block:
    """The Home view of one person; `deployments` newest first."""
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
    if over:
        blocks += [kit.header("Recently"), *(kit.context(_was(one)) for one in over)]
    blocks += [kit.header("How they go"), kit.section(_lately(deployments))]
    return {"type": "home", "blocks": blocks[:100]}


def _link(one: Deployment) -> str:
    return f"  <{signs.link_target(one.thread)}|thread>" if one.thread else ""


def _was(one: Deployment) -> str:
    ended = moment(one.ended_at or one.phase_at, "date_time")
    took = _took(one)
    how_long = f" · took {duration(took)}" if took is not None else ""
    return f"{signs.TITLES[one.phase]} · {esc(signs.name(one))} ({esc(one.id)}) · {ended}{how_long}{_link(one)}"


def _took(one: Deployment) -> float | None:
    """Seconds from the start to live, or to being back; None when it never came so far."""
    until = one.live_at or (one.ended_at if one.phase is Phase.ROLLED_BACK else None)
    return (until - one.started_at).total_seconds() if until is not None and one.started_at is not None else None


def _lately(deployments: Sequence[Deployment]) -> str:
    """How deployments go, in one line: how many, how many were taken back, how long they took."""
    changed = [one for one in deployments if one.deploy_at is not None]
    if not changed:
        return "None has changed production yet."
    back = sum(one.rollback_at is not None for one in changed)
    took = [seconds for one in changed if one.live_at is not None and (seconds := _took(one)) is not None]
    said = (
        f"Of {plural(len(changed), 'deployment')} that changed production {back} went back ({back / len(changed):.0%})"
    )
    return said + (f"; median from start to live {duration(median(took))}." if took else ".")


def _to_tick(one: Deployment, items: Sequence[ItemPlan], held: set[str], now: datetime) -> Iterator[Block]:
    open_ = [item for item in items if item.role in held and gates.standing(one, item, now) is gates.Standing.OPEN]
    if open_:
        titles = ", ".join(esc(item.title) for item in open_[:6]) + (", …" if len(open_) > 6 else "")  # noqa: PLR2004 - a glance
        yield kit.section(f"*{esc(signs.name(one))}*: {plural(len(open_), 'item')} to tick{_link(one)}\n{titles}")


def _waits_for(one: Deployment, person_id: str, now: datetime) -> Iterator[Block]:
    held = {seat.role for seat in one.roster if seat.held_by(person_id) is not None}
    if one.phase is Phase.PREFLIGHT:
        for role in one.asks:
            mine = person_id in {person.id for person in gates.signers(one, role)}
            if mine and gates.sign_off(one, role, now) is None:
                yield kit.section(
                    f"*{esc(signs.name(one))}* wants your go as {esc(signs.owner(one, role))}{_link(one)}",
                    accessory=kit.button("Go", ids.GO, ids.value(one.id, role), style="primary"),
                )
        yield from _to_tick(one, gates.preflight_items(one), held, now)
        if one.captain.id == person_id and next(gates.blockers(one, now), None) is None:
            yield kit.section(f"*{esc(signs.name(one))}* is all clear{_link(one)}", accessory=card.start_button(one))
    if one.phase is Phase.VERIFYING:
        yield from _to_tick(one, (*one.plan.verification.items, *one.plan.criteria.items), held, now)
    for step in one.plan.steps:
        record = one.steps.get(step.key)
        asks = record is not None and record.state is StepState.ASKING and record.by is None
        if asks and step.stage.value == one.phase.value and (step.role in held or (not step.role and held)):
            yield kit.section(f"*{esc(signs.name(one))}*: {esc(gates.asks_for(step))}{_link(one)}")
    if one.phase is Phase.DECIDING and (held or one.captain.id == person_id):
        yield kit.section(
            f"🚨 *{esc(signs.name(one))}*: roll back, or accept?{_link(one)}", accessory=card.roll_back_button(one)
        )
    for plan in one.plan.follow_ups:
        record = one.follow_ups.get(plan.key)
        if one.phase is Phase.LIVE and record is not None and record.opened_at is not None and record.done_at is None:
            mine = [task for task in open_tasks(one, plan, now) if task.role in held]
            if mine:
                yield kit.section(
                    f"*{esc(plan.title)}* of {esc(signs.name(one))}: {plural(len(mine), 'task')} for you{_link(one)}"
                )
