"""What in the documents is written by the code? `python -m tests.generated` writes it anew; tests/test_docs.py compares."""

import ast
import re
import tomllib
from pathlib import Path

import typer

from bot.commands import cli
from bot.machine import diagram
from bot.views.answers import COMMANDS

ROOT = Path(__file__).parents[1]


def journey() -> str:
    return f"```mermaid\n{diagram()}```\n"


def slack() -> str:
    """Each word after /deploy."""
    rows = ["| type | and it does |", "| --- | --- |"]
    for one in COMMANDS:
        typed = " ".join(part for part in ("/deploy", one.word, one.arguments) if part).replace("|", "\\|")
        rows.append(f"| `{typed}` | {one.says} |")
    return "\n".join(rows) + "\n"


def program() -> str:
    """Each command of the program, its arguments and options, and its help."""
    rows = ["| type | and it does | options |", "| --- | --- | --- |"]
    for words, command in commands():
        arguments = [
            f"[{one.name}]" if not one.required else str(one.name).upper()
            for one in command.params
            if one.param_type_name == "argument"
        ]
        options = [f"`{max(one.opts, key=len)}`" for one in command.params if one.param_type_name == "option"]
        said = " ".join((command.help or "").split()).replace("|", "\\|")
        rows.append(f"| `{' '.join([words, *arguments])}` | {said} | {', '.join(options) or '–'} |")
    return "\n".join(rows) + "\n"


def commands(group=None, before: str = ""):
    """Every command with the words that call it: `checks explain`."""
    for name, command in (group or typer.main.get_command(cli)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield before + name, command


def rooms() -> str:
    """Each room of bot/ with its question, from the outside in: as the import contract orders them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    order = [name.strip().removeprefix("bot.") for layer in layers for name in layer.split("|")]
    there = [one for one in (ROOT / "bot").iterdir() if one.suffix == ".py" or (one / "__init__.py").exists()]
    rows = ["| room | question |", "| --- | --- |"]
    for one in sorted(there, key=lambda one: (_depth(one, order), one.stem)):
        if one.name == "__init__.py":
            continue
        doc = ast.get_docstring(ast.parse((one / "__init__.py" if one.is_dir() else one).read_text(encoding="utf-8")))
        question = re.match(r".*?[.?](?=\s|$)", " ".join((doc or "").split()))
        rows.append(f"| `bot/{one.name}{'/' if one.is_dir() else ''}` | {question[0] if question else ''} |")
    return "\n".join(rows) + "\n"


def _depth(room: Path, order: list[str]) -> float:
    """Where the contract puts it. What it does not name is a command's if it imports bot.app, and else what adapters share."""
    if room.stem in order:
        return order.index(room.stem)
    source = room.read_text(encoding="utf-8") if room.is_file() else ""
    commands = re.search(r"^from bot import .*\b(app|checks_run|outage)\b", source, re.MULTILINE)
    return 0.5 if commands else order.index("net") - 0.5


PARTS = {
    ("README.md", "journey"): journey,
    ("docs/commands.md", "slack"): slack,
    ("docs/commands.md", "program"): program,
    ("CONTRIBUTING.md", "rooms"): rooms,
}


def between(page: str, name: str) -> re.Match[str]:
    """What stands on a page between two markers."""
    found = re.search(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->\n)", page, re.DOTALL)
    assert found is not None, f"the markers of {name} are gone"
    return found


def write() -> None:
    for (name, part), make in PARTS.items():
        path = ROOT / name
        page = path.read_text(encoding="utf-8")
        found = between(page, part)
        path.write_text(page[: found.start(2)] + make() + page[found.end(2) :], encoding="utf-8")


if __name__ == "__main__":
    write()
