"""What has to fit together: the fields of an element, the blocks of a message or a view?"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sandbox import blocks as table
from sandbox.inside import block_text, elements_of, every_block, options_of
from sandbox.issue import Issue, too_long, too_many
from sandbox.spelled import NUMBER


def element_issues(element: dict[str, Any], pointer: str) -> Iterator[Issue]:
    """What does not fit within one element."""
    yield from _chosen_at_first(element, pointer)
    yield from _most_chosen(element, pointer)
    if element.get("type") == "plain_text_input":
        yield from _lengths(element, pointer)
    if element.get("type") == "number_input":
        yield from _numbers(element, pointer)


def _chosen_at_first(element: dict[str, Any], pointer: str) -> Iterator[Issue]:
    """What is chosen at first is exactly one of the options, and none of them twice."""
    several = element.get("initial_options")
    picks = [
        (pick, f"{pointer}/initial_options/{number}")
        for number, pick in enumerate(several if isinstance(several, list) else [])
    ]
    if element.get("initial_option") is not None:
        picks.append((element["initial_option"], f"{pointer}/initial_option"))
    offered = [_as_compared(option) for option in options_of(element)]
    seen: list[Any] = []
    for pick, where in picks:
        told = _as_compared(pick)
        if offered and told not in offered:
            yield Issue(message="must exactly match one of the options", pointer=where, constraint="enum")
        if told in seen:
            yield Issue(message="must not be chosen twice", pointer=where, constraint="unique")
        seen.append(told)


def _as_compared(option: Any) -> str:
    """An option in one spelling: what is left out is what Slack fills in, emoji that are drawn and text that is parsed."""

    def plain(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        filled = {"plain_text": ("emoji", True), "mrkdwn": ("verbatim", False)}.get(str(value.get("type")))
        return {
            key: plain(held)
            for key, held in value.items()
            if held is not None and not (filled is not None and (key, held) == filled)
        }

    return json.dumps(plain(option), sort_keys=True)


def _most_chosen(element: dict[str, Any], pointer: str) -> Iterator[Issue]:
    most = element.get("max_selected_items")
    for key, chosen in element.items():
        if key.startswith("initial_") and isinstance(chosen, list) and isinstance(most, int) and len(chosen) > most:
            yield too_many(most, f"{pointer}/{key}")


def _lengths(element: dict[str, Any], pointer: str) -> Iterator[Issue]:
    low, high, first = element.get("min_length"), element.get("max_length"), element.get("initial_value")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield Issue(message="min_length must not exceed max_length", pointer=f"{pointer}/min_length")
    if isinstance(first, str) and isinstance(high, int) and len(first) > high:
        yield too_long(high, f"{pointer}/initial_value")
    if isinstance(first, str) and first and isinstance(low, int) and len(first) < low:
        yield Issue(
            message=f"must be more than {low - 1} characters",
            pointer=f"{pointer}/initial_value",
            constraint="min_length",
            expected=low,
        )


def _numbers(element: dict[str, Any], pointer: str) -> Iterator[Issue]:
    keys = ("min_value", "initial_value", "max_value")
    known = {key: Decimal(str(element[key])) for key in keys if NUMBER.fullmatch(str(element.get(key)))}
    for low, high in (("min_value", "max_value"), ("min_value", "initial_value"), ("initial_value", "max_value")):
        if low in known and high in known and known[low] > known[high]:
            yield Issue(message=f"{low} must not exceed {high}", pointer=f"{pointer}/{low}")
    if element.get("is_decimal_allowed") is False:
        for key in known:
            if "." in str(element[key]):
                yield Issue(message="must be a whole number", pointer=f"{pointer}/{key}")


Placed = list[tuple[dict[str, Any], str]]


def block_issues(blocks: list[Any], pointer: str) -> Iterator[Issue]:
    """What does not fit among all blocks of a message or a view, the inner ones included."""
    yield from placed_issues(list(every_block(blocks, pointer)), pointer)


def placed_issues(placed: Placed, pointer: str) -> Iterator[Issue]:
    """The same of blocks and where they stand; what they are together is told of `pointer`."""
    ids: set[str] = set()
    focused = False
    for block, here in placed:
        yield from _once(block.get("block_id"), "block_id", ids, here)
        actions: set[str] = set()
        for element, where in elements_of(block, here):
            yield from _once(element.get("action_id"), "action_id", actions, where)
            if element.get("focus_on_load") is True and focused:
                yield Issue(message="only one element can have focus_on_load", pointer=f"{where}/focus_on_load")
            focused = focused or element.get("focus_on_load") is True
    yield from _totals(placed, pointer)


def _once(name: Any, what: str, seen: set[str], pointer: str) -> Iterator[Issue]:
    if isinstance(name, str):
        if name in seen:
            yield Issue(message=f'{what} "{name}" already exists', pointer=f"{pointer}/{what}")
        seen.add(name)


def _totals(placed: Placed, pointer: str) -> Iterator[Issue]:
    kinds = [str(block.get("type")) for block, _ in placed]
    markdown = sum(len(str(block.get("text", ""))) for block, _ in placed if block.get("type") == "markdown")
    if markdown > table.MOST_MARKDOWN:
        yield too_long(table.MOST_MARKDOWN, pointer)
    for kind, most in (("table", table.MOST_TABLES), ("data_visualization", table.MOST_CHARTS)):
        if kinds.count(kind) > most:
            yield too_many(most, pointer, f"{kind} blocks")
    for block, here in placed:
        most = table.MOST_TABLE_TEXT.get(str(block.get("type")))
        if most is not None and block_text([block]) > most:
            yield too_long(most, f"{here}/rows")
