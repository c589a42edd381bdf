"""How is somebody at a terminal answered, in the words that were written for Slack?"""

import contextlib
import html
import re
from collections.abc import Generator
from typing import Any

import typer
from slack_sdk.errors import SlackApiError
from typer.core import TyperGroup

from bot.errors import TMinusError
from bot.text import LOOK_ALIKE, nearest_word

_TOKEN = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?:[^|>]*)\|([^>]*)>")
_MENTION = re.compile(r"<[@#!]([^|>]*)(?:\|([^>]*))?>")
#: What a sentence written for Slack says to type, and a terminal has under the same name and without words after it.
_SAME = re.compile(r"/deploy (abort|contacts|history|record|resume|rollback|status|why)\b")
#: What stands in place of a sign of Slack's formatting is the sign again.
_SIGNS = str.maketrans({shown: sign for sign, shown in LOOK_ALIKE.items()})
#: An address is kept as it is: what looks like a mark in it is a part of it.
_MARKS = re.compile(
    r"https?://\S+"
    r"|(?<![\w*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<![\w_])_([^\s_](?:[^_\n]*[^\s_])?)_(?![\w_])"
    r"|`([^`\n]+)`"
)


def plain(text: str) -> str:
    """Date tokens as UTC, links as text and address, marks taken off."""
    text = _TOKEN.sub(r"\1", text)
    text = _LINK.sub(r"\2 (\1)", text)
    text = _MENTION.sub(lambda match: match[2] or match[1], text)
    text = _MARKS.sub(lambda match: match[1] or match[2] or match[3] or match[0], text)
    return html.unescape(text).translate(_SIGNS)


def typed(text: str) -> str:
    """The same, and what to type is what can be typed here."""
    return _SAME.sub(r"python -m bot \1", plain(text))


class Commands(TyperGroup):
    """A group of commands that answers a word it does not know as `/deploy` does."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        word = args[0]
        if word.startswith("-") or self.get_command(ctx, word) is not None or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        near = nearest_word(word, [*self.commands, "--help"])
        hint = f"Did you mean {near}? " if near else ""
        typer.echo(f"I do not know “{word[:40]}”. {hint}{ctx.command_path} --help lists what I do.", err=True)
        raise typer.Exit(2)


@contextlib.contextmanager
def sentences() -> Generator[None]:
    """What a person can do something about is a sentence on the error stream, and exit code 2."""
    try:
        yield
    except TMinusError as problem:
        typer.echo(typed(str(problem)), err=True)
        raise typer.Exit(2) from problem
    except SlackApiError as problem:
        code = problem.response.get("error") or "no reason given"
        typer.echo(f"Slack refused ({code}); python -m bot doctor says what to do about it.", err=True)
        raise typer.Exit(2) from problem
