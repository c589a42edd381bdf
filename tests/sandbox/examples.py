"""Examples of Block Kit, made from the sandbox's own table: the smallest valid one, and one of any size."""

from typing import Any

from sandbox.blocks import SHAPES, Field

SPELLED = {"date": "2026-11-23", "time": "14:30", "number": "5", "zone": "Europe/Vienna"}
ADDRESS = "https://example.com/"


def smallest(shape: str, number: int = 0) -> dict[str, Any]:
    """What the shape needs and nothing else; `number` makes options differ."""
    kind = SHAPES[shape]
    needed = {name for name, field in kind.fields.items() if field.required}
    needed |= {group[0] for group in kind.some_of if not needed.intersection(group)}
    family, _, name = shape.partition("/")
    made: dict[str, Any] = {} if family == "object" else {"type": name}
    made |= {field: sized(kind.fields[field]) for field in sorted(needed)}
    if shape in ("object/option", "object/plain_option", "object/link_option"):
        made["value"] = f"v{number}"
    return made


def sized(field: Field, size: int | None = None, number: int = 0) -> Any:
    """A value for the field: characters, items or the number itself, as its kind has it."""
    count = size if size is not None else max(field.low or 0, 1)
    match field.kind:
        case "string" if field.values:
            return field.values[0]
        case "string" if field.spelled in SPELLED:
            return SPELLED[field.spelled]
        case "string" if field.spelled:
            return ADDRESS + "x" * (count - len(ADDRESS))
        case "string":
            return "x" * count
        case "text":
            return {"type": field.of[0].partition("/")[2], "text": "x" * count}
        case "boolean":
            return True
        case "integer" | "number":
            return count
        case "object":
            return smallest(field.of[0], number)
        case "list":
            assert field.item is not None
            return [sized(field.item, number=each) for each in range(count)]
        case _:
            return {}


def holding(shape: str, name: str, value: Any) -> dict[str, Any]:
    """The smallest example with one field set, and without what may not stand beside it."""
    made = smallest(shape) | {name: value}
    for group in SHAPES[shape].only_one_of:
        if name in group:
            made = {key: kept for key, kept in made.items() if key == name or key not in group}
    if name == "initial_options" and "options" in SHAPES[shape].fields:
        made["options"] = value[: SHAPES[shape].fields["options"].high]
        made.pop("option_groups", None)
    return made
