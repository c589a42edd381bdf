"""Which metrics does a query look at?"""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|(?P<comment>\#[^\n]*)|(?P<number>\d[\w.:]*)"""
    r"""|(?P<name>[A-Za-z_:][\w:]*)|(?P<sign>[^\sA-Za-z_:\d"'`\#])"""
)
#: After these comes a list of labels in brackets.
_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = _LISTS | {"and", "or", "unless", "atan2", "bool", "offset", "inf", "nan", "start", "end"}
#: Prometheus makes these up while alerts fire; without an alert there are none.
_MADE_UP = {"ALERTS", "ALERTS_FOR_STATE"}


def names_in(query: str) -> list[str]:
    """Every metric by its name, in order; functions, operators, labels and texts are none."""
    return list(dict.fromkeys(name for name in _names(query) if name not in _MADE_UP))


def _names(query: str) -> Iterator[str]:
    tokens = [(match.lastgroup, match[0]) for match in _TOKEN.finditer(query) if match.lastgroup != "comment"]
    braces = listed = 0
    for at, (kind, word) in enumerate(tokens):
        after = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if word == "{":
            braces += 1
        elif word == "}":
            braces -= 1
        elif braces and word == "__name__" and after == "=" and tokens[at + 2 : at + 3]:
            # `=~` is two signs, so what follows a lone `=` is the name itself.
            if tokens[at + 2][0] == "text":
                yield tokens[at + 2][1][1:-1]
        elif listed:
            listed = listed - 1 if word == ")" else listed
        elif kind == "name" and word.lower() in _LISTS and after == "(":
            listed = 1
        elif kind == "name" and not braces and word.lower() not in _WORDS and not _applied(tokens, at, after):
            yield word


def _applied(tokens: list[tuple[str | None, str]], at: int, after: str) -> bool:
    """A function or an aggregation: `rate(`, `sum by (`."""
    return after == "(" or after.lower() in {"by", "without"} or (at > 0 and tokens[at - 1][1] == "@")
