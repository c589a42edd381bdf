"""What does the description of an API say about its GETs, and does an answer agree with it?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import referencing
from jsonschema.exceptions import SchemaError, best_match
from jsonschema.protocols import Validator
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from bot.net import Answer, words
from checks.pick import read


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One GET of the description."""

    path: str
    #: With every parameter filled in; empty when one has no example.
    asked: str
    responses: Mapping[str, Any]
    missing: tuple[str, ...] = ()
    headers: Mapping[str, str]


def operations(spec: Mapping[str, Any], examples: Mapping[str, str], sent: Mapping[str, str]) -> Iterator[Operation]:
    """Each GET, with its parameters filled in from `examples` or the description; `sent` are headers that are sent anyway."""
    paths = spec.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        whole = _followed(spec, item)
        get = whole.get("get")
        if isinstance(get, dict):
            told = {}
            for one in [*_list(whole.get("parameters")), *_list(get.get("parameters"))]:
                parameter = _followed(spec, one)
                told[parameter.get("name"), parameter.get("in")] = parameter
            yield _operation(spec, str(path), get, list(told.values()), examples, sent)


def _operation(
    spec: Mapping[str, Any],
    path: str,
    get: Mapping[str, Any],
    parameters: Sequence[Mapping[str, Any]],
    examples: Mapping[str, str],
    sent: Mapping[str, str],
) -> Operation:
    asked, query, headers, missing = path, {}, {}, []
    for one in parameters:
        name, where = str(one.get("name")), one.get("in")
        value = examples.get(name, _example(spec, one))
        if where == "path" and value is not None:
            asked = asked.replace(f"{{{name}}}", quote(str(value), safe=""))
        elif where == "query" and value is not None and (one.get("required") or name in examples):
            query[name] = str(value)
        elif where == "header" and value is not None and one.get("required"):
            headers[name] = str(value)
        elif (where == "path" or one.get("required")) and name.lower() not in map(str.lower, sent):
            missing.append(name)
    responses = get.get("responses")
    return Operation(
        path=path,
        asked="" if missing or "{" in asked else asked + (f"?{urlencode(query)}" if query else ""),
        responses={str(code): one for code, one in responses.items()} if isinstance(responses, dict) else {},
        missing=tuple(missing),
        headers=headers,
    )


def _example(spec: Mapping[str, Any], parameter: Mapping[str, Any]) -> object:
    schema = _followed(spec, parameter.get("schema"))
    named = parameter.get("examples")
    first = next(iter(named.values()), None) if isinstance(named, dict) else None
    candidates = (
        parameter.get("example"),
        _followed(spec, first).get("value"),
        schema.get("example"),
        next(iter(_list(schema.get("examples"))), None),
        schema.get("default"),
        schema.get("const"),
        next(iter(_list(schema.get("enum"))), None),
    )
    return next((one for one in candidates if isinstance(one, str | int | float)), None)


def _followed(spec: Mapping[str, Any], one: object, *, most: int = 10) -> Mapping[str, Any]:
    """What stands there, or where `$ref` points to within the description."""
    while isinstance(one, dict) and isinstance(one.get("$ref"), str) and most:
        one, most = _at(spec, one["$ref"]), most - 1
    return one if isinstance(one, dict) else {}


def _at(spec: Any, reference: str) -> object:
    for part in reference.removeprefix("#").split("/")[1:] if reference.startswith("#") else ("",):
        key = part.replace("~1", "/").replace("~0", "~")
        spec = spec.get(key) if isinstance(spec, dict) else None
    return spec


def _list(one: object) -> list[Any]:
    return one if isinstance(one, list) else []


# ── The answers ──────────────────────────────────────────────────────────────────────────────────────────────────────


def mismatch(spec: Mapping[str, Any], validator: Validator, operation: Operation, code: str, answer: Answer) -> str:
    content = _followed(spec, operation.responses[code]).get("content")
    if not isinstance(content, dict) or not content:
        return ""
    kind = answer.header("content-type").partition(";")[0].strip().lower()
    ranges_ = (kind, f"{kind.partition('/')[0]}/*", "*/*")
    named = {str(one).partition(";")[0].strip().lower(): media for one, media in content.items()}
    media = next((named[one] for one in ranges_ if one in named), None)
    if media is None:
        return f"is {kind or 'of no type'}; described is {', '.join(named)}"
    if not (kind == "application/json" or kind.endswith("+json")):
        return ""
    if answer.cut:
        # The caller says so: what is not read is neither right nor wrong.
        return ""
    document = read(answer.text())
    if document is None and answer.text().strip() != "null":
        return "is no whole JSON"
    schema = media.get("schema") if isinstance(media, dict) else None
    return _violated(validator, schema, document) if schema is not None else ""


def _violated(validator: Validator, schema: Any, document: Any) -> str:
    try:
        error = best_match(validator.evolve(schema=_absolute(schema)).iter_errors(document))
    except (
        Unresolvable,
        SchemaError,
        RecursionError,
        TypeError,
    ) as problem:
        return f"cannot be held against its schema: {words(problem)}"
    if error is None:
        return ""
    place = ".".join(map(str, error.absolute_path)) or "the body"
    # The sentence of the library quotes what it found, which may be a customer's; the rule and the place are enough.
    return f"{place} breaks '{error.validator}' of its schema"


_BASE = "urn:description"


def validator_of(spec: Mapping[str, Any]) -> Validator:
    """A validator that knows the whole description, and fetches nothing."""
    modern = not str(spec["openapi"]).startswith("3.0")
    whole: Any = spec if modern else _without_nullable(spec)
    resource: referencing.Resource[Any] = referencing.Resource(contents=whole, specification=DRAFT202012)
    registry: referencing.Registry[Any] = referencing.Registry().with_resource(_BASE, resource)
    kind: Any = jsonschema.Draft202012Validator
    return kind({}, registry=registry)


def _absolute(schema: Any) -> Any:
    """`#/components/…` of the description, wherever the schema stands in it."""
    if isinstance(schema, dict):
        return {
            key: f"{_BASE}{one}" if key == "$ref" and isinstance(one, str) and one.startswith("#") else _absolute(one)
            for key, one in _nullable(schema).items()
        }
    return [_absolute(one) for one in schema] if isinstance(schema, list) else schema


def _without_nullable(one: Any) -> Any:
    if isinstance(one, dict):
        return {key: _without_nullable(inner) for key, inner in _nullable(one).items()}
    return [_without_nullable(inner) for inner in one] if isinstance(one, list) else one


def _nullable(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """OpenAPI 3.0 says `nullable: true` where JSON Schema has a type more."""
    if schema.get("nullable") is not True:
        return schema
    bare = {key: one for key, one in schema.items() if key != "nullable"}
    return {"anyOf": [{"type": "null"}, bare]}
