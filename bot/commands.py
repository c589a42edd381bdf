"""The commands of the program: run it, connect it, look after it, and carry on when Slack is down."""

import asyncio
import json
import logging
from typing import Annotated

import typer

from bot import __version__, app, checks_cli, machine, manifest, outage
from bot.config import schema as described
from bot.doctor import doctor as look_at_everything
from bot.logs import set_up
from bot.terminal import Commands, sentences
from bot.web import address

cli = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="T-Minus, a deployment director that lives in Slack.",
)


@cli.command()
def run(
    http: Annotated[str, typer.Option(help="HOST:PORT for signed HTTP requests. Empty: Socket Mode.")] = "",
    *,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log more.")] = False,
) -> None:
    """Run the bot. Tokens come from the environment, the configuration from app.yaml."""
    set_up(logging.DEBUG if verbose else logging.INFO)
    with sentences():
        if http:
            # Said at once, and not only when everything else stands.
            address(http)
        asyncio.run(app.run(app.Surroundings.of(), http=http))


@cli.command(name="manifest")
def print_manifest(
    http: Annotated[
        str, typer.Option(help="The public URL for HTTP mode, as in https://bot.example.com. Empty: Socket Mode.")
    ] = "",
) -> None:
    """Print the Slack app manifest. Paste it at api.slack.com/apps, Create New App, From a manifest."""
    with sentences():
        print(json.dumps(manifest.manifest(http), indent=2))


@cli.command()
def check_config(
    *,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema for editors instead.")] = False,
) -> None:
    """Read app.yaml and the services, and tell every mistake with its file, line and key."""
    if schema:
        print(json.dumps(described(), indent=2, ensure_ascii=False))
        return
    with sentences():
        print(app.load_settings(app.Surroundings.of()).describe())


@cli.command()
def doctor(
    *,
    http: Annotated[bool, typer.Option("--http", help="For a bot that runs with --http, not in Socket Mode.")] = False,
) -> None:
    """Look at tokens, scopes, channels, roster, scripts, database and clock, and say what to do about each."""
    with sentences():
        good = asyncio.run(look_at_everything(app.Surroundings.of(), print, http=http))
    raise typer.Exit(0 if good else 1)


@cli.command()
def diagram() -> None:
    """Print the journey of a deployment as a mermaid diagram, as it stands in the README."""
    print(machine.diagram(), end="")


@cli.command()
def version() -> None:
    """Print the version."""
    print(__version__)


cli.add_typer(checks_cli.cli)
cli.add_typer(outage.cli)
