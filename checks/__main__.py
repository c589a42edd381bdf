"""Which checks are there, and what does each take, measure and pass by default? `python -m checks` prints docs/checks.md."""

import types
import typing
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.check import VARIABLES, Plugin, plugins
from checks.lines import table
from checks.reach import Reach
from checks.units import DURATION, written

HEAD = f"""# The checks

Written by `python -m checks` from the code; a test keeps it so. How rules are read and judged: `configuration.md`.

A value that could not be measured is unknown, and so is the check; it blocks like a fail. Values are in seconds, bytes,
shares of one (`5%` is 0.05), counts, words and truth values. `{{env: NAME}}` and `{{file: PATH}}` stand for secrets, which are read
when they are needed and hidden in whatever is kept. In every word of `with` and of a rule these are replaced:
{", ".join(f"`${{{name}}}`" for name in VARIABLES)}.
"""


def page() -> str:
    """The whole reference, in Markdown."""
    chapters = (line for plugin in plugins().values() for line in _chapter(plugin))
    return "\n".join([HEAD, table(), *chapters]).rstrip() + "\n"


def _chapter(plugin: Plugin) -> Iterator[str]:
    yield f"## `{plugin.name}`: {plugin.question}"
    yield ""
    yield plugin.doc
    yield ""
    yield f"- Why: {plugin.why}"
    yield f"- Fix: {plugin.fix}"
    if plugin.intrusive:
        yield "- Measured by itself, not beside other checks, once, and only in the environments that `allow_on` names."
    yield ""
    yield "| `with` | | |"
    yield "| --- | --- | --- |"
    # What is special about a check comes before what all over HTTP have.
    for name, field in sorted(plugin.params.model_fields.items(), key=lambda one: one[0] in Reach.model_fields):
        yield f"| `{name}` | {_kind(field)} | {_cell(field.description or '')} |"
    yield ""
    yield "| measures | |"
    yield "| --- | --- |"
    for name, meaning in plugin.values.items():
        yield f"| `{name}` | {_cell(meaning)} |"
    yield ""
    for ladder, rules in (("require", plugin.require), ("pass", plugin.pass_), ("warn", plugin.warn)):
        if rules:
            yield f"- `{ladder}`: {', '.join(f'`{rule}`' for rule in rules)}"
    yield ""


def _kind(field: FieldInfo) -> str:
    if DURATION in field.metadata:
        return "duration, needed" if field.is_required() else f"duration, {written(field.default)}"
    if field.is_required():
        return f"{_word(field.annotation)}, needed"
    default = field.get_default(call_default_factory=True)
    return _word(field.annotation) if default in ("", None, [], {}) else f"{_word(field.annotation)}, {default!r}"


def _word(kind: object) -> str:
    """A type as people say it."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _word(inner[0])
    if origin is list:
        return f"list of {_word(inner[0])}s"
    if origin is dict:
        return f"{_word(inner[1])}s by {_word(inner[0])}"
    if origin is typing.Literal:
        return " or ".join(map(str, inner))
    if origin is types.UnionType:
        return " or ".join(_word(one) for one in inner if one is not type(None))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"`{', '.join(kind.model_fields)}`"
    return {str: "word", int: "number", float: "number", bool: "yes or no"}.get(typing.cast("type", kind), str(kind))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
