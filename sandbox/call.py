"""What did the app say in its call: which method, which token, which arguments?"""

import base64
import json
import math
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from starlette.requests import Request

from sandbox.refusal import Refusal

STRUCTURES = ("blocks", "attachments", "unfurled_attachments", "view", "metadata", "files", "message", "chunks", "document_content", "changes")  # fmt: skip
# What is no JSON at all has a name of its own, where the method publishes one.
MALFORMED = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format", "chunks": "invalid_chunks"}
# Said to be required, and yet one of two ways to say the same.
EITHER = ("markdown_text",)
# Clients send the team with every call; Slack takes it with any method.
WITH_ANY_METHOD = ("team_id",)
TRUE, FALSE = ("1", "true", "True"), ("0", "false", "False", "")


@dataclass(frozen=True, kw_only=True)
class Published:
    """What Slack publishes about one method, as far as the sandbox is strict by it."""

    scopes: tuple[str, ...]
    tier: str | None
    takes_json: bool
    required: tuple[str, ...]
    errors: frozenset[str]
    arguments: dict[str, str]  # name -> boolean, number, structure, list or string


@cache
def published() -> dict[str, Published]:
    folder = resources.files("sandbox") / "slack_api"
    return {
        entry.name.removesuffix(".json"): _published(json.loads(entry.read_text(encoding="utf-8")))
        for entry in folder.iterdir()
        if entry.name.endswith(".json")
    }


def _published(raw: dict[str, Any]) -> Published:
    described = raw.get("args") or {}
    return Published(
        scopes=tuple((raw.get("scope") or {}).get("bot") or ()),
        tier=raw.get("rate_limits"),
        takes_json=bool(raw.get("json_input_supported")),
        required=tuple(name for name in described.get("required") or () if name not in ("token", *EITHER)),
        errors=frozenset(raw.get("errors") or ()),
        arguments={name: _kind(name, about) for name, about in (described.get("properties") or {}).items()},
    )


def _kind(name: str, about: dict[str, Any]) -> str:
    if name in STRUCTURES:
        return "structure"
    kinds = [about.get("type")] + [option.get("type") for option in about.get("anyOf") or ()]
    for kind, ours in (("boolean", "boolean"), ("number", "number"), ("integer", "number"), ("array", "list")):
        if kind in kinds:
            return ours
    return "string"


@dataclass(kw_only=True)
class Call:
    """One call of the Web API, its arguments in Python's own types."""

    method: str
    token: str
    args: dict[str, Any]
    body: str  # how the arguments came: json, form, query
    basic: tuple[str, str] | None = None  # a client's id and secret, where they came in the header
    findings: list[str] = field(default_factory=list)

    def get(self, name: str, default: Any = None) -> Any:
        return self.args.get(name, default)

    def text(self, name: str) -> str:
        return str(self.args.get(name) or "")


async def read_call(request: Request, method: str) -> Call:
    """Take the arguments from wherever Slack takes them: query, form, or JSON.

    The token comes in the header, or as a field of a form; in an address or in JSON Slack does not look for it.
    """
    args: dict[str, Any] = dict(request.query_params)
    misplaced = "the address" if args.pop("token", None) else ""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = "query"
    if request.method == "POST" and kind == "application/json":
        body = "json"
        args |= _json(await request.body())
        misplaced = "the JSON" if args.pop("token", None) else misplaced
    elif request.method == "POST" and kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.form()
        body = "form" if form else "query"
        args |= {name: value if isinstance(value, str) else await value.read() for name, value in form.items()}
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    in_form = str(args.pop("token", None) or "")
    token = bearer.strip() if scheme.lower() == "bearer" else in_form
    findings = [f"{method} came with a token in {misplaced}; Slack takes it from the Authorization header."]
    known = {name: value for name, value in args.items() if value is not None}
    return Call(
        method=method, token=token, args=known, body=body, basic=_basic(scheme, bearer),
        findings=findings if misplaced else [],
    )  # fmt: skip


def _basic(scheme: str, encoded: str) -> tuple[str, str] | None:
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return name, secret


def strict_json(raw: str | bytes) -> Any:
    """JSON as the standard has it: a number has an end, and so has depth.

    Whatever comes in is given out again, and what is no JSON on the way out would be an error for ever.
    """
    try:
        told = json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    text = raw if isinstance(raw, str) else raw.decode(errors="replace")
    if "\\ud" in text.lower():
        # Half of a surrogate pair is a string to Python, and can be sent to nobody.
        json.dumps(told, ensure_ascii=False).encode()
    return told


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(literal: str) -> float:
    told = float(literal)
    if not math.isfinite(told):
        raise ValueError(f"{literal} is too large")
    return told


def _json(raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        return {}
    try:
        told = strict_json(raw)
    except ValueError:
        raise Refusal("invalid_json") from None
    if not isinstance(told, dict):
        raise Refusal("json_not_object")
    return told


def settle(call: Call, described: Published) -> None:
    """Bring each argument into its type; refuse what is missing or malformed, note what is unknown."""
    if call.body == "json" and not described.takes_json and call.args:
        call.findings.append(f"{call.method} does not take JSON; Slack would not see these arguments.")
        call.args = {}
    problems: list[str] = []
    malformed: list[str] = []
    for name, value in list(call.args.items()):
        if name in WITH_ANY_METHOD and name not in described.arguments:
            continue
        if name not in described.arguments:
            call.findings.append(f"{call.method} has no argument {name!r}; Slack ignores it.")
            continue
        try:
            call.args[name] = _settled(described.arguments[name], value)
        except ValueError as problem:
            if MALFORMED.get(name) in described.errors:
                malformed.append(MALFORMED[name])
                continue
            problems.append(f"[ERROR] {problem} [json-pointer:/{name}]")
    problems += [
        f"[ERROR] missing required field: {name}"
        for name in described.required
        if call.args.get(name) is None or call.args[name] == ""
    ]
    if problems:
        raise Refusal("invalid_arguments", messages=problems)
    if malformed:
        raise Refusal(malformed[0])


def _settled(kind: str, value: Any) -> Any:
    if kind == "boolean":
        if isinstance(value, bool):
            return value
        if str(value) in TRUE:
            return True
        if str(value) in FALSE:
            return False
        return value
    if kind == "number":
        try:
            return int(value)
        except (TypeError, ValueError):
            raise ValueError("must provide a number") from None
    if kind == "structure" and isinstance(value, str):
        if not value.strip():
            return None
        try:
            return strict_json(value)
        except ValueError:
            raise ValueError("must provide valid JSON") from None
    if kind == "list" and isinstance(value, str):
        return strict_json(value) if value.startswith("[") else [part for part in value.split(",") if part]
    if kind == "string":
        if isinstance(value, bool | list | dict | bytes):
            raise ValueError("must provide a string")
        return str(value)
    return value
