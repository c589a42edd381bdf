"""What happens when a person presses, picks, fills in and submits?"""

from typing import Any

from sandbox import forms, said
from sandbox.box import Sandbox
from sandbox.inside import every_block
from sandbox.people import NO_CONNECTION, NOT_RESPONDING, Impossible, _common, _interact, _response_url
from sandbox.refusal import Refusal
from sandbox.rooms import told
from sandbox.workspace import Message
from sandbox.world import User

View = dict[str, Any]


def _message_at(box: Sandbox, user: User, container: dict[str, Any]) -> Message:
    channel, ts = str(container.get("channel")), str(container.get("ts"))
    found = box.workspace.rooms.get(channel)
    if found is None or not box.workspace.sees(user.id, found):
        raise Impossible(f"{user.real_name} sees no channel {channel!r}.")
    message = found.messages.get(ts) or box.workspace.whispered(user.id, channel, ts)
    if message is None:
        raise Impossible("That message is not there any more.")
    return message


def _view_at(box: Sandbox, user: User, view_id: Any) -> View:
    view = box.screens.views.get(str(view_id))
    if view is None or box.screens.owner(view["id"]) != user.id:
        raise Impossible("That view is not open any more.")
    return view


def _all_blocks(message: Message) -> list[dict[str, Any]]:
    attached = [block for each in message.get("attachments") or [] for block in each.get("blocks") or []]
    return (message.get("blocks") or []) + attached


async def press(box: Sandbox, user: User, asked: dict[str, Any]) -> dict[str, Any]:
    """One press or choice: looked up, put into Slack's payload, sent to the app."""
    container = asked.get("container")
    if not isinstance(container, dict):
        raise Impossible("`container` has to say which message or view it is.")
    if container.get("type") == "view":
        view = _view_at(box, user, container.get("view_id"))
        blocks, message = view["blocks"], None
        known = view["state"]["values"]
    else:
        message, view = _message_at(box, user, container), None
        blocks = _all_blocks(message)
        known = box.touched.get((user.id, message["channel"], message["ts"]), {})
    block_id, action_id = str(asked.get("block_id")), str(asked.get("action_id"))
    element = forms.find(blocks, block_id, action_id)
    if element is None:
        raise Impossible(f"There is no element {action_id!r} in block {block_id!r} there.")
    value = asked.get("value")
    if value is not None and not isinstance(value, dict):
        raise Impossible("`value` has to be an object, as the type of the element asks for.")
    given = {block: dict(actions) for block, actions in (asked.get("state") or {}).items()}
    if forms.holds_state(element):
        given.setdefault(block_id, {})[action_id] = value or {}
    try:
        state = forms.values(blocks, known, given, box.fetched, _seen_by(box, user))
        action = _action(box, element, block_id, value, state)
    except forms.BadValue as bad:
        raise Impossible(str(bad)) from None
    if view is not None:
        box.screens.remember(view, state)
    elif message is not None:
        box.touched[(user.id, message["channel"], message["ts"])] = state
    if not _reaches_the_app(blocks, block_id):
        return {"ok": True}
    payload = _common(box, user) | {
        "type": "block_actions",
        "trigger_id": box.tickets.trigger(user.id),
        "actions": [action],
        **(_in_view(view) if view is not None else _in_message(box, user, message or {}, state)),
    }
    answer = await _interact(box, action_id, payload, accepts=False)
    return {"ok": True} if answer.error is None else {"ok": False, "error": NOT_RESPONDING}


def _seen_by(box: Sandbox, user: User) -> forms.Seen:
    """Whom and what this person can choose: who is still here, public channels, and every conversation that they see."""

    def seen(what: str, which: str) -> bool:
        if what == "user":
            return which in box.workspace.users and not box.workspace.users[which].deleted
        found = box.workspace.rooms.get(which)
        if found is None or not box.workspace.sees(user.id, found):
            return False
        return what == "conversation" or found.kind == "channel"

    return seen


def _reaches_the_app(blocks: list[dict[str, Any]], block_id: str) -> bool:
    """An input block tells the app only when it asks for that."""
    block = next((each for each, _ in every_block(blocks) if each.get("block_id") == block_id), {})
    return block.get("type") != "input" or bool(block.get("dispatch_action"))


def _action(
    box: Sandbox, element: dict[str, Any], block_id: str, value: dict[str, Any] | None, state: forms.Values
) -> dict[str, Any]:
    copied = ("type", "action_id", "text", "value", "style", "confirm", "placeholder", "url") if element["type"] in (
        "button", "workflow_button", "icon_button") else ("type", "action_id", "confirm", "placeholder")  # fmt: skip
    action = {key: element[key] for key in copied if key in element}
    action |= {"block_id": block_id, "action_ts": f"{box.clock.now().timestamp():.6f}"}
    if element["type"] == "overflow":
        return action | forms.chosen(element, value, [])
    if element["type"] == "feedback_buttons":
        return action | _feedback(element, value)
    return action | state.get(block_id, {}).get(element["action_id"], {})


def _feedback(element: dict[str, Any], value: dict[str, Any] | None) -> dict[str, Any]:
    """Which of the two was pressed, by its value."""
    both = (element["positive_button"], element["negative_button"])
    pressed = next((one for one in both if one["value"] == (value or {}).get("value")), None)
    if pressed is None:
        raise forms.BadValue(f"Press {both[0]['value']!r} or {both[1]['value']!r}, by its value.")
    return {"text": pressed["text"], "value": pressed["value"]}


def _in_view(view: View) -> dict[str, Any]:
    return {
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        **({"state": view["state"]} if view["type"] == "home" else {}),
    }


def _in_message(box: Sandbox, user: User, message: Message, state: forms.Values) -> dict[str, Any]:
    found = box.workspace.rooms[message["channel"]]
    ephemeral = bool(message.get("ephemeral"))
    thread = message.get("thread_ts")
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": found.id,
        "is_ephemeral": ephemeral,
        **({"thread_ts": thread} if thread else {}),
    }
    url = _response_url(box, user=user.id, channel=found.id, ts=message["ts"], thread_ts=thread, ephemeral=ephemeral)
    shown = {} if ephemeral else {"message": told(box, message)}
    return {
        "container": container,
        "channel": {"id": found.id, "name": said.room_label(found)},
        "state": {"values": state},
        "response_url": url,
        **shown,
    }


async def options(box: Sandbox, user: User, asked: dict[str, Any]) -> dict[str, Any]:
    """Ask the app for the options of an external select."""
    container = asked.get("container")
    if not isinstance(container, dict):
        raise Impossible("`container` has to say which message or view it is.")
    in_view = container.get("type") == "view"
    view = _view_at(box, user, container.get("view_id")) if in_view else None
    message = None if in_view else _message_at(box, user, container)
    blocks = view["blocks"] if view else _all_blocks(message or {})
    block_id, action_id = str(asked.get("block_id")), str(asked.get("action_id"))
    element = forms.find(blocks, block_id, action_id)
    if element is None or element["type"] not in forms.EXTERNAL:
        raise Impossible(f"There is no external select {action_id!r} in block {block_id!r} there.")
    payload = _common(box, user) | {
        "type": "block_suggestion",
        "action_id": action_id,
        "block_id": block_id,
        "value": str(asked.get("query") or ""),
        **(_in_view(view) if view else {"container": {"type": "message", "message_ts": (message or {})["ts"]}}),
    }
    answer = await _interact(box, action_id, payload, accepts=True)
    if answer.error or not isinstance(answer.payload, dict):
        return {"options": [], "option_groups": [], "error": NOT_RESPONDING}
    found = answer.payload.get("options") or []
    groups = answer.payload.get("option_groups") or []
    box.fetched[(block_id, action_id)] = found + [option for group in groups for option in group.get("options") or []]
    return {"options": found, "option_groups": groups}


async def submit(box: Sandbox, user: User, view_id: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Submit a modal: Slack's own checks first, then the app's answer decides what is shown next."""
    view = _view_at(box, user, view_id)
    if view["type"] != "modal":
        raise Impossible("Only a modal can be submitted.")
    try:
        state = forms.values(view["blocks"], view["state"]["values"], given, box.fetched, _seen_by(box, user))
    except forms.BadValue as bad:
        raise Impossible(str(bad)) from None
    box.screens.remember(view, state)
    wrong = forms.complaints(view["blocks"], state)
    if wrong:
        return {"ok": False, "errors": wrong}
    payload = _common(box, user) | {
        "type": "view_submission",
        "trigger_id": box.tickets.trigger(user.id),
        "view": view,
        "response_urls": _asked_for_urls(box, user, view, state),
    }
    answer = await _interact(box, view["callback_id"] or "view_submission", payload, accepts=True)
    if answer.error:
        return {"ok": False, "error": NO_CONNECTION}
    return _next_screen(box, user, view, answer.payload)


def _asked_for_urls(box: Sandbox, user: User, view: View, state: forms.Values) -> list[dict[str, Any]]:
    urls: list[dict[str, Any]] = []
    for block_id, element, _ in forms.elements(view["blocks"]):
        held = state.get(block_id, {}).get(element["action_id"], {})
        channel = held.get("selected_conversation") or held.get("selected_channel")
        if element.get("response_url_enabled") and channel:
            url = _response_url(box, user=user.id, channel=channel, ts=None, thread_ts=None, ephemeral=False)
            about = {"block_id": block_id, "action_id": element["action_id"], "channel_id": channel}
            urls.append(about | {"response_url": url})
    return urls


def _next_screen(box: Sandbox, user: User, view: View, body: Any) -> dict[str, Any]:
    body = body if isinstance(body, dict) else {}
    kind = body.get("response_action")
    try:
        if kind == "errors":
            return _errors(view, body.get("errors"))
        if kind == "update":
            box.screens.check(body.get("view"), ("modal",))
            box.screens.update(view, body["view"])
        elif kind == "push":
            box.screens.check(body.get("view"), ("modal",))
            box.screens.push(user.id, body["view"])
        elif kind == "clear":
            box.screens.close_all(user.id)
        elif kind is None:
            box.screens.close(user.id, view["id"])
        else:
            return _refused(box, user, body, Refusal("invalid_arguments", messages=[f"[ERROR] no such action: {kind}"]))
    except Refusal as refusal:
        return _refused(box, user, body, refusal)
    return {"ok": True}


def _refused(box: Sandbox, user: User, body: dict[str, Any], refusal: Refusal) -> dict[str, Any]:
    """The person sees that it did not work, and the app's author why."""
    details = "; ".join(refusal.messages or [])
    findings = [f"The answer to the submission was refused: {refusal.error} {details}".strip()]
    box.journal.write(
        "action", "response_action", user=user.id, request=body, response=refusal.as_data(), ms=0, findings=findings
    )
    return {"ok": False, "error": NO_CONNECTION}


def _errors(view: View, errors: Any) -> dict[str, Any]:
    known = {block["block_id"] for block in view["blocks"] if block.get("type") == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= known:
        raise Refusal("invalid_arguments", messages=["[ERROR] errors must name input blocks of the view"])
    return {"ok": False, "errors": {str(key): str(value) for key, value in errors.items()}}


async def close(box: Sandbox, user: User, view_id: Any) -> dict[str, Any]:
    """Close a modal; the app hears of it where the view asks for that."""
    view = _view_at(box, user, view_id)
    if view["type"] != "modal":
        raise Impossible("Only a modal can be closed.")
    cleared = view["clear_on_close"]
    gone = box.screens.close_all(user.id) if cleared else [view]
    if not cleared:
        box.screens.close(user.id, view["id"])
    for each in gone:
        if each["notify_on_close"]:
            payload = _common(box, user) | {"type": "view_closed", "view": each, "is_cleared": cleared}
            await _interact(box, each["callback_id"] or "view_closed", payload, accepts=False)
    return {"ok": True}
