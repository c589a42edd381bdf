"""How is the world itself moved: its time, its faults, its limits, its people and channels?"""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.asked import Body, Look, body_of, number
from sandbox.box import Sandbox
from sandbox.call import published
from sandbox.clock import EARLIEST, LATEST, possible
from sandbox.faults import Here
from sandbox.people import Impossible

LONGEST_WAIT_S = 60.0


async def faults(box: Sandbox, request: Request) -> Response:
    if request.method == "POST":
        workspace = box.workspace
        here = Here(
            methods=published(), users=workspace.users, channels=workspace.rooms, sockets=box.world.app.socket_mode
        )
        box.faults.set(await body_of(request), here)
    return JSONResponse(box.faults.told())


async def _limits(box: Sandbox, request: Request) -> Response:
    body = await body_of(request)
    if not isinstance(body.get("enabled"), bool):
        raise Impossible("`enabled` has to be true or false.")
    box.limits.enabled = body["enabled"]
    box.store.put("limits", "enabled", body["enabled"])
    box.limits.clear()
    return JSONResponse({"enabled": box.limits.enabled})


async def _reset(box: Sandbox, _request: Request) -> Response:
    box.reset()
    return JSONResponse({"ok": True})


async def _sockets(box: Sandbox, request: Request) -> Response:
    what = (await body_of(request)).get("do")
    if what == "drop":
        await box.sockets.drop()
    elif what in ("warning", "refresh_requested", "link_disabled"):
        await box.sockets.refresh(what)
    else:
        raise Impossible("`do` has to be drop, warning, refresh_requested or link_disabled.")
    return JSONResponse({"ok": True})


async def _user(box: Sandbox, request: Request) -> Response:
    """Change a person: deactivated or back, present or away, undisturbed until a moment."""
    body = await body_of(request)
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
    body = await body_of(request)
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


def _moment(raw: Any) -> datetime:
    try:
        at = datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        raise Impossible("A moment has to be in ISO 8601, for example 2026-11-24T14:30:00+00:00.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def clock(box: Sandbox, request: Request) -> Response:
    if request.method == "GET":
        after = number(request.query_params.get("after"), None, "after")
        wait = min(float(number(request.query_params.get("timeout"), 25, "timeout") or 0), LONGEST_WAIT_S)
        if after is not None:
            await _wait_for_clock(box, after, wait)
        return JSONResponse(box.clock.told())
    offset_s = _new_offset(box, await body_of(request))
    if not possible(offset_s):
        raise Impossible(f"The workspace's clock goes from {EARLIEST.year} to {LATEST.year} and no farther.")
    box.clock.move(offset_s)
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
        due_at = box.clock.next_due()
        if due_at is None:
            raise Impossible("Nobody waits for anything that is still to come.")
        return box.clock.offset_s + (due_at - box.clock.now()).total_seconds()
    raise Impossible("Say `advance_s`, `offset_s` or `to_due`.")


async def due(box: Sandbox, request: Request) -> Response:
    body = await body_of(request)
    if "at" not in body:
        raise Impossible("Say `at`: the moment you wait for, or null to take it back.")
    at = None if body["at"] is None else _moment(body["at"])
    before = box.clock.version
    box.clock.expect(request.path_params["who"], at, str(body.get("what") or ""))
    if box.clock.version != before:
        box.feed.tell({"type": "clock"} | box.clock.told())
    return JSONResponse(box.clock.told())


CHANGES: dict[str, Look] = {
    "limits": _limits,
    "reset": _reset,
    "sockets": _sockets,
    "user": _user,
    "channel": _channel,
}
