"""What does a person see of the workspace, and what does the app's author?"""

import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from sandbox import blocks, openapi, people
from sandbox.asked import Body, Look, number
from sandbox.box import Sandbox
from sandbox.people import Impossible, person, room_for
from sandbox.workspace import in_channel
from sandbox.world import User

MOST_MESSAGES = 1000


def _viewer(box: Sandbox, request: Request) -> User:
    return person(box, request.query_params.get("as"))


async def _state(box: Sandbox, request: Request) -> Response:
    # A page that does not know anybody yet looks through the eyes of the first person.
    user = _viewer(box, request) if request.query_params.get("as") else box.workspace.people()[0]
    workspace, app = box.workspace, box.world.app
    # The app's Messages tab is there for everybody, whether or not a word has been said in it.
    workspace.direct(user.id)
    channels: list[Body] = []
    for found in workspace.rooms.values():
        if not workspace.sees(user.id, found):
            continue
        unread, mentions = workspace.unread(user.id, found)
        partner = next((each for each in found.members if each != user.id), user.id) if found.kind == "im" else None
        channels.append(
            {
                "id": found.id, "name": found.name, "kind": found.kind, "members": found.members, "topic": found.topic,
                "archived": found.archived, "last_ts": found.order[-1] if found.order else None,
                "unread": unread, "mentions": mentions, "is_member": user.id in found.members,
                "bookmarks": found.bookmarks, "last_read": workspace.read.get(user.id, {}).get(found.id), **({"partner": partner} if partner else {}),
            }
        )  # fmt: skip
    keys = ("id", "name", "real_name", "title", "color", "email", "tz", "is_bot", "deleted")
    return JSONResponse(
        {
            "me": user.id,
            "team": vars(box.world.team),
            "app": {
                "id": app.id, "name": app.name, "bot_user_id": app.bot_user_id, "bot_id": app.bot_id,
                "commands": [
                    {"command": each.command, "description": each.description, "usage_hint": each.usage_hint}
                    for each in app.commands
                ],
                "builtin_commands": people.BUILTIN,
                "shortcuts": [vars(each) for each in app.shortcuts],
                "home_tab": app.home_tab,
            },
            "users": [{key: getattr(each, key) for key in keys} for each in workspace.users.values()],
            "usergroups": [
                {"id": each.id, "handle": each.handle, "name": each.name, "users": each.users}
                for each in workspace.groups.values()
            ],
            "channels": channels,
            "clock": box.clock.told(),
            "connections": len(box.sockets.connections),
            "findings": box.journal.findings,
            "limits": box.limits.enabled,
        }
    )  # fmt: skip


async def _messages(box: Sandbox, request: Request) -> Response:
    user, query = _viewer(box, request), request.query_params
    found = room_for(box, user, query.get("channel"))
    limit = min(max(number(query.get("limit"), 100, "limit") or 100, 1), MOST_MESSAGES)
    before, thread = query.get("before"), query.get("thread")
    if thread:
        there = found.thread(thread)
    else:
        there = [found.messages[ts] for ts in found.order if in_channel(found.messages[ts])]
    whispers = [
        message
        for message in box.workspace.ephemerals.get(user.id, [])
        if message["channel"] == found.id and message.get("thread_ts") == (thread or None)
    ]
    shown = sorted(there + whispers, key=lambda message: message["ts"])
    if before:
        shown = [message for message in shown if message["ts"] < before]
    return JSONResponse(
        {
            "messages": [box.workspace.shown(message) for message in shown[-limit:]],
            "has_more": len(shown) > limit,
        }
    )


async def _home(box: Sandbox, request: Request) -> Response:
    return JSONResponse({"view": box.screens.home(_viewer(box, request).id)})


async def _views(box: Sandbox, request: Request) -> Response:
    return JSONResponse({"stack": box.screens.stack(_viewer(box, request).id)})


async def _stream(box: Sandbox, request: Request) -> Response:
    user = _viewer(box, request)

    async def lines() -> AsyncIterator[str]:
        yield ": welcome\n\n"
        async for event in box.feed.watch(user.id):
            yield ": still here\n\n" if event is None else f"data: {json.dumps(event)}\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream", headers={"cache-control": "no-store"})


async def _file(box: Sandbox, request: Request) -> Response:
    known = box.files.known(request.query_params.get("file", ""))
    if known is None or known["deleted"] or not known["uploaded"]:
        raise Impossible("There is no such file.")
    return box.files.response(known, box.url)


async def _log(box: Sandbox, request: Request) -> Response:
    query = request.query_params
    limit = min(max(number(query.get("limit"), 200, "limit") or 200, 1), MOST_MESSAGES)
    entries = box.store.entries(
        after=number(query.get("after"), None, "after"), limit=limit, findings=query.get("findings") == "1"
    )
    return JSONResponse({"entries": entries, "last": box.store.last_entry()})


async def _blocks(_box: Sandbox, _request: Request) -> Response:
    return JSONResponse(blocks.as_data())


async def _openapi(box: Sandbox, _request: Request) -> Response:
    users = list(box.workspace.users)
    present = [user.id for user in box.workspace.people()]
    channels = [room.id for room in box.workspace.rooms.values() if room.kind != "im"]
    return JSONResponse(openapi.description(box.url, people=present, users=users, channels=channels))


LOOKS: dict[str, Look] = {
    "state": _state,
    "messages": _messages,
    "home": _home,
    "views": _views,
    "stream": _stream,
    "file": _file,
    "log": _log,
    "blocks": _blocks,
    "openapi.json": _openapi,
}
