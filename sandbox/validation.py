"""Would Slack accept these blocks, this message, this view, and what would it say if not?"""

import json
from collections.abc import Iterator
from typing import Any

from sandbox import blocks as table
from sandbox.blocks import Field, Shape
from sandbox.inside import every_block
from sandbox.issue import Issue, too_long, too_many
from sandbox.spelled import SPELLED
from sandbox.together import Placed, block_issues, element_issues, placed_issues


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


# What a message may hold, where it is sent by a method, a webhook or an answer.
MESSAGE_FIELDS: dict[str, Field] = {
    "text": table.string(40_000, low=0),
    "blocks": Field(kind="any"),
    "attachments": Field(kind="list", high=table.MOST_ATTACHMENTS, item=Field(kind="any")),
    "metadata": Field(kind="any"),
    **dict.fromkeys(("channel", "thread_ts", "username", "icon_emoji", "icon_url", "parse"), table.string(3000, low=0)),
    "response_type": table.one_of("in_channel", "ephemeral"),
    **dict.fromkeys(
        (
            "mrkdwn",
            "link_names",
            "unfurl_links",
            "unfurl_media",
            "reply_broadcast",
            "replace_original",
            "delete_original",
        ),
        table.BOOLEAN,
    ),
}


def check_message(message: Any, pointer: str = "") -> list[Issue]:
    """Every reason why Slack would refuse this message as a whole."""
    if not isinstance(message, dict):
        return [Issue(message="must provide an object", pointer=pointer, constraint="type", expected="object")]
    shape = Shape(fields=MESSAGE_FIELDS, some_of=(("text", "blocks", "attachments"),))
    issues = list(_fields(message, shape, pointer, typed=False))
    if message.get("blocks") is not None:
        issues += check_blocks(message["blocks"], table.MESSAGE, f"{pointer}/blocks")
    return issues + check_attachments(message.get("attachments"), message.get("blocks"), pointer)


def check_attachments(attachments: Any, blocks: Any = None, pointer: str = "") -> list[Issue]:
    """Why Slack would refuse these attachments beside these blocks: each by itself, and all blocks together."""
    issues: list[Issue] = []
    above = list(every_block(blocks, f"{pointer}/blocks"))
    within: Placed = []
    for number, each in enumerate(attachments if isinstance(attachments, list) else []):
        here = f"{pointer}/attachments/{number}"
        if not isinstance(each, dict):
            issues.append(Issue(message="must provide an object", pointer=here, constraint="type", expected="object"))
        elif "blocks" in each:
            issues += check_blocks(each["blocks"], table.MESSAGE, f"{here}/blocks")
            within += every_block(each["blocks"], f"{here}/blocks")
    if issues or not within:
        return issues
    return list(placed_issues([*above, *within], f"{pointer}/attachments"))


def check_shape(value: Any, shape: str, pointer: str = "") -> list[Issue]:
    """Every reason why Slack would refuse this one object, whatever holds it."""
    return list(_object(value, (shape,), pointer))


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
    asks = any(block.get("type") == "input" for block, _ in every_block(view["blocks"]))
    if kind == table.MODAL and asks and view.get("submit") is None:
        yield Issue(message="missing required field: submit", pointer=pointer, constraint="required", expected="submit")


def _blocks(blocks: list[Any], surface: str, pointer: str) -> Iterator[Issue]:
    most = table.MOST_BLOCKS[surface]
    if len(blocks) > most:
        yield too_many(most, pointer)
    for number, block in enumerate(blocks):
        here = f"{pointer}/{number}"
        yield from _object(block, tuple(f"block/{name}" for name in table.BLOCKS), here)
        kind = block.get("type") if isinstance(block, dict) else None
        if isinstance(kind, str) and kind in table.BLOCKS and surface not in table.BLOCKS[kind].surfaces:
            yield Issue(
                message=f"unsupported type: {kind} is not available in a {surface}",
                pointer=f"{here}/type",
                constraint="enum",
                expected=sorted(name for name, shape in table.BLOCKS.items() if surface in shape.surfaces),
            )
    yield from block_issues(blocks, pointer)


def _unsupported(kind: Any, pointer: str, known: tuple[str, ...]) -> Issue:
    return Issue(
        message=f"unsupported type: {kind}", pointer=f"{pointer}/type", constraint="enum", expected=list(known)
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
    yield from element_issues(value, pointer)


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
    right, said = SPELLED.get(field.spelled, (None, ""))
    if right is not None and not right(value):
        yield Issue(message=said, pointer=pointer, constraint="format", expected=field.spelled)
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
        yield too_long(field.high, pointer)


def _list(value: list[Any], field: Field, pointer: str) -> Iterator[Issue]:
    if field.low and len(value) < field.low:
        yield Issue(
            message=f"must have at least {field.low} items",
            pointer=pointer,
            constraint="min_items",
            expected=field.low,
        )
    if field.high is not None and len(value) > field.high:
        yield too_many(field.high, pointer)
    for number, item in enumerate(value):
        if field.item is not None:
            yield from _field(item, field.item, f"{pointer}/{number}")


def _number(value: float, field: Field, pointer: str) -> Iterator[Issue]:
    if field.low is not None and value < field.low:
        yield Issue(message=f"must be at least {field.low}", pointer=pointer, constraint="minimum", expected=field.low)
    if field.high is not None and value > field.high:
        yield Issue(message=f"must be at most {field.high}", pointer=pointer, constraint="maximum", expected=field.high)


def view_bytes(view: dict[str, Any]) -> int:
    """How large the view is as Slack weighs it."""
    return len(json.dumps(view, ensure_ascii=False, separators=(",", ":")).encode())
