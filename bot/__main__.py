"""The commands of the program: run it, connect it, look after it, and carry on when Slack is down."""

import asyncio
import contextlib
import getpass
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from bot import __version__, app, manifest
from bot.doctor import doctor as look_at_everything
from bot.engine import Engine
from bot.engine.engine import operator
from bot.errors import TMinusError
from bot.logs import set_up
from bot.model import Deployment, Person
from bot.terminal import plain
from bot.views import answers
from bot.views.answers import Answer

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, help="T-Minus, a deployment director that lives in Slack."
)

Named = Annotated[str, typer.Argument(help="The deployment, such as checkout-12. Empty: the only one under way.")]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why, in a few words.")]
As = Annotated[str, typer.Option("--as", help="Your name in the record. Empty: your name on this machine.")]


@cli.command()
def run(
    http: Annotated[str, typer.Option(help="HOST:PORT for signed HTTP requests. Empty: Socket Mode.")] = "",
    *,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more.")] = False,
) -> None:
    """Run the bot. Tokens come from the environment, the configuration from app.yaml."""
    set_up(logging.DEBUG if verbose else logging.INFO)
    _told(app.run(app.Surroundings.of(), http=http))


@cli.command(name="manifest")
def print_manifest(
    http: Annotated[
        str, typer.Option(help="The public URL for HTTP mode, as in https://bot.example.com. Empty: Socket Mode.")
    ] = "",
) -> None:
    """Print the Slack app manifest. Paste it at api.slack.com/apps, Create New App, From a manifest."""
    print(json.dumps(manifest.manifest(http), indent=2))


@cli.command()
def check_config(
    *,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema for editors instead.")] = False,
) -> None:
    """Read app.yaml and the services, and tell every mistake with its file, line and key."""
    if schema:
        from bot.config import schema as described  # noqa: PLC0415 - only this command needs it

        print(json.dumps(described(), indent=2, ensure_ascii=False))
        return
    with _sentences():
        print(app.load_settings(app.Surroundings.of()).describe())


@cli.command()
def doctor() -> None:
    """Look at tokens, scopes, channels, roster, scripts, database and clock, and say what to do about each."""
    with _sentences():
        good = asyncio.run(look_at_everything(app.Surroundings.of(), print))
    raise typer.Exit(0 if good else 1)


# ── When Slack is down ───────────────────────────────────────────────────────────────────────────────────────────────


@cli.command()
def status(deployment: Named = "") -> None:
    """Where a deployment is; without a name, everything under way."""

    async def ask(engine: Engine) -> Answer:
        now = engine.clock.now()
        if deployment:
            return answers.status(await engine.get(deployment), now)
        under_way = await engine.under_way()
        if len(under_way) == 1:
            return answers.status(under_way[0], now)
        return answers.overview(under_way, now)

    _answer(ask)


@cli.command()
def why(deployment: Named = "") -> None:
    """What is in the way, and who clears it."""
    _about(deployment, lambda engine, one: _now(answers.why(one, engine.clock.now())))


@cli.command()
def contacts(deployment: Named = "") -> None:
    """The roster."""
    _about(deployment, lambda _, one: _now(answers.contacts(one)))


@cli.command()
def history(deployment: Named = "") -> None:
    """Who did what, when and why; and whether the record still holds."""

    async def ask(engine: Engine, one: Deployment) -> Answer:
        return answers.history(*await engine.history(one.id))

    _about(deployment, ask)


@cli.command()
def check(
    deployment: Named = "", only: Annotated[str, typer.Option(help="One check or item.")] = "", who: As = ""
) -> None:
    """Ask the running bot to measure again."""

    async def act(engine: Engine, one: Deployment) -> str:
        names = await engine.measure(one.id, by=_operator(who), name=only)
        return f"{one.id}: {', '.join(names)} will be measured again by the running bot."

    _act(deployment, act)


@cli.command()
def go(
    deployment: Named = "",
    role: Annotated[str, typer.Option(help="The role that you sign for, as in 'Security Team'.")] = "",
    who: As = "",
) -> None:
    """Sign for a role."""

    async def act(engine: Engine, one: Deployment) -> str:
        await engine.sign(one.id, go=True, by=_operator(who), role=role)
        return f"{one.id}: your go as {role} is noted."

    _act(deployment, act)


@cli.command(name="no-go")
def no_go(
    deployment: Named = "",
    role: Annotated[str, typer.Option(help="The role that you sign for, as in 'Security Team'.")] = "",
    reason: Reason = "",
    who: As = "",
) -> None:
    """Say no for a role."""

    async def act(engine: Engine, one: Deployment) -> str:
        await engine.sign(one.id, go=False, by=_operator(who), role=role, reason=reason)
        return f"{one.id}: your no-go as {role} is noted."

    _act(deployment, act)


@cli.command()
def start(deployment: Named = "", who: As = "") -> None:
    """Start a deployment that is clear to go."""

    async def act(engine: Engine, one: Deployment) -> str:
        after = await engine.start(one.id, by=_operator(who))
        return f"{one.id} is {after.phase}."

    _act(deployment, act)


@cli.command()
def hold(deployment: Named = "", reason: Reason = "", who: As = "") -> None:
    """Stop the clock."""

    async def act(engine: Engine, one: Deployment) -> str:
        await engine.hold(one.id, reason=reason, by=_operator(who))
        return f"{one.id} is on hold."

    _act(deployment, act)


@cli.command()
def resume(deployment: Named = "", who: As = "") -> None:
    """Release a hold."""

    async def act(engine: Engine, one: Deployment) -> str:
        await engine.resume(one.id, by=_operator(who))
        return f"{one.id} goes on."

    _act(deployment, act)


@cli.command()
def rollback(
    deployment: Named = "",
    reason: Reason = "",
    who: As = "",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Go back to the previous version."""

    async def act(engine: Engine, one: Deployment) -> str:
        back = one.release.previous or "the previous version"
        if not yes and not typer.confirm(f"Roll {one.service} in {one.environment} back from {one.version} to {back}?"):
            return "Nothing was changed."
        await engine.roll_back(one.id, by=_operator(who), reason=reason)
        return f"{one.id} is rolling back; the running bot runs the script."

    _act(deployment, act)


@cli.command()
def accept(deployment: Named = "", reason: Reason = "", who: As = "") -> None:
    """Go on in spite of what happened."""

    async def act(engine: Engine, one: Deployment) -> str:
        await engine.accept(one.id, reason=reason, by=_operator(who))
        return f"{one.id} goes on."

    _act(deployment, act)


@cli.command()
def abort(deployment: Named = "", reason: Reason = "", who: As = "") -> None:
    """Call a deployment off before production has changed."""

    async def act(engine: Engine, one: Deployment) -> str:
        await engine.abort(one.id, reason=reason, by=_operator(who))
        return f"{one.id} is called off."

    _act(deployment, act)


@cli.command()
def version() -> None:
    """Print the version."""
    print(__version__)


# ── How they do it ───────────────────────────────────────────────────────────────────────────────────────────────────


def _operator(name: str) -> Person:
    return operator(name or getpass.getuser())


async def _now(answer: Answer) -> Answer:
    return answer


def _answer(ask: Callable[[Engine], Awaitable[Answer]]) -> None:
    async def work() -> None:
        async with app.at_the_machine(app.Surroundings.of()) as engine:
            print(plain((await ask(engine)).text))

    _told(work())


def _about(deployment: str, ask: Callable[[Engine, Deployment], Awaitable[Answer]]) -> None:
    async def both(engine: Engine) -> Answer:
        return await ask(engine, await engine.meant(deployment, ""))

    _answer(both)


def _act(deployment: str, act: Callable[[Engine, Deployment], Awaitable[str]]) -> None:
    async def both(engine: Engine) -> Answer:
        return answers.said(await act(engine, await engine.meant(deployment, "")))

    _answer(both)


def _told(work: Coroutine[Any, Any, None]) -> None:
    with _sentences():
        asyncio.run(work)


@contextlib.contextmanager
def _sentences():  # noqa: ANN202 - a context manager
    """What a person can do something about is a sentence on the error stream, and exit code 2."""
    try:
        yield
    except TMinusError as problem:
        print(plain(str(problem)), file=sys.stderr)
        raise typer.Exit(2) from problem


def main() -> None:
    sys.path.insert(0, str(Path.cwd()))
    cli()


if __name__ == "__main__":
    main()
