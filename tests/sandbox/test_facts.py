"""Every row of what is known of Slack's limits, once: an accepted and a refused example of each, made from this one table.

A row names the thing and its bound; how an example of a given size looks is said beside it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox import blocks as table
from sandbox.blocks import HOME, MESSAGE, MODAL
from sandbox.validation import check_blocks, check_shape, check_view
from tests.sandbox.conftest import Person
from tests.sandbox.examples import holding, sized, smallest

Make = Callable[[int], Any]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One bound of one thing; `low` and `high` are accepted, one less and one more are refused."""

    thing: str
    high: int
    refused: Callable[[Any], list[Any]]
    made: Make
    low: int | None = None


def field(shape: str, name: str, high: int, low: int | None = None) -> Limit:
    kind = table.SHAPES[shape].fields[name]
    return Limit(
        thing=f"{shape}.{name}",
        high=high,
        low=low,
        made=lambda size: holding(shape, name, sized(kind, size)),
        refused=lambda example: check_shape(example, shape),
    )


def surface(name: str, high: int) -> Limit:
    return Limit(
        thing=f"blocks in a {name}",
        high=high,
        made=lambda size: [{"type": "divider"}] * size,
        refused=lambda blocks: check_blocks(blocks, name),
    )


def within(thing: str, high: int, made: Make, low: int | None = None) -> Limit:
    """A bound on a message as a whole."""
    return Limit(thing=thing, high=high, low=low, made=made, refused=lambda blocks: check_blocks(blocks, MESSAGE))


def modal(name: str, high: int) -> Limit:
    def made(size: int) -> dict[str, Any]:
        words = {"type": "plain_text", "text": "x" * size}
        return {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []} | {name: words}

    return Limit(thing=f"modal.{name}", high=high, made=made, refused=check_view)


def home(name: str, high: int) -> Limit:
    return Limit(
        thing=f"view.{name}",
        high=high,
        made=lambda size: {"type": "home", "blocks": [], name: "x" * size},
        refused=check_view,
    )


def option(number: int) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": f"o{number}"}, "value": f"v{number}"}


def chosen(size: int) -> dict[str, Any]:
    """Boxes of which so many are ticked at first."""
    return smallest("element/checkboxes") | {
        "options": [option(n) for n in range(10)],
        "initial_options": [option(n) for n in range(size)],
    }


def rows(kind: str, length: int) -> Make:
    """A table that holds so many characters in cells of `length`, the last one shorter."""

    def made(size: int) -> list[dict[str, Any]]:
        sizes = [length] * (size // length) + ([size % length] if size % length else [])
        cells = [[{"type": "raw_text", "text": "x" * each}] for each in sizes]
        return [smallest(f"block/{kind}") | {"rows": cells}]

    return made


def grid(kind: str) -> Make:
    """A table of so many columns."""
    return lambda size: [smallest(f"block/{kind}") | {"rows": [[{"type": "raw_text", "text": "x"}] * size] * 2}]


def chart(key: str) -> Make:
    """A chart with so many series, segments or points, as `key` says; or with a label so long."""
    points = {"series": 3, "point": 3}

    def made(size: int) -> list[dict[str, Any]]:
        block = smallest("block/data_visualization")
        if key in ("segment", "segment label"):
            count = size if key == "segment" else 1
            label = "x" * (size if key == "segment label" else 3)
            block["chart"] = {"type": "pie", "segments": [{"label": label, "value": 1}] * count}
            return [block]
        count = size if key == "point" else points["series"]
        days = [f"d{n}" for n in range(count)]
        one = {"name": "s", "data": [{"label": day, "value": 1} for day in days]}
        block["chart"] = {
            "type": "line", "series": [one] * (size if key == "series" else 1), "axis_config": {"categories": days},
        }  # fmt: skip
        return [block]

    return made


def several(kind: str) -> Make:
    return lambda size: [smallest(f"block/{kind}")] * size


def long_markdown(size: int) -> list[dict[str, Any]]:
    """Two blocks that hold so much together."""
    return [{"type": "markdown", "text": "x" * (size // 2)}, {"type": "markdown", "text": "x" * (size - size // 2)}]


# The row of slack-facts.md, part A1, and every bound that it names.
ROWS: dict[str, tuple[Limit, ...]] = {
    "blocks per message / modal / Home": (surface(MESSAGE, 50), surface(MODAL, 100), surface(HOME, 100)),
    "markdown block": (
        field("block/markdown", "text", 12_000, 1),
        within("all markdown of a message", 12_000, long_markdown),
    ),
    "text object": (field("text/plain_text", "text", 3000, 1), field("text/mrkdwn", "text", 3000, 1)),
    "section": (
        field("block/section", "text", 3000, 1), field("block/section", "fields", 10, 1),
        Limit(
            thing="a field's text", high=2000, low=1,
            made=lambda size: [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * size}]}],
            refused=lambda blocks: check_blocks(blocks, MESSAGE),
        ),
    ),
    "header": (field("block/header", "text", 150, 1),),
    "actions / context / context_actions": (
        field("block/actions", "elements", 25, 1), field("block/context", "elements", 10, 1),
        field("block/context_actions", "elements", 5, 1),
    ),
    "checkboxes, radio buttons": (
        field("element/checkboxes", "options", 10, 1), field("element/radio_buttons", "options", 10, 1),
        Limit(
            thing="options chosen at first", high=10, low=1, made=chosen,
            refused=lambda example: check_shape(example, "element/checkboxes"),
        ),
    ),
    "overflow": (field("element/overflow", "options", 5, 1),),
    "select": (
        field("element/static_select", "options", 100, 1), field("element/static_select", "option_groups", 100, 1),
        field("object/option_group", "options", 100, 1), field("element/multi_static_select", "options", 100, 1),
    ),
    "action_id, block_id, callback_id, external_id": (
        field("element/button", "action_id", 255, 1), field("block/section", "block_id", 255, 1),
        home("callback_id", 255), home("external_id", 255),
    ),
    "option": (
        field("object/option", "text", 75, 1), field("object/option", "value", 150, 1),
        field("object/option", "description", 75, 1), field("object/link_option", "url", 3000),
    ),
    "button": (
        field("element/button", "text", 75, 1), field("element/button", "value", 2000, 1),
        field("element/button", "url", 3000), field("element/button", "accessibility_label", 75, 1),
        field("element/button", "agent_prompt", 4000, 1),
    ),
    "confirm": (
        field("object/confirm", "title", 100, 1), field("object/confirm", "text", 300, 1),
        field("object/confirm", "confirm", 30, 1), field("object/confirm", "deny", 30, 1),
    ),
    "placeholder": (field("element/plain_text_input", "placeholder", 150, 1),),
    "input": (
        field("block/input", "label", 2000, 1), field("block/input", "hint", 2000, 1),
        field("element/plain_text_input", "max_length", 3000, 1),
    ),
    "modal title / submit / close": (modal("title", 24), modal("submit", 24), modal("close", 24)),
    "private_metadata": (home("private_metadata", 3000),),
    "image": (
        field("block/image", "image_url", 3000), field("block/image", "alt_text", 2000, 1),
        field("block/image", "title", 2000, 1),
    ),
    "table": (
        field("block/table", "rows", 100, 1), within("columns of a table", 20, grid("table"), 1),
        field("block/table", "column_settings", 20), within("tables in a message", 1, several("table")),
        within("characters of a table", 10_000, rows("table", 2000)),
    ),
    "data_table": (
        field("block/data_table", "rows", 101, 2), within("columns of a data table", 20, grid("data_table"), 1),
        field("block/data_table", "page_size", 100, 1),
        within("characters of a data table", 20_000, rows("data_table", 2500)),
    ),
    "data_visualization": (
        within("charts in a message", 2, several("data_visualization")), within("series", 12, chart("series"), 1),
        within("segments", 12, chart("segment"), 1), within("points", 20, chart("point"), 1),
        within("a label", 20, chart("segment label"), 1), field("block/data_visualization", "title", 50, 1),
    ),
    "plan": (field("block/plan", "tasks", 50, 1),),
    "alert": (field("block/alert", "text", 200, 1),),
    "card": (
        field("block/card", "title", 150, 1), field("block/card", "subtitle", 150, 1),
        field("block/card", "body", 200, 1), field("block/card", "actions", 3, 1),
        field("block/card", "subtext", 200, 1),
    ),
    "carousel / container": (
        field("block/carousel", "elements", 10, 1), field("block/container", "child_blocks", 10, 1),
        field("block/container", "title", 150, 1), field("block/container", "subtitle", 150, 1),
    ),
    "rich_text_list": (field("rich/rich_text_list", "indent", 8, 0), field("rich/rich_text_list", "border", 1, 0)),
    "file input": (field("element/file_input", "max_files", 10, 1),),
}  # fmt: skip
# Bounds that a whole call has and no block: shown over the wire, below and in test_web_api.py and test_forms.py;
# task_card by test_blocks.py, the manifest where the manifest is made.
ELSEWHERE = (
    "total block payload",
    "text at the top",
    "view size / modal stack",
    "attachments",
    "task_card",
    "app manifest",
)
LIMITS = [limit for limits in ROWS.values() for limit in limits]


@pytest.mark.parametrize("limit", LIMITS, ids=[limit.thing for limit in LIMITS])
def test_at_its_limit_it_is_accepted_and_one_beyond_it_is_refused(limit: Limit):
    assert limit.refused(limit.made(limit.high)) == []
    assert limit.refused(limit.made(limit.high + 1)) != []
    if limit.low is not None:
        assert limit.refused(limit.made(limit.low)) == []
        assert limit.refused(limit.made(limit.low - 1)) != []


def test_no_row_is_left_out():
    """The sheet has thirty-three rows."""
    assert len(ROWS) + len(ELSEWHERE) == 33
    assert len(LIMITS) == len({limit.thing for limit in LIMITS})


async def test_the_bounds_of_a_whole_call_hold_over_the_wire(client: AsyncWebClient, person: Person):
    def text_of(size: int) -> list[dict[str, Any]]:
        sizes = [3000] * (size // 3000) + [size % 3000]
        return [{"type": "section", "text": {"type": "plain_text", "text": "x" * each}} for each in sizes]

    async def error(call: Awaitable[Any]) -> str | None:
        try:
            await call
        except SlackApiError as refused:
            return str(refused.response["error"])
        return None

    where = {"channel": "C0CHECKOUT"}
    ts = (await client.chat_postMessage(**where, text="x"))["ts"]
    assert await error(client.chat_postMessage(**where, text="x", blocks=text_of(13_200))) is None
    assert await error(client.chat_postMessage(**where, text="x", blocks=text_of(13_201))) == "msg_blocks_too_long"
    assert await error(client.chat_update(**where, ts=ts, text="x" * 4000)) is None
    assert await error(client.chat_update(**where, ts=ts, text="x" * 4001)) == "msg_too_long"
    assert await error(client.chat_postMessage(**where, text="x", attachments=[{"text": "x"}] * 100)) is None
    many = client.chat_postMessage(**where, text="x", attachments=[{"text": "x"}] * 101)
    assert await error(many) == "too_many_attachments"
    long = (await client.chat_postMessage(**where, text="x" * 40_001))["message"]["text"]
    assert len(long) == 40_000
