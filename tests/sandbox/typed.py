"""What do random blocks and views look like that the types of Slack's own package allow?

`node/types.js` reads the types; what no type can say (how long, which of the options, not both) is said here, from Slack's documentation.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.sandbox.nodejs import FOLDER, NODE

Draw = Callable[[st.SearchStrategy[Any]], Any]
Made = dict[str, Any]
Where = tuple[str, str]
# Under which key of which shape the next one stands, on the way to the shape that is wanted.
Way = dict[Where, str]

# Slack requires these, though the types do not: docs/sandbox.md.
REQUIRED = {
    "ConfirmationDialog": ("title", "confirm", "deny"),
    "PlainTextOption": ("value",),
    "MrkdwnOption": ("value",),
}
# One of each group has to be there.
SOME_OF = {
    "SectionBlock": ("text", "fields"),
    "CardBlock": ("hero_image", "title", "actions", "body"),
    "ContainerBlock": ("title", "rich_text_title"),
    "ConversationsSelect.filter": ("include", "exclude_external_shared_channels", "exclude_bot_users"),
    "MultiConversationsSelect.filter": ("include", "exclude_external_shared_channels", "exclude_bot_users"),
    "StaticSelect": ("options", "option_groups"),
    "MultiStaticSelect": ("options", "option_groups"),
}
WEB = st.sampled_from(["https://example.com/a.png", "https://example.com", "https://sub.example.co.uk:8443/x?y=z#w"])
LINK = WEB | st.sampled_from(["http://example.com/a", "mailto:ana@example.com", "slack://channel?id=C1"])
NUMBERS = {
    ("DateTimepicker", "initial_date_time"): st.integers(1_000_000_000, 9_999_999_999),
    ("RichTextDate", "timestamp"): st.integers(0, 4_102_444_800),
    ("RichTextList", "indent"): st.integers(0, 8),
    ("RichTextList", "offset"): st.integers(0, 100),
    ("FileInput", "max_files"): st.integers(1, 10),
    ("DataTableBlock", "page_size"): st.integers(1, 100),
    ("DataTableBlock", "row_header_column_index"): st.just(0),
    ("RawNumberElement", "value"): st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    ("PlainTextInput", "min_length"): st.integers(0, 30),
    ("PlainTextInput", "max_length"): st.integers(30, 3000),
    ("RichTextInput", "min_lines"): st.integers(1, 5),
    ("RichTextInput", "max_lines"): st.integers(5, 20),
}
SPELT = {
    ("Datepicker", "initial_date"): st.dates().map(str),
    ("Timepicker", "initial_time"): st.times().map(lambda time: f"{time:%H:%M}"),
    ("Timepicker", "timezone"): st.sampled_from(["America/Chicago", "Europe/Vienna", "Asia/Kolkata", "UTC"]),
    ("FileInput", "filetypes"): st.sampled_from(["pdf", "jpg"]),
    ("IconButton", "icon"): st.just("trash"),
    ("FileBlock", "source"): st.just("remote"),
    ("RichTextColor", "value"): st.sampled_from(["#abcdef", "#F00BA4"]),
    ("RichTextDate", "format"): st.sampled_from(["{date_num} at {time}", "{ago}", "on {date_long_pretty}"]),
    ("RichTextPreformatted", "language"): st.just("python"),
    ("SlackFileViaUrl", "url"): WEB,
    ("VideoBlock", "video_url"): WEB, ("VideoBlock", "title_url"): WEB,
}  # fmt: skip
# The longest texts that Slack takes; every other text is drawn short, within the tightest of its limits.
LONGEST = {
    ("Button", "value"): 2000, ("Button", "accessibility_label"): 75, ("AlertBlock", "text"): 200,
    ("CardBlock", "title"): 150, ("CardBlock", "subtitle"): 150, ("CardBlock", "body"): 200,
    ("ContainerBlock", "title"): 150, ("ContainerBlock", "subtitle"): 150, ("HeaderBlock", "text"): 150,
    ("InputBlock", "label"): 2000, ("InputBlock", "hint"): 2000, ("ConfirmationDialog", "title"): 100,
    ("ConfirmationDialog", "text"): 300, ("ConfirmationDialog", "confirm"): 30, ("ConfirmationDialog", "deny"): 30,
    ("PlainTextOption", "text"): 75, ("MrkdwnOption", "text"): 75, ("PlainTextOption", "value"): 150,
    ("MrkdwnOption", "value"): 150, ("PlainTextOption", "description"): 75, ("SectionBlock", "text"): 3000,
    ("MarkdownBlock", "text"): 3000, ("FileBlock", "external_id"): 255, ("ModalView", "title"): 24,
    ("ModalView", "submit"): 24, ("ModalView", "close"): 24, ("ModalView", "private_metadata"): 3000,
    ("ModalView", "callback_id"): 255, ("ModalView", "external_id"): 255, ("HomeView", "private_metadata"): 3000,
    ("HomeView", "callback_id"): 255, ("HomeView", "external_id"): 255, ("VideoBlock", "author_name"): 50,
    ("StaticSelect", "placeholder"): 150, ("PlainTextInput", "placeholder"): 150, ("TaskCardBlock", "task_id"): 255,
}  # fmt: skip
MARKED = (
    "Ana", "*bold* _it_ ~no~ `code`", "<!channel> & <@U0ANA>", "a <https://e.com|link>", ":tada: :nobody:",
    "two\n\nlines", "- one\n- two", "\u05e9\u05dc\u05d5\u05dd", "\U0001f469\u200d\U0001f680", "&lt;b&gt;<b>bold</b>", "**", "<!date^1^{ago}|then>",
)  # fmt: skip
WORDS = st.sampled_from(MARKED) | st.text(min_size=1, max_size=8)
# Slack shows the other blocks in messages only.
IN_VIEWS = {
    "actions", "alert", "context", "divider", "header", "image", "input", "rich_text", "section", "video",
}  # fmt: skip


@cache
def types() -> dict[str, Any]:
    """The shapes by name, and the names of the roots, as the TypeScript compiler understands them."""
    told = subprocess.run([NODE, "types.js"], cwd=FOLDER, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(told.stdout)


def everything() -> set[Where]:
    """Each key of each shape that a block or view may hold."""
    return {(name, key) for name, keys in types()["shapes"].items() for key in keys}


def way_to(wanted: str) -> Way:
    """The shortest way from a block to this shape; empty where it is a block itself, or the view around them."""
    shapes = types()["shapes"]
    found: dict[str, Way] = {name: {} for name in kinds(lambda _: True)}
    waiting = list(found)
    for name in waiting:
        for key, kind in shapes[name].items():
            for inside in _within(kind):
                if inside not in found:
                    found[inside] = found[name] | {(name, key): inside}
                    waiting.append(inside)
    return found[wanted]


def _within(kind: Made) -> list[str]:
    """The shapes that a value of this type may directly hold."""
    if kind["kind"] == "list":
        return _within(kind["item"])
    if kind["kind"] == "one of":
        return [name for each in kind["of"] for name in _within(each)]
    return [kind["name"]] if kind["kind"] == "shape" else []


@dataclass(frozen=True, kw_only=True)
class Maker:
    """How to come to values, whither, and what has been made so far."""

    draw: Draw
    seen: set[Where]
    way: Way = field(default_factory=dict)
    wanted: str = ""

    def value(self, kind: Made, where: Where) -> Any:
        """A value of this type, which stands under this key of this shape."""
        match kind["kind"]:
            case "literal":
                return kind["value"]
            case "boolean":
                return self.draw(st.booleans())
            case "number":
                return self.draw(NUMBERS.get(where, st.integers(1, 50)))
            case "string":
                return self.draw(string(where))
            case "list":
                low = max(kind["low"], 2 if where == ("DataTableBlock", "rows") else 1)
                return [self.value(kind["item"], where) for _ in range(self.draw(st.integers(low, low + 1)))]
            case "one of":
                toward = [each for each in kind["of"] if each.get("name") == self.way.get(where, "")]
                return self.value(self.draw(st.sampled_from(toward or kind["of"])), where)
            case _:
                return self.shape(kind["name"], where)

    def shape(self, name: str, where: Where = ("", "")) -> Made:
        """One shape: what it needs, and all, none or some of what it may have."""
        keys = types()["shapes"][name]
        chosen = {key for key, kind in keys.items() if not kind["optional"]} | set(REQUIRED.get(name, ()))
        chosen |= {key for holder, key in self.way if holder == name}
        how = "all" if name == self.wanted else self.draw(st.sampled_from(["all", "none", "some"]))
        chosen |= {key for key in keys if how == "all" or (how == "some" and self.draw(st.booleans()))}
        if name in SOME_OF and not chosen & set(SOME_OF[name]):
            chosen.add(self.draw(st.sampled_from(SOME_OF[name])))
        # A text's own length is bounded by what holds it.
        held = where if name in ("PlainTextElement", "MrkdwnElement") else None
        found = {
            key: self.value(kind, held if held and key == "text" else (name, key))
            for key, kind in keys.items()
            if key in chosen
        }
        if name in SETTLED:
            SETTLED[name](self.draw, found)
        self.seen.update((name, key) for key in found)
        return found


def string(where: Where) -> st.SearchStrategy[str]:
    if where in SPELT:
        return SPELT[where]
    if where[1] == "url" or where[1].endswith("_url"):
        return LINK if where[1] == "url" else WEB
    if where in LONGEST:
        return WORDS | st.just("x" * LONGEST[where])
    return WORDS


# What no type says: one function for each shape that needs one.


def _of_options(draw: Draw, found: Made) -> None:
    """Either options or groups of them, and what is chosen at first is among them."""
    if "options" in found and "option_groups" in found:
        del found[draw(st.sampled_from(["options", "option_groups"]))]
    groups = found.get("option_groups", [])
    offered = found.get("options", []) + [option for group in groups for option in group["options"]]
    for option in offered:
        option.pop("url", None)
    _first(draw, found, offered)


def _first(draw: Draw, found: Made, offered: list[Made]) -> None:
    if "initial_option" in found:
        found["initial_option"] = draw(st.sampled_from(offered))
    if "initial_options" in found:
        found["initial_options"] = draw(
            st.lists(st.sampled_from(offered), min_size=1, max_size=2, unique_by=json.dumps)
        )
        found["initial_options"] = found["initial_options"][: found.get("max_selected_items", 2)]


def _external(_draw: Draw, found: Made) -> None:
    """Options from elsewhere: nothing is offered yet, but no link either, and nothing twice."""
    for option in [*found.get("initial_options", []), *filter(None, [found.get("initial_option")])]:
        option.pop("url", None)
    if "initial_options" in found:
        found["initial_options"] = found["initial_options"][:1]


def _several(key: str) -> Callable[[Draw, Made], None]:
    def settle(_draw: Draw, found: Made) -> None:
        if key in found:
            found[key] = list(dict.fromkeys(found[key]))[: found.get("max_selected_items", 2)]

    return settle


def _number(draw: Draw, found: Made) -> None:
    """Numbers in order, whole where they have to be."""
    number = st.integers(-1000, 1000).map(str)
    if found["is_decimal_allowed"]:
        number = number | st.sampled_from(["0.5", "-10.25", "3.0"])
    keys = [key for key in ("min_value", "initial_value", "max_value") if key in found]
    values = sorted((draw(number) for _ in keys), key=float)
    found |= dict(zip(keys, values, strict=True))


def _typed(draw: Draw, found: Made) -> None:
    if "initial_value" in found:
        found["initial_value"] = draw(st.text(min_size=max(found.get("min_length", 1), 1), max_size=30))


def _table(_draw: Draw, found: Made) -> None:
    """Every row as wide as the narrowest."""
    width = min(len(row) for row in found["rows"])
    found["rows"] = [row[:width] for row in found["rows"]]


SETTLED: dict[str, Callable[[Draw, Made], None]] = {
    **dict.fromkeys(("StaticSelect", "MultiStaticSelect", "Checkboxes", "RadioButtons"), _of_options),
    **dict.fromkeys(("ExternalSelect", "MultiExternalSelect"), _external),
    "MultiUsersSelect": _several("initial_users"),
    "MultiConversationsSelect": _several("initial_conversations"),
    "MultiChannelsSelect": _several("initial_channels"),
    "NumberInput": _number,
    "PlainTextInput": _typed,
    "DataTableBlock": _table,
}


def dicts(value: Any) -> Iterator[Made]:
    """Every object in the payload, the outer before the inner."""
    if isinstance(value, list):
        for each in value:
            yield from dicts(each)
    elif isinstance(value, dict):
        yield value
        yield from dicts(list(value.values()))


def told_apart(payload: Any) -> None:
    """Ids differ, and one element at most is in focus when it loads."""
    for number, each in enumerate(dicts(payload)):
        each |= {key: f"{key} {number}" for key in ("block_id", "action_id") if key in each}
    for each in [each for each in dicts(payload) if each.get("focus_on_load")][1:]:
        del each["focus_on_load"]


def kinds(within: Callable[[str], bool]) -> list[str]:
    """The names of the shapes of the blocks whose type is wanted."""
    names = [each["name"] for each in types()["roots"]["KnownBlock"]["of"]]
    return [name for name in names if within(types()["shapes"][name]["type"]["value"])]


@st.composite
def blocks(draw: Draw, seen: set[Where], wanted: str) -> list[Made]:
    """One block of a message with this shape somewhere in it, and every key of it."""
    way = way_to(wanted)
    maker = Maker(draw=draw, seen=seen, way=way, wanted=wanted)
    return _apart([maker.shape(next((holder for holder, _ in way), wanted))])


@st.composite
def messages(draw: Draw, seen: set[Where]) -> list[Made]:
    """The blocks of a message, of any kind."""
    chosen = draw(st.lists(st.sampled_from(kinds(lambda _: True)), min_size=1, max_size=3))
    return _apart([Maker(draw=draw, seen=seen).shape(name) for name in chosen])


@st.composite
def views(draw: Draw, seen: set[Where]) -> Made:
    """A modal or a Home tab; a modal that asks has a button to submit."""
    maker = Maker(draw=draw, seen=seen)
    name = draw(st.sampled_from(["ModalView", "HomeView"]))
    found = maker.shape(name)
    inside = kinds(IN_VIEWS.__contains__)
    found["blocks"] = [maker.shape(draw(st.sampled_from(inside))) for _ in range(draw(st.integers(0, 2)))]
    if name == "ModalView" and any(block["type"] == "input" for block in found["blocks"]):
        found.setdefault("submit", {"type": "plain_text", "text": "Send"})
    told_apart(found)
    return found


def _apart(found: list[Made]) -> list[Made]:
    """Blocks as they may stand together: one table, the first, and no id twice."""
    told_apart(found)
    tables = [each for each in dicts(found) if each.get("type") == "table"]
    for each in dicts(found):
        if "child_blocks" in each:
            each["child_blocks"] = [block for block in each["child_blocks"] if not _is_any(block, tables[1:])]
    return [block for block in found if not _is_any(block, tables[1:]) and block.get("child_blocks") != []]


def _is_any(block: Made, others: list[Made]) -> bool:
    return any(block is other for other in others)


# These examples are large, and meant to be.
PATIENT = (
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.filter_too_much,
)


def drawn(strategy: st.SearchStrategy[Any], times: int) -> list[Any]:
    """So many random examples, the same ones every time."""
    found: list[Any] = []

    @given(strategy)
    @settings(
        max_examples=times,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=PATIENT,
    )
    def keep(one: Any) -> None:
        found.append(one)

    keep()
    return found


@cache
def all_kinds() -> tuple[list[list[Made]], set[Where]]:
    """Messages in which every shape of Slack's types stands with every key that it may have, and what was seen of them."""
    seen: set[Where] = set()
    found = drawn(messages(seen), 60)
    for name in types()["shapes"]:
        if name not in ("ModalView", "HomeView"):
            found += drawn(blocks(seen, name), 3)
    return found, seen
