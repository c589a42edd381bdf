"""What can a person do in the workspace, and what does the app get to hear of it?"""

import base64
import re
import secrets
from typing import Any

from sandbox import said, typed
from sandbox.answers import show_answer
from sandbox.api import need_scope
from sandbox.box import Sandbox
from sandbox.delivery import TOKEN
from sandbox.methods_conversations import enter
from sandbox.methods_things import react
from sandbox.over_http import Answer
from sandbox.refusal import Refusal
from sandbox.rooms import told
from sandbox.workspace import Message, Room
from sandbox.world import User

View = dict[str, Any]
NOT_RESPONDING = "The app did not respond. Try again in a moment."
NO_CONNECTION = "We had some trouble connecting. Try again?"
INVITE = "/invite"
# What Slack itself obeys, and the app never hears of.
BUILTIN = ({"command": INVITE, "usage_hint": "@somebody", "description": "Bring a person or an app into this channel"},)


class Impossible(Exception):
    """Something a person cannot do here, with the sentence that says why."""


def person(box: Sandbox, user_id: Any) -> User:
    user = box.workspace.users.get(user_id) if isinstance(user_id, str) else None
    if user is None or user.is_bot:
        raise Impossible(f"There is no person {user_id!r} in this workspace.")
    return user


def room_for(box: Sandbox, user: User, channel: Any) -> Room:
    found = box.workspace.rooms.get(channel) if isinstance(channel, str) else None
    if found is None or not box.workspace.sees(user.id, found):
        raise Impossible(f"{user.real_name} sees no channel {channel!r}.")
    return found


def _common(box: Sandbox, user: User) -> dict[str, Any]:
    team = box.world.team
    return {
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": team.id},
        "team": {"id": team.id, "domain": team.domain},
        "api_app_id": box.world.app.id,
        "token": TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _response_url(box: Sandbox, **about: Any) -> str:
    return f"{box.url}/respond/{box.tickets.response(**about)}"


# Commands.


async def command(box: Sandbox, user: User, found: Room, text: str, *, in_thread: bool = False) -> dict[str, Any]:
    """A slash command; what Slack itself would tell the person comes back as the error."""
    _open_for_writing(found)
    word, _, rest = text.strip().partition(" ")
    if word == INVITE:
        return _invite(box, user, found, rest.strip())
    known = next((each for each in box.world.app.commands if each.command == word), None)
    if known is None:
        sentence = (
            f"{word} is not a valid command. In Slack, all messages that start with the “/” character "
            "are interpreted as slash commands."
        )
        return {"ok": False, "error": sentence}
    if in_thread:
        return {"ok": False, "error": f"{word} is not supported in threads. Sorry!"}
    need_scope(box, "commands")
    team = box.world.team
    url = _response_url(box, user=user.id, channel=found.id, ts=None, thread_ts=None, ephemeral=True)
    payload = {
        "token": TOKEN,
        "team_id": team.id,
        "team_domain": team.domain,
        "enterprise_id": "",
        "enterprise_name": "",
        "channel_id": found.id,
        "channel_name": said.room_label(found),
        "user_id": user.id,
        "user_name": user.name,
        "command": word,
        "text": said.as_command(box.workspace, rest.strip()) if known.should_escape else rest.strip(),
        "api_app_id": box.world.app.id,
        "is_enterprise_install": "false",
        "response_url": url,
        "trigger_id": box.tickets.trigger(user.id),
    }
    answer = await box.delivery.ask(
        "slash_commands", word, payload, url=known.url or box.world.app.events_url, accepts=True, log="command"
    )
    if answer.error:
        reason = answer.error if answer.error != "http_error" else "http_service_error"
        return {"ok": False, "error": f"{word} failed with the error “{reason}”"}
    if not answer.payload:
        return {"ok": True}
    try:
        return show_answer(box, answer.payload, url.rpartition("/")[2], original=None)
    except Refusal as refusal:
        said_of_it = f"The answer to {word} was refused: {refusal.error} {'; '.join(refusal.messages or [])}".strip()
        box.journal.write(
            "command", f"{word} answer", user=user.id, request=answer.payload, response=refusal.as_data(), ms=0,
            findings=[said_of_it],
        )  # fmt: skip
        return {"ok": False, "error": f"{word} failed with the error “{refusal.error}”"}


def _invite(box: Sandbox, user: User, found: Room, names: str) -> dict[str, Any]:
    if found.kind == "im" or user.id not in found.members:
        return {"ok": False, "error": f"{INVITE} works in a channel that you are in."}
    wanted = re.findall(r"<@([UW][A-Z0-9]+)", said.as_message(box.workspace, names))
    if not wanted:
        return {"ok": False, "error": f"Nobody here is called {names or 'nothing'}. Type {INVITE} @ and choose."}
    for who in wanted:
        if who in box.workspace.users and who not in found.members:
            enter(box, found, who, inviter=user.id)
    return {"ok": True}


# Messages.


def _open_for_writing(found: Room) -> None:
    if found.archived:
        raise Impossible(f"#{found.name} is archived.")


def post(box: Sandbox, user: User, found: Room, told_: dict[str, Any]) -> Message:
    _open_for_writing(found)
    if user.id not in found.members:
        raise Impossible(f"{user.real_name} is not in #{found.name}.")
    thread = told_.get("thread")
    if thread is not None:
        parent = found.messages.get(thread) if isinstance(thread, str) else None
        if parent is None:
            raise Impossible("There is no such thread any more.")
        thread = parent.get("thread_ts") or thread
    files = [_uploaded(box, user, each) for each in told_.get("files") or []]
    text = said.as_message(box.workspace, str(told_.get("text") or ""))
    if not text.strip() and not files:
        raise Impossible("A message needs a text or a file.")
    return box.workspace.post(
        found, {"user": user.id, "team": box.world.team.id}, text=text, thread_ts=thread,
        blocks=typed.as_blocks(text, secrets.token_urlsafe(4)[:5]) or None,
        files=files or None, subtype="file_share" if files else None,
    )  # fmt: skip


def _uploaded(box: Sandbox, user: User, told_: dict[str, Any]) -> dict[str, Any]:
    try:
        content = base64.b64decode(told_["content_base64"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise Impossible("A file needs `name` and `content_base64`.") from None
    known = box.files.expect(str(told_.get("name") or "untitled"), user.id, len(content), done=True)
    box.files.write(known, content)
    return box.files.shown(box.files.known(known["id"]) or known, box.url)


def hear(box: Sandbox, change: str, found: Room, message: Message) -> None:
    """Turn what happened in a conversation of the app's into events."""
    workspace = box.workspace
    if workspace.bot not in found.members:
        return
    kind = {"channel": "channel", "private": "group", "im": "im"}[found.kind]
    where = {"type": "message", "channel": found.id, "channel_type": kind, "event_ts": box.clock.ts()}
    if change == "changed":
        both = {key: told(box, each) for key, each in message.items()}
        box.delivery.tell({**where, "subtype": "message_changed", "hidden": True, "ts": where["event_ts"], **both})
        return
    if change == "deleted":
        gone = {"deleted_ts": message["ts"], "previous_message": {k: v for k, v in message.items() if k != "channel"}}
        box.delivery.tell({**where, "subtype": "message_deleted", "hidden": True, "ts": where["event_ts"], **gone})
        return
    event = told(box, message, metadata=True) | where | {"event_ts": message["ts"]}
    if not message.get("bot_id"):
        event["client_msg_id"] = f"{message['ts'].replace('.', '-')}-{message['user']}"
    box.delivery.tell(event)
    if said.calls_app(workspace, message.get("text", "")) and not message.get("bot_id") and found.kind != "im":
        mention = {key: value for key, value in event.items() if key not in ("channel_type", "subtype")}
        box.delivery.tell(mention | {"type": "app_mention"})


def reaction(box: Sandbox, user: User, found: Room, ts: Any, name: str, *, remove: bool) -> None:
    message = found.messages.get(ts) if isinstance(ts, str) else None
    if message is None:
        raise Impossible("There is no such message any more.")
    react(box, message, user.id, name.strip(":"), remove=remove)


def home_opened(box: Sandbox, user: User) -> None:
    view = box.screens.home(user.id)
    event = {
        "type": "app_home_opened", "user": user.id, "channel": box.workspace.direct(user.id).id, "tab": "home",
        "event_ts": box.clock.ts(),
    }  # fmt: skip
    box.delivery.tell(event | ({"view": view} if view else {}))


async def shortcut(box: Sandbox, user: User, callback_id: str, message: Message | None) -> dict[str, Any]:
    wanted = "message" if message else "global"
    known = next((s for s in box.world.app.shortcuts if s.callback_id == callback_id and s.type == wanted), None)
    if known is None:
        raise Impossible(f"The app has no {wanted} shortcut {callback_id!r}.")
    payload = _common(box, user) | {
        "type": "message_action" if message else "shortcut",
        "callback_id": callback_id,
        "trigger_id": box.tickets.trigger(user.id),
        "action_ts": box.clock.ts(),
    }
    if message:
        found = box.workspace.rooms[message["channel"]]
        payload |= {
            "message": told(box, message),
            "message_ts": message["ts"],
            "channel": {"id": found.id, "name": said.room_label(found)},
            "response_url": _response_url(
                box,
                user=user.id,
                channel=found.id,
                ts=message["ts"],
                thread_ts=message.get("thread_ts"),
                ephemeral=False,
            ),
        }
    answer = await _interact(box, callback_id, payload, accepts=False)
    return {"ok": True} if answer.error is None else {"ok": False, "error": NOT_RESPONDING}


async def _interact(box: Sandbox, name: str, payload: dict[str, Any], *, accepts: bool) -> Answer:
    app = box.world.app
    if not app.interactivity:
        raise Impossible("The app's manifest has interactivity switched off.")
    url = app.options_url if payload["type"] == "block_suggestion" else app.interactivity_url
    return await box.delivery.ask("interactive", name, payload, url=url, accepts=accepts, log="action")
