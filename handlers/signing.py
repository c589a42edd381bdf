"""How people sign: go, no-go, not me; and how they say that they are there."""

from bot.decide import signing
from bot.engine import Engine
from bot.views import answers, ids, modals
from bot.views.kit import Block
from handlers.bolt import Bolt, Press, Submission


def register(bolt: Bolt, engine: Engine) -> None:
    @bolt.button(ids.GO)
    async def go(press: Press) -> None:
        await engine.sign(press.deployment, go=True, by=press.by, role=press.about)

    @bolt.button(ids.NO_GO)
    async def no_go(press: Press) -> None:
        async def ask() -> Block:
            deployment = await engine.get(press.deployment)
            role = signing.role_to_sign(deployment, press.by, press.about, engine.clock.now())
            return modals.no_go(deployment, role)

        await bolt.show(press, "No-go", ask)

    @bolt.modal(ids.NO_GO_MODAL, wrong="reason")
    async def say_no(submitted: Submission) -> None:
        deployment, role = ids.parse(submitted.carried)
        await engine.sign(deployment, go=False, by=submitted.by, role=role, reason=submitted.text("reason"))

    @bolt.button(ids.NOT_ME)
    async def not_me(press: Press) -> None:
        await engine.pass_on(press.deployment, press.about, by=press.by)

    @bolt.button(ids.REACHABLE)
    async def reachable(press: Press) -> None:
        deployment = await engine.reachable(press.deployment, by=press.by)
        bolt.say(press.to, answers.said(f"Noted: you are reachable for {deployment.id}. It counts for a day."))
