"""What Slack refuses though each part by itself is right, or looks right: fields that do not fit, and words that are no date."""

from typing import Any

import pytest

from sandbox.blocks import ELEMENTS, MESSAGE, MODAL
from sandbox.validation import check_blocks, check_shape
from tests.sandbox.examples import smallest

Block = dict[str, Any]


def words(text: str, kind: str = "plain_text") -> Block:
    return {"type": kind, "text": text}


def option(text: str, **more: Any) -> Block:
    return {"text": words(text), "value": text.lower(), **more}


ONE, TWO = option("One"), option("Two")
MARKED = ONE | {"text": words("One", "mrkdwn")}
NUMBERS = {"type": "number_input", "is_decimal_allowed": False}


def select(**more: Any) -> Block:
    return {"type": "static_select", "options": [ONE, TWO], **more}


REFUSED: list[tuple[Block, str, str]] = [
    # Options: no marks in menus, links in overflow menus only.
    (select(options=[MARKED]), "/options/0/text/type", "unsupported type: mrkdwn"),
    ({"type": "overflow", "options": [MARKED]}, "/options/0/text/type", "unsupported type: mrkdwn"),
    (select(options=[option("One", url="https://example.com")]), "/options/0", "invalid additional property: url"),
    (
        {"type": "checkboxes", "options": [option("One", url="https://example.com")]},
        "/options/0",
        "invalid additional property: url",
    ),
    # What is chosen at first.
    (select(initial_option=option("One", description=words("other"))), "/initial_option", "must exactly match one of the options"),
    (select(initial_option=option("Uno") | {"value": "one"}), "/initial_option", "must exactly match one of the options"),
    ({"type": "checkboxes", "options": [ONE, TWO], "initial_options": [ONE, ONE]}, "/initial_options/1", "must not be chosen twice"),
    ({"type": "multi_external_select", "initial_options": [ONE, ONE]}, "/initial_options/1", "must not be chosen twice"),
    ({"type": "multi_users_select", "initial_users": ["U1", "U2"], "max_selected_items": 1}, "/initial_users", "no more than 1 items allowed"),
    # How things are written.
    ({"type": "datepicker", "initial_date": "2026-99-99"}, "/initial_date", "must be a date in the format YYYY-MM-DD"),
    ({"type": "datepicker", "initial_date": "2026-02-29"}, "/initial_date", "must be a date in the format YYYY-MM-DD"),
    ({"type": "timepicker", "initial_time": "25:00"}, "/initial_time", "must be a time in the format HH:mm"),
    ({"type": "timepicker", "timezone": "Mars/Olympus"}, "/timezone", "must be a time zone of the IANA database"),
    (smallest("element/button") | {"url": "not a url"}, "/url", "must be a valid URL"),
    (smallest("element/image") | {"image_url": "not a url"}, "/image_url", "must be a valid URL"),
    (smallest("element/image") | {"image_url": "mailto:ana@example.com"}, "/image_url", "must be a valid URL"),
    (smallest("block/video") | {"video_url": "http://example.com/v"}, "/video_url", "must be a valid HTTPS URL"),
    # Bounds that cross each other, and first values beyond them.
    (NUMBERS | {"min_value": "5", "max_value": "3"}, "/min_value", "min_value must not exceed max_value"),
    (NUMBERS | {"initial_value": "9", "max_value": "3"}, "/initial_value", "initial_value must not exceed max_value"),
    (NUMBERS | {"initial_value": "0.5"}, "/initial_value", "must be a whole number"),
    ({"type": "plain_text_input", "min_length": 5, "max_length": 3}, "/min_length", "min_length must not exceed max_length"),
    ({"type": "plain_text_input", "max_length": 3, "initial_value": "long"}, "/initial_value", "must be less than 4 characters"),
    ({"type": "plain_text_input", "min_length": 5, "initial_value": "long"}, "/initial_value", "must be more than 4 characters"),
]  # fmt: skip


@pytest.mark.parametrize(("thing", "pointer", "message"), REFUSED, ids=[f"{e[0]['type']}{e[1]}" for e in REFUSED])
def test_what_does_not_fit_is_refused_where_it_stands(thing: Block, pointer: str, message: str):
    family = "element" if thing["type"] in ELEMENTS else "block"
    issues = check_shape(thing, f"{family}/{thing['type']}")
    assert [(issue.pointer, issue.message) for issue in issues] == [(pointer, message)]


ACCEPTED: list[Block] = [
    {"type": "checkboxes", "options": [MARKED], "initial_options": [MARKED]},
    {"type": "overflow", "options": [option("One", url="https://example.com")]},
    # What Slack fills in by itself makes no difference.
    select(initial_option=ONE | {"text": words("One") | {"emoji": True}}),
    {"type": "datepicker", "initial_date": "2028-02-29"},
    {"type": "conversations_select", "initial_conversation": "C1", "default_to_current_conversation": True},
    NUMBERS | {"min_value": "-3", "initial_value": "-3", "max_value": "10"},
    smallest("element/button") | {"url": "slack://channel?id=C1"},
    {"type": "plain_text_input", "dispatch_action_config": {}},
]


@pytest.mark.parametrize("thing", ACCEPTED, ids=lambda thing: thing["type"])
def test_what_fits_is_accepted(thing: Block):
    assert check_shape(thing, f"element/{thing['type']}") == []


def button(action_id: str) -> Block:
    return smallest("element/button") | {"action_id": action_id}


def row(block_id: str, *elements: Block) -> Block:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def box(*inside: Block, **more: Any) -> Block:
    return {"type": "container", "title": words("Box"), "child_blocks": list(inside), **more}


def test_an_id_is_used_once_in_a_message_inside_of_containers_too():
    blocks = [row("row", button("go")), box(row("row", button("go"))), box(row("box", button("a")), block_id="box")]
    assert [issue.line() for issue in check_blocks(blocks, MESSAGE)] == [
        'block_id "row" already exists [json-pointer:/blocks/1/child_blocks/0/block_id]',
        'block_id "box" already exists [json-pointer:/blocks/2/child_blocks/0/block_id]',
    ]


def test_the_blocks_of_a_container_may_each_have_the_same_action():
    assert check_blocks([box(row("a", button("go")), row("b", button("go")))], MESSAGE) == []
    twice = [box(row("a", button("go"), button("go")))]
    assert [issue.pointer for issue in check_blocks(twice, MESSAGE)] == [
        "/blocks/0/child_blocks/0/elements/1/action_id"
    ]


def test_one_element_is_in_focus_when_a_view_opens():
    def asking(block_id: str) -> Block:
        return smallest("block/input") | {
            "block_id": block_id, "element": {"type": "plain_text_input", "focus_on_load": True},
        }  # fmt: skip

    assert check_blocks([asking("a")], MODAL) == []
    assert [issue.line() for issue in check_blocks([asking("a"), asking("b")], MODAL)] == [
        "only one element can have focus_on_load [json-pointer:/blocks/1/element/focus_on_load]"
    ]


def test_a_message_has_one_table_wherever_it_stands():
    table = smallest("block/table")
    assert [issue.message for issue in check_blocks([table, box(table)], MESSAGE)] == [
        "no more than 1 table blocks allowed"
    ]
