"""How do a page, a test or another program act as a person, look around, and move the world?"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox import blocks, openapi, people, presses
from sandbox.box import Sandbox
from sandbox.call import strict_json
from sandbox.faults import BadFault
from sandbox.people import Impossible, person, room_for
from sandbox.refusal import Refusal
from sandbox.workspace import in_channel
from sandbox.world import User

Body = dict[str, Any]
Act = Callable[[Sandbox, User, Body], Awaitable[Body]]
MOST_MESSAGES = 1000
LONGEST_WAIT_S = 60.0


def _bad(sentence: str, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": sentence}, status_code=status)


async def _body(request: Request) -> Body:
    raw = await request.body()
    try:
        told = strict_json(raw or b"{}")
    except ValueError:
        raise Impossible("The body has to be JSON.") from None
    if not isinstance(told, dict):
        raise Impossible("The body has to be a JSON object.")
    return told


def _number(raw: str | None, default: int | None, name: str) -> int | None:
    if raw is None or raw == "":
        return default
    try:
        return int(raw)
    except ValueError:
        raise Impossible(f"`{name}` has to be a whole number.") from None


def guarded(box: Sandbox, function: Callable[[Sandbox, Request], Awaitable[Response]]) -> Any:
    """Turn what cannot be done into a sentence and a status."""

    async def endpoint(request: Request) -> Response:
        try:
            return await function(box, request)
        except (Impossible, BadFault) as problem:
            return _bad(str(problem))
        except Refusal as refusal:
            return _bad(f"Slack would refuse this: {refusal.error} {'; '.join(refusal.messages or [])}".strip())

    return endpoint


def acting(box: Sandbox, function: Act) -> Any:
    """An endpoint for something that a person does: JSON in, JSON out."""

    async def act(box_: Sandbox, request: Request) -> Response:
        body = await _body(request)
        return JSONResponse(await function(box_, person(box_, body.get("as")), body))

    return guarded(box, act)


# What a person does.


async def _command(box: Sandbox, user: User, body: Body) -> Body:
    found = room_for(box, user, body.get("channel"))
    return await people.command(box, user, found, str(body.get("text") or ""), in_thread=bool(body.get("thread")))


async def _shortcut(box: Sandbox, user: User, body: Body) -> Body:
    message = None
    if body.get("ts"):
        message = room_for(box, user, body.get("channel")).messages.get(str(body["ts"]))
        if message is None:
            raise Impossible("There is no such message any more.")
    return await people.shortcut(box, user, str(body.get("callback_id")), message)


async def _post(box: Sandbox, user: User, body: Body) -> Body:
    files = body.get("files") or []
    if not isinstance(files, list) or not all(isinstance(each, dict) for each in files):
        raise Impossible("`files` has to be a list of objects with `name` and `content_base64`.")
    message = people.post(box, user, room_for(box, user, body.get("channel")), body)
    return {"ok": True, "message": box.workspace.shown(message)}


async def _state_given(body: Body) -> Body:
    state = body.get("state") or {}
    right = isinstance(state, dict) and all(
        isinstance(actions, dict) and all(isinstance(value, dict) for value in actions.values())
        for actions in state.values()
    )
    if not right:
        raise Impossible("`state` has to be {block_id: {action_id: value}}.")
    return state


async def _action(box: Sandbox, user: User, body: Body) -> Body:
    return await presses.press(box, user, body | {"state": await _state_given(body)})


async def _submit(box: Sandbox, user: User, body: Body) -> Body:
    return await presses.submit(box, user, body.get("view_id"), await _state_given(body))


async def _close(box: Sandbox, user: User, body: Body) -> Body:
    return await presses.close(box, user, body.get("view_id"))


async def _options(box: Sandbox, user: User, body: Body) -> Body:
    return await presses.options(box, user, body)


async def _react(box: Sandbox, user: User, body: Body) -> Body:
    found = room_for(box, user, body.get("channel"))
    people.reaction(box, user, found, body.get("ts"), str(body.get("name")), remove=bool(body.get("remove")))
    return {"ok": True}


async def _mark(box: Sandbox, user: User, body: Body) -> Body:
    found = room_for(box, user, body.get("channel"))
    box.workspace.mark(user.id, found.id, str(body.get("ts") or ""))
    return {"ok": True}


async def _home_opened(box: Sandbox, user: User, _body: Body) -> Body:
    people.home_opened(box, user)
    return {"ok": True}


async def _open_direct(box: Sandbox, user: User, body: Body) -> Body:
    other = str(body.get("user") or box.workspace.bot)
    if other not in box.workspace.users:
        raise Impossible(f"There is nobody {other!r} in this workspace.")
    return {"ok": True, "channel": box.workspace.direct(user.id, other).id}


async def _invite(box: Sandbox, user: User, body: Body) -> Body:
    from sandbox.methods_conversations import enter  # noqa: PLC0415 (methods register themselves on import)

    found = room_for(box, user, body.get("channel"))
    who = str(body.get("user") or box.workspace.bot)
    if who not in box.workspace.users or found.kind == "im":
        raise Impossible("Only somebody of this workspace can be invited, and only to a channel.")
    if who not in found.members:
        enter(box, found, who, inviter=user.id)
    return {"ok": True}


# What a person sees.


def _viewer(box: Sandbox, request: Request) -> User:
    return person(box, request.query_params.get("as"))


async def _state(box: Sandbox, request: Request) -> Response:
    # A page that does not know anybody yet looks through the eyes of the first person.
    user = _viewer(box, request) if request.query_params.get("as") else box.workspace.people()[0]
    workspace, app = box.workspace, box.world.app
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
                "bookmarks": found.bookmarks, **({"partner": partner} if partner else {}),
            }
        )  # fmt: skip
    keys = ("id", "name", "real_name", "title", "color", "email", "tz", "is_bot", "deleted")
    return JSONResponse(
        {
            "team": vars(box.world.team),
            "app": {
                "id": app.id, "name": app.name, "bot_user_id": app.bot_user_id, "bot_id": app.bot_id,
                "commands": [
                    {"command": each.command, "description": each.description, "usage_hint": each.usage_hint}
                    for each in app.commands
                ],
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
    limit = min(max(_number(query.get("limit"), 100, "limit") or 100, 1), MOST_MESSAGES)
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


async def _log(box: Sandbox, request: Request) -> Response:
    query = request.query_params
    limit = min(max(_number(query.get("limit"), 200, "limit") or 200, 1), MOST_MESSAGES)
    entries = box.store.entries(
        after=_number(query.get("after"), None, "after"), limit=limit, findings=query.get("findings") == "1"
    )
    return JSONResponse({"entries": entries, "last": box.store.last_entry()})


# The world itself.


async def _faults(box: Sandbox, request: Request) -> Response:
    if request.method == "POST":
        box.faults.set(await _body(request))
    return JSONResponse(box.faults.told())


async def _limits(box: Sandbox, request: Request) -> Response:
    body = await _body(request)
    if not isinstance(body.get("enabled"), bool):
        raise Impossible("`enabled` has to be true or false.")
    box.limits.enabled = body["enabled"]
    box.limits.clear()
    return JSONResponse({"enabled": box.limits.enabled})


async def _reset(box: Sandbox, _request: Request) -> Response:
    box.reset()
    return JSONResponse({"ok": True})


async def _sockets(box: Sandbox, request: Request) -> Response:
    what = (await _body(request)).get("do")
    if what == "drop":
        await box.sockets.drop()
    elif what in ("warning", "refresh_requested", "link_disabled"):
        await box.sockets.refresh(what)
    else:
        raise Impossible("`do` has to be drop, warning, refresh_requested or link_disabled.")
    return JSONResponse({"ok": True})


async def _user(box: Sandbox, request: Request) -> Response:
    """Change a person: deactivated or back, present or away, undisturbed until a moment."""
    body = await _body(request)
    user = box.workspace.users.get(str(body.get("user")))
    if user is None:
        raise Impossible(f"There is nobody {body.get('user')!r} in this workspace.")
    if isinstance(body.get("deleted"), bool):
        box.workspace.change_user(user.id, deleted=body["deleted"])
    if body.get("presence") in ("active", "away"):
        box.workspace.presence[user.id] = body["presence"]
        box.store.put("presence", user.id, body["presence"])
    if "dnd_until" in body:
        until = _moment(body["dnd_until"]).timestamp() if body["dnd_until"] else 0.0
        box.workspace.snoozed[user.id] = until
        box.store.put("snoozed", user.id, until)
    return JSONResponse({"ok": True})


async def _channel(box: Sandbox, request: Request) -> Response:
    body = await _body(request)
    found = box.workspace.rooms.get(str(body.get("channel")))
    if found is None or found.kind == "im":
        raise Impossible(f"There is no channel {body.get('channel')!r}.")
    if isinstance(body.get("archived"), bool):
        found.archived = body["archived"]
    members = body.get("members")
    if members is not None:
        if not isinstance(members, list) or not all(isinstance(m, str) and m in box.workspace.users for m in members):
            raise Impossible("`members` has to be a list of user ids of this workspace.")
        found.members = list(members)
    box.workspace.keep_room(found)
    return JSONResponse({"ok": True})


async def _blocks(_box: Sandbox, _request: Request) -> Response:
    return JSONResponse(blocks.as_data())


async def _openapi(box: Sandbox, _request: Request) -> Response:
    return JSONResponse(openapi.description(box.url))


# The clock.


def _moment(raw: Any) -> datetime:
    try:
        at = datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        raise Impossible("A moment has to be in ISO 8601, for example 2026-11-24T14:30:00+00:00.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def _clock(box: Sandbox, request: Request) -> Response:
    if request.method == "GET":
        after = _number(request.query_params.get("after"), None, "after")
        wait = min(float(_number(request.query_params.get("timeout"), 25, "timeout") or 0), LONGEST_WAIT_S)
        if after is not None:
            await _wait_for_clock(box, after, wait)
        return JSONResponse(box.clock.told())
    box.clock.move(_new_offset(box, await _body(request)))
    box.feed.tell({"type": "clock"} | box.clock.told())
    return JSONResponse(box.clock.told())


async def _wait_for_clock(box: Sandbox, after: int, wait_s: float) -> None:
    """A long poll that a changed clock, the time, or the end of the sandbox ends."""
    if not box.closing.is_set():
        await box.clock.changed(after, wait_s)


def _new_offset(box: Sandbox, body: Body) -> float:
    for key in ("advance_s", "offset_s"):
        if key in body:
            amount = body[key]
            if isinstance(amount, bool) or not isinstance(amount, int | float) or abs(amount) > 10 * 366 * 86400:
                raise Impossible(f"`{key}` has to be a number of seconds, at most ten years.")
            return float(amount) + (box.clock.offset_s if key == "advance_s" else 0.0)
    if body.get("to_due") is True:
        due = box.clock.next_due()
        if due is None:
            raise Impossible("Nobody waits for anything that is still to come.")
        return box.clock.offset_s + (due - box.clock.now()).total_seconds()
    raise Impossible("Say `advance_s`, `offset_s` or `to_due`.")


async def _due(box: Sandbox, request: Request) -> Response:
    body = await _body(request)
    at = None if body.get("at") is None else _moment(body["at"])
    before = box.clock.version
    box.clock.expect(request.path_params["who"], at, str(body.get("what") or ""))
    if box.clock.version != before:
        box.feed.tell({"type": "clock"} | box.clock.told())
    return JSONResponse(box.clock.told())


def routes(box: Sandbox) -> list[Route]:
    acts: dict[str, Act] = {
        "command": _command, "shortcut": _shortcut, "post": _post, "action": _action, "submit": _submit,
        "close": _close, "options": _options, "react": _react, "mark": _mark, "home_opened": _home_opened,
        "open_direct": _open_direct, "invite": _invite,
    }  # fmt: skip
    looks = {
        "state": _state, "messages": _messages, "home": _home, "views": _views, "stream": _stream, "log": _log,
        "blocks": _blocks, "openapi.json": _openapi,
    }  # fmt: skip
    changes = {"limits": _limits, "reset": _reset, "sockets": _sockets, "user": _user, "channel": _channel}
    return [
        *(Route(f"/control/{name}", acting(box, act), methods=["POST"]) for name, act in acts.items()),
        *(Route(f"/control/{name}", guarded(box, look)) for name, look in looks.items()),
        *(Route(f"/control/{name}", guarded(box, change), methods=["POST"]) for name, change in changes.items()),
        Route("/control/faults", guarded(box, _faults), methods=["GET", "POST"]),
        Route("/clock", guarded(box, _clock), methods=["GET", "POST"]),
        Route("/clock/due/{who}", guarded(box, _due), methods=["PUT"]),
    ]
