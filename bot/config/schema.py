"""What do editors need to know to complete and to check configuration files while somebody types?"""

from bot.config import units
from bot.config.shape import Layer
from bot.plan import Json

_FOLLOWS: dict[str, Json] = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Reference"}]}
_REFERENCE = {
    "type": "object",
    "description": "A value from the environment ({env: NAME}, with an optional default), or a secret from a file ({file: PATH}).",
    "properties": {
        "env": {"type": "string", "description": "Name of the environment variable."},
        "file": {"type": "string", "description": "Path of a file that holds a secret."},
        "default": {"description": "The value if the variable is not set. Not for secrets."},
        "then": {
            "description": "What follows the variable's value: a text, another reference, or several of them.",
            "anyOf": [_FOLLOWS, {"type": "array", "items": _FOLLOWS}],
        },
        "prefix": {"type": "string", "description": "Goes in front of a secret, such as `Bearer `."},
        "split": {"type": "string", "description": "Make a list of the value: what stands between its parts."},
    },
    "oneOf": [{"required": ["env"]}, {"required": ["file"]}],
    "additionalProperties": False,
}
_RULES = {
    "description": "Rules by value: only these change, the other inherited rules stay.",
    "type": "object",
    "additionalProperties": {"type": ["string", "array", "null"], "items": {"type": "string"}},
}


def schema() -> dict[str, Json]:
    """One JSON Schema for `app.yaml` and for service files; which of them a file is shows by `service:`.

    Every layer says only what differs from the layer below, so nothing in it is required: what is missing in the end is found
    by `python -m bot check-config`.
    """
    made = Layer.model_json_schema(by_alias=True)
    definitions: dict[str, Json] = {
        name: _loosened(one, rules=name == "Check") for name, one in made.pop("$defs").items()
    }
    layer = _loosened(made, rules=False)
    definitions |= {
        "Reference": _REFERENCE,
        "Defaults": layer,
        "App": {
            "type": "object",
            "required": ["include", "defaults"],
            "additionalProperties": False,
            "properties": {
                "include": {"type": "string", "description": "Which files describe services, such as services/*.yaml."},
                "plugins": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Python files with checks of your own, seen from the folder of app.yaml.",
                },
                "defaults": {
                    "$ref": "#/$defs/Defaults",
                    "description": "What holds for every service that does not say otherwise.",
                },
            },
        },
        "Service": {
            "type": "object",
            "required": ["service", "environments"],
            "additionalProperties": False,
            "properties": {
                "service": {"type": "string", "description": "The name that people type: /deploy start NAME."},
                "environments": {
                    "type": "object",
                    "minProperties": 1,
                    "description": "Where it is deployed to; each may inherit from another, and change what differs.",
                    "additionalProperties": {"$ref": "#/$defs/Environment"},
                },
                **layer["properties"],
            },
        },
        "Environment": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {
                "inherits": {"type": "string", "description": "The environment that this one is like."},
                **layer["properties"],
            },
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "T-Minus configuration",
        "if": {"required": ["service"]},
        "then": {"$ref": "#/$defs/Service"},
        "else": {"$ref": "#/$defs/App"},
        "$defs": definitions,
    }


def _loosened(model: dict[str, Json], *, rules: bool) -> dict[str, Json]:
    """A shape as a layer may write it: in part, with references for values, and `~` to take something away."""
    properties = {
        name: _or_reference(one, _RULES if rules and name in ("require", "pass", "warn") else None)
        for name, one in model.get("properties", {}).items()
    }
    return {
        "type": "object",
        **({"description": model["description"]} if "description" in model else {}),
        "additionalProperties": False,
        "properties": properties,
    }


def _or_reference(one: dict[str, Json], also: dict[str, Json] | None) -> dict[str, Json]:
    described = {"description": one["description"]} if "description" in one else {}
    if one.get("default") and not isinstance(one["default"], dict):
        described["default"] = units.written(one["default"], one.get("pattern", ""))
    kept = {key: value for key, value in one.items() if key not in {"description", "default", "title", "minItems"}}
    entries = kept.get("items") or kept.get("additionalProperties")
    if kept.get("type") == "array":
        kept["items"] = {"anyOf": [entries, {"$ref": "#/$defs/Reference"}]}
    elif isinstance(entries, dict):
        kept["additionalProperties"] = {"anyOf": [entries, {"type": "null"}]}
    choices: list[dict[str, Json]] = kept.pop("anyOf", [kept])
    nothing: dict[str, Json] = {"type": "null"}
    is_mapping = any("$ref" in choice or choice.get("type") == "object" for choice in choices)
    extra = [
        *([also] if also else []),
        *([] if nothing in choices else [nothing]),
        *([] if is_mapping else [{"$ref": "#/$defs/Reference"}]),
    ]
    return {**described, "anyOf": [*choices, *extra]}
