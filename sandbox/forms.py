"""What does a container of elements hold, and what does a person's choice become in Slack's payload?"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from sandbox.inside import elements_of, every_block, options_of
from sandbox.spelled import SPELLED

TYPED = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
PICKED = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
INITIAL = {field: field.replace("selected", "initial") for field in PICKED.values()}
ONE_OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
MANY_OPTIONS = ("multi_static_select", "multi_external_select", "checkboxes")
EXTERNAL = ("external_select", "multi_external_select")
Values = dict[str, dict[str, dict[str, Any]]]
# Whether the person who chooses can see such a thing: "user", "channel" or "conversation", and its id.
Seen = Callable[[str, str], bool]
# A ten-digit number of seconds, as Slack's datetimepicker has it.
MOMENTS = range(1_000_000_000, 10_000_000_000)


class BadValue(Exception):
    """A choice that the element does not offer."""


def elements(blocks: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each interactive element with its block's id and its block."""
    for block, _ in every_block(blocks):
        for element, _ in elements_of(block):
            if "action_id" in element:
                yield block.get("block_id", ""), element, block


def find(blocks: list[dict[str, Any]], block_id: str, action_id: str) -> dict[str, Any] | None:
    return next(
        (element for where, element, _ in elements(blocks) if (where, element["action_id"]) == (block_id, action_id)),
        None,
    )


def holds_state(element: dict[str, Any]) -> bool:
    kind = element["type"]
    return kind != "overflow" and (
        kind in (*TYPED, *PICKED, *ONE_OPTION, *MANY_OPTIONS, "rich_text_input", "file_input")
    )


def initial(element: dict[str, Any]) -> dict[str, Any]:
    """What the element holds before anybody touched it."""
    kind = element["type"]
    if kind in TYPED:
        return {"type": kind, "value": element.get("initial_value") or None}
    if kind == "rich_text_input":
        return {"type": kind, "rich_text_value": element.get("initial_value")}
    if kind == "file_input":
        return {"type": kind, "files": []}
    if kind in ONE_OPTION:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in MANY_OPTIONS:
        return {"type": kind, "selected_options": element.get("initial_options") or []}
    field = PICKED[kind]
    return {"type": kind, field: element.get(INITIAL[field], [] if field.endswith("s") else None)}


def everything(_what: str, _which: str) -> bool:
    """Where nobody chooses, nothing is out of sight."""
    return True


def chosen(
    element: dict[str, Any], value: dict[str, Any] | None, fetched: list[dict[str, Any]], seen: Seen = everything
) -> dict[str, Any]:
    """Turn what the page or a test says into Slack's value; refuse what the element does not offer."""
    kind = element["type"]
    given = value or {}
    for name, held in given.items():
        _expect(name, held)
    if kind in TYPED:
        return {"type": kind, "value": given.get("value") or None}
    if kind == "rich_text_input":
        return {"type": kind, "rich_text_value": given.get("rich_text_value")}
    if kind == "file_input":
        return {"type": kind, "files": given.get("files") or []}
    offered = options_of(element) + (fetched if kind in EXTERNAL else [])
    if kind in ONE_OPTION:
        wanted = given.get("selected_option")
        return {"type": kind, "selected_option": None if wanted is None else _option(wanted, offered)}
    if kind in MANY_OPTIONS:
        return {
            "type": kind,
            "selected_options": [_option(each, offered) for each in given.get("selected_options") or []],
        }
    field = PICKED[kind]
    picked = given.get(field) or ([] if field.endswith("s") else None)
    for each in picked if isinstance(picked, list) else [picked]:
        if each is not None:
            _can_be_picked(kind, each, seen)
    return {"type": kind, field: picked}


def _can_be_picked(kind: str, picked: Any, seen: Seen) -> None:
    """Refuse a day that no calendar has, and what the person cannot see."""
    if kind == "datetimepicker":
        if picked not in MOMENTS:
            raise BadValue(f"{picked!r} is no moment: give the seconds since 1970, ten digits.")
    elif not isinstance(picked, str):
        raise BadValue(f"{picked!r} is no id: give the id of what is chosen as text.")
    elif kind == "datepicker":
        if not SPELLED["date"][0](picked):
            raise BadValue(f"{picked!r} is no date: write one that the calendar has, like 2026-11-23.")
    elif kind == "timepicker":
        if not SPELLED["time"][0](picked):
            raise BadValue(f"{picked!r} is no time: write one like 14:30.")
    else:
        what = kind.removeprefix("multi_").removesuffix("s_select")
        if not seen(what, picked):
            raise BadValue(f"There is no {what} {picked!r} to choose here.")


def _expect(name: str, held: Any) -> None:
    """Refuse a value of the wrong JSON type, whoever sent it."""
    if held is None or name == "rich_text_value":
        return
    if name in ("files", "selected_options") or name.endswith("s"):
        right = isinstance(held, list)
    elif name == "selected_date_time":
        right = isinstance(held, int) and not isinstance(held, bool)
    elif name == "selected_option":
        right = isinstance(held, str | dict)
    else:
        right = isinstance(held, str)
    if not right:
        raise BadValue(f"`{name}` has a value of the wrong type: {held!r}.")


def _option(wanted: Any, offered: list[dict[str, Any]]) -> dict[str, Any]:
    value = wanted.get("value") if isinstance(wanted, dict) else wanted
    for option in offered:
        if option.get("value") == value:
            return option
    raise BadValue(f"There is no option {value!r} here; it offers {[option.get('value') for option in offered]}.")


def values(
    blocks: list[dict[str, Any]],
    known: Values,
    given: Values | None,
    fetched: dict[tuple[str, str], list[dict[str, Any]]],
    seen: Seen = everything,
) -> Values:
    """The state of every element: what is given now, else what is known from before, else its initial value."""
    state: Values = {}
    for block_id, element, _ in elements(blocks):
        if not holds_state(element):
            continue
        action_id = element["action_id"]
        now = (given or {}).get(block_id, {}).get(action_id)
        before = known.get(block_id, {}).get(action_id)
        if now is not None:
            held = chosen(element, now, fetched.get((block_id, action_id), []), _or_was(seen, before, initial(element)))
        elif before is not None and before.get("type") == element["type"] and _still_offered(element, before):
            held = before
        else:
            held = initial(element)
        state.setdefault(block_id, {})[action_id] = held
    return state


def _or_was(seen: Seen, *held: dict[str, Any] | None) -> Seen:
    """What the app or the person chose before may stay, whether or not it can be seen."""
    was = [each for value in held if value is not None for each in value.values()]
    return lambda what, which: (
        seen(what, which) or any(which in each if isinstance(each, list) else which == each for each in was)
    )


def _still_offered(element: dict[str, Any], held: dict[str, Any]) -> bool:
    """Whether what was chosen before can still be chosen, now that the message or view may have changed."""
    if element["type"] in EXTERNAL:
        return True
    picked = held.get("selected_options") or [held.get("selected_option")]
    offered = [option.get("value") for option in options_of(element)]
    return all(option is None or option.get("value") in offered for option in picked)


def complaints(blocks: list[dict[str, Any]], state: Values) -> dict[str, str]:
    """What Slack's own client says under each field before it sends a modal to the app."""
    found: dict[str, str] = {}
    for block, _ in every_block(blocks):
        if block.get("type") != "input":
            continue
        element, block_id = block["element"], block["block_id"]
        held = state.get(block_id, {}).get(element["action_id"], {})
        content = next((value for key, value in held.items() if key != "type"), None)
        if content in (None, "", []):
            if not block.get("optional"):
                found[block_id] = "Please complete this required field."
        elif isinstance(content, str) and (complaint := _typed(element, content)):
            found[block_id] = complaint
        elif isinstance(content, list) and len(content) > element.get("max_selected_items", len(content)):
            found[block_id] = f"Please choose at most {element['max_selected_items']}."
    return found


def _typed(element: dict[str, Any], content: str) -> str | None:
    kind = element["type"]
    if kind == "plain_text_input":
        low, high = element.get("min_length") or 0, element.get("max_length") or 3000
        if len(content) < low:
            return f"Please enter at least {low} characters."
        if len(content) > high:
            return f"Please enter at most {high} characters."
    if kind == "email_text_input" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", content):
        return "Please enter a valid email address."
    if kind == "url_text_input" and not re.fullmatch(r"https?://\S+", content):
        return "Please enter a valid URL."
    if kind == "number_input":
        return _number(element, content)
    return None


def _number(element: dict[str, Any], content: str) -> str | None:
    pattern = r"-?\d+(\.\d+)?" if element.get("is_decimal_allowed") else r"-?\d+"
    if not re.fullmatch(pattern, content):
        return "Please enter a number." if element.get("is_decimal_allowed") else "Please enter a whole number."
    low, high = element.get("min_value"), element.get("max_value")
    if low is not None and float(content) < float(low):
        return f"Please enter a number of at least {low}."
    if high is not None and float(content) > float(high):
        return f"Please enter a number of at most {high}."
    return None
