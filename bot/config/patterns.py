"""Is this a pattern, and is it soon known whether a text matches it?"""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from bot.decide.parameters import MOST

#: Python looks into an expression only here.
_PARSER: Any = import_module("re._parser")
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
#: So many ways of cutting a text into repetitions are tried within moments.
_TRIED_SOON = 50_000


def mistake(pattern: str) -> str:
    """What is wrong with it; empty when nothing is."""
    try:
        re.compile(pattern)
        ways = _ways(_PARSER.parse(pattern))
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}"
    if ways <= _TRIED_SOON:
        return ""
    return (
        "repeats what itself repeats, and a text that nearly matches would be tried in so many ways that the bot "
        "stands still; repeat a set of characters, as in [a-z-]+, or write [a-z]++ inside, which gives nothing back"
    )


def _ways(expression: Any) -> int:
    """In how many ways a text can be cut by the deepest of what repeats; no more is counted than is too many."""
    most = 1
    for name, what in expression:
        ways = max(map(_ways, _parts(what)), default=1)
        # What gives nothing back is tried in one way only.
        settled = str(name) == "POSSESSIVE_REPEAT" and ways == 1
        if str(name) in _REPEATS and what[1] > 1 and not settled:
            times = min(int(what[1]), MOST)
            ways = ways**times * max(times - int(what[0]) + 1, 1)
        most = max(most, min(ways, _TRIED_SOON + 1))
    return most


def _parts(what: Any) -> Iterator[Any]:
    """The expressions within one part of an expression."""
    if isinstance(what, _PARSER.SubPattern):
        yield what
    elif isinstance(what, list | tuple):
        for one in what:  # pyright: ignore[reportUnknownVariableType]
            yield from _parts(one)
