"""Would Slack accept these blocks, this message, this view, and what would it say if not?"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox import blocks as table
from sandbox.blocks import Field, Shape


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One thing that Slack would refuse, where it stands, and the constraint it breaks."""

    message: str
    pointer: str
    constraint: str = "invalid"
    expected: Any = None

    def line(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"

    def as_data(self) -> dict[str, Any]:
        constraint = {"type": self.constraint} | ({} if self.expected is None else {"expected": self.expected})
        return {
            "code": "failed_constraint",
            "message": self.message,
            "pointer": self.pointer,
            "constraint": constraint,
        }


def check_blocks(blocks: Any, surface: str, pointer: str = "/blocks") -> list[Issue]:
    """Every reason why Slack would refuse these blocks on this surface."""
    if not isinstance(blocks, list):
        return [Issue(message="must provide an array", pointer=pointer, constraint="type", expected="array")]
    return list(_blocks(blocks, surface, pointer))


def check_view(view: Any, pointer: str = "/view") -> list[Issue]:
    """Every reason why Slack would refuse this modal or Home tab."""
    if not isinstance(view, dict):
        return [Issue(message="must provide an object", pointer=pointer, constraint="type", expected="object")]
    return list(_view(view, pointer))


def check_shape(value: Any, shape: str, pointer: str = "") -> list[Issue]:
    """Every reason why Slack would refuse this one object, whatever holds it."""
    return list(_object(value, (shape,), pointer))


def block_text(blocks: list[Any]) -> int:
    """How many characters of text these blocks hold, which Slack bounds as a whole."""
    return sum(len(words) for words in _words(blocks))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for item in value.values():
            if isinstance(item, dict | list):
                yield from _words(item)


VIEW_FIELDS: dict[str, dict[str, Field]] = {
    "modal": {
        "title": table.need(table.plain(table.MOST_VIEW_TITLE)),
        "submit": table.plain(table.MOST_VIEW_TITLE),
        "close": table.plain(table.MOST_VIEW_TITLE),
        "clear_on_close": table.BOOLEAN,
        "notify_on_close": table.BOOLEAN,
        "submit_disabled": table.BOOLEAN,
    },
    "home": {},
}
EVERY_VIEW = {
    "blocks": table.need(Field(kind="any")),
    "private_metadata": table.string(table.MOST_PRIVATE_METADATA, low=0),
    "callback_id": table.string(table.MOST_ID, low=0),
    "external_id": table.string(table.MOST_ID, low=0),
}


def _view(view: dict[str, Any], pointer: str) -> Iterator[Issue]:
    kind = view.get("type")
    if not isinstance(kind, str) or kind not in VIEW_FIELDS:
        yield _unsupported(kind, pointer, tuple(VIEW_FIELDS))
        return
    shape = Shape(fields=VIEW_FIELDS[kind] | EVERY_VIEW)
    yield from _fields(view, shape, pointer, typed=True)
    if "blocks" not in view:
        return
    yield from check_blocks(view["blocks"], kind, f"{pointer}/blocks")
    asks = isinstance(view["blocks"], list) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in view["blocks"]
    )
    if kind == table.MODAL and asks and view.get("submit") is None:
        yield Issue(message="missing required field: submit", pointer=pointer, constraint="required", expected="submit")


def _blocks(blocks: list[Any], surface: str, pointer: str) -> Iterator[Issue]:
    most = table.MOST_BLOCKS[surface]
    if len(blocks) > most:
        yield Issue(
            message=f"no more than {most} items allowed", pointer=pointer, constraint="max_items", expected=most
        )
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        here = f"{pointer}/{number}"
        yield from _object(block, tuple(f"block/{name}" for name in table.BLOCKS), here)
        if not isinstance(block, dict) or not isinstance(block.get("type"), str) or block["type"] not in table.BLOCKS:
            continue
        if surface not in table.BLOCKS[block["type"]].surfaces:
            yield Issue(
                message=f"unsupported type: {block['type']} is not available in a {surface}",
                pointer=f"{here}/type",
                constraint="enum",
                expected=sorted(name for name, shape in table.BLOCKS.items() if surface in shape.surfaces),
            )
        block_id = block.get("block_id")
        if isinstance(block_id, str):
            if block_id in seen:
                yield Issue(message=f'block_id "{block_id}" already exists', pointer=f"{here}/block_id")
            seen.add(block_id)
        yield from _unique_actions(block, here)
    yield from _totals(blocks, pointer)


def _unique_actions(block: dict[str, Any], pointer: str) -> Iterator[Issue]:
    seen: set[str] = set()
    for element, where in elements_of(block, pointer):
        action_id = element.get("action_id")
        if not isinstance(action_id, str):
            continue
        if action_id in seen:
            yield Issue(message=f'action_id "{action_id}" already exists', pointer=f"{where}/action_id")
        seen.add(action_id)


def elements_of(block: dict[str, Any], pointer: str = "") -> Iterator[tuple[dict[str, Any], str]]:
    """Each interactive element of a block and where it stands, children of containers and cards included."""
    if isinstance(block.get("accessory"), dict):
        yield block["accessory"], f"{pointer}/accessory"
    if block.get("type") == "input" and isinstance(block.get("element"), dict):
        yield block["element"], f"{pointer}/element"
    for key in ("elements", "actions", "child_blocks"):
        items = block.get(key)
        if block.get("type") == "rich_text" or not isinstance(items, list):
            continue
        for number, item in enumerate(items):
            if not isinstance(item, dict):
                continue
            here = f"{pointer}/{key}/{number}"
            kind = str(item.get("type"))
            if kind in table.BLOCKS and kind not in table.ELEMENTS:
                yield from elements_of(item, here)
            else:
                yield item, here


def _totals(blocks: list[Any], pointer: str) -> Iterator[Issue]:
    known = [block for block in blocks if isinstance(block, dict)]
    markdown = sum(len(str(block.get("text", ""))) for block in known if block.get("type") == "markdown")
    if markdown > table.MOST_MARKDOWN:
        yield _too_long(table.MOST_MARKDOWN, pointer)
    for kind, most in (("table", table.MOST_TABLES), ("data_visualization", table.MOST_CHARTS)):
        if sum(block.get("type") == kind for block in known) > most:
            yield Issue(
                message=f"no more than {most} {kind} blocks allowed",
                pointer=pointer,
                constraint="max_items",
                expected=most,
            )
    for number, block in enumerate(blocks):
        most = table.MOST_TABLE_TEXT.get(str(block.get("type"))) if isinstance(block, dict) else None
        if most is not None and block_text([block]) > most:
            yield _too_long(most, f"{pointer}/{number}/rows")


def _unsupported(kind: Any, pointer: str, known: tuple[str, ...]) -> Issue:
    return Issue(
        message=f"unsupported type: {kind}", pointer=f"{pointer}/type", constraint="enum", expected=list(known)
    )


def _too_long(most: int, pointer: str) -> Issue:
    return Issue(
        message=f"must be less than {most + 1} characters", pointer=pointer, constraint="max_length", expected=most
    )


def _object(value: Any, shapes: tuple[str, ...], pointer: str) -> Iterator[Issue]:
    if not isinstance(value, dict):
        yield Issue(message="must provide an object", pointer=pointer, constraint="type", expected="object")
        return
    typed = not shapes[0].startswith("object/")
    if not typed:
        yield from _fields(value, table.SHAPES[shapes[0]], pointer, typed=False)
        return
    kind = value.get("type")
    chosen = next((name for name in shapes if name.partition("/")[2] == kind), None)
    if chosen is None:
        if "type" not in value:
            yield Issue(message="missing required field: type", pointer=pointer, constraint="required", expected="type")
        else:
            yield _unsupported(kind, pointer, tuple(name.partition("/")[2] for name in shapes))
        return
    yield from _fields(value, table.SHAPES[chosen], pointer, typed=True)
    yield from _initially_chosen(value, pointer)
    yield from _bounds(value, pointer)


def _fields(value: dict[str, Any], shape: Shape, pointer: str, *, typed: bool) -> Iterator[Issue]:
    for key in value:
        if key not in shape.fields and not (typed and key == "type"):
            yield Issue(
                message=f"invalid additional property: {key}", pointer=pointer, constraint="additional_property"
            )
    for key, field in shape.fields.items():
        if value.get(key) is not None:
            yield from _field(value[key], field, f"{pointer}/{key}")
        elif field.required:
            yield Issue(message=f"missing required field: {key}", pointer=pointer, constraint="required", expected=key)
    for group in shape.some_of:
        if all(value.get(key) is None for key in group):
            yield Issue(
                message=f"must define one of: {', '.join(group)}",
                pointer=pointer,
                constraint="required",
                expected=list(group),
            )
    for group in shape.only_one_of:
        if sum(value.get(key) is not None for key in group) > 1:
            yield Issue(message=f"must define only one of: {', '.join(group)}", pointer=pointer, expected=list(group))


JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "list": (list,),
}


def _field(value: Any, field: Field, pointer: str) -> Iterator[Issue]:
    if field.kind == "any":
        return
    if field.kind in ("object", "text"):
        yield from _object(value, field.of, pointer)
        if field.kind == "text" and isinstance(value, dict) and isinstance(value.get("text"), str):
            yield from _length(value["text"], field, f"{pointer}/text", already=3000)
        return
    if not _is(value, field.kind):
        yield Issue(
            message=f"must provide a{'n' if field.kind == 'integer' else ''} {field.kind}",
            pointer=pointer,
            constraint="type",
            expected="array" if field.kind == "list" else field.kind,
        )
    elif field.kind == "string":
        yield from _string(value, field, pointer)
    elif field.kind == "list":
        yield from _list(value, field, pointer)
    elif field.kind in ("integer", "number"):
        yield from _number(value, field, pointer)


def _is(value: Any, kind: str) -> bool:
    """Whether the value has the type; JSON's true is no number here."""
    return isinstance(value, JSON_TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _string(value: str, field: Field, pointer: str) -> Iterator[Issue]:
    if field.values and value not in field.values:
        yield Issue(
            message=f"unsupported value: {value}", pointer=pointer, constraint="enum", expected=list(field.values)
        )
    if field.pattern and not re.fullmatch(field.pattern, value):
        yield Issue(message="does not match the format", pointer=pointer, constraint="pattern", expected=field.pattern)
    else:
        yield from _length(value, field, pointer)


def _length(value: str, field: Field, pointer: str, already: int | None = None) -> Iterator[Issue]:
    """Bounds of a string; a text object's own 3,000 have been looked at already."""
    if field.low and len(value) < field.low and already is None:
        yield Issue(
            message=f"must be more than {field.low - 1} characters",
            pointer=pointer,
            constraint="min_length",
            expected=field.low,
        )
    if field.high is not None and len(value) > field.high and (already is None or field.high < already):
        yield _too_long(field.high, pointer)


def _list(value: list[Any], field: Field, pointer: str) -> Iterator[Issue]:
    if field.low and len(value) < field.low:
        yield Issue(
            message=f"must have at least {field.low} items",
            pointer=pointer,
            constraint="min_items",
            expected=field.low,
        )
    if field.high is not None and len(value) > field.high:
        yield Issue(
            message=f"no more than {field.high} items allowed",
            pointer=pointer,
            constraint="max_items",
            expected=field.high,
        )
    for number, item in enumerate(value):
        if field.item is not None:
            yield from _field(item, field.item, f"{pointer}/{number}")


def _number(value: float, field: Field, pointer: str) -> Iterator[Issue]:
    if field.low is not None and value < field.low:
        yield Issue(message=f"must be at least {field.low}", pointer=pointer, constraint="minimum", expected=field.low)
    if field.high is not None and value > field.high:
        yield Issue(message=f"must be at most {field.high}", pointer=pointer, constraint="maximum", expected=field.high)


def _initially_chosen(element: dict[str, Any], pointer: str) -> Iterator[Issue]:
    offered = options_of(element)
    if not offered:
        return
    chosen = element.get("initial_options")
    many = chosen if isinstance(chosen, list) else []
    picks = [(pick, f"{pointer}/initial_options/{number}") for number, pick in enumerate(many)]
    if element.get("initial_option") is not None:
        picks.append((element["initial_option"], f"{pointer}/initial_option"))
    for pick, where in picks:
        if not any(_same_option(pick, option) for option in offered):
            yield Issue(message="must be one of the options", pointer=where, constraint="enum")


def _same_option(one: Any, other: Any) -> bool:
    def told(option: Any) -> Any:
        text = option.get("text") if isinstance(option, dict) else None
        return (option.get("value"), text.get("text") if isinstance(text, dict) else text) if text else option

    return told(one) == told(other)


def options_of(element: dict[str, Any]) -> list[dict[str, Any]]:
    """The options an element offers by itself, groups included."""
    groups = element.get("option_groups")
    lists = [element.get("options")] + [g.get("options") for g in groups or [] if isinstance(g, dict)]
    return [option for options in lists if isinstance(options, list) for option in options if isinstance(option, dict)]


def _bounds(element: dict[str, Any], pointer: str) -> Iterator[Issue]:
    low, high = element.get("min_length"), element.get("max_length")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield Issue(message="min_length must not exceed max_length", pointer=f"{pointer}/min_length")
    most, chosen = element.get("max_selected_items"), element.get("initial_options")
    if isinstance(most, int) and isinstance(chosen, list) and len(chosen) > most:
        yield Issue(
            message=f"no more than {most} items allowed",
            pointer=f"{pointer}/initial_options",
            constraint="max_items",
            expected=most,
        )


def view_bytes(view: dict[str, Any]) -> int:
    """How large the view is as Slack weighs it."""
    return len(json.dumps(view, ensure_ascii=False, separators=(",", ":")).encode())
