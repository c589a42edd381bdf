"""What does a check measure, and how is it written in app.yaml? For somebody at a terminal, or who asks why in Slack."""

from collections.abc import Iterable, Iterator
from typing import Any

from bot import check
from bot.check import Plugin
from bot.config.mistakes import offer
from bot.errors import Refused
from bot.plan import CheckPlan


def explained(name: str) -> str:
    """A plugin's question, parameters, values and rules."""
    known = check.plugins()
    if name not in known:
        raise Refused(f"There is no check called {name}; {offer(name, known)}.")
    return "\n".join(_lines(known[name]))


def of(plans: Iterable[CheckPlan]) -> list[str]:
    """The same for whatever these are measured by, each once; what is read from the record is no plugin."""
    known = check.plugins()
    return ["\n".join(_lines(known[name])) for name in dict.fromkeys(one.uses for one in plans) if name in known]


def _lines(plugin: Plugin) -> Iterator[str]:
    yield f"{plugin.name}: {plugin.question}"
    yield from ("", plugin.doc)
    if plugin.intrusive:
        yield from (
            "",
            "It loads what it measures, so it is measured by itself, once, and only in the environments that `allow_on` names.",
        )
    yield from ("", f"Why it matters: {plugin.why}", "", f"When it fails: {plugin.fix}")
    yield from ("", "with:")
    yield from _table((key, _parameter(field)) for key, field in plugin.params.model_fields.items())
    yield from (
        "",
        "Values that a rule can name (durations in seconds, sizes in bytes, shares of one; a rule may write 21d, 5MB, 5%):",
    )
    yield from _table(plugin.values.items())
    for title, rules in (("require", plugin.require), ("pass", plugin.pass_), ("warn", plugin.warn)):
        if rules:
            yield from ("", f"{title}, unless app.yaml says otherwise:")
            yield from (f"  {rule}" for rule in rules)


def _parameter(field: Any) -> str:
    told = field.description or ""
    if field.is_required():
        return f"{told} (needed)".strip()
    default = field.get_default(call_default_factory=True)
    return told if default in (None, "", (), [], {}) else f"{told} (default {default})".strip()


def _table(rows: Any) -> Iterator[str]:
    listed = list(rows)
    width = max((len(key) for key, _ in listed), default=0)
    yield from (f"  {key:{width}}  {told}".rstrip() for key, told in listed)
