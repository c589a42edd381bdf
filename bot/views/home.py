"""What does somebody see in App Home: what waits for them, what is live, what was."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot import gates
from bot.decide.time import open_tasks
from bot.model import OVER, Deployment, Phase, StepState
from bot.plan import ItemPlan
from bot.text import esc, moment, plural
from bot.views import card, ids, kit, signs
from bot.views.kit import Block


def home(person_id: str, deployments: Sequence[Deployment], now: datetime) -> Block:
    """The Home view of one person; `deployments` newest first."""
    waiting = [block for one in deployments for block in _waits_for(one, person_id, now)]
    live = [one for one in deployments if one.phase not in OVER]
    over = [one for one in deployments if one.phase in OVER][:10]
    blocks = kit.actions(kit.button("Start a deployment", ids.OPEN_START, "home:", style="primary"))
    blocks += [kit.header("Waiting for you"), *(waiting[:40] or [kit.section("Nothing waits for you.")])]
    if not deployments:
        blocks.append(
            kit.section("No deployment yet. Start one here, or type `/deploy start` in the service's channel.")
        )
        return {"type": "home", "blocks": blocks}
    blocks.append(kit.header("Under way"))
    for one in live[:10]:
        blocks += [kit.section(f"*{card.summary(one, now)}*{_link(one)}"), kit.context(card.journey(one))]
    if not live:
        blocks.append(kit.section("Nothing is under way."))
    if over:
        blocks += [kit.header("Recently"), *(kit.context(_was(one)) for one in over)]
    return {"type": "home", "blocks": blocks[:100]}


def _link(one: Deployment) -> str:
    return f"  <{signs.link_target(one.thread)}|thread>" if one.thread else ""


def _was(one: Deployment) -> str:
    ended = moment(one.ended_at or one.phase_at, "date_time")
    return f"{signs.TITLES[one.phase]} · {esc(signs.name(one))} ({esc(one.id)}) · {ended}{_link(one)}"


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
