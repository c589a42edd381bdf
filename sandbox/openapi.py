"""How is the control API described to a machine?"""

from dataclasses import dataclass
from typing import Any

from sandbox.faults import KINDS, LONGEST_S

TEXT, WHOLE, NUMBER, FLAG, THING = (
    {"type": "string"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "object"},
)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    verb: str
    path: str
    says: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


# Ten years, in seconds: the farthest that the clock is moved at once.
FAR = 10 * 366 * 86_400


def _object(**fields: dict[str, Any]) -> dict[str, Any]:
    """An object with all of these fields; a name that ends in `_` may be left out."""
    needed = [name for name in fields if not name.endswith("_")]
    return {
        "type": "object",
        "properties": {name.rstrip("_"): kind for name, kind in fields.items()},
        "required": needed,
    }


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _map(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


def _one(*values: str | int) -> dict[str, Any]:
    return {"enum": list(values)}


RULE = _object(
    fault=_one(*KINDS), method_=TEXT, probability_={"type": "number", "minimum": 0, "maximum": 1},
    times_={"type": "integer", "minimum": 0}, seconds_={"type": "number", "minimum": 0, "maximum": LONGEST_S}, user_=TEXT, channel_=TEXT,
) | {"additionalProperties": False}  # fmt: skip
TYPES: dict[str, dict[str, Any]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000}, "after": WHOLE, "findings": _one(0, 1), "seed": WHOLE,
    "timeout": {"type": "integer", "minimum": 0, "maximum": 60},
    "advance_s": {"type": "number", "minimum": -FAR, "maximum": FAR},
    "offset_s": {"type": "number", "minimum": -FAR, "maximum": FAR},
    "to_due": FLAG, "enabled": FLAG, "remove": FLAG, "deleted": FLAG, "archived": FLAG,
    "do": _one("drop", "warning", "refresh_requested", "link_disabled"), "presence": _one("active", "away"),
    "dnd_until": {"type": ["string", "null"], "format": "date-time"},
    "files": _list(_object(name=TEXT, content_base64={"type": "string", "contentEncoding": "base64"})),
    "rules": _list(RULE),
    "container": {
        "oneOf": [
            _object(type=_one("message"), channel=TEXT, ts=TEXT),
            _object(type=_one("view"), view_id=TEXT),
        ]
    },
    "value": THING, "state": _map(_map(THING)),
}  # fmt: skip

ENDPOINTS = (
    Endpoint(
        verb="get", path="/control/state", says="The team, the app, people, groups and the channels that the person sees.",
        takes=("as",),
    ),
    Endpoint(
        verb="get", path="/control/messages", says="A channel's messages or a thread, oldest first, ephemeral ones included.",
        needs=("as", "channel"), takes=("thread", "before", "limit"),
    ),
    Endpoint(verb="get", path="/control/home", says="The person's Home tab.", needs=("as",)),
    Endpoint(verb="get", path="/control/views", says="The person's modals, the lowest first.", needs=("as",)),
    Endpoint(verb="get", path="/control/stream", says="Every change the person may see, as server-sent events.", needs=("as",)),
    Endpoint(verb="get", path="/control/file", says="The bytes of a file, as its `url` in a message names it.", needs=("file",)),
    Endpoint(
        verb="get", path="/control/log", says="Calls, deliveries and what the app did wrong.",
        takes=("after", "limit", "findings"),
    ),
    Endpoint(verb="get", path="/control/blocks", says="The table of Block Kit that the validator reads."),
    Endpoint(verb="get", path="/control/faults", says="The faults now in force."),
    Endpoint(verb="get", path="/control/openapi.json", says="This description."),
    Endpoint(
        verb="post", path="/control/command", says="Type a slash command; the answer says what Slack would tell the person.",
        needs=("as", "channel", "text"), takes=("thread",),
    ),
    Endpoint(
        verb="post", path="/control/shortcut", says="Run a global shortcut, or with a message's place a message shortcut.",
        needs=("as", "callback_id"), takes=("channel", "ts"),
    ),
    Endpoint(
        verb="post", path="/control/post", says="Write a message; @names and #channels become mentions.",
        needs=("as", "channel"), takes=("text", "thread", "files"),
    ),
    Endpoint(
        verb="post", path="/control/action", says="Press a button, tick a box, choose an option.",
        needs=("as", "container", "block_id", "action_id"), takes=("value", "state"),
    ),
    Endpoint(verb="post", path="/control/submit", says="Submit a modal.", needs=("as", "view_id"), takes=("state",)),
    Endpoint(verb="post", path="/control/close", says="Close a modal.", needs=("as", "view_id")),
    Endpoint(
        verb="post", path="/control/options", says="Ask the app for the options of an external select.",
        needs=("as", "container", "block_id", "action_id"), takes=("query",),
    ),
    Endpoint(
        verb="post", path="/control/react", says="Add or remove a reaction.",
        needs=("as", "channel", "ts", "name"), takes=("remove",),
    ),
    Endpoint(verb="post", path="/control/mark", says="Mark a channel as read up to a message.", needs=("as", "channel", "ts")),
    Endpoint(
        verb="post", path="/control/dismiss", says="Put an ephemeral message away.", needs=("as", "channel", "ts"),
    ),
    Endpoint(verb="post", path="/control/home_opened", says="Open the app's Home tab.", needs=("as",)),
    Endpoint(verb="post", path="/control/open_direct", says="Open a direct message.", needs=("as",), takes=("user",)),
    Endpoint(
        verb="post", path="/control/invite", says="Invite somebody, or the app, to a channel.",
        needs=("as", "channel"), takes=("user",),
    ),
    Endpoint(verb="post", path="/control/faults", says="Set the faults; none when the list is empty.", takes=("seed", "rules")),
    Endpoint(verb="post", path="/control/limits", says="Switch Slack's rate limits off or on.", needs=("enabled",)),
    Endpoint(verb="post", path="/control/sockets", says="Cut or refresh the app's connections.", needs=("do",)),
    Endpoint(
        verb="post", path="/control/user", says="Deactivate a person, send them away, leave them undisturbed.",
        needs=("user",), takes=("deleted", "presence", "dnd_until"),
    ),
    Endpoint(
        verb="post", path="/control/channel", says="Archive a channel or set its members.",
        needs=("channel",), takes=("archived", "members"),
    ),
    Endpoint(verb="post", path="/control/reset", says="Go back to the world file."),
    Endpoint(
        verb="get", path="/clock", says="The workspace's time; with `after` it waits until the version is another.",
        takes=("after", "timeout"),
    ),
    Endpoint(
        verb="post", path="/clock", says="Move the time: by seconds, to an offset, or to the next due moment.",
        takes=("advance_s", "offset_s", "to_due"),
    ),
    Endpoint(
        verb="put", path="/clock/due/{who}", says="Say what you wait for next; a null takes it back.",
        needs=("at",), takes=("what",),
    ),
)  # fmt: skip


def description(url: str, *, people: list[str], users: list[str], channels: list[str]) -> dict[str, Any]:
    """The control API in OpenAPI 3.1, with the ids of those who live in this workspace."""
    known = TYPES | {
        "as": _one(*people),
        "user": {"anyOf": [_one(*users), TEXT]},
        "channel": {"anyOf": [_one(*channels), TEXT]},
        "members": _list(_one(*users)),
    }
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.verb] = _operation(endpoint, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sandbox control API", "version": "1"},
        "servers": [{"url": url}],
        "paths": paths,
    }


def _operation(endpoint: Endpoint, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {"application/json": {"schema": THING}}
    if endpoint.path == "/control/stream":
        answer = {"text/event-stream": {"schema": TEXT}}
    if endpoint.path == "/control/file":
        answer = {"*/*": {"schema": {}}}
    told: dict[str, Any] = {
        "summary": endpoint.says,
        "responses": {
            "200": {"description": "Done; the answer.", "content": answer},
            "400": {
                "description": "Not possible, and why.",
                "content": {"application/json": {"schema": _object(error=TEXT)}},
            },
        },
    }
    fields = {name: known.get(name, TEXT) for name in (*endpoint.needs, *endpoint.takes)}
    if endpoint.path.endswith("{who}"):
        told["parameters"] = [{"name": "who", "in": "path", "required": True, "schema": TEXT}]
        fields["at"] = {"type": ["string", "null"]}
    if endpoint.verb == "get":
        told["parameters"] = [
            {"name": name, "in": "query", "required": name in endpoint.needs, "schema": kind}
            for name, kind in fields.items()
        ]
    elif fields:
        schema = {"type": "object", "properties": fields, "required": list(endpoint.needs)}
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return told
