"""Which conversation does the app mean, may it see it, and how does Slack describe it?"""

from typing import Any

from sandbox.api import need_scope
from sandbox.box import Sandbox
from sandbox.call import Call, published
from sandbox.refusal import Refusal
from sandbox.workspace import Message, Room
from sandbox.world import User

PREFIX = {"channel": "channels", "private": "groups", "im": "im"}


def room(box: Sandbox, channel: str) -> Room:
    """The conversation by id, if the app can know of it at all."""
    found = box.workspace.rooms.get(channel)
    if found is None or (found.kind != "channel" and box.workspace.bot not in found.members):
        raise Refusal("channel_not_found")
    return found


def readable(box: Sandbox, channel: str) -> Room:
    """A conversation whose messages the app may read: a member of it, with the scope for its kind."""
    found = room(box, channel)
    need_scope(box, f"{PREFIX[found.kind]}:history")
    if box.workspace.bot not in found.members:
        raise Refusal("not_in_channel")
    return found


def writable(box: Sandbox, channel: str, *, by_name: bool = False) -> Room:
    """A conversation that the app may post to; a person's id means the direct message with them."""
    workspace = box.workspace
    if by_name and channel in workspace.users and channel != workspace.bot:
        user = workspace.users[channel]
        if user.is_bot:
            raise Refusal("channel_not_found")
        must_be_here(box, user, "channel_not_found")
        found = workspace.direct(channel)
    else:
        found = room(box, workspace.address(channel) if by_name else channel)
    must_be_open(box, found, "is_archived")
    if workspace.bot not in found.members and not (found.kind == "channel" and _may_post_anywhere(box)):
        raise Refusal("not_in_channel")
    if found.kind == "im" and not box.world.app.messages_tab:
        raise Refusal("messages_tab_disabled")
    return found


def gone(box: Sandbox, user: User) -> bool:
    """Whether the app sees this person as deactivated."""
    return user.deleted or box.faults.strike("deactivated_user", user=user.id) is not None


def must_be_here(box: Sandbox, user: User, error: str) -> None:
    if gone(box, user):
        raise Refusal(error, injected=not user.deleted)


def closed(box: Sandbox, found: Room) -> bool:
    """Whether the app sees this channel as archived."""
    return found.archived or box.faults.strike("archived_channel", channel=found.id) is not None


def must_be_open(box: Sandbox, found: Room, error: str) -> None:
    if closed(box, found):
        raise Refusal(error, injected=not found.archived)


def _may_post_anywhere(box: Sandbox) -> bool:
    scopes = box.world.app.scopes
    return scopes is None or "chat:write.public" in scopes


def described(box: Sandbox, found: Room) -> dict[str, Any]:
    """The conversation as Slack describes it to the app."""
    team, bot = box.world.team.id, box.workspace.bot
    if found.kind == "im":
        other = next((member for member in found.members if member != bot), bot)
        return {
            "id": found.id, "created": found.created, "is_im": True, "is_org_shared": False, "is_archived": False,
            "user": other, "is_user_deleted": other in box.workspace.users and gone(box, box.workspace.users[other]), "context_team_id": team, "is_open": True, "priority": 0,
        }  # fmt: skip
    private = found.kind == "private"
    return {
        "id": found.id, "name": found.name, "name_normalized": found.name, "created": found.created,
        "creator": found.members[0] if found.members else bot, "is_channel": not private, "is_group": private,
        "is_im": False, "is_mpim": False, "is_private": private, "is_archived": closed(box, found), "is_general": False,
        "is_shared": False, "is_org_shared": False, "is_ext_shared": False, "is_pending_ext_shared": False,
        "pending_shared": [], "is_member": bot in found.members, "context_team_id": team, "shared_team_ids": [team],
        "unlinked": 0, "updated": found.created * 1000, "previous_names": [],
        "topic": {"value": found.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }  # fmt: skip


def told(box: Sandbox, message: Message, *, metadata: bool = False) -> dict[str, Any]:
    """A message as the Web API gives it."""
    found = box.workspace.rooms[message["channel"]]
    whole = message | box.workspace.thread_facts(found, message)
    if "thread_ts" in message and message["thread_ts"] != message["ts"]:
        root = found.messages.get(message["thread_ts"])
        whole["parent_user_id"] = root["user"] if root else "USLACKBOT"
    hidden = {"channel", "for", "ephemeral", "deleted", "pinned", "streaming", *(() if metadata else ("metadata",))}
    if message.get("reactions"):
        whole["reactions"] = [reaction | {"count": len(reaction["users"])} for reaction in message["reactions"]]
    if message.get("pinned"):
        whole["pinned_to"] = [message["channel"]]
    return {key: value for key, value in whole.items() if key not in hidden}


def limit(call: Call, default: int, *, most: int = 1000, least: int = 1) -> int:
    """How many at most, as the app asks for; refused by the name that the method has for it."""
    wanted = call.get("limit", default)
    if isinstance(wanted, int) and least <= wanted <= most:
        return wanted
    if "invalid_limit" in published()[call.method].errors:
        raise Refusal("invalid_limit")
    line = f"must be a number between {least} and {most} [json-pointer:/limit]"
    raise Refusal("invalid_arguments", messages=[f"[ERROR] {line}"])


def appears(box: Sandbox, call: Call, message: Message) -> None:
    """A new message is seen in history at once, unless a fault holds it back."""
    if rule := box.faults.strike("late_visibility", method=call.method, channel=message["channel"]):
        box.faults.hide(message["channel"], message["ts"], rule.seconds)


def page(items: list[Any], cursor: str, size: int, kind: str) -> tuple[list[Any], str]:
    """One page of a list and the cursor of the next one."""
    try:
        start = int(cursor.removeprefix(f"{kind}:")) if cursor else 0
    except ValueError:
        raise Refusal("invalid_cursor") from None
    if start < 0 or (cursor and not cursor.startswith(f"{kind}:")):
        raise Refusal("invalid_cursor")
    end = start + size
    return items[start:end], f"{kind}:{end}" if end < len(items) else ""
