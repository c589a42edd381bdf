"""What do `views.*` and `blocks.validate` do?"""

import json
from typing import Any

from sandbox import blocks as table
from sandbox.api import method
from sandbox.box import Sandbox
from sandbox.call import Call
from sandbox.refusal import Refusal
from sandbox.rooms import gone
from sandbox.validation import check_blocks, check_message, check_view

MOST_VALIDATED = 100_000


def _trigger(call: Call) -> str:
    given = call.text("trigger_id") or call.text("interactivity_pointer")
    if not given:
        raise Refusal("invalid_arguments", messages=["[ERROR] missing required field: trigger_id"])
    return given


@method("views.open")
def open_view(box: Sandbox, call: Call) -> dict[str, Any]:
    trigger = box.tickets.look(_trigger(call))
    box.screens.check(call.get("view"), (table.MODAL,))
    view = box.screens.open(trigger.user, call.get("view"))
    trigger.spent = True
    return {"view": view}


@method("views.push")
def push_view(box: Sandbox, call: Call) -> dict[str, Any]:
    trigger = box.tickets.look(_trigger(call))
    box.screens.check(call.get("view"), (table.MODAL,))
    view = box.screens.push(trigger.user, call.get("view"))
    trigger.spent = True
    return {"view": view}


@method("views.update")
def update_view(box: Sandbox, call: Call) -> dict[str, Any]:
    view_id, external_id = call.text("view_id"), call.text("external_id")
    if not view_id and not external_id:
        raise Refusal("invalid_arguments", messages=["[ERROR] missing required field: view_id"])
    old = box.screens.views.get(view_id) if view_id else box.screens.named(external_id)
    if old is None:
        raise Refusal("not_found")
    box.screens.check(call.get("view"), (old["type"],))
    return {"view": box.screens.update(old, call.get("view"), call.text("hash") or None)}


@method("views.publish")
def publish_view(box: Sandbox, call: Call) -> dict[str, Any]:
    if not box.world.app.home_tab:
        raise Refusal("not_enabled")
    user = box.workspace.users.get(call.text("user_id"))
    if user is None or user.is_bot:
        raise Refusal("invalid_arguments", messages=["[ERROR] invalid `user_id`"])
    if gone(box, user):
        raise Refusal("invalid_arguments", messages=["[ERROR] invalid `user_id`"], injected=not user.deleted)
    box.screens.check(call.get("view"), (table.HOME,))
    return {"view": box.screens.publish(user.id, call.get("view"), call.text("hash") or None)}


@method("blocks.validate")
def validate(_box: Sandbox, call: Call) -> dict[str, Any]:
    given = [name for name in ("blocks", "view", "message") if call.get(name) is not None]
    if len(given) != 1:
        raise Refusal("invalid_arguments", messages=["must provide exactly one of `blocks`, `view`, or `message`"])
    what, payload = given[0], call.get(given[0])
    if len(json.dumps(payload, ensure_ascii=False)) > MOST_VALIDATED:
        line = f"[ERROR] must be less than {MOST_VALIDATED + 1} characters [json-pointer:/{what}]"
        raise Refusal("invalid_arguments", messages=[line])
    if what == "blocks":
        issues = check_blocks(payload, table.MESSAGE, "")
    elif what == "view":
        issues = check_view(payload, "")
    else:
        issues = check_message(payload)
    if issues:
        raise Refusal(f"invalid_{what}", errors=[issue.as_data() for issue in issues])
    return {}
