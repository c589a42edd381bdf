"""What may stand in a message, a modal or a Home tab: every block, element and object of Block Kit, its fields and its limits, as one table."""

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Field:
    """What one field may hold; `low` and `high` bound characters, numbers or items, by kind."""

    kind: str  # text, string, boolean, integer, number, object, list, any
    required: bool = False
    low: int | None = None
    high: int | None = None
    values: tuple[str, ...] = ()
    spelled: str = ""  # how a string is written, by the names of sandbox/spelled.py
    of: tuple[str, ...] = ()  # the shapes that an object may have
    item: "Field | None" = None  # what a list holds


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The fields of one kind of object, and the groups of fields of which some are needed."""

    fields: dict[str, Field]
    some_of: tuple[tuple[str, ...], ...] = ()  # at least one of each group
    only_one_of: tuple[tuple[str, ...], ...] = ()  # at most one of each group
    surfaces: frozenset[str] = frozenset()  # where a block may appear


MESSAGE, MODAL, HOME = "message", "modal", "home"
EVERYWHERE = frozenset({MESSAGE, MODAL, HOME})
IN_MESSAGES = frozenset({MESSAGE})

MOST_BLOCKS = {MESSAGE: 50, MODAL: 100, HOME: 100}
MOST_MARKDOWN = 12_000
MOST_BLOCK_TEXT = 13_200
MOST_TABLES = 1
MOST_TABLE_TEXT = {"table": 10_000, "data_table": 20_000}
MOST_CHARTS = 2
MOST_ATTACHMENTS = 100
# Slack refuses attachments that are too large together and publishes no number; this one is ours.
MOST_ATTACHMENT_BYTES = 100_000
MOST_VIEW_BYTES = 250_000
MOST_PRIVATE_METADATA = 3000
MOST_VIEW_TITLE = 24
MOST_ID = 255
DEEPEST_STACK = 3


def need(field: Field) -> Field:
    return replace(field, required=True)


def string(high: int, *, low: int = 1, spelled: str = "") -> Field:
    return Field(kind="string", low=low, high=high, spelled=spelled)


def one_of(*values: str) -> Field:
    return Field(kind="string", values=values)


def plain(high: int) -> Field:
    return Field(kind="text", of=("text/plain_text",), low=1, high=high)


def text(high: int) -> Field:
    return Field(kind="text", of=("text/plain_text", "text/mrkdwn"), low=1, high=high)


def whole(low: int, high: int) -> Field:
    return Field(kind="integer", low=low, high=high)


def thing(*shapes: str) -> Field:
    return Field(kind="object", of=shapes)


def many(item: Field, low: int, high: int) -> Field:
    return Field(kind="list", item=item, low=low, high=high)


BOOLEAN = Field(kind="boolean")
ANY = Field(kind="any")
ID = string(MOST_ID)
NAME = string(255)
URL = string(3000, spelled="link")
PICTURE = string(3000, spelled="web")
VIDEO = string(3000, spelled="secure")
DATE = string(10, spelled="date")
TIME = string(5, spelled="time")
NUMBER = string(100, spelled="number")
CONFIRM = thing("object/confirm")
STYLE = one_of("primary", "danger")
PLACEHOLDER = plain(150)
TYPING = thing("object/dispatch_action_config")
# Boxes and radio buttons may have marked text, options of a menu have none, and those of an overflow menu may be links.
OPTION = thing("object/plain_option")
OPTIONS = many(OPTION, 1, 100)
GROUPS = many(thing("object/option_group"), 1, 100)
MARKED_OPTION = thing("object/option")
FEW_OPTIONS = many(MARKED_OPTION, 1, 10)
FILTER = thing("object/filter")
PICKED = whole(1, 10_000)


def acting(**fields: Field) -> Shape:
    return Shape(fields={"action_id": ID, **fields})


def asking(**fields: Field) -> Shape:
    return acting(focus_on_load=BOOLEAN, **fields)


def picking(**fields: Field) -> Shape:
    return asking(placeholder=PLACEHOLDER, confirm=CONFIRM, **fields)


def block(surfaces: frozenset[str] = EVERYWHERE, **fields: Field) -> Shape:
    return Shape(fields={"block_id": ID, **fields}, surfaces=surfaces)


SELECTS = tuple(
    f"element/{name}"
    for kind in ("static", "external", "users", "conversations", "channels")
    for name in (f"{kind}_select", f"multi_{kind}_select")
)
CHOICES = ("element/checkboxes", "element/radio_buttons")
PICKERS = ("element/datepicker", "element/timepicker")
BUTTONS = ("element/button", "element/workflow_button")
IN_ACTIONS = (
    *BUTTONS,
    "element/overflow",
    *CHOICES,
    *PICKERS,
    "element/datetimepicker",
    "element/rich_text_input",
    *SELECTS,
)
IN_SECTION = (*BUTTONS, "element/overflow", *CHOICES, *PICKERS, "element/image", *SELECTS)
IN_INPUT = (
    *CHOICES, *PICKERS, "element/datetimepicker", *SELECTS,
    "element/plain_text_input", "element/email_text_input", "element/url_text_input",
    "element/number_input", "element/rich_text_input", "element/file_input",
)  # fmt: skip
RICH_PARTS = tuple(
    f"part/{name}"
    for name in ("text", "link", "user", "channel", "emoji", "usergroup", "team", "date", "broadcast", "color")
)
RICH_ROWS = tuple(f"rich/rich_text_{name}" for name in ("section", "list", "preformatted", "quote"))
CELL = thing("cell/raw_text", "cell/raw_number", "block/rich_text")
RICH_TEXT = thing("block/rich_text")
MARKS = thing("object/marks")


def part(**fields: Field) -> Shape:
    return Shape(fields={**fields, "style": MARKS})


SHAPES: dict[str, Shape] = {
    # Texts and the objects that elements are composed of.
    "text/plain_text": Shape(fields={"text": need(string(3000)), "emoji": BOOLEAN}),
    "text/mrkdwn": Shape(fields={"text": need(string(3000)), "verbatim": BOOLEAN}),
    # The documentation requires a value and three of a dialog's texts, which the types of @slack/types leave out.
    "object/option": Shape(fields={"text": need(text(75)), "value": need(string(150)), "description": text(75)}),
    "object/plain_option": Shape(
        fields={"text": need(plain(75)), "value": need(string(150)), "description": plain(75)}
    ),
    "object/link_option": Shape(
        fields={"text": need(plain(75)), "value": need(string(150)), "description": plain(75), "url": URL}
    ),
    "object/option_group": Shape(fields={"label": need(plain(75)), "options": need(OPTIONS)}),
    "object/confirm": Shape(
        fields={
            "title": need(plain(100)),
            "text": need(text(300)),
            "confirm": need(plain(30)),
            "deny": need(plain(30)),
            "style": STYLE,
        }
    ),
    "object/dispatch_action_config": Shape(
        fields={"trigger_actions_on": many(one_of("on_enter_pressed", "on_character_entered"), 1, 2)}
    ),
    "object/filter": Shape(
        fields={
            "include": many(one_of("im", "mpim", "private", "public"), 1, 4),
            "exclude_external_shared_channels": BOOLEAN,
            "exclude_bot_users": BOOLEAN,
        },
        some_of=(("include", "exclude_external_shared_channels", "exclude_bot_users"),),
    ),
    "object/slack_file": Shape(
        fields={"id": NAME, "url": PICTURE}, some_of=(("id", "url"),), only_one_of=(("id", "url"),)
    ),
    "object/workflow": Shape(fields={"trigger": need(thing("object/trigger"))}),
    "object/trigger": Shape(
        fields={"url": need(URL), "customizable_input_parameters": many(thing("object/parameter"), 0, 50)}
    ),
    "object/parameter": Shape(fields={"name": need(NAME), "value": need(string(3000, low=0))}),
    "object/feedback": Shape(
        fields={"text": need(plain(75)), "value": need(string(2000)), "accessibility_label": string(75)}
    ),
    "object/marks": Shape(
        fields=dict.fromkeys(
            ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"), BOOLEAN
        )
    ),
    "object/column": Shape(fields={"align": one_of("left", "center", "right"), "is_wrapped": BOOLEAN}),
    "object/series": Shape(fields={"name": need(string(20)), "data": need(many(thing("object/point"), 1, 20))}),
    "object/segment": Shape(fields={"label": need(string(20)), "value": need(Field(kind="number"))}),
    "object/point": Shape(fields={"label": need(string(20)), "value": need(Field(kind="number"))}),
    "object/axis": Shape(
        fields={"categories": need(many(string(20), 1, 20)), "x_label": string(50), "y_label": string(50)}
    ),
    "chart/pie": Shape(fields={"segments": need(many(thing("object/segment"), 1, 12))}),
    **{
        f"chart/{kind}": Shape(
            fields={
                "series": need(many(thing("object/series"), 1, 12)),
                "axis_config": need(thing("object/axis")),
            }
        )
        for kind in ("line", "bar", "area")
    },
    # What people press, pick and fill in.
    "element/button": acting(
        text=need(plain(75)),
        url=URL,
        value=string(2000),
        style=STYLE,
        confirm=CONFIRM,
        accessibility_label=string(75),
        agent_prompt=string(4000),
        agent_prompt_display=string(4000),
        visible_to_user_ids=many(NAME, 1, 10),
    ),
    "element/workflow_button": acting(
        text=need(plain(75)),
        workflow=need(thing("object/workflow")),
        style=STYLE,
        confirm=CONFIRM,
        accessibility_label=string(75),
    ),
    "element/icon_button": acting(
        icon=need(one_of("trash")),
        text=need(plain(75)),
        value=string(2000),
        confirm=CONFIRM,
        accessibility_label=string(75),
        visible_to_user_ids=many(NAME, 1, 10),
    ),
    "element/feedback_buttons": acting(
        positive_button=need(thing("object/feedback")), negative_button=need(thing("object/feedback"))
    ),
    "element/overflow": acting(options=need(many(thing("object/link_option"), 1, 5)), confirm=CONFIRM),
    "element/checkboxes": asking(options=need(FEW_OPTIONS), initial_options=FEW_OPTIONS, confirm=CONFIRM),
    "element/radio_buttons": asking(options=need(FEW_OPTIONS), initial_option=MARKED_OPTION, confirm=CONFIRM),
    "element/static_select": replace(
        picking(options=OPTIONS, option_groups=GROUPS, initial_option=OPTION),
        some_of=(("options", "option_groups"),),
        only_one_of=(("options", "option_groups"),),
    ),
    "element/multi_static_select": replace(
        picking(options=OPTIONS, option_groups=GROUPS, initial_options=OPTIONS, max_selected_items=PICKED),
        some_of=(("options", "option_groups"),),
        only_one_of=(("options", "option_groups"),),
    ),
    "element/external_select": picking(initial_option=OPTION, min_query_length=whole(0, 100)),
    "element/multi_external_select": picking(
        initial_options=OPTIONS, min_query_length=whole(0, 100), max_selected_items=PICKED
    ),
    "element/users_select": picking(initial_user=NAME),
    "element/multi_users_select": picking(initial_users=many(NAME, 1, 100), max_selected_items=PICKED),
    "element/conversations_select": picking(
        initial_conversation=NAME,
        default_to_current_conversation=BOOLEAN,
        response_url_enabled=BOOLEAN,
        filter=FILTER,
    ),
    "element/multi_conversations_select": picking(
        initial_conversations=many(NAME, 1, 100),
        default_to_current_conversation=BOOLEAN,
        max_selected_items=PICKED,
        filter=FILTER,
    ),
    "element/channels_select": picking(initial_channel=NAME, response_url_enabled=BOOLEAN),
    "element/multi_channels_select": picking(initial_channels=many(NAME, 1, 100), max_selected_items=PICKED),
    "element/datepicker": picking(initial_date=DATE),
    "element/timepicker": picking(initial_time=TIME, timezone=string(100, spelled="zone")),
    "element/datetimepicker": asking(initial_date_time=whole(1_000_000_000, 9_999_999_999), confirm=CONFIRM),
    "element/plain_text_input": asking(
        placeholder=PLACEHOLDER,
        initial_value=string(3000, low=0),
        multiline=BOOLEAN,
        min_length=whole(0, 3000),
        max_length=whole(1, 3000),
        dispatch_action_config=TYPING,
    ),
    "element/email_text_input": asking(
        placeholder=PLACEHOLDER, initial_value=string(3000, low=0), dispatch_action_config=TYPING
    ),
    "element/url_text_input": asking(
        placeholder=PLACEHOLDER, initial_value=string(3000, low=0), dispatch_action_config=TYPING
    ),
    "element/number_input": asking(
        placeholder=PLACEHOLDER,
        is_decimal_allowed=need(BOOLEAN),
        initial_value=NUMBER,
        min_value=NUMBER,
        max_value=NUMBER,
        dispatch_action_config=TYPING,
    ),
    "element/rich_text_input": asking(
        placeholder=PLACEHOLDER,
        initial_value=RICH_TEXT,
        dispatch_action_config=TYPING,
        min_lines=whole(1, 100),
        max_lines=whole(1, 100),
    ),
    "element/file_input": acting(filetypes=many(string(20), 1, 100), max_files=whole(1, 10)),
    "element/image": Shape(
        fields={"image_url": PICTURE, "slack_file": thing("object/slack_file"), "alt_text": need(string(2000))},
        some_of=(("image_url", "slack_file"),),
        only_one_of=(("image_url", "slack_file"),),
    ),
    "source/url": Shape(fields={"url": need(URL), "text": need(string(3000))}),
    # Rich text.
    "rich/rich_text_section": Shape(fields={"elements": need(many(thing(*RICH_PARTS), 0, 1000))}),
    "rich/rich_text_preformatted": Shape(
        fields={
            "elements": need(many(thing("part/text", "part/link"), 0, 1000)),
            "border": whole(0, 1),
            "language": string(50),
        }
    ),
    "rich/rich_text_quote": Shape(fields={"elements": need(many(thing(*RICH_PARTS), 0, 1000)), "border": whole(0, 1)}),
    "rich/rich_text_list": Shape(
        fields={
            "elements": need(many(thing("rich/rich_text_section"), 1, 1000)),
            "style": need(one_of("bullet", "ordered")),
            "indent": whole(0, 8),
            "offset": whole(0, 10_000),
            "border": whole(0, 1),
        }
    ),
    "part/text": part(text=need(string(12_000))),
    "part/link": part(url=need(URL), text=string(3000, low=0), unsafe=BOOLEAN),
    "part/user": part(user_id=need(NAME)),
    "part/channel": part(channel_id=need(NAME)),
    "part/emoji": part(name=need(NAME), skin_tone=whole(1, 6), unicode=NAME, url=URL),
    "part/usergroup": part(usergroup_id=need(NAME)),
    "part/team": part(team_id=need(NAME)),
    "part/date": part(timestamp=need(Field(kind="integer")), format=need(string(500)), url=URL, fallback=string(500)),
    "part/broadcast": part(range=need(one_of("here", "channel", "everyone"))),
    "part/color": part(value=need(string(20))),
    "cell/raw_text": Shape(fields={"text": need(string(3000))}),
    "cell/raw_number": Shape(fields={"value": need(Field(kind="number")), "text": need(string(3000))}),
    # Blocks.
    "block/section": replace(
        block(text=text(3000), fields=many(text(2000), 1, 10), accessory=thing(*IN_SECTION), expand=BOOLEAN),
        some_of=(("text", "fields"),),
    ),
    "block/header": block(text=need(plain(150))),
    "block/divider": block(),
    "block/image": replace(
        block(image_url=PICTURE, slack_file=thing("object/slack_file"), alt_text=need(string(2000)), title=plain(2000)),
        some_of=(("image_url", "slack_file"),),
        only_one_of=(("image_url", "slack_file"),),
    ),
    "block/actions": block(elements=need(many(thing(*IN_ACTIONS), 1, 25))),
    "block/context": block(elements=need(many(thing("element/image", "text/plain_text", "text/mrkdwn"), 1, 10))),
    "block/context_actions": block(
        IN_MESSAGES, elements=need(many(thing("element/feedback_buttons", "element/icon_button"), 1, 5))
    ),
    "block/input": block(
        label=need(plain(2000)),
        element=need(thing(*IN_INPUT)),
        hint=plain(2000),
        optional=BOOLEAN,
        dispatch_action=BOOLEAN,
    ),
    "block/markdown": block(IN_MESSAGES, text=need(string(12_000))),
    "block/rich_text": block(elements=need(many(thing(*RICH_ROWS), 0, 1000))),
    "block/file": block(IN_MESSAGES, external_id=need(ID), source=need(one_of("remote"))),
    "block/video": block(
        alt_text=need(string(2000)),
        title=need(plain(200)),
        thumbnail_url=need(PICTURE),
        video_url=need(VIDEO),
        author_name=string(50),
        description=plain(200),
        provider_icon_url=PICTURE,
        provider_name=string(50),
        title_url=VIDEO,
    ),
    "block/table": block(
        IN_MESSAGES,
        rows=need(many(many(CELL, 1, 20), 1, 100)),
        column_settings=many(Field(kind="object", of=("object/column",)), 0, 20),
    ),
    "block/data_table": block(
        IN_MESSAGES,
        rows=need(many(many(CELL, 1, 20), 2, 101)),
        caption=need(string(150)),
        page_size=whole(1, 100),
        row_header_column_index=whole(0, 19),
    ),
    "block/data_visualization": block(
        IN_MESSAGES, title=need(string(50)), chart=need(thing("chart/pie", "chart/line", "chart/bar", "chart/area"))
    ),
    "block/task_card": block(
        IN_MESSAGES,
        task_id=need(ID),
        title=need(string(3000)),
        status=need(one_of("pending", "in_progress", "complete", "error")),
        details=RICH_TEXT,
        output=RICH_TEXT,
        sources=many(thing("source/url"), 1, 100),
    ),
    "block/plan": block(IN_MESSAGES, title=need(string(3000)), tasks=many(thing("block/task_card"), 1, 50)),
    "block/alert": block(
        EVERYWHERE, text=need(text(200)), level=one_of("default", "info", "warning", "error", "success")
    ),
    "block/card": replace(
        block(
            IN_MESSAGES,
            hero_image=thing("element/image"),
            icon=thing("element/image"),
            slack_icon=ANY,
            title=text(150),
            subtitle=text(150),
            body=text(200),
            subtext=text(200),
            actions=many(thing("element/button"), 1, 3),
        ),
        some_of=(("hero_image", "title", "actions", "body"),),
    ),
    "block/carousel": block(IN_MESSAGES, elements=need(many(thing("block/card"), 1, 10))),
    "block/container": replace(
        block(
            IN_MESSAGES,
            title=plain(150),
            rich_text_title=RICH_TEXT,
            subtitle=text(150),
            has_header_divider=BOOLEAN,
            icon=thing("element/image"),
            width=one_of("narrow", "standard", "wide", "full"),
            is_collapsible=BOOLEAN,
            default_collapsed=BOOLEAN,
            child_blocks=need(
                many(
                    thing(
                        *(
                            f"block/{name}"
                            for name in (
                                "actions",
                                "alert",
                                "context",
                                "divider",
                                "file",
                                "header",
                                "image",
                                "input",
                                "markdown",
                                "rich_text",
                                "section",
                                "table",
                                "video",
                            )
                        )
                    ),
                    1,
                    10,
                )
            ),
        ),
        some_of=(("title", "rich_text_title"),),
    ),
}

BLOCKS = {name.removeprefix("block/"): shape for name, shape in SHAPES.items() if name.startswith("block/")}
ELEMENTS = {name.removeprefix("element/"): shape for name, shape in SHAPES.items() if name.startswith("element/")}


def as_data() -> dict[str, Any]:
    """The table in JSON, for whoever renders blocks and wants to know the same as the validator."""
    return {
        "shapes": {
            name: {
                "fields": {key: _plain(field) for key, field in shape.fields.items()},
                "some_of": shape.some_of,
                "only_one_of": shape.only_one_of,
                "surfaces": sorted(shape.surfaces),
            }
            for name, shape in SHAPES.items()
        },
        "most_blocks": MOST_BLOCKS,
    }


def _plain(field: Field) -> dict[str, Any]:
    found = {key: value for key, value in vars(field).items() if value not in (None, (), False) and key != "item"}
    return found | ({"item": _plain(field.item)} if field.item else {})
