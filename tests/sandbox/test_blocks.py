"""Every block, element and object of Block Kit is accepted within its limits and refused beyond them."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models import blocks as sdk

from sandbox.blocks import BLOCKS, HOME, MESSAGE, MODAL, MOST_BLOCKS, SHAPES
from sandbox.validation import check_blocks, check_shape, check_view
from tests.sandbox.examples import SPELLED, holding, sized, smallest

FIELDS = [(shape, name) for shape, kind in SHAPES.items() for name in kind.fields]
BOUNDED = [
    (shape, name)
    for shape, name in FIELDS
    if SHAPES[shape].fields[name].high is not None
    and SHAPES[shape].fields[name].spelled not in SPELLED
    and not SHAPES[shape].fields[name].values
]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_smallest_example_of_everything_is_accepted(shape: str):
    assert check_shape(smallest(shape), shape) == []


@pytest.mark.parametrize(("shape", "name"), BOUNDED)
def test_a_field_is_accepted_at_its_limit_and_refused_beyond(shape: str, name: str):
    field = SHAPES[shape].fields[name]
    assert field.high is not None

    assert check_shape(holding(shape, name, sized(field, field.high)), shape) == []

    beyond = check_shape(holding(shape, name, sized(field, field.high + 1)), shape)
    where = f"/{name}/text" if field.kind == "text" else f"/{name}"
    assert where in [issue.pointer for issue in beyond]


@pytest.mark.parametrize(("shape", "name"), [(s, n) for s, n in FIELDS if SHAPES[s].fields[n].required])
def test_what_is_required_is_missed(shape: str, name: str):
    made = smallest(shape)
    del made[name]
    assert f"missing required field: {name}" in [issue.message for issue in check_shape(made, shape)]


@pytest.mark.parametrize(("shape", "name"), [(s, n) for s, n in FIELDS if SHAPES[s].fields[n].kind != "any"])
def test_a_value_of_the_wrong_type_is_refused(shape: str, name: str):
    wrong: Any = "x" if SHAPES[shape].fields[name].kind != "string" else ["x"]
    assert check_shape(smallest(shape) | {name: wrong}, shape) != []


@pytest.mark.parametrize("shape", SHAPES)
def test_an_unknown_key_is_refused(shape: str):
    issues = check_shape(smallest(shape) | {"colour": "red"}, shape)
    assert [issue.message for issue in issues] == ["invalid additional property: colour"]


@pytest.mark.parametrize("surface", MOST_BLOCKS)
def test_a_surface_takes_so_many_blocks_and_not_one_more(surface: str):
    divider = {"type": "divider"}
    assert check_blocks([divider] * MOST_BLOCKS[surface], surface) == []
    assert [issue.line() for issue in check_blocks([divider] * (MOST_BLOCKS[surface] + 1), surface)] == [
        f"no more than {MOST_BLOCKS[surface]} items allowed [json-pointer:/blocks]"
    ]


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("surface", [MESSAGE, MODAL, HOME])
def test_a_block_stands_only_where_slack_lets_it(kind: str, surface: str):
    issues = check_blocks([smallest(f"block/{kind}")], surface)
    assert (issues == []) == (surface in BLOCKS[kind].surfaces)


def test_every_problem_is_named_with_its_place():
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
        {"type": "marquee"},
        {"type": "header", "text": {"type": "mrkdwn", "text": "no"}},
        "text",
    ]
    assert [issue.line() for issue in check_blocks(blocks, MESSAGE)] == [
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
        "unsupported type: marquee [json-pointer:/blocks/1/type]",
        "unsupported type: mrkdwn [json-pointer:/blocks/2/text/type]",
        "must provide an object [json-pointer:/blocks/3]",
    ]


def test_ids_are_unique_where_slack_wants_them_to_be():
    row = {"type": "actions", "elements": [smallest("element/button") | {"action_id": "go"}] * 2}
    twice = [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}]
    assert [issue.line() for issue in check_blocks([row], MESSAGE)] == [
        'action_id "go" already exists [json-pointer:/blocks/0/elements/1/action_id]'
    ]
    assert [issue.line() for issue in check_blocks(twice, MESSAGE)] == [
        'block_id "a" already exists [json-pointer:/blocks/1/block_id]'
    ]


@pytest.mark.parametrize(("kind", "most", "cell"), [("table", 10_000, 2000), ("data_table", 20_000, 2500)])
def test_a_table_holds_so_much_text_as_a_whole(kind: str, most: int, cell: int):
    def rows(count: int, length: int) -> dict[str, Any]:
        made = [[{"type": "raw_text", "text": "x" * length}] for _ in range(count)]
        return smallest(f"block/{kind}") | {"rows": made}

    assert check_blocks([rows(most // cell, cell)], MESSAGE) == []
    assert [issue.pointer for issue in check_blocks([rows(most // cell + 1, cell)], MESSAGE)] == ["/blocks/0/rows"]


def test_the_same_action_in_two_blocks_is_fine():
    row = {"type": "actions", "elements": [smallest("element/button") | {"action_id": "go"}]}
    assert check_blocks([row, copy.deepcopy(row)], MESSAGE) == []


def test_initial_options_are_never_empty_and_always_offered():
    boxes = smallest("element/checkboxes")
    stranger = {"text": {"type": "plain_text", "text": "?"}, "value": "stranger"}
    assert [i.message for i in check_shape(boxes | {"initial_options": []}, "element/checkboxes")] == [
        "must have at least 1 items"
    ]
    assert [i.pointer for i in check_shape(boxes | {"initial_options": [stranger]}, "element/checkboxes")] == [
        "/initial_options/0"
    ]


def test_a_modal_that_asks_needs_a_submit_button():
    asking = {"type": "modal", "title": {"type": "plain_text", "text": "Ask"}, "blocks": [smallest("block/input")]}
    assert [issue.message for issue in check_view(asking)] == ["missing required field: submit"]
    assert check_view(asking | {"submit": {"type": "plain_text", "text": "Go"}}) == []


@pytest.mark.parametrize(("name", "limit"), [("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)])
def test_a_views_own_fields_have_limits(name: str, limit: int):
    home = {"type": "home", "blocks": []}
    assert check_view(home | {name: "x" * limit}) == []
    assert [issue.pointer for issue in check_view(home | {name: "x" * (limit + 1)})] == [f"/view/{name}"]


@pytest.mark.parametrize("name", ["title", "submit", "close"])
def test_a_modals_words_have_24_characters(name: str):
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}
    assert check_view(modal | {name: {"type": "plain_text", "text": "x" * 24}}) == []
    assert check_view(modal | {name: {"type": "plain_text", "text": "x" * 25}}) != []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "text", "elements", "options", "value", "blocks", "rows"]), inner)
    ),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_nothing_that_can_be_sent_breaks_the_validator(payload: Any):
    check_blocks(payload, MESSAGE)
    check_view(payload)
    for kind in BLOCKS:
        check_blocks([{"type": kind, "elements": payload, "text": payload, "options": payload}], MODAL)


def test_what_slack_sdk_builds_is_accepted():
    option = sdk.Option(text="One", value="1", description="first")
    built = [
        sdk.SectionBlock(text="*Hello*", accessory=sdk.OverflowMenuElement(action_id="more", options=[option, option])),
        sdk.HeaderBlock(text="Head"),
        sdk.ContextBlock(elements=[sdk.MarkdownTextObject(text="a"), sdk.PlainTextObject(text="b")]),
        sdk.ActionsBlock(
            elements=[
                sdk.ButtonElement(
                    text="Go", action_id="go", value="1", style="primary", confirm=sdk.ConfirmObject(title="Go", text="Sure?")
                ),
                sdk.CheckboxesElement(action_id="box", options=[option], initial_options=[option]),
                sdk.StaticSelectElement(action_id="pick", placeholder="Pick", options=[option], initial_option=option),
                sdk.UserSelectElement(action_id="who", placeholder="Who"),
                sdk.DatePickerElement(action_id="when", placeholder="When", initial_date="2026-11-23"),
            ]
        ),
        sdk.InputBlock(label="Name", element=sdk.PlainTextInputElement(action_id="name", multiline=True, max_length=10)),
        sdk.ImageBlock(image_url="https://example.com/a.png", alt_text="a"),
        sdk.DividerBlock(),
        sdk.MarkdownBlock(text="# T"),
        sdk.AlertBlock(text="careful", level="warning"),
        sdk.RichTextBlock(
            elements=[
                sdk.RichTextSectionElement(
                    elements=[sdk.RichTextElementParts.Text(text="x", style={"bold": True})]
                ),
                sdk.RichTextListElement(
                    style="bullet",
                    elements=[sdk.RichTextSectionElement(elements=[sdk.RichTextElementParts.User(user_id="U1")])],
                ),
                sdk.RichTextPreformattedElement(elements=[sdk.RichTextElementParts.Text(text="log")]),
            ]
        ),
    ]  # fmt: skip
    assert [issue.line() for issue in check_blocks([block.to_dict() for block in built], MESSAGE)] == []
