"""What do the `chat.*` methods do?"""

import json
import re
from typing import Any

from sandbox import blocks as table
from sandbox.api import method, need_scope
from sandbox.box import Sandbox
from sandbox.call import Call
from sandbox.inside import block_text
from sandbox.refusal import Refusal
from sandbox.rooms import appears, must_be_here, must_be_open, room, told, writable
from sandbox.screens import with_ids
from sandbox.validation import check_attachments, check_blocks
from sandbox.workspace import Message, Room

MOST_TEXT = 40_000
MOST_UPDATE = 4000
MOST_METADATA = 16_000
TS = re.compile(r"\d{1,12}\.\d{6}")


def author(box: Sandbox) -> dict[str, Any]:
    """Who wrote it, when the app did."""
    app = box.world.app
    return {
        "user": app.bot_user_id,
        "bot_id": app.bot_id,
        "app_id": app.id,
        "team": box.world.team.id,
        "bot_profile": {
            "id": app.bot_id, "app_id": app.id, "name": app.name, "deleted": False, "updated": 0,
            "icons": {}, "team_id": box.world.team.id,
        },
    }  # fmt: skip


def content(box: Sandbox, call: Call, *, need: bool = True) -> dict[str, Any]:
    """Text, blocks, attachments and metadata, each as Slack would take it, or Slack's refusal."""
    text, blocks, attachments = call.get("text"), call.get("blocks"), call.get("attachments")
    markdown = call.get("markdown_text")
    if markdown is not None:
        if text or blocks:
            raise Refusal("markdown_text_conflict")
        if len(str(markdown)) > table.MOST_MARKDOWN:
            raise Refusal("msg_too_long")
        blocks = [{"type": "markdown", "text": str(markdown)}]
        text = str(markdown)
    if need and not (text or blocks or attachments):
        raise Refusal("no_text")
    checked = checked_blocks(box, blocks) if blocks is not None else None
    return {
        "text": None if text is None else str(text)[:MOST_TEXT],
        "blocks": checked,
        "attachments": checked_attachments(attachments, checked),
        "metadata": checked_metadata(call.get("metadata")),
    }


def checked_blocks(box: Sandbox, blocks: Any) -> list[dict[str, Any]]:
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise Refusal("invalid_blocks_format")
    issues = check_blocks(blocks, table.MESSAGE)
    issues_told = [issue.line() for issue in issues]
    if issues:
        raise Refusal("invalid_blocks", messages=[f"[ERROR] {line}" for line in issues_told], errors=issues_told)
    if block_text(blocks) > table.MOST_BLOCK_TEXT:
        raise Refusal("msg_blocks_too_long")
    for number, block in enumerate(blocks):
        if block["type"] == "file" and block["external_id"] and box.files.known(block["external_id"]) is None:
            line = f"invalid file [json-pointer:/blocks/{number}/external_id]"
            raise Refusal("invalid_blocks", messages=[f"[ERROR] {line}"], errors=[line])
    return with_ids(blocks)


def checked_attachments(attachments: Any, blocks: list[dict[str, Any]] | None = None) -> list[Any] | None:
    """Attachments that Slack would take beside these blocks, with which they share every bound of a message."""
    if attachments is None:
        return None
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        raise Refusal("invalid_attachments")
    if len(attachments) > table.MOST_ATTACHMENTS:
        raise Refusal("too_many_attachments")
    if len(json.dumps(attachments, ensure_ascii=False).encode()) > table.MOST_ATTACHMENT_BYTES:
        raise Refusal("attachment_payload_limit_exceeded")
    if issues := check_attachments(attachments, blocks):
        raise Refusal("invalid_attachments", messages=[f"[ERROR] {issue.line()}" for issue in issues])
    if block_text([blocks, [each.get("blocks") for each in attachments]]) > table.MOST_BLOCK_TEXT:
        raise Refusal("msg_blocks_too_long")
    return [
        {"id": number, **each} | ({"blocks": with_ids(each["blocks"])} if "blocks" in each else {})
        for number, each in enumerate(attachments, start=1)
    ]


def checked_metadata(metadata: Any) -> dict[str, Any] | None:
    if metadata is None or metadata == {}:
        return metadata
    right = (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and metadata["event_type"]
        and isinstance(metadata.get("event_payload"), dict)
        and set(metadata) <= {"event_type", "event_payload"}
    )
    if not right:
        raise Refusal("invalid_metadata_format")
    if len(json.dumps(metadata)) > MOST_METADATA:
        raise Refusal("metadata_too_large")
    return metadata


def thread_of(found: Room, thread_ts: str) -> str | None:
    """The root that a reply belongs to; replying to a reply is replying to its root."""
    if not thread_ts:
        return None
    if not TS.fullmatch(thread_ts):
        raise Refusal("invalid_arguments", messages=["[ERROR] must be a valid timestamp [json-pointer:/thread_ts]"])
    parent = found.messages.get(thread_ts)
    if parent is None:
        raise Refusal("cannot_reply_to_message")
    return parent.get("thread_ts") or thread_ts


def dressed(box: Sandbox, call: Call) -> dict[str, Any]:
    """Another name or icon for one message, for which there is a scope of its own."""
    dress = {key: call.get(key) for key in ("username", "icon_emoji", "icon_url") if call.get(key)}
    if dress:
        need_scope(box, "chat:write.customize")
    return dress


@method("chat.postMessage")
def post_message(box: Sandbox, call: Call) -> dict[str, Any]:
    dress = dressed(box, call)
    found = writable(box, call.text("channel"), by_name=True)
    said = content(box, call)
    said["text"] = said["text"] or ""
    said["metadata"] = said["metadata"] or None
    root = thread_of(found, call.text("thread_ts"))
    broadcast = {"subtype": "thread_broadcast"} if root and call.get("reply_broadcast") is True else {}
    message = box.workspace.post(
        found, author(box), **said, thread_ts=root, **broadcast, **dress
    )  # fmt: skip
    appears(box, call, message)
    return {"channel": found.id, "ts": message["ts"], "message": told(box, message, metadata=True)}


@method("chat.postEphemeral")
def post_ephemeral(box: Sandbox, call: Call) -> dict[str, Any]:
    dress = dressed(box, call)
    found = writable(box, call.text("channel"))
    user = call.text("user")
    if user not in box.workspace.users or user not in found.members:
        raise Refusal("user_not_in_channel")
    must_be_here(box, box.workspace.users[user], "user_not_in_channel")
    said = content(box, call)
    said.pop("metadata")
    root = thread_of(found, call.text("thread_ts"))
    message = box.workspace.whisper(user, found, **(said | {"text": said["text"] or ""}), thread_ts=root, **dress)
    return {"message_ts": message["ts"]}


def _own(box: Sandbox, call: Call, error: str) -> tuple[Room, Message]:
    found = room(box, call.text("channel"))
    message = found.messages.get(call.text("ts"))
    if message is None or message.get("subtype") == "tombstone":
        raise Refusal("message_not_found")
    if message.get("bot_id") != box.world.app.bot_id:
        raise Refusal(error)
    return found, message


def _rich(blocks: list[dict[str, Any]] | None) -> bool:
    """Whether the message is one of rich text, as people write them, and of nothing else."""
    return bool(blocks) and all(block["type"] == "rich_text" for block in blocks or [])


@method("chat.update")
def update(box: Sandbox, call: Call) -> dict[str, Any]:
    found, message = _own(box, call, "cant_update_message")
    must_be_open(box, found, "is_inactive")
    if len(call.text("text")) > MOST_UPDATE:
        raise Refusal("msg_too_long")
    if message.get("streaming"):
        raise Refusal("streaming_state_conflict")
    said = content(box, call, need=False)
    if said["text"] is None and said["blocks"] is None and said["attachments"] is None and call.get("metadata") is None:
        raise Refusal("no_text")
    if said["blocks"] and _rich(message.get("blocks")) and not _rich(said["blocks"]):
        raise Refusal("block_mismatch")
    changes: dict[str, Any] = {}
    if said["text"] is not None:
        # Text without blocks takes the blocks away; blocks alone leave no mark of an edit.
        changes |= {"text": said["text"], "blocks": said["blocks"]}
        if said["text"] != message.get("text", ""):
            changes["edited"] = {"user": box.workspace.bot, "ts": f"{box.clock.now().timestamp():.6f}"}
    elif said["blocks"] is not None:
        changes["blocks"] = said["blocks"]
    if said["attachments"] is not None:
        changes["attachments"] = said["attachments"] or None
    if said["metadata"] is not None:
        changes["metadata"] = said["metadata"] or None
    if call.get("reply_broadcast") is True:
        changes["subtype"] = "thread_broadcast"
    box.workspace.change(message, **changes)
    return {
        "channel": found.id,
        "ts": message["ts"],
        "text": message.get("text", ""),
        "message": told(box, message, metadata=True),
    }


@method("chat.delete")
def delete(box: Sandbox, call: Call) -> dict[str, Any]:
    found, message = _own(box, call, "cant_delete_message")
    box.workspace.delete(message)
    return {"channel": found.id, "ts": message["ts"]}


@method("chat.getPermalink")
def permalink(box: Sandbox, call: Call) -> dict[str, Any]:
    found = room(box, call.text("channel"))
    message = found.messages.get(call.text("message_ts"))
    if message is None:
        raise Refusal("message_not_found")
    root = message.get("thread_ts")
    thread = f"?thread_ts={root}&cid={found.id}" if root and root != message["ts"] else ""
    return {
        "channel": found.id,
        "permalink": f"{box.url}/archives/{found.id}/p{message['ts'].replace('.', '')}{thread}",
    }
