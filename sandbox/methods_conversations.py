"""What do the `conversations.*` methods do?"""

import math
import re
from typing import Any

from sandbox.api import method, need_scope
from sandbox.box import Sandbox
from sandbox.call import Call
from sandbox.refusal import Refusal
from sandbox.rooms import PREFIX, closed, described, limit, must_be_here, must_be_open, page, readable, room, told
from sandbox.workspace import Message, Room

MOST_PAGE = 1000
MOST_TOPIC = 250
MOMENT = re.compile(r"\d{1,12}(\.\d{1,6})?")
KINDS = {"public_channel": "channel", "private_channel": "private", "im": "im", "mpim": "mpim"}


def _between(call: Call, messages: list[Message]) -> list[Message]:
    """Only what lies between `oldest` and `latest`, both of which may be bare seconds."""
    bounds: dict[str, float] = {"oldest": 0.0, "latest": math.inf}
    for name in bounds:
        if call.text(name):
            if not MOMENT.fullmatch(call.text(name)):
                raise Refusal(f"invalid_ts_{name}")
            bounds[name] = float(call.text(name))
    oldest, latest = bounds.values()
    inclusive = call.get("inclusive") is True

    def inside(ts: float) -> bool:
        return oldest <= ts <= latest if inclusive else oldest < ts < latest

    return [message for message in messages if inside(float(message["ts"]))]


def _visible(box: Sandbox, messages: list[Message]) -> list[Message]:
    return [message for message in messages if not box.faults.hidden(message["channel"], message["ts"])]


@method("conversations.history")
def history(box: Sandbox, call: Call) -> dict[str, Any]:
    found = readable(box, call.text("channel"))
    messages = _between(call, _visible(box, list(found.roots())))
    shown, cursor = page(messages, call.text("cursor"), min(limit(call, 100), 999), "history")
    metadata = call.get("include_all_metadata") is True
    return {
        "messages": [told(box, message, metadata=metadata) for message in shown],
        "has_more": bool(cursor),
        "pin_count": sum(bool(message.get("pinned")) for message in found.messages.values()),
        "response_metadata": {"next_cursor": cursor},
    }


@method("conversations.replies")
def replies(box: Sandbox, call: Call) -> dict[str, Any]:
    found = readable(box, call.text("channel"))
    message = found.messages.get(call.text("ts"))
    if message is None:
        raise Refusal("thread_not_found")
    root, *rest = found.thread(message.get("thread_ts") or message["ts"]) or [message]
    rest = _between(call, _visible(box, rest))
    shown, cursor = page(rest, call.text("cursor"), limit(call, MOST_PAGE), "replies")
    # The root comes with every page, whatever the bounds are.
    metadata = call.get("include_all_metadata") is True
    return {
        "messages": [told(box, each, metadata=metadata) for each in [root, *shown]],
        "has_more": bool(cursor),
        "response_metadata": {"next_cursor": cursor},
    }


@method("conversations.info")
def info(box: Sandbox, call: Call) -> dict[str, Any]:
    found = room(box, call.text("channel"))
    need_scope(box, f"{PREFIX[found.kind]}:read")
    members = {"num_members": len(found.members)} if call.get("include_num_members") is True else {}
    return {"channel": described(box, found) | members}


@method("conversations.list")
def list_rooms(box: Sandbox, call: Call) -> dict[str, Any]:
    wanted = [kind.strip() for kind in (call.text("types") or "public_channel").split(",")]
    if not set(wanted) <= set(KINDS):
        raise Refusal("invalid_types")
    kinds = [KINDS[kind] for kind in wanted]
    for kind in kinds:
        need_scope(box, f"{PREFIX.get(kind, 'mpim')}:read")
    rooms = [found for found in box.workspace.rooms.values() if _listed(box, call, found, kinds)]
    shown, cursor = page(rooms, call.text("cursor"), limit(call, 100), "list")
    return {"channels": [described(box, found) for found in shown], "response_metadata": {"next_cursor": cursor}}


def _listed(box: Sandbox, call: Call, found: Room, kinds: list[str]) -> bool:
    known = found.kind == "channel" or box.workspace.bot in found.members
    return known and found.kind in kinds and not (call.get("exclude_archived") is True and closed(box, found))


@method("conversations.members")
def members(box: Sandbox, call: Call) -> dict[str, Any]:
    found = room(box, call.text("channel"))
    need_scope(box, f"{PREFIX[found.kind]}:read")
    shown, cursor = page(found.members, call.text("cursor"), limit(call, 100), "members")
    return {"members": shown, "response_metadata": {"next_cursor": cursor}}


@method("conversations.join")
def join(box: Sandbox, call: Call) -> dict[str, Any]:
    need_scope(box, "channels:join")
    found = room(box, call.text("channel"))
    if found.kind != "channel":
        raise Refusal("method_not_supported_for_channel_type")
    must_be_open(box, found, "is_archived")
    if box.workspace.bot in found.members:
        return {"channel": described(box, found), "warning": "already_in_channel"}
    enter(box, found, box.workspace.bot, inviter=None)
    return {"channel": described(box, found)}


def enter(box: Sandbox, found: Room, user: str, *, inviter: str | None) -> None:
    """Somebody becomes a member; the app hears of it where it is one itself."""
    found.members.append(user)
    box.workspace.keep_room(found)
    author = {"user": user}
    box.workspace.post(found, author, subtype="channel_join", text=f"<@{user}> has joined the channel", inviter=inviter)
    if box.workspace.bot in found.members:
        kind = {"channel": "C", "private": "G"}.get(found.kind, "D")
        event = {
            "type": "member_joined_channel", "user": user, "channel": found.id, "channel_type": kind,
            "team": box.world.team.id, "inviter": inviter, "event_ts": box.clock.ts(),
        }  # fmt: skip
        box.delivery.tell({key: value for key, value in event.items() if value is not None})


@method("conversations.open")
def open_direct(box: Sandbox, call: Call) -> dict[str, Any]:
    need_scope(box, "im:write")
    workspace = box.workspace
    if call.text("channel"):
        found = room(box, call.text("channel"))
        if found.kind != "im":
            raise Refusal("method_not_supported_for_channel_type")
    else:
        users = [user.strip() for user in call.text("users").split(",") if user.strip()]
        if not users:
            raise Refusal("users_list_not_supplied")
        if len(users) > 1:
            raise Refusal("method_not_supported_for_channel_type")
        user = workspace.users.get(users[0])
        if user is None or user.is_bot:
            raise Refusal("user_not_found")
        must_be_here(box, user, "user_disabled")
        found = workspace.direct(user.id)
    if call.get("return_im") is True:
        return {"channel": described(box, found)}
    return {"channel": {"id": found.id}}


@method("conversations.setTopic")
def set_topic(box: Sandbox, call: Call) -> dict[str, Any]:
    found = room(box, call.text("channel"))
    need_scope(box, f"{PREFIX[found.kind]}:write.topic", f"{PREFIX[found.kind]}:write", "channels:manage")
    if found.kind == "im":
        raise Refusal("method_not_supported_for_channel_type")
    if box.workspace.bot not in found.members:
        raise Refusal("not_in_channel")
    must_be_open(box, found, "is_archived")
    topic = call.text("topic")
    if len(topic) > MOST_TOPIC:
        raise Refusal("too_long")
    found.topic = topic
    box.workspace.keep_room(found)
    return {"channel": described(box, found)}
