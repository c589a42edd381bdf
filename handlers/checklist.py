"""What people do to the items of a list."""

from datetime import UTC, datetime

from bot import explained, gates
from bot.decide import checklist
from bot.engine import Engine
from bot.errors import Refused
from bot.model import Deployment
from bot.plan import ItemPlan
from bot.text import plural
from bot.views import answers, ids, modals
from bot.views.kit import Block
from handlers.bolt import Bolt, Press, Submission


def register(bolt: Bolt, engine: Engine) -> None:
    @bolt.button(ids.TICK)
    async def tick(press: Press) -> None:
        deployment = await engine.get(press.deployment)
        item = checklist.item(deployment, press.about)
        if not press.ticked:
            await engine.untick(deployment.id, item.key, by=press.by)
        elif not item.evidence:
            await _tick_or_redraw(engine, press, item)
        else:
            await _may_or_redraw(engine, press, item)
            await bolt.show(press, "Evidence", _view(modals.evidence(deployment, item)))

    @bolt.modal(ids.EVIDENCE_MODAL, wrong="link")
    async def with_evidence(submitted: Submission) -> None:
        deployment, key = ids.parse(submitted.carried)
        note, link = submitted.text("note"), submitted.text("link")
        try:
            await engine.tick(deployment, key, by=submitted.by, note=note, link=link)
        except Refused:
            # A page that took its time is refused after the form has closed: then the box must not stay ticked.
            await engine.touch(deployment, key)
            raise

    @bolt.closed(ids.EVIDENCE_MODAL)
    async def without_evidence(closed: Submission) -> None:
        deployment, key = ids.parse(closed.carried)
        await engine.touch(deployment, key)

    @bolt.button(ids.MEASURE)
    async def measure(press: Press) -> None:
        deployment = await engine.get(press.deployment)
        names = await engine.measure(deployment.id, by=press.by, items=_listed(deployment, press.about))
        bolt.say(
            press.to, answers.said(f"Measuring {plural(len(names), 'check')}; the thread shows {answers.found(names)}.")
        )

    @bolt.button(ids.NOT_APPLICABLE)
    async def not_applicable(press: Press) -> None:
        async def ask() -> Block:
            deployment = await engine.get(press.deployment)
            return modals.not_applicable(deployment, _listed(deployment, press.about))

        await bolt.show(press, "Not applicable", ask)

    @bolt.button(ids.WHY)
    async def why(press: Press) -> None:
        deployment = await engine.get(press.deployment)
        shown = answers.why_items(deployment, _listed(deployment, press.about), engine.clock.now())
        await bolt.show(press, "Why, and how?", _view(modals.text("Why, and how?", shown.blocks)))

    @bolt.modal(ids.NOT_APPLICABLE_MODAL, wrong="reason")
    async def save_not_applicable(submitted: Submission) -> None:
        deployment, _ = ids.parse(submitted.carried)
        item, reason = submitted.text("item"), submitted.text("reason")
        await engine.not_applicable(deployment, item, reason=reason, by=submitted.by)

    @bolt.modal(ids.WAIVE_MODAL, wrong="reason")
    async def waive(submitted: Submission) -> None:
        deployment, key = ids.parse(submitted.carried)
        seconds = submitted.values.get("until")
        if not isinstance(seconds, int):
            raise Refused("Choose until when it is accepted.")
        until = datetime.fromtimestamp(seconds, UTC)
        await engine.waive(deployment, key, reason=submitted.text("reason"), until=until, by=submitted.by)

    @bolt.button(ids.ITEM_MORE)
    async def more(press: Press) -> None:
        what, _, key = press.about.partition("/")
        deployment = await engine.get(press.deployment)
        item = checklist.item(deployment, key)
        now = engine.clock.now()
        match what:
            case "measure":
                await engine.measure(deployment.id, by=press.by, name=key)
            case "back":
                await engine.untick(deployment.id, key, by=press.by)
            case "na":
                await bolt.show(press, "Not applicable", _view(modals.not_applicable(deployment, [item])))
            case "waive":
                gates.check_holds(deployment, item.role, press.by, f"waive “{item.title}”")
                known = gates.worst(deployment, item, now)
                said = known.summary if known else "nothing was measured yet"
                await bolt.show(press, "Waive", _view(modals.waive(deployment, item, said, now)))
            case "evidence":
                shown = answers.evidence(deployment, item, now)
                await bolt.show(press, "Evidence", _view(modals.text("Evidence", shown.blocks)))
            case _:
                told = explained.of(answers.checks_of(deployment, item))
                shown = answers.why_item(deployment, item, now, told)
                await bolt.show(press, "Why?", _view(modals.text("Why?", shown.blocks)))


def _view(view: Block):  # noqa: ANN202 - a coroutine function
    async def filled() -> Block:
        return view

    return filled


async def _tick_or_redraw(engine: Engine, press: Press, item: ItemPlan) -> None:
    """A refused tick is taken back on the presser's screen too."""
    try:
        await engine.tick(press.deployment, item.key, by=press.by)
    except Refused:
        await engine.touch(press.deployment, item.key)
        raise


async def _may_or_redraw(engine: Engine, press: Press, item: ItemPlan) -> None:
    """Refuse before a form is filled in for nothing, and take the tick back on the presser's screen."""
    try:
        gates.check_holds(await engine.get(press.deployment), item.role, press.by, f"tick “{item.title}”")
    except Refused:
        await engine.touch(press.deployment, item.key)
        raise


def _listed(deployment: Deployment, key: str) -> list[ItemPlan]:
    """The items of one list; of all, when none is named."""
    plan = deployment.plan
    lists = {section.key: section.items for section in (*plan.sections, plan.verification, plan.criteria)}
    lists |= {one.key: one.tasks for one in plan.follow_ups} | {"artifacts": plan.artifacts}
    if not key:
        return []
    return list(lists.get(key) or plan.items)
