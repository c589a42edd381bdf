"""Which commands measure, explain and judge again at a terminal and in a pipeline, without Slack?"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Generator, Mapping
from typing import Annotated, TextIO

import typer

from bot import app, check, checks_run
from bot.aside import aside
from bot.checks_formats import EXIT_CODES, FORMATS, Outcome, line
from bot.config.mistakes import offer
from bot.errors import Refused, TMinusError
from bot.explained import explained
from bot.model import Finding, Verdict
from bot.plan import CheckPlan
from bot.plugins import load_plugins
from bot.rejudged import Judged, rejudged
from bot.terminal import Commands, sentences, typed

cli = typer.Typer()
checks = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="What can be measured: run it without Slack, list it, and have it explained.",
)
cli.add_typer(checks, name="checks")

#: How often somebody who waits is told what is still under way.
_TELL_S = 10.0


@checks.command(name="list")
def list_checks() -> None:
    """Every check that `uses` in app.yaml can name, and the question that it answers."""
    with sentences():
        load_plugins(app.Surroundings.of().config)
    for name, plugin in check.plugins().items():
        typer.echo(f"{name:12} {plugin.question}")


@checks.command()
def explain(name: Annotated[str, typer.Argument(help="The check, such as tls.")]) -> None:
    """One check: its parameters, what it measures, its rules, why it matters, and what to do when it fails."""
    with sentences():
        load_plugins(app.Surroundings.of().config)
        typer.echo(explained(name))


@checks.command(name="run")
def run_checks(
    service: Annotated[str, typer.Option(help="The service. Empty: the only one.")] = "",
    environment: Annotated[str, typer.Option(help="The environment. Empty: the first one.")] = "",
    only: Annotated[
        list[str] | None, typer.Option(help="A check, or the line that it measures; may be given several times.")
    ] = None,
    version: Annotated[str, typer.Option(help="What ${version} stands for.")] = "",
    commit: Annotated[
        str, typer.Option(help="What ${commit} stands for. Empty: the version's, if the repository has its tag.")
    ] = "",
    previous: Annotated[str, typer.Option(help="What ${previous} stands for.")] = "",
    written: Annotated[str, typer.Option("--format", help=f"How to print it: {', '.join(FORMATS)}.")] = "text",
) -> None:
    """Measure what a service is held to, now. Exit code: 0 pass, 1 warn, 2 fail, 3 unknown; the worst decides."""
    with _unknown(), aside() as output:
        if written not in FORMATS:
            raise Refused(f"There is no format {written}; {offer(written, FORMATS)}.")
        around = app.Surroundings.of()
        settings = app.load_settings(around)
        plan = checks_run.meant(settings, service, environment)
        names = [one for said in only or () for one in said.split(",") if one.strip()]
        plans = checks_run.chosen(plan, names)
        facts = asyncio.run(checks_run.facts(plan, settings.folder, version=version, commit=commit, previous=previous))
        outcome = asyncio.run(_measured(around, plans, facts, output if written == "text" else sys.stderr))
        typer.echo(FORMATS[written](outcome), file=output)
    raise typer.Exit(EXIT_CODES[outcome.worst])


@contextlib.contextmanager
def _unknown() -> Generator[None]:
    """A mistake is a sentence, and exit code 3: 2 would say that something was measured and failed."""
    try:
        yield
    except TMinusError as problem:
        typer.echo(typed(str(problem)), err=True)
        raise typer.Exit(EXIT_CODES[Verdict.UNKNOWN]) from problem


async def _measured(
    around: app.Surroundings, plans: Mapping[str, CheckPlan], facts: Mapping[str, str], aloud: TextIO
) -> Outcome:
    """`aloud`: where results go as they come. They are what is asked for as text, and else progress."""
    begun = time.monotonic()
    found: dict[str, Finding] = {}
    width = max(map(len, plans))
    telling = asyncio.create_task(_tell(plans, found))
    try:
        async with (
            checks_run.clock(around) as clock,
            contextlib.aclosing(checks_run.measured(plans, facts, around.environ, clock)) as findings,
        ):
            async for one in findings:
                found[one.check] = one
                _erase()
                typer.echo(line(one, width), file=aloud)
    finally:
        telling.cancel()
        _erase()
    return Outcome(
        service=facts["service"],
        environment=facts["environment"],
        plans=plans,
        findings=[found[name] for name in plans],
        seconds=time.monotonic() - begun,
    )


async def _tell(plans: Mapping[str, CheckPlan], found: Mapping[str, Finding]) -> None:
    """On the error stream: a line that is rewritten where somebody looks, now and then one where it is kept."""
    watched = sys.stderr.isatty()
    while True:
        if watched or found:
            left = [name for name in plans if name not in found]
            words = f"{len(found)} of {len(plans)} measured; under way: {', '.join(left)}"
            columns = os.get_terminal_size(sys.stderr.fileno()).columns - 1 if watched else len(words)
            typer.echo(f"\r\033[K{words[:columns]}" if watched else words, nl=not watched, err=True)
        await asyncio.sleep(0.5 if watched else _TELL_S)


def _erase() -> None:
    if sys.stderr.isatty():
        typer.echo("\r\033[K", nl=False, err=True)


@cli.command()
def rejudge(
    deployment: Annotated[str, typer.Argument(help="The deployment, such as checkout-12.")],
) -> None:
    """Work every verdict of a deployment out again, from what is stored and the configuration that it pinned."""

    async def look() -> list[Judged]:
        async with app.at_the_machine(app.Surroundings.beside_the_bot()) as engine:
            return rejudged(await engine.get(deployment))

    with sentences():
        judged = asyncio.run(look())
    width = max((len(one.check) for one in judged), default=0)
    for one in judged:
        typer.echo(f"{one.now or '-':8} {one.check:{width}}  {one.told}")
    differing = sum(one.differs for one in judged)
    typer.echo(
        f"{deployment}: {len(judged)} verdicts worked out again, {differing or 'none'} differ{'s' * (differing == 1)}."
    )
    raise typer.Exit(1 if differing else 0)
