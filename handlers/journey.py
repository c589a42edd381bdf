"""What people do to the course of a deployment: start, hold, abort, retry, roll back, accept."""

from collections.abc import Awaitable, Callable

from bot import gates
from bot.engine import Engine
from bot.model import Deployment
from bot.views import answers, ids, modals
from bot.views.answers import Answer
from bot.views.kit import Block
from handlers.bolt import Bolt, Press, Said, Submission


def register(bolt: Bolt, engine: Engine) -> None:
    @bolt.button(ids.START)
    async def start(press: Press) -> None:
        await engine.start(press.deployment, by=press.by)

    @bolt.button(ids.RESUME)
    async def resume(press: Press) -> None:
        await engine.resume(press.deployment, by=press.by)

    @bolt.button(ids.RETRY)
    async def retry(press: Press) -> None:
        await engine.retry(press.deployment, press.about, by=press.by)

    @bolt.button(ids.CONFIRM)
    async def confirm(press: Press) -> None:
        await engine.confirm(press.deployment, press.about, by=press.by)

    @bolt.button(ids.CANCEL_RUN)
    async def cancel(press: Press) -> None:
        await engine.cancel(press.deployment, press.about, by=press.by)

    @bolt.button(ids.ASK_ROLL_BACK)
    async def ask_roll_back(press: Press) -> None:
        await engine.ask_roll_back(press.deployment, reason="", by=press.by)

    @bolt.button(ids.ROLL_BACK)
    async def roll_back(press: Press) -> None:
        await engine.roll_back(press.deployment, by=press.by)

    @bolt.button(ids.STOP_AUTO)
    async def stop_auto(press: Press) -> None:
        await engine.stop_auto(press.deployment, by=press.by)

    @bolt.button(ids.SNOOZE)
    async def snooze(press: Press) -> None:
        await engine.snooze(press.deployment, press.about, hours=4, by=press.by)

    @bolt.button(ids.HOLD)
    async def ask_hold(press: Press) -> None:
        def fill(deployment: Deployment) -> Block:
            gates.check_captain_or_roster(deployment, press.by, "hold it")
            return modals.hold(deployment)

        await bolt.show(press, "Hold", _filled(engine, press, fill))

    @bolt.button(ids.ABORT)
    async def ask_abort(press: Press) -> None:
        await bolt.show(press, "Abort", _filled(engine, press, modals.abort))

    @bolt.button(ids.ACCEPT)
    async def ask_accept(press: Press) -> None:
        # Said before somebody writes down a reason for nothing.
        def fill(deployment: Deployment) -> Block:
            gates.check_holds(deployment, "", press.by, "accept this")
            return modals.accept(deployment)

        await bolt.show(press, "Accept", _filled(engine, press, fill))

    @bolt.modal(ids.HOLD_MODAL, wrong="reason")
    async def hold(submitted: Submission) -> None:
        deployment, _ = ids.parse(submitted.carried)
        await engine.hold(deployment, reason=submitted.text("reason"), by=submitted.by)

    @bolt.modal(ids.ACCEPT_MODAL, wrong="reason")
    async def accept(submitted: Submission) -> None:
        deployment, _ = ids.parse(submitted.carried)
        await engine.accept(deployment, reason=submitted.text("reason"), by=submitted.by)

    @bolt.button(ids.SKIP)
    async def ask_skip(press: Press) -> None:
        async def ask() -> Block:
            deployment = await engine.get(press.deployment)
            title = next((step.title for step in deployment.plan.steps if step.key == press.about), press.about)
            return modals.skip(deployment, press.about, title)

        await bolt.show(press, "Skip a step", ask)

    @bolt.modal(ids.SKIP_MODAL, wrong="reason")
    async def skip(submitted: Submission) -> None:
        deployment, step = ids.parse(submitted.carried)
        await engine.skip(deployment, step, reason=submitted.text("reason"), by=submitted.by)

    @bolt.modal(ids.ABORT_MODAL, wrong="reason")
    async def abort(submitted: Submission) -> None:
        deployment, _ = ids.parse(submitted.carried)
        await engine.abort(deployment, reason=submitted.text("reason"), by=submitted.by)

    @bolt.button(ids.MORE)
    async def more(press: Press) -> None:
        if press.about == "abort":
            await bolt.show(press, "Abort", _filled(engine, press, modals.abort))
            return
        if press.about == "record":
            bolt.say(press.to, await give_record(bolt, engine, press.deployment, press))
            return
        deployment, story, broken = await engine.history(press.deployment)
        match press.about:
            case "contacts":
                bolt.say(press.to, answers.contacts(deployment))
            case "history":
                bolt.say(press.to, answers.history(deployment, story, broken))
            case _:
                bolt.say(press.to, answers.why(deployment, engine.clock.now()))


async def give_record(bolt: Bolt, engine: Engine, deployment_id: str, said: Said) -> Answer:
    """The record goes to whoever asked as a file; the answer says so at once."""
    deployment, document = await engine.record(deployment_id, by=said.by)
    bolt.give(
        said.to, f"{deployment.id}.json", document, f"The record of {deployment.id}, head {deployment.head[:12]}."
    )
    return answers.record_given(deployment)


def _filled(engine: Engine, press: Press, view: Callable[[Deployment], Block]) -> Callable[[], Awaitable[Block]]:
    async def fill() -> Block:
        return view(await engine.get(press.deployment))

    return fill
