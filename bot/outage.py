"""What can be done at the machine itself when Slack is down? The same engine; the operator's name stands in the record.

A command decides and saves, and the running bot makes it true: it runs the scripts, and tells Slack when Slack is back.
"""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from bot import app, gates
from bot.config import rosters
from bot.decide.meant import nothing_now
from bot.engine import Engine
from bot.engine.engine import operator
from bot.errors import Refused
from bot.machine import words
from bot.model import Deployment, Person, Seat
from bot.plan import Stage, StepPlan
from bot.store import exported
from bot.terminal import sentences, typed
from bot.text import plural
from bot.views import answers
from bot.views.answers import Answer

cli = typer.Typer()

Named = Annotated[str, typer.Argument(help="The deployment, such as checkout-12. Empty: the only one under way.")]
Whose = Annotated[str, typer.Argument(help="The deployment, or the service. Empty: what is under way, else all.")]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why, in a few words.")]
As = Annotated[str, typer.Option("--as", help="Your name in the record. Empty: your name on this machine.")]
Role = Annotated[str, typer.Option(help="The role that you sign for, as in 'Security Team'.")]
Step = Annotated[str, typer.Option(help="The step, by key or title. Empty: the one it stands at.")]


# ── Looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@cli.command()
def status(deployment: Named = "") -> None:
    """Where a deployment is; without a name, everything under way."""

    async def ask(engine: Engine) -> Answer:
        now = engine.clock.now()
        if deployment:
            return answers.status(await engine.get(deployment), now)
        under_way = await engine.under_way()
        return answers.status(under_way[0], now) if len(under_way) == 1 else answers.overview(under_way, now)

    _answer(ask)


@cli.command()
def why(deployment: Named = "") -> None:
    """What is in the way, and who clears it."""

    async def ask(engine: Engine, one: Deployment) -> Answer:
        return answers.why(one, engine.clock.now())

    _about("why", deployment, ask)


@cli.command()
def contacts(deployment: Whose = "") -> None:
    """The roster; with nothing under way, or for a service, as the configuration names it."""

    async def ask(engine: Engine) -> Answer:
        if not deployment and not await engine.under_way():
            return answers.rosters(await _as_configured(engine, ""))
        try:
            return answers.contacts(await _meant(engine, "contacts", deployment))
        except Refused:
            told = await _as_configured(engine, deployment) if deployment else []
            if not told:
                raise
            return answers.rosters(told)

    _answer(ask)


@cli.command()
def history(deployment: Named = "") -> None:
    """Who did what, when and why; and whether the record still holds."""

    async def ask(engine: Engine, one: Deployment) -> Answer:
        return answers.history(*await engine.history(one.id))

    _about("history", deployment, ask, over=True)


@cli.command()
def record(deployment: Named = "") -> None:
    """Print the whole record as JSON, for a file that can be verified."""

    async def work() -> str:
        async with app.at_the_machine(app.Surroundings.beside_the_bot()) as engine:
            one = await _meant(engine, "record", deployment, over=True)
            return await engine.store.export(one.id)

    with sentences():
        typer.echo(asyncio.run(work()), nl=False)


@cli.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A file that `record` wrote, here or in Slack.")],
) -> None:
    """Say whether a record's history is as it was written. Needs no database; exit code 1 when a word was changed."""
    with sentences():
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise Refused(f"{file} cannot be read as text; give a file that python -m bot record wrote.") from problem
        name, count, head, problem = exported.verified(text)
    if problem:
        typer.echo(f"{name}: {problem}", err=True)
        raise typer.Exit(1)
    typer.echo(
        f"{name}: {plural(count, 'line')}, every hash holds. Compare the head with the card in Slack: {head[:12]}"
    )


# ── Doing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@cli.command()
def check(
    deployment: Named = "", only: Annotated[str, typer.Option(help="One check or item.")] = "", who: As = ""
) -> None:
    """Ask the running bot to measure again."""

    async def act(engine: Engine, one: Deployment) -> str:
        names = await engine.measure(one.id, by=_operator(who), name=only)
        if not names:
            return f"{one.id}: {nothing_now(one)}."
        return f"{one.id}: {', '.join(names)} will be measured again by the running bot."

    _act("check", deployment, act)


@cli.command()
def tick(
    deployment: Named = "",
    item: Annotated[str, typer.Option(help="The item: its key, or its title.")] = "",
    note: Annotated[str, typer.Option(help="What you saw, and where.")] = "",
    link: Annotated[str, typer.Option(help="Where the evidence is.")] = "",
    who: As = "",
) -> None:
    """Vouch for an item of the checklist."""

    async def act(engine: Engine, one: Deployment) -> str:
        after = await engine.tick(one.id, _item(one, item), by=_operator(who), note=note, link=link)
        return f"{after.id}: ticked."

    _act("tick", deployment, act)


@cli.command()
def go(deployment: Named = "", role: Role = "", who: As = "") -> None:
    """Sign for a role."""

    async def act(engine: Engine, one: Deployment) -> str:
        await engine.sign(one.id, go=True, by=_operator(who), role=_role(one, role, "go"))
        return f"{one.id}: your go as {role} is noted."

    _act("go", deployment, act)


@cli.command(name="no-go")
def no_go(deployment: Named = "", role: Role = "", reason: Reason = "", who: As = "") -> None:
    """Say no for a role."""

    async def act(engine: Engine, one: Deployment) -> str:
        role_ = _role(one, role, "no-go")
        await engine.sign(one.id, go=False, by=_operator(who), role=role_, reason=_why(one, reason, "no-go"))
        return f"{one.id}: your no-go as {role} is noted."

    _act("no-go", deployment, act)


@cli.command()
def start(deployment: Named = "", who: As = "") -> None:
    """Start a deployment that is clear to go."""

    async def act(engine: Engine, one: Deployment) -> str:
        after = await engine.start(one.id, by=_operator(who))
        return f"{one.id} is {words(after.phase)}; the running bot does the steps."

    _act("start", deployment, act)


@cli.command()
def hold(deployment: Named = "", reason: Reason = "", who: As = "") -> None:
    """Stop the clock."""

    async def act(engine: Engine, one: Deployment) -> str:
        await engine.hold(one.id, reason=_why(one, reason, "hold"), by=_operator(who))
        return f"{one.id} is on hold. A script that runs is not touched."

    _act("hold", deployment, act)


@cli.command()
def resume(deployment: Named = "", who: As = "") -> None:
    """Release a hold."""

    async def act(engine: Engine, one: Deployment) -> str:
        await engine.resume(one.id, by=_operator(who))
        return f"{one.id} goes on."

    _act("resume", deployment, act)


@cli.command()
def retry(deployment: Named = "", step: Step = "", who: As = "") -> None:
    """Do a failed step again."""

    async def act(engine: Engine, one: Deployment) -> str:
        meant = _step(one, step)
        await engine.retry(one.id, meant.key, by=_operator(who))
        return f"{one.id}: “{meant.title}” is tried again by the running bot."

    _act("retry", deployment, act)


@cli.command()
def skip(deployment: Named = "", step: Step = "", reason: Reason = "", who: As = "") -> None:
    """Leave a failed step out, with a reason."""

    async def act(engine: Engine, one: Deployment) -> str:
        meant = _step(one, step)
        await engine.skip(one.id, meant.key, reason=_why(one, reason, "skip"), by=_operator(who))
        return f"{one.id}: “{meant.title}” is skipped."

    _act("skip", deployment, act)


@cli.command()
def confirm(deployment: Named = "", step: Step = "", who: As = "") -> None:
    """Say that a step which waits for a person was done, or may be done."""

    async def act(engine: Engine, one: Deployment) -> str:
        meant = _step(one, step)
        await engine.confirm(one.id, meant.key, by=_operator(who))
        return f"{one.id}: “{meant.title}” is confirmed."

    _act("confirm", deployment, act)


@cli.command()
def cancel(deployment: Named = "", who: As = "") -> None:
    """End the script that is running: TERM, then KILL, to everything it started."""

    async def act(engine: Engine, one: Deployment) -> str:
        running = [run for run in one.runs if not run.report.over]
        if not running:
            raise Refused(f"No script of {one.id} is running.")
        await engine.cancel(one.id, running[-1].id, by=_operator(who))
        return f"{one.id}: {running[-1].title} is being ended by the running bot."

    _act("cancel", deployment, act)


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
        question = f"Roll {one.service} in {one.environment} back from {one.version} to {back}?"
        # Asked in a thread: the engine's loop goes on while a person thinks.
        if not yes and not await asyncio.to_thread(typer.confirm, question):
            return "Nothing was changed."
        after = await engine.roll_back(one.id, by=_operator(who), reason=reason)
        return f"{one.id} is {words(after.phase)}; the running bot runs the script."

    _act("rollback", deployment, act)


@cli.command()
def accept(deployment: Named = "", reason: Reason = "", who: As = "") -> None:
    """Go on in spite of what happened."""

    async def act(engine: Engine, one: Deployment) -> str:
        after = await engine.accept(one.id, reason=_why(one, reason, "accept"), by=_operator(who))
        return f"{one.id} goes on: it is {words(after.phase)}."

    _act("accept", deployment, act)


@cli.command()
def abort(deployment: Named = "", reason: Reason = "", who: As = "") -> None:
    """Call a deployment off before production has changed."""

    async def act(engine: Engine, one: Deployment) -> str:
        await engine.abort(one.id, reason=_why(one, reason, "abort"), by=_operator(who))
        return f"{one.id} is called off; the running bot undoes what was prepared."

    _act("abort", deployment, act)


# ── How they do it ───────────────────────────────────────────────────────────────────────────────────────────────────


def _operator(name: str) -> Person:
    return operator(name.strip() or getpass.getuser())


def _role(one: Deployment, role: str, command: str) -> str:
    if role.strip():
        return role.strip()
    titles = [one.seat(key).title for key in one.plan.sign_off.roles]
    raise Refused(
        f"Say for which role: python -m bot {command} {one.id} --role '{titles[0]}'. These sign: {', '.join(titles)}."
    )


def _why(one: Deployment, reason: str, command: str) -> str:
    if reason.strip():
        return reason
    raise Refused(f'Say why, it stands in the record: python -m bot {command} {one.id} -m "the supplier is down".')


def _step(one: Deployment, wanted: str) -> StepPlan:
    """The step of this key; the one that the deployment stands at, when none is named."""
    if wanted:
        named = [step for step in one.plan.steps if wanted.strip().casefold() in {step.key, step.title.casefold()}]
        if named:
            return named[0]
        raise Refused(f"{one.id} has no step “{wanted[:60]}”; python -m bot why {one.id} names the one it stands at.")
    stage = one.left or one.phase
    here = gates.current_step(one, Stage(stage.value)) if stage.value in set(Stage) else None
    if here is None or here[1] is None:
        raise Refused(f"No step of {one.id} waits for anybody.")
    return here[0]


def _item(one: Deployment, wanted: str) -> str:
    """The key of the item that has this key or title."""
    named = wanted.strip().casefold()
    items = one.plan.items
    found = next((item.key for item in items if named in {item.key.casefold(), item.title.casefold()}), "")
    if not found:
        raise Refused(f"{one.id} has no item “{wanted[:60]}”; python -m bot why {one.id} names those that are open.")
    return found


async def _meant(engine: Engine, command: str, said: str, *, over: bool = False) -> Deployment:
    """The deployment that is named, else the only one under way; else the newest, for what can be told of one that is over."""
    if said:
        return await engine.get(said)
    under_way = await engine.under_way()
    here = [one for one in under_way if one.active] or under_way
    if not here and over:
        here = await engine.store.find(limit=1)
    if not here:
        raise Refused("Nothing is under way. A deployment is opened in Slack, with /deploy start.")
    if len(here) > 1:
        names = ", ".join(f"{one.id} ({one.version} to {one.environment})" for one in here)
        raise Refused(
            f"{len(here)} deployments are under way: {names}. Say which: python -m bot {command} {here[0].id}."
        )
    return here[0]


async def _as_configured(engine: Engine, service: str) -> list[tuple[str, str, list[Seat]]]:
    """Who fills each role as the configuration names them, of one service or of all; whom nobody has met yet by their address."""

    async def person(who: str) -> Person:
        try:
            return await engine.directory.person(who)
        except Refused:
            return Person(id=who, name=who)

    around = app.Surroundings.beside_the_bot()
    return [
        (
            name,
            environment,
            [
                Seat(role=one.key, title=one.title, contact=await person(one.contact), backup=await person(one.backup))
                for one in roles
            ],
        )
        for (name, environment), roles in rosters(around.config, around.environ).items()
        if service in {"", name}
    ]


def _answer(ask: Callable[[Engine], Awaitable[Answer]]) -> None:
    async def work() -> None:
        async with app.at_the_machine(app.Surroundings.beside_the_bot()) as engine:
            typer.echo(typed((await ask(engine)).text))

    with sentences():
        asyncio.run(work())


def _about(
    command: str, deployment: str, ask: Callable[[Engine, Deployment], Awaitable[Answer]], *, over: bool = False
) -> None:
    async def both(engine: Engine) -> Answer:
        return await ask(engine, await _meant(engine, command, deployment, over=over))

    _answer(both)


def _act(command: str, deployment: str, act: Callable[[Engine, Deployment], Awaitable[str]]) -> None:
    async def both(engine: Engine) -> Answer:
        return answers.said(await act(engine, await _meant(engine, command, deployment)))

    _answer(both)
