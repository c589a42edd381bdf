"""What do random messages, modals and Home tabs look like that somebody else's builder makes, the package blockkit?

Its constructors say by their annotations what they take, and its own `build` refuses what it thinks Slack would.
"""

import json
from collections.abc import Callable
from datetime import date, time
from functools import partial
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import blockkit
from blockkit import core
from hypothesis import strategies as st

from tests.sandbox.typed import MARKED, WEB, drawn, told_apart

Draw = Callable[[st.SearchStrategy[Any]], Any]
Kind = type[core.Component]

# What blockkit leaves to its user and Slack requires.
REQUIRED = {
    "WorkflowButton": ("workflow",), "Video": ("title", "alt_text", "video_url", "thumbnail_url"), "Confirm": ("title", "text", "confirm", "deny"),
    "Option": ("text", "value"), "OptionGroup": ("label", "options"), "InputParameter": ("name", "value"),
    "Trigger": ("url",), "Workflow": ("trigger",), "Button": ("text",), "Checkboxes": ("options",),
    "RadioButtons": ("options",), "Overflow": ("options",), "NumberInput": ("is_decimal_allowed",),
    "ImageEl": ("alt_text",), "Image": ("alt_text",), "Actions": ("elements",), "Context": ("elements",),
    "File": ("external_id", "source"), "Header": ("text",), "Input": ("label", "element"), "Markdown": ("text",),
    "RichBroadcastEl": ("range",), "RichColorEl": ("value",), "RichChannelEl": ("channel_id",),
    "RichDateEl": ("timestamp", "format"), "RichEmojiEl": ("name",), "RichLinkEl": ("url",), "RichTextEl": ("text",),
    "RichUserEl": ("user_id",), "RichUserGroupEl": ("usergroup_id",), "RichTextSection": ("elements",),
    "RichTextList": ("style", "elements"), "RichTextPreformatted": ("elements",), "RichTextQuote": ("elements",),
    "RichText": ("elements",), "Table": ("rows",), "Modal": ("title", "blocks"), "Home": ("blocks",),
    "RawText": ("text",), "Message": ("blocks",), "DispatchActionConfig": ("trigger_actions_on",),
}  # fmt: skip
# At most one of these; at least one where the first is no optional refinement of the second.
ONE_OF = {
    "Image": ("image_url", "slack_file"), "ImageEl": ("image_url", "slack_file"), "SlackFile": ("url", "id"),
    "StaticSelect": ("options", "option_groups"), "MultiStaticSelect": ("options", "option_groups"),
}  # fmt: skip
SOME_OF = {
    "Section": ("text", "fields"),
    "ConversationFilter": ("include", "exclude_bot_users", "exclude_external_shared_channels"),
}
# Slack's datetimepicker has no placeholder, only options of an overflow menu are links, and a thread has to be there.
LEFT_OUT = {("DatetimePicker", "placeholder"), ("Option", "url"), ("Message", "thread_ts")}
# Two of the styles are for text, three for mentions; blockkit tells which apart, and so do we.
STYLES = ("bold", "italic", "strike")
KNOWN: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("DatetimePicker", "initial_date_time"): st.integers(1_000_000_000, 9_999_999_999),
    ("RichDateEl", "timestamp"): st.integers(0, 4_102_444_800),
    ("RichDateEl", "format"): st.sampled_from([core.RichDateEl.AGO, core.RichDateEl.DATE_LONG]),
    ("RichColorEl", "value"): st.sampled_from(["#abcdef", "#F00BA4"]),
    ("RichTextList", "indent"): st.integers(0, 8),
    ("FileInput", "filetypes"): st.lists(st.sampled_from(core.FileInput.FILE_TYPES), min_size=1, max_size=2),
    ("FileInput", "max_files"): st.integers(1, 10),
    # For blockkit, what is false is not there.
    ("ConversationFilter", "exclude_bot_users"): st.just(value=True),
    ("ConversationFilter", "exclude_external_shared_channels"): st.just(value=True),
    ("PlainTextInput", "min_length"): st.integers(0, 1),
    ("PlainTextInput", "max_length"): st.integers(30, 3000),
    ("TimePicker", "timezone"): st.sampled_from(["America/Chicago", "Europe/Vienna"]),
    ("DatePicker", "initial_date"): st.dates(date(1000, 1, 1)),
    ("TimePicker", "initial_time"): st.times(),
}
# Slack's own types have texts and links in preformatted text, and nothing else.
NARROWER: dict[tuple[str, str], Any] = {("RichTextPreformatted", "elements"): list[core.RichTextEl | core.RichLinkEl]}
WORDS = st.sampled_from([each for each in MARKED if each.strip()]) | st.text(min_size=1, max_size=8)


def value(draw: Draw, hint: Any, where: tuple[str, str], seen: set[str]) -> Any:
    """Something that this annotation takes."""
    if where in KNOWN:
        return draw(KNOWN[where])
    if where[1].endswith("url"):
        return draw(WEB)
    if where[1] == "border":
        return draw(st.integers(0, 1))
    if get_origin(hint) in (Union, UnionType):
        several = [each for each in get_args(hint) if each is not NoneType]
        # A text is most shortly written as one.
        return value(draw, str if str in several else draw(st.sampled_from(several)), where, seen)
    if get_origin(hint) is Literal:
        return draw(st.sampled_from(get_args(hint)))
    if get_origin(hint) is list:
        return [value(draw, get_args(hint)[0], where, seen) for _ in range(draw(st.integers(1, 2)))]
    if isinstance(hint, type) and issubclass(hint, core.Component):
        return component(draw, hint, seen)
    return draw(BY_TYPE[hint])


BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: WORDS, bool: st.booleans(), int: st.integers(1, 50), float: st.just(0.5), time: st.times(), Any: st.just({"a": 1}),
}  # fmt: skip


def component(draw: Draw, kind: Kind, seen: set[str], wanted: Kind | None = None) -> core.Component:
    """One component with what it needs, and all, none or some of what it may have."""
    name = kind.__name__
    hints = {key: hint for key, hint in get_type_hints(kind.__init__).items() if (name, key) not in LEFT_OUT}
    hints.pop("return", None)
    if kind is core.RichStyle:
        hints = {key: hints[key] for key in STYLES}
    how = "all" if kind is wanted else draw(st.sampled_from(["all", "none", "some"]))
    chosen = {key for key in hints if how == "all" or (how == "some" and draw(st.booleans()))}
    chosen |= set(REQUIRED.get(name, ()))
    if name in ONE_OF:
        chosen = (chosen - set(ONE_OF[name])) | {draw(st.sampled_from(ONE_OF[name]))}
    if name in SOME_OF and not chosen & set(SOME_OF[name]):
        chosen.add(draw(st.sampled_from(SOME_OF[name])))
    given = {
        key: value(draw, NARROWER.get((name, key), hint), (name, key), seen)
        for key, hint in hints.items()
        if key in chosen
    }
    if name in SETTLED:
        SETTLED[name](draw, given)
    seen.add(name)
    return kind(**given)


def _text(_draw: Draw, given: dict[str, Any]) -> None:
    given |= {"text": given.get("text", "x"), "type": given.get("type", "plain_text")}
    given.pop("verbatim" if given["type"] == "plain_text" else "emoji", None)


def _first(draw: Draw, given: dict[str, Any]) -> None:
    """What is chosen at first is offered; blockkit has no way to say it of groups."""
    offered = given.get("options", [])
    for key in {"initial_option", "initial_options"} & set(given):
        if not offered:
            del given[key]
        else:
            one = draw(st.sampled_from(offered))
            given[key] = one if key == "initial_option" else [one]


def _external(draw: Draw, given: dict[str, Any]) -> None:
    option = component(draw, core.Option, set())
    given |= {"initial_option": option} if "initial_option" in given else {}
    given |= {"initial_options": [option]} if "initial_options" in given else {}


def _number(draw: Draw, given: dict[str, Any]) -> None:
    keys = [key for key in ("min_value", "initial_value", "max_value") if key in given]
    number = st.integers(1, 100) | (st.sampled_from([0.5, 2.25]) if given["is_decimal_allowed"] else st.nothing())
    given |= dict(zip(keys, sorted(draw(number) for _ in keys), strict=True))


def _once(key: str, _draw: Draw, given: dict[str, Any]) -> None:
    if key in given:
        given[key] = list(dict.fromkeys(given[key]))[: given.get("max_selected_items", 2)]


def _asking(_draw: Draw, given: dict[str, Any]) -> None:
    given.setdefault("submit", "Send")


SETTLED: dict[str, Callable[[Draw, dict[str, Any]], None]] = {
    "Text": _text,
    **dict.fromkeys(("StaticSelect", "MultiStaticSelect", "Checkboxes", "RadioButtons"), _first),
    **dict.fromkeys(("ExternalSelect", "MultiExternalSelect"), _external),
    **{
        f"Multi{what.title()}Select": partial(_once, f"initial_{what}")
        for what in ("users", "conversations", "channels")
    },
    "DispatchActionConfig": partial(_once, "trigger_actions_on"),
    "ConversationFilter": partial(_once, "include"),
    "NumberInput": _number,
    "Modal": _asking,
}


@st.composite
def built(draw: Draw, kind: Kind, seen: set[str]) -> dict[str, Any]:
    """This component, on the surface or in the block that takes it, as the JSON that blockkit makes of it."""
    made: Any = component(draw, kind, seen, kind)
    if kind in get_args(core.RichTextElement):
        made = core.RichTextSection([made])
    if isinstance(made, get_args(core.RichTextObject)):
        made = core.RichText([made])
    elif isinstance(made, get_args(core.InputElement)):
        made = core.Input("label", made)
    elif isinstance(made, get_args(core.ActionElement)):
        made = core.Actions([made])
    elif isinstance(made, get_args(core.ContextElement)):
        made = core.Context([made])
    if isinstance(made, get_args(core.MessageBlock)):
        made = core.Message(blocks=[made])
    # What blockkit itself gives back is looked at as what is sent.
    sent = json.loads(json.dumps(made.build()))
    told_apart(sent)
    seen |= {type(made).__name__}
    return sent


def surfaces(seen: set[str]) -> list[dict[str, Any]]:
    """Messages, modals and Home tabs with each of blockkit's components at the heart of some."""
    kinds = [getattr(blockkit, name) for name in blockkit.__all__]
    top = (*get_args(core.MessageBlock), core.Message, core.Modal, core.Home)
    inside = (*get_args(core.RichTextElement), *get_args(core.RichTextObject))
    inside += (*get_args(core.InputElement), *get_args(core.ActionElement), *get_args(core.ContextElement))
    found = []
    for kind in kinds:
        if kind in (*top, *inside):
            found += drawn(built(kind, seen), 20 if kind in (core.Message, core.Modal, core.Home) else 4)
    return found
