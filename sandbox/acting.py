"""How does a request make a person of the workspace do something?"""

from sandbox import people, presses
from sandbox.asked import Act, Body
from sandbox.box import Sandbox
from sandbox.methods_conversations import enter
from sandbox.people import Impossible, room_for
from sandbox.world import User


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
    box.feed.tell({"type": "state"}, lambda viewer: viewer == user.id)
    return {"ok": True}


async def _dismiss(box: Sandbox, user: User, body: Body) -> Body:
    message = box.workspace.whispered(user.id, str(body.get("channel")), str(body.get("ts")))
    if message is not None:
        box.workspace.unwhisper(message)
    return {"ok": True}


async def _home_opened(box: Sandbox, user: User, _asked: Body) -> Body:
    people.home_opened(box, user)
    return {"ok": True}


async def _open_direct(box: Sandbox, user: User, body: Body) -> Body:
    other = str(body.get("user") or box.workspace.bot)
    if other not in box.workspace.users:
        raise Impossible(f"There is nobody {other!r} in this workspace.")
    return {"ok": True, "channel": box.workspace.direct(user.id, other).id}


async def _invite(box: Sandbox, user: User, body: Body) -> Body:
    found = room_for(box, user, body.get("channel"))
    who = str(body.get("user") or box.workspace.bot)
    if who not in box.workspace.users or found.kind == "im":
        raise Impossible("Only somebody of this workspace can be invited, and only to a channel.")
    if who not in found.members:
        enter(box, found, who, inviter=user.id)
    return {"ok": True}


ACTS: dict[str, Act] = {
    "command": _command,
    "shortcut": _shortcut,
    "post": _post,
    "action": _action,
    "submit": _submit,
    "close": _close,
    "options": _options,
    "react": _react,
    "mark": _mark,
    "dismiss": _dismiss,
    "home_opened": _home_opened,
    "open_direct": _open_direct,
    "invite": _invite,
}
