"""Which kinds of lines are in the log only since this version runs?"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, Field, field_validator

from bot.check import Context, check
from bot.errors import Cannot
from bot.model import Measured, Row, Value
from bot.text import clip, plural
from checks.documents import found
from checks.spoken import spoken

#: More of a log than this is not read; what is left out is the oldest.
_LARGEST = 100_000_000
_SHOWN, _SAMPLE, _IN_SHORT = 50, 200, 100
#: What differs from line to line of one kind, the longer forms first.
_MASKS = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+([.,:]\d+)*"), "<n>"),
)


class Params(BaseModel, extra="forbid"):
    """Which logs, and where in them this version begins."""

    files: list[str] = Field(min_length=1, description="The logs, one for each member; patterns are allowed.")
    mark: str = Field(
        description="What stands in the first line that this version writes, such as `serving, version ${version}`. "
        "The lines before it are what is usual."
    )
    errors: str = Field(
        default=r"(?i)\b(error|critical|fatal|panic|traceback)\b",
        description="By what a line shows that it is an error.",
    )
    known: list[str] = Field(default=[], description="What may be new: lines with one of these words are passed over.")

    @field_validator("errors")
    @classmethod
    def _is_one(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern


@dataclass(kw_only=True)
class Kinds:
    """The kinds of lines on both sides of the mark."""

    before: set[str] = field(default_factory=set)
    after: Counter[str] = field(default_factory=Counter)
    sample: dict[str, str] = field(default_factory=dict)
    lines: int = 0
    earlier: int = 0


@check(
    "anomalies",
    values={
        "lines": "how many lines were written since this version runs",
        "earlier": "how many lines there are from before, to know what is usual by",
        "kinds": "how many kinds of lines there are since; numbers, ids and times make no kind of their own",
        "new": "how many of those kinds were not there before",
        "new_errors": "how many of the new kinds are errors",
    },
    require=["lines >= 1", "earlier >= 1"],
    pass_=["new_errors == 0"],
)
async def anomalies(params: Params, ctx: Context) -> Measured:  # noqa: ARG001 - every check has the same signature
    """Take the numbers, ids and times out of each line, and list the kinds of lines that this version was the first to write.

    A new kind is no mistake; somebody looks through the list, and new errors fail it.

    Why: A new kind of message in the log is often the first sign of what breaks next week.
    Fix: The evidence has one line of each new kind; look for where it is written, and repair what it complains about.
    """
    return _measured(await asyncio.to_thread(_read, params), params)


def _read(params: Params) -> Kinds:
    kinds = Kinds()
    begun: list[bool] = []
    for path in found(params.files):
        seen = False
        for line in _lines(Path(path)):
            seen = seen or params.mark in line
            kind = _kind(line)
            if not seen:
                kinds.before.add(kind)
                kinds.earlier += 1
            else:
                kinds.after[kind] += 1
                kinds.sample.setdefault(kind, line)
                kinds.lines += 1
        begun.append(seen)
    if not any(begun):
        raise Cannot(f"'{params.mark}' stands in none of the logs, so this version does not seem to have begun.")
    return kinds


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LARGEST))
            for line in file:
                if text := line.decode("utf-8", "replace").strip():
                    yield text
    except OSError as error:
        raise Cannot(f"The log {path.name} could not be read: {error.strerror}.") from error


def _kind(line: str) -> str:
    for pattern, word in _MASKS:
        line = pattern.sub(word, line)
    return line


def _measured(kinds: Kinds, params: Params) -> Measured:
    new = [kind for kind in kinds.after if kind not in kinds.before and not _any(params.known, kinds.sample[kind])]
    errors = [kind for kind in new if re.search(params.errors, kinds.sample[kind])]
    values: dict[str, Value] = {
        "lines": kinds.lines,
        "earlier": kinds.earlier,
        "kinds": len(kinds.after),
        "new": len(new),
        "new_errors": len(errors),
    }
    shown = sorted(new, key=lambda kind: (kind not in errors, -kinds.after[kind]))
    told = f"{len(new)} new of {len(kinds.after)} kinds in {kinds.lines:,} lines"
    first = f"; “{clip(spoken(kinds.sample[shown[0]]), _IN_SHORT)}”, {_times(kinds.after[shown[0]])}" if shown else ""
    return Measured(
        values=values,
        rows=tuple(
            Row(
                subject=clip(spoken(kinds.sample[kind]), _SAMPLE),
                values={"times": kinds.after[kind]},
                note=("a new error, " if kind in errors else "") + _times(kinds.after[kind]),
            )
            for kind in shown[:_SHOWN]
        ),
        summary=(f"{plural(len(errors), 'new kind')} of errors, " if errors else "") + told + first,
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _any(words: Iterable[str], line: str) -> bool:
    return any(word in line for word in words)
