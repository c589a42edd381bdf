"""What does a complaint of the shapes mean to the person who wrote the file?"""

from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.config.mistakes import Mistakes, offer
from bot.config.tree import Key, Node, dotted
from bot.config.units import shown


def tell(error: ValidationError, node: Node, model: type[BaseModel], mistakes: Mistakes) -> None:
    """Put each complaint in a sentence, at its place in the file."""
    for one in error.errors(include_url=False):
        path: tuple[Key, ...] = tuple(one["loc"])
        mistakes.add(node.place_of(*path), dotted(path), _sentence(one, path, model))


#: What pydantic calls a mistake, and what it is for a reader. `{found}` is what stands in the file.
_SENTENCES = {
    "missing": "is missing",
    "string_type": "expected a text, found {found}",
    "string_too_short": "is empty; expected a text",
    "too_short": "is empty; expected at least {min_length}",
    "list_type": "expected a list, found {found}",
    "dict_type": "expected a mapping (key: value), found {found}",
    "model_type": "expected a mapping (key: value), found {found}",
    "bool_type": "expected true or false, found {found}",
    "bool_parsing": "expected true or false, found {found}",
    "int_type": "expected a whole number, found {found}",
    "int_parsing": "expected a whole number, found {found}",
    "int_from_float": "expected a whole number, found {found}",
    "greater_than_equal": "expected at least {ge}, found {found}",
    "less_than_equal": "expected at most {le}, found {found}",
    "value_error": "{error}",
}


def _sentence(one: ErrorDetails, path: tuple[Key, ...], model: type[BaseModel]) -> str:
    found, kind = shown(one["input"]), one["type"]
    context: dict[str, Any] = one.get("ctx", {})
    if kind == "extra_forbidden":
        return f"not a key here; {offer(str(path[-1]), known_keys(model, path[:-1]))}"
    if kind == "literal_error":
        return f"{found} is not known; {offer(str(one['input']), _choices(str(context['expected'])))}"
    if one["input"] is None and kind == "model_type":
        return "is empty; to leave it out, write `enabled: false` and `because:`"
    if kind == "string_type" and isinstance(one["input"], int | float):
        return f"expected a text, found {found}; put it in quotes"
    return _SENTENCES.get(kind, f"{one['msg']}, found {{found}}").format(found=found, **context)


def _choices(expected: str) -> list[str]:
    """Pydantic tells the choices as `'', 'planned' or 'done'`."""
    return [one for one in expected.replace(" or ", ", ").replace("'", "").split(", ") if one]


def known_keys(model: type[BaseModel], path: tuple[Key, ...]) -> list[str]:
    """The keys that may stand at this path."""
    kind: Any = model
    for part in path:
        kind = _below(kind, part)
    model_there = _model(kind)
    return [field.alias or name for name, field in model_there.model_fields.items()] if model_there else []


def _below(kind: Any, part: Key) -> Any:
    model = _model(kind)
    if model is None:
        return get_args(kind)[-1] if get_origin(kind) in (dict, list) else None
    return next((one.annotation for name, one in model.model_fields.items() if (one.alias or name) == part), None)


def _model(kind: Any) -> type[BaseModel] | None:
    for one in (kind, *get_args(kind)):
        if isinstance(one, type) and issubclass(one, BaseModel) and get_origin(kind) not in (dict, list):
            return one
    return None
