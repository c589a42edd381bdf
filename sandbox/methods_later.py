"""What do scheduled messages, streamed messages and canvases do?"""

import asyncio
import secrets
from datetime import UTC, datetime
from typing import Any

from sandbox import blocks as table
from sandbox.api import method
from sandbox.box import Sandbox
from sandbox.call import Call
from sandbox.methods_chat import author, checked_blocks, content, dressed, thread_of
from sandbox.refusal import Refusal
from sandbox.rooms import appears, limit, must_be_here, page, room, told, writable
from sandbox.validation import check_blocks
from sandbox.workspace import Message

FARTHEST_S = 120 * 86_400
MOST_IN_WINDOW = 30
WINDOW_S = 300
DISPLAY_MODES = ("timeline", "plan")
TASK_STATUSES = ("pending", "in_progress", "complete", "error")


# Scheduled messages.


@method("chat.scheduleMessage")
def schedule(box: Sandbox, call: Call) -> dict[str, Any]:
    found = writable(box, call.text("channel"), by_name=True)
    try:
        at = int(call.get("post_at"))
    except (TypeError, ValueError):
        raise Refusal("invalid_time") from None
    now = box.clock.now().timestamp()
    if at <= now:
        raise Refusal("time_in_past")
    if at > now + FARTHEST_S:
        raise Refusal("time_too_far")
    near = [each for _, each in box.store.all("scheduled") if each["channel"] == found.id]
    if sum(each["post_at"] // WINDOW_S == at // WINDOW_S for each in near) >= MOST_IN_WINDOW:
        raise Refusal("restricted_too_many")
    said = content(box, call)
    if said["metadata"]:
        call.findings.append("A scheduled message with metadata never appears in Slack; leave the metadata out.")
    wanted: dict[str, Any] = {
        "id": f"Q{secrets.token_hex(5).upper()}", "channel": found.id, "post_at": at, "said": said,
        "date_created": int(now), "thread_ts": thread_of(found, call.text("thread_ts")),
    }  # fmt: skip
    box.store.put("scheduled", wanted["id"], wanted)
    arm(box, wanted)
    message = author(box) | {"type": "delayed_message", "text": said["text"] or ""}
    return {"channel": found.id, "scheduled_message_id": wanted["id"], "post_at": at, "message": message}


def arm_all(box: Sandbox) -> None:
    """After a start, wait again for every message that is still to come."""
    for _, wanted in list(box.store.all("scheduled")):
        arm(box, wanted)


def arm(box: Sandbox, wanted: dict[str, Any]) -> None:
    task = asyncio.get_running_loop().create_task(_post_then(box, wanted))
    box.tasks.add(task)
    task.add_done_callback(box.tasks.discard)


async def _post_then(box: Sandbox, wanted: dict[str, Any]) -> None:
    await box.clock.sleep_until(datetime.fromtimestamp(wanted["post_at"], UTC))
    found = box.workspace.rooms.get(wanted["channel"])
    if found is None or box.store.get("scheduled", wanted["id"]) != wanted:
        return
    box.store.drop("scheduled", wanted["id"])
    if wanted["said"].get("metadata") or found.archived:
        return
    said = wanted["said"] | {"text": wanted["said"]["text"] or ""}
    box.workspace.post(found, author(box), **said, thread_ts=wanted["thread_ts"])


@method("chat.deleteScheduledMessage")
def unschedule(box: Sandbox, call: Call) -> dict[str, Any]:
    found = room(box, call.text("channel"))
    wanted = box.store.get("scheduled", call.text("scheduled_message_id"))
    if wanted is None or wanted["channel"] != found.id:
        raise Refusal("invalid_scheduled_message_id")
    box.store.drop("scheduled", wanted["id"])
    return {}


@method("chat.scheduledMessages.list")
def scheduled(box: Sandbox, call: Call) -> dict[str, Any]:
    if call.text("channel") and call.text("channel") not in box.workspace.rooms:
        raise Refusal("invalid_channel")
    waiting = [
        {
            "id": each["id"], "channel_id": each["channel"], "post_at": each["post_at"],
            "date_created": each["date_created"], "text": each["said"]["text"] or "",
        }
        for _, each in box.store.all("scheduled")
        if not call.text("channel") or each["channel"] == call.text("channel")
    ]  # fmt: skip
    waiting.sort(key=lambda each: each["post_at"])
    shown, cursor = page(waiting, call.text("cursor"), limit(call, 100), "scheduled")
    return {"scheduled_messages": shown, "response_metadata": {"next_cursor": cursor}}


# Streamed messages.


@method("chat.startStream")
def start_stream(box: Sandbox, call: Call) -> dict[str, Any]:
    dress = dressed(box, call)
    found = writable(box, call.text("channel"))
    _recipient(box, call, needed=found.kind != "im")
    mode = call.text("task_display_mode") or DISPLAY_MODES[0]
    if mode not in DISPLAY_MODES:
        line = f"must be one of {', '.join(DISPLAY_MODES)} [json-pointer:/task_display_mode]"
        raise Refusal("invalid_arguments", messages=[f"[ERROR] {line}"])
    streamed = _more({"text": "", "tasks": {}, "blocks": [], "title": "", "mode": mode}, call)
    root = thread_of(found, call.text("thread_ts"))
    message = box.workspace.post(
        found, author(box), **_as_message(streamed), thread_ts=root, streaming=streamed, **dress
    )
    appears(box, call, message)
    return {"channel": found.id, "ts": message["ts"]}


def _recipient(box: Sandbox, call: Call, *, needed: bool) -> None:
    """Whom the stream is for; in a channel that has to be said."""
    user, team = call.text("recipient_user_id"), call.text("recipient_team_id")
    if needed and not user:
        raise Refusal("missing_recipient_user_id")
    if needed and not team:
        raise Refusal("missing_recipient_team_id")
    if user and user not in box.workspace.users:
        raise Refusal("user_not_found")
    if user:
        must_be_here(box, box.workspace.users[user], "user_not_found")
    if team and team != box.world.team.id:
        raise Refusal("team_not_found")


def _streaming(box: Sandbox, call: Call) -> Message:
    message = room(box, call.text("channel")).messages.get(call.text("ts"))
    if message is None:
        raise Refusal("message_not_found")
    if message.get("bot_id") != box.world.app.bot_id:
        raise Refusal("message_not_owned_by_app")
    if not message.get("streaming"):
        raise Refusal("message_not_in_streaming_state")
    return message


@method("chat.appendStream")
def append_stream(box: Sandbox, call: Call) -> dict[str, Any]:
    message = _streaming(box, call)
    if not call.text("markdown_text") and not call.get("chunks"):
        raise Refusal("no_text")
    streamed = _more(message["streaming"], call)
    box.workspace.change(message, quiet=True, streaming=streamed, **_as_message(streamed))
    return {"channel": message["channel"], "ts": message["ts"]}


@method("chat.stopStream")
def stop_stream(box: Sandbox, call: Call) -> dict[str, Any]:
    message = _streaming(box, call)
    last = checked_blocks(box, call.get("blocks")) if call.get("blocks") is not None else []
    changes = _as_message(_more(message["streaming"], call))
    blocks = [*(changes["blocks"] or []), *last]
    _fits(blocks)
    box.workspace.change(message, streaming=None, text=changes["text"], blocks=blocks or None)
    return {"channel": message["channel"], "ts": message["ts"], "message": told(box, message, metadata=True)}


def _more(streamed: dict[str, Any], call: Call) -> dict[str, Any]:
    """What the stream holds after this call; refused as soon as it is more than one message holds."""
    text, tasks, title = streamed["text"] + call.text("markdown_text"), dict(streamed["tasks"]), streamed["title"]
    blocks = list(streamed["blocks"])
    chunks = call.get("chunks") or []
    if not isinstance(chunks, list):
        raise Refusal("invalid_chunks")
    for chunk in chunks:
        kind = chunk.get("type") if isinstance(chunk, dict) else None
        if kind == "markdown_text" and isinstance(chunk.get("text"), str):
            text += chunk["text"]
        elif kind == "task_update" and isinstance(chunk.get("id"), str):
            tasks[chunk["id"]] = _task(tasks.get(chunk["id"], {}), chunk)
        elif kind == "plan_update" and isinstance(chunk.get("title"), str):
            title = chunk["title"]
        elif kind == "blocks" and not check_blocks(chunk.get("blocks"), table.MESSAGE):
            blocks += chunk["blocks"]
        else:
            raise Refusal("invalid_chunks")
    if len(text) > table.MOST_MARKDOWN:
        raise Refusal("msg_too_long")
    more = streamed | {"text": text, "tasks": tasks, "blocks": blocks, "title": title}
    _fits(_as_message(more)["blocks"] or [])
    return more


def _task(known: dict[str, Any], chunk: dict[str, Any]) -> dict[str, Any]:
    task = {"title": chunk["id"], "status": "pending"} | known | chunk
    if task["status"] not in TASK_STATUSES or not isinstance(task["title"], str):
        raise Refusal("invalid_chunks")
    return task


def _fits(blocks: list[dict[str, Any]]) -> None:
    """A stream is one message, however many calls it came in."""
    if len(blocks) > table.MOST_BLOCKS[table.MESSAGE]:
        raise Refusal("msg_blocks_too_many")
    if check_blocks(blocks, table.MESSAGE):
        raise Refusal("invalid_chunks")


def _as_message(streamed: dict[str, Any]) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [
        {"type": "task_card", "task_id": name, "title": task["title"], "status": task["status"]}
        for name, task in streamed["tasks"].items()
    ]
    if blocks and (streamed["title"] or streamed.get("mode") == "plan"):
        blocks = [{"type": "plan", "title": streamed["title"] or "Plan", "tasks": blocks}]
    if streamed["text"]:
        blocks.insert(0, {"type": "markdown", "text": streamed["text"]})
    return {"text": streamed["text"], "blocks": [*blocks, *streamed["blocks"]] or None}


# Canvases: kept, and not rendered.


@method("canvases.create")
def create_canvas(box: Sandbox, call: Call) -> dict[str, Any]:
    canvas = {
        "id": f"F{secrets.token_hex(5).upper()}",
        "title": call.text("title"),
        "content": call.get("document_content"),
    }
    if call.text("channel_id"):
        writable(box, call.text("channel_id"))
    box.store.put("canvas", canvas["id"], canvas)
    return {"canvas_id": canvas["id"]}


@method("canvases.edit")
def edit_canvas(box: Sandbox, call: Call) -> dict[str, Any]:
    canvas = box.store.get("canvas", call.text("canvas_id"))
    if canvas is None:
        raise Refusal("canvas_not_found")
    box.store.put("canvas", canvas["id"], canvas | {"changes": [*canvas.get("changes", []), call.get("changes")]})
    return {}
