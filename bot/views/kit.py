"""How is Block Kit written? Small builders that keep inside Slack's limits, so that no text can make a message invalid."""

from collections.abc import Iterable, Sequence
from typing import Any

from bot.text import clip

Block = dict[str, Any]

#: Slack's limits, in characters and counts.
TEXT, HEADER, BUTTON, OPTION, TITLE, OPTIONS, YES = 3000, 150, 75, 75, 24, 5, 30


def plain(text: str, limit: int = TEXT) -> Block:
    return {"type": "plain_text", "text": clip(str(text), limit) or "–", "emoji": True}


def mrkdwn(text: str, limit: int = TEXT) -> Block:
    return {"type": "mrkdwn", "text": clip(text, limit) or "–"}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, HEADER)}


def section(text: str, *, accessory: Block | None = None, block_id: str = "") -> Block:
    return _named({"type": "section", "text": mrkdwn(text)}, block_id) | ({"accessory": accessory} if accessory else {})


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text) for text in texts[:10] if text]}


def divider() -> Block:
    return {"type": "divider"}


def actions(*elements: Block | None, block_id: str = "") -> list[Block]:
    """One row of buttons; none when there is nothing to press."""
    shown = [element for element in elements if element is not None]
    return [_named({"type": "actions", "elements": shown[:25]}, block_id)] if shown else []


def preformatted(lines: Iterable[str]) -> Block:
    """Text exactly as it was printed: never read as markup, so nothing in it can ping anybody."""
    text = clip("\n".join(lines), TEXT) or " "
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}],
    }


def button(
    label: str, action: str, value: str, *, style: str = "", confirm: Block | None = None, url: str = ""
) -> Block:
    shown: Block = {"type": "button", "text": plain(label, BUTTON), "action_id": action, "value": value}
    if style:
        shown["style"] = style
    if confirm:
        shown["confirm"] = confirm
    if url:
        shown["url"] = url
    return shown


def confirm(title: str, text: str, yes: str, no: str = "Not now", *, danger: bool = False) -> Block:
    shown: Block = {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, YES),
        "deny": plain(no, YES),
    }
    return shown | {"style": "danger"} if danger else shown


def option(label: str, value: str) -> Block:
    return {"text": plain(label, OPTION), "value": value}


def overflow(action: str, options: Sequence[tuple[str, str]]) -> Block:
    """Label and value of each entry, at most five."""
    return {"type": "overflow", "action_id": action, "options": [option(*one) for one in options[:OPTIONS]]}


def box(action: str, value: str, label: str, *, ticked: bool) -> Block:
    """One box of its own: a group of boxes would carry what one person's client last saw."""
    only = option(label, value)
    shown: Block = {"type": "checkboxes", "action_id": action, "options": [only]}
    return shown | {"initial_options": [only]} if ticked else shown


# ── Modals ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def modal(
    callback: str, title: str, blocks: Sequence[Block], *, submit: str = "", carried: str = "", **more: Any
) -> Block:
    view: Block = {
        "type": "modal",
        "callback_id": callback,
        "title": plain(title, TITLE),
        "close": plain("Cancel" if submit else "Close", TITLE),
        "blocks": list(blocks)[:100],
        "private_metadata": carried,
    }
    return view | ({"submit": plain(submit, TITLE)} if submit else {}) | more


def field(
    key: str, label: str, element: Block, *, hint: str = "", optional: bool = False, dispatch: bool = False
) -> Block:
    """An input whose block and element carry the same key."""
    shown: Block = {
        "type": "input",
        "block_id": key,
        "label": plain(label, 2000),
        "element": element | {"action_id": key},
        "optional": optional,
    }
    if hint:
        shown["hint"] = plain(hint, 2000)
    return shown | {"dispatch_action": True} if dispatch else shown


def text_input(*, lines: bool = False, initial: str = "", placeholder: str = "", most: int = 500) -> Block:
    shown: Block = {"type": "plain_text_input", "multiline": lines, "max_length": most}
    if initial:
        shown["initial_value"] = initial
    if placeholder:
        shown["placeholder"] = plain(placeholder, 150)
    return shown


def number_input(*, initial: str = "", at_least: int | None = None, at_most: int | None = None) -> Block:
    """A whole number."""
    shown: Block = {"type": "number_input", "is_decimal_allowed": False}
    if initial:
        shown["initial_value"] = initial
    if at_least is not None:
        shown["min_value"] = str(at_least)
    if at_most is not None:
        shown["max_value"] = str(at_most)
    return shown


def select(options: Sequence[tuple[str, str]], *, chosen: str = "", placeholder: str = "Choose") -> Block:
    """Label and value of each entry, at most a hundred."""
    listed = [option(*one) for one in options[:100]]
    shown: Block = {"type": "static_select", "options": listed, "placeholder": plain(placeholder, 150)}
    initial = next((one for one in listed if one["value"] == chosen), None)
    return shown | {"initial_option": initial} if initial else shown


def date_time(initial: int | None = None) -> Block:
    """A moment, in the seconds that Slack uses."""
    return {"type": "datetimepicker"} | ({"initial_date_time": initial} if initial else {})


def radio(options: Sequence[tuple[str, str]], chosen: str) -> Block:
    listed = [option(*one) for one in options[:10]]
    shown: Block = {"type": "radio_buttons", "options": listed}
    initial = next((one for one in listed if one["value"] == chosen), None)
    return shown | {"initial_option": initial} if initial else shown


def _named(block: Block, block_id: str) -> Block:
    return block | {"block_id": block_id[:255]} if block_id else block
