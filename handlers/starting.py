"""How people start a deployment without saying everything: the modal."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.decide import parameters
from bot.engine import Engine, Start
from bot.errors import Refused
from bot.views import answers, ids, modals
from bot.views.kit import Block
from bot.views.modals import StartForm
from handlers.bolt import Bolt, Press, Said, Submission, inputs


def register(bolt: Bolt, engine: Engine) -> None:
    @bolt.button(ids.OPEN_START)
    async def from_home(press: Press) -> None:
        await ask(bolt, engine, press, Start(), "")

    async def from_shortcut(said: Said) -> None:
        await ask(bolt, engine, said, Start(), "")

    bolt.shortcut(ids.START_SHORTCUT, from_shortcut)

    for chosen in (ids.CHOOSE_SERVICE, ids.CHOOSE_ENVIRONMENT):

        @bolt.button(chosen)
        async def redraw(press: Press) -> None:
            values = inputs(press.view)
            chosen = Start(service=_text(values, ids.CHOOSE_SERVICE), environment=_text(values, ids.CHOOSE_ENVIRONMENT))
            start = replace(chosen, parameters=_changed(engine, chosen, values))
            await bolt.redraw(press.view["id"], await form(engine, start, press.view.get("private_metadata", "")))

    @bolt.modal(ids.START_MODAL, wrong="version")
    async def submit(submitted: Submission) -> None:
        start = Start(
            service=submitted.text(ids.CHOOSE_SERVICE),
            environment=submitted.text(ids.CHOOSE_ENVIRONMENT),
            version=submitted.text("version"),
            notes=submitted.text("notes"),
            window=_window(submitted.values),
            parameters=_parameters(submitted),
        )
        try:
            deployment = await engine.start_thread(start, by=submitted.by)
        except Refused as refusal:
            raise Refused(str(refusal), at=_input(submitted, refusal.at)) from refusal
        bolt.say(submitted.to, answers.said(f"Opened *{deployment.id}*; its thread is in <#{deployment.channel}>."))


async def ask(bolt: Bolt, engine: Engine, said: Said, start: Start, channel: str) -> None:
    """Ask for what is missing."""

    async def filled() -> Block:
        return await form(engine, start, channel)

    await bolt.show(said, "Start a deployment", filled)


async def form(engine: Engine, start: Start, channel: str) -> Block:
    services = list(engine.settings.services)
    here = await engine.deployed_in(channel)
    likely = {plan.service for plan in here} if here else set(services)
    service = start.service or (next(iter(likely)) if len(likely) == 1 else "")
    if not service and start.parameters:
        engine.plan(start)
    if not service:
        return modals.start(StartForm(services=services, version=start.version, channel=channel))
    environments = list(engine.settings.environments(service))
    of_here = [plan.environment for plan in here if plan.service == service]
    environment = start.environment if start.environment in environments else (of_here or environments)[0]
    plan = engine.settings.plan(service, environment)
    known = await engine.suggestions(plan)
    return modals.start(
        StartForm(
            services=services,
            environments=environments,
            service=service,
            environment=environment,
            version=start.version,
            versions=known,
            parameters=plan.parameters,
            said=engine.said(replace(start, service=service, environment=environment)),
            channel=channel,
            warnings=await engine.in_the_way(plan),
        )
    )


def _text(values: Mapping[str, Any], key: str) -> str:
    return str(values.get(key) or "")


def _parameters(submitted: Submission) -> dict[str, str]:
    before = ids.parameter(submitted.text(ids.CHOOSE_SERVICE), submitted.text(ids.CHOOSE_ENVIRONMENT), "")
    return {key.removeprefix(before): submitted.text(key) for key in submitted.values if key.startswith(before)}


def _input(submitted: Submission, at: str) -> str:
    """The input of this form that mends it; what is wrong with a parameter that the form does not show stands at none."""
    if not at.startswith(parameters.at("")):
        return at
    service, environment = submitted.text(ids.CHOOSE_SERVICE), submitted.text(ids.CHOOSE_ENVIRONMENT)
    shown = ids.parameter(service, environment, at.removeprefix(parameters.at("")))
    return shown if shown in submitted.values else ""


def _changed(engine: Engine, chosen: Start, values: Mapping[str, Any]) -> dict[str, str]:
    """What somebody wrote before they chose another environment, as far as it may be said there; its defaults are its own."""
    before = ids.parameter(chosen.service, "", "").removesuffix(":")
    changed: dict[str, str] = {}
    for written in (one for one in values if one.startswith(before)):
        environment, _, key = written.removeprefix(before).rpartition(":")
        defaults = {one.key: one.default for one in engine.settings.plan(chosen.service, environment).parameters}
        if (said := _text(values, written)) not in {"", defaults.get(key)}:
            with suppress(Refused):
                changed |= engine.said(replace(chosen, parameters={key: said}))
    return changed


def _window(values: Any) -> tuple[datetime, datetime] | None:
    opens, closes = values.get("window_from"), values.get("window_to")
    if not opens and not closes:
        return None
    if not isinstance(opens, int) or not isinstance(closes, int):
        missing = "window_to" if isinstance(opens, int) else "window_from"
        raise Refused("A window needs both its beginning and its end, or neither.", at=missing)
    return datetime.fromtimestamp(opens, UTC), datetime.fromtimestamp(closes, UTC)
