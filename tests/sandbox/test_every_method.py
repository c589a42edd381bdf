"""Each method that Slack describes: it works, a missing argument is named, and so is a missing scope."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.call import published
from tests.sandbox.alone import ALL_SCOPES, Alone, alone

CHANNEL = "C0CHECKOUT"
HERE = {"channel": CHANNEL}
WORDS = {"type": "plain_text", "text": "Words"}
MODAL = {"type": "modal", "title": WORDS, "submit": WORDS, "blocks": [{"type": "actions", "block_id": "row", "elements": [{"type": "button", "action_id": "deeper", "text": WORDS}]}]}  # fmt: skip
HOME = {"type": "home", "blocks": []}
WRITTEN = {"type": "markdown", "markdown": "# Plan"}
CLIENT = {"client_id": "sandbox-client-id", "client_secret": "sandbox-client-secret"}


async def message(w: Alone) -> str:
    return (await w.did("chat.postMessage", **HERE, text="A message"))["ts"]


async def reacted(w: Alone) -> str:
    ts = await message(w)
    await w.did("reactions.add", **HERE, timestamp=ts, name="eyes")
    return ts


async def pinned(w: Alone) -> str:
    ts = await message(w)
    await w.did("pins.add", **HERE, timestamp=ts)
    return ts


async def bookmark(w: Alone) -> str:
    made = await w.did("bookmarks.add", channel_id=CHANNEL, title="Plan", type="link", link="https://wiki.example/")
    return made["bookmark"]["id"]


async def uploaded(w: Alone) -> str:
    place = await w.did("files.getUploadURLExternal", filename="plan.txt", length="4")
    reply = await w.http.post(place["upload_url"], content=b"plan")
    assert reply.status_code == 200, reply.text
    return place["file_id"]


async def shared(w: Alone) -> str:
    file = await uploaded(w)
    await w.did("files.completeUploadExternal", files=[{"id": file}], channel_id=CHANNEL)
    return file


async def canvas(w: Alone) -> str:
    return (await w.did("canvases.create", title="Plan", document_content=WRITTEN))["canvas_id"]


async def stream(w: Alone) -> str:
    return (await w.did("chat.startStream", **HERE, recipient_user_id="U0ANA", recipient_team_id="T0ACME"))["ts"]


async def soon(w: Alone) -> str:
    """An hour after what is said now."""
    return str(int(float(await message(w))) + 3600)


async def scheduled(w: Alone) -> str:
    made = await w.did("chat.scheduleMessage", **HERE, text="Later", post_at=await soon(w))
    return made["scheduled_message_id"]


async def trigger(w: Alone) -> str:
    await w.act("command", channel=CHANNEL, text="/deploy")
    return (await w.sent("command", "/deploy"))["trigger_id"]


async def view(w: Alone) -> str:
    return (await w.did("views.open", trigger_id=await trigger(w), view=MODAL))["view"]["id"]


async def deeper(w: Alone) -> str:
    """What lets the app put a second modal over the first."""
    at = {"type": "view", "view_id": await view(w)}
    await w.act("action", container=at, block_id="row", action_id="deeper")
    return (await w.sent("action", "deeper"))["trigger_id"]


async def code(w: Alone) -> str:
    form = {
        "client_id": CLIENT["client_id"],
        "redirect_uri": "https://app.example/",
        "state": "s",
        "scope": "chat:write",
    }
    sent = await w.http.post("/oauth/v2/authorize", data=form | {"as": "U0ANA", "answer": "allow"})
    return parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]


#: What each method is asked with; a function makes what it is about.
ASKED: dict[str, dict[str, Any]] = {
    "api.test": {},
    "apps.connections.open": {},
    "auth.test": {},
    "blocks.validate": {"blocks": [{"type": "divider"}]},
    "bookmarks.add": {"channel_id": CHANNEL, "title": "Plan", "type": "link", "link": "https://wiki.example/"},
    "bookmarks.edit": {"channel_id": CHANNEL, "bookmark_id": bookmark, "title": "The plan"},
    "bookmarks.list": {"channel_id": CHANNEL},
    "bookmarks.remove": {"channel_id": CHANNEL, "bookmark_id": bookmark},
    "bots.info": {"bot": "B0TMINUS"},
    "canvases.create": {"title": "Plan", "document_content": WRITTEN},
    "canvases.edit": {"canvas_id": canvas, "changes": [{"operation": "insert_at_end", "document_content": WRITTEN}]},
    "chat.appendStream": {**HERE, "ts": stream, "markdown_text": "more"},
    "chat.delete": {**HERE, "ts": message},
    "chat.deleteScheduledMessage": {**HERE, "scheduled_message_id": scheduled},
    "chat.getPermalink": {**HERE, "message_ts": message},
    "chat.postEphemeral": {**HERE, "user": "U0ANA", "text": "For you"},
    "chat.postMessage": {**HERE, "text": "For all"},
    "chat.scheduleMessage": {**HERE, "text": "Later", "post_at": soon},
    "chat.scheduledMessages.list": {},
    "chat.startStream": {**HERE, "recipient_user_id": "U0ANA", "recipient_team_id": "T0ACME"},
    "chat.stopStream": {**HERE, "ts": stream},
    "chat.update": {**HERE, "ts": message, "text": "Otherwise"},
    "conversations.history": HERE,
    "conversations.info": HERE,
    "conversations.join": {"channel": "C0RANDOM"},
    "conversations.list": {},
    "conversations.members": HERE,
    "conversations.open": {"users": "U0ANA"},
    "conversations.replies": {**HERE, "ts": message},
    "conversations.setTopic": {**HERE, "topic": "Deploying"},
    "dnd.info": {"user": "U0ANA"},
    "files.completeUploadExternal": {"files": uploaded, "channel_id": CHANNEL},
    "files.delete": {"file": shared},
    "files.getUploadURLExternal": {"filename": "plan.txt", "length": "4"},
    "files.info": {"file": shared},
    "oauth.v2.access": {**CLIENT, "code": code, "redirect_uri": "https://app.example/"},
    "pins.add": {**HERE, "timestamp": message},
    "pins.list": HERE,
    "pins.remove": {**HERE, "timestamp": pinned},
    "reactions.add": {**HERE, "timestamp": message, "name": "eyes"},
    "reactions.get": {**HERE, "timestamp": reacted},
    "reactions.remove": {**HERE, "timestamp": reacted, "name": "eyes"},
    "team.info": {},
    "usergroups.list": {},
    "usergroups.users.list": {"usergroup": "S0DBATEAM"},
    "users.getPresence": {"user": "U0ANA"},
    "users.info": {"user": "U0ANA"},
    "users.list": {},
    "users.lookupByEmail": {"email": "ana@acme.example"},
    "views.open": {"trigger_id": trigger, "view": MODAL},
    "views.publish": {"user_id": "U0ANA", "view": HOME},
    "views.push": {"trigger_id": deeper, "view": MODAL},
    "views.update": {"view_id": view, "view": MODAL},
}


async def filled(w: Alone, method: str) -> dict[str, Any]:
    asked = {name: await value(w) if callable(value) else value for name, value in ASKED[method].items()}
    if method == "files.completeUploadExternal":
        asked["files"] = [{"id": asked["files"]}]
    return asked


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[Alone]:
    async with alone(tmp_path, scopes=ALL_SCOPES) as one:
        yield one


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Alone]:
    """The app may do nothing but take commands."""
    async with alone(tmp_path, scopes=["commands"]) as one:
        yield one


def test_each_described_method_is_in_the_table():
    assert sorted(ASKED) == sorted(published())


@pytest.mark.parametrize("method", ASKED)
async def test_it_works(w: Alone, method: str):
    answer = await w.calls(method, **await filled(w, method))
    assert answer["ok"], answer
    (found,) = [one for one in (await w.get("/control/log", limit=1))["entries"] if one["kind"] == "api"]
    assert found["findings"] == []


@pytest.mark.parametrize("method", [name for name in ASKED if published()[name].required])
async def test_each_argument_that_it_needs_is_missed_by_name(w: Alone, method: str):
    whole = await filled(w, method)
    for name in published()[method].required:
        answer = await w.calls(method, **{key: value for key, value in whole.items() if key != name})
        assert answer["error"] == "invalid_arguments"
        assert answer["response_metadata"]["messages"] == [f"[ERROR] missing required field: {name}"]


@pytest.mark.parametrize("method", [name for name in ASKED if published()[name].scopes])
async def test_a_scope_that_it_needs_is_missed_with_what_was_needed_and_what_was_there(small: Alone, method: str):
    answer = await small.calls(method)
    assert answer["error"] == "missing_scope"
    assert set(answer["needed"].split(",")) == set(published()[method].scopes)
    assert answer["provided"] == "commands"
