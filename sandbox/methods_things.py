"""What do the methods about files, pins, bookmarks and reactions do?"""

import re
import secrets
from typing import Any

from sandbox.api import method
from sandbox.box import Sandbox
from sandbox.call import Call
from sandbox.files import LARGEST, LARGEST_SNIPPET, SNIPPETS
from sandbox.methods_chat import TS, author, checked_blocks, thread_of
from sandbox.refusal import Refusal
from sandbox.rooms import appears, readable, room, told, writable
from sandbox.workspace import Message, Room

MOST_ALT_TEXT = 1000
MOST_PINS = 100
MOST_BOOKMARKS = 100
EMOJI = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


@method("files.getUploadURLExternal")
def upload_url(box: Sandbox, call: Call) -> dict[str, Any]:
    length = call.get("length")
    if length == 0:
        raise Refusal("missing_argument")
    if length < 0:
        raise Refusal("invalid_arguments", messages=["[ERROR] must be greater than 0 [json-pointer:/length]"])
    if length > LARGEST:
        raise Refusal("file_upload_size_restricted")
    if call.text("snippet_type"):
        if call.text("snippet_type") not in SNIPPETS:
            raise Refusal("unknown_snippet_type")
        if length > LARGEST_SNIPPET:
            raise Refusal("snippet_too_large")
    if len(call.text("alt_txt")) > MOST_ALT_TEXT:
        raise Refusal("alt_txt_too_large")
    known = box.files.expect(
        call.text("filename"), box.workspace.bot, length,
        alt_txt=call.text("alt_txt"), created=int(box.clock.now().timestamp()),
    )  # fmt: skip
    return {"upload_url": f"{box.url}/upload/{known['ticket']}", "file_id": known["id"]}


@method("files.completeUploadExternal")
def complete_upload(box: Sandbox, call: Call) -> dict[str, Any]:
    wanted = call.get("files")
    if (
        not isinstance(wanted, list)
        or not wanted
        or not all(isinstance(each, dict) and "id" in each for each in wanted)
    ):
        raise Refusal("invalid_arguments", messages=["[ERROR] must provide an array of files [json-pointer:/files]"])
    known = []
    for each in wanted:
        found = box.files.known(str(each["id"]))
        if found is None or not found["uploaded"] or found["deleted"] or found["done"]:
            raise Refusal("file_not_found")
        known.append(found | {"title": each.get("title") or found["name"], "done": True})
    channels = [call.text("channel_id")] if call.text("channel_id") else []
    channels += [part.strip() for part in call.text("channels").split(",") if part.strip()]
    rooms = [writable(box, channel) for channel in channels]
    if call.text("thread_ts") and len(rooms) != 1:
        raise Refusal("invalid_arguments", messages=["[ERROR] thread_ts needs exactly one channel"])
    blocks = checked_blocks(box, call.get("blocks")) if call.get("blocks") is not None else None
    for found in known:
        box.files.keep(found | {"shares": [each.id for each in rooms]})
    shown = [box.files.shown(found, box.url) for found in known]
    for each in rooms:
        root = thread_of(each, call.text("thread_ts"))
        message = box.workspace.post(
            each, author(box), text=call.text("initial_comment"), files=shown, upload=True, thread_ts=root, blocks=blocks,
            subtype="file_share",
        )  # fmt: skip
        appears(box, call, message)
    return {"files": shown}


@method("files.info")
def file_info(box: Sandbox, call: Call) -> dict[str, Any]:
    known = _file(box, call.text("file"))
    if known["deleted"]:
        raise Refusal("file_deleted")
    return {"file": box.files.shown(known, box.url), "comments": [], "response_metadata": {"next_cursor": ""}}


@method("files.delete")
def delete_file(box: Sandbox, call: Call) -> dict[str, Any]:
    known = _file(box, call.text("file"))
    if known["deleted"]:
        raise Refusal("file_deleted")
    if known["user"] != box.workspace.bot:
        raise Refusal("cant_delete_file")
    box.files.remove(known)
    for channel in known["shares"]:
        for message in list(box.workspace.rooms[channel].messages.values()):
            left = [each for each in message.get("files", []) if each["id"] != known["id"]]
            if len(left) != len(message.get("files", [])):
                box.workspace.change(message, quiet=True, files=left or None)
    return {}


def _file(box: Sandbox, file_id: str) -> dict[str, Any]:
    known = box.files.known(file_id)
    if known is None or not known["uploaded"]:
        raise Refusal("file_not_found")
    return known


def _message(found: Room, timestamp: str) -> Message:
    if not timestamp:
        raise Refusal("no_item_specified")
    if not TS.fullmatch(timestamp):
        raise Refusal("bad_timestamp")
    message = found.messages.get(timestamp)
    if message is None:
        raise Refusal("message_not_found")
    return message


def _joined(box: Sandbox, channel: str) -> Room:
    found = room(box, channel)
    if box.workspace.bot not in found.members:
        raise Refusal("not_in_channel")
    return found


@method("pins.add")
def pin(box: Sandbox, call: Call) -> dict[str, Any]:
    found = _joined(box, call.text("channel"))
    message = _message(found, call.text("timestamp"))
    if message.get("pinned"):
        raise Refusal("already_pinned")
    if sum(bool(each.get("pinned")) for each in found.messages.values()) >= MOST_PINS:
        raise Refusal("too_many_pins")
    box.workspace.change(message, quiet=True, pinned=True)
    return {}


@method("pins.remove")
def unpin(box: Sandbox, call: Call) -> dict[str, Any]:
    found = _joined(box, call.text("channel"))
    message = _message(found, call.text("timestamp"))
    if not message.get("pinned"):
        raise Refusal("no_pin")
    box.workspace.change(message, quiet=True, pinned=None)
    return {}


@method("pins.list")
def pins(box: Sandbox, call: Call) -> dict[str, Any]:
    found = _joined(box, call.text("channel"))
    return {
        "items": [
            {
                "type": "message",
                "channel": found.id,
                "created": 0,
                "created_by": box.workspace.bot,
                "message": told(box, each),
            }
            for each in found.messages.values()
            if each.get("pinned")
        ]
    }


@method("bookmarks.add")
def add_bookmark(box: Sandbox, call: Call) -> dict[str, Any]:
    found = _joined(box, call.text("channel_id"))
    if call.text("type") != "link":
        raise Refusal("invalid_bookmark_type")
    link = call.text("link")
    if not re.match(r"https?://\S+$", link):
        raise Refusal("invalid_link")
    if len(found.bookmarks) >= MOST_BOOKMARKS:
        raise Refusal("too_many_bookmarks")
    bookmark = {
        "id": f"Bk{secrets.token_hex(5).upper()}", "channel_id": found.id, "title": call.text("title"), "link": link,
        "emoji": call.text("emoji"), "icon_url": None, "type": "link", "entity_id": None, "app_id": None,
        "date_created": int(box.clock.now().timestamp()), "date_updated": 0, "rank": "m", "shortcut_id": None,
        "last_updated_by_user_id": box.workspace.bot, "last_updated_by_team_id": box.world.team.id,
    }  # fmt: skip
    found.bookmarks.append(bookmark)
    box.workspace.keep_room(found)
    return {"bookmark": bookmark}


def _bookmark(box: Sandbox, call: Call) -> tuple[Room, dict[str, Any]]:
    found = _joined(box, call.text("channel_id"))
    wanted = call.text("bookmark_id")
    bookmark = next((each for each in found.bookmarks if each["id"] == wanted), None)
    if bookmark is None:
        raise Refusal("not_found")
    return found, bookmark


@method("bookmarks.edit")
def edit_bookmark(box: Sandbox, call: Call) -> dict[str, Any]:
    found, bookmark = _bookmark(box, call)
    if call.get("link") is not None and not re.match(r"https?://\S+$", call.text("link")):
        raise Refusal("invalid_link")
    bookmark |= {key: call.get(key) for key in ("title", "link", "emoji") if call.get(key) is not None}
    bookmark["date_updated"] = int(box.clock.now().timestamp())
    box.workspace.keep_room(found)
    return {"bookmark": bookmark}


@method("bookmarks.list")
def bookmarks(box: Sandbox, call: Call) -> dict[str, Any]:
    return {"bookmarks": _joined(box, call.text("channel_id")).bookmarks}


@method("bookmarks.remove")
def remove_bookmark(box: Sandbox, call: Call) -> dict[str, Any]:
    found, bookmark = _bookmark(box, call)
    found.bookmarks.remove(bookmark)
    box.workspace.keep_room(found)
    return {}


def react(box: Sandbox, message: Message, user: str, name: str, *, remove: bool) -> None:
    """One person's reaction; the app hears of it when it has subscribed."""
    if not EMOJI.fullmatch(name):
        raise Refusal("invalid_name")
    reactions = [dict(each, users=list(each["users"])) for each in message.get("reactions", [])]
    mine = next((each for each in reactions if each["name"] == name), None)
    if remove:
        if mine is None or user not in mine["users"]:
            raise Refusal("no_reaction")
        mine["users"].remove(user)
    elif mine is None:
        reactions.append({"name": name, "users": [user]})
    elif user in mine["users"]:
        raise Refusal("already_reacted")
    else:
        mine["users"].append(user)
    box.workspace.change(message, quiet=True, reactions=[each for each in reactions if each["users"]] or None)
    box.delivery.tell(
        {
            "type": "reaction_removed" if remove else "reaction_added", "user": user, "reaction": name,
            "item_user": message["user"], "event_ts": box.clock.ts(),
            "item": {"type": "message", "channel": message["channel"], "ts": message["ts"]},
        }
    )  # fmt: skip


@method("reactions.add")
def add_reaction(box: Sandbox, call: Call) -> dict[str, Any]:
    found = writable(box, call.text("channel"))
    react(box, _message(found, call.text("timestamp")), box.workspace.bot, call.text("name"), remove=False)
    return {}


@method("reactions.remove")
def remove_reaction(box: Sandbox, call: Call) -> dict[str, Any]:
    found = room(box, call.text("channel"))
    react(box, _message(found, call.text("timestamp")), box.workspace.bot, call.text("name"), remove=True)
    return {}


@method("reactions.get")
def get_reactions(box: Sandbox, call: Call) -> dict[str, Any]:
    found = readable(box, call.text("channel"))
    message = _message(found, call.text("timestamp"))
    return {"type": "message", "channel": found.id, "message": told(box, message)}
