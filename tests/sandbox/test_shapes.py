"""What an app is sent has the shape that Slack publishes: each key that is always there, and none that Slack does not have."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.alone import ALL_SCOPES, Alone, alone

WORDS = {"type": "plain_text", "text": "Words"}
BUTTON = {"type": "actions", "block_id": "row", "elements": [{"type": "button", "action_id": "press", "text": WORDS}]}
MODAL = {"type": "modal", "callback_id": "plan", "title": WORDS, "submit": WORDS, "notify_on_close": True, "blocks": [BUTTON]}  # fmt: skip
CHANNEL = "C0CHECKOUT"

#: From Slack's published samples, which leave out only what a view and a state hold; a key in brackets is not always there.
INSIDE = {
    "team": "id domain (enterprise_id) (enterprise_name)",
    "channel": "id name",
    "user": "id username name team_id",
    "view": "id team_id type callback_id title submit close private_metadata external_id state hash clear_on_close notify_on_close "
    "root_view_id previous_view_id app_id bot_id app_installed_team_id blocks (submit_disabled)",
    "authorizations": "enterprise_id team_id user_id is_bot is_enterprise_install",
    "actions": "action_id block_id type action_ts text (value) (style) (url) (confirm)",
    "state": "values",
}
INTERACTION = "type team user api_app_id token enterprise is_enterprise_install"
EVENT = (
    "token team_id api_app_id type authorizations is_ext_shared_channel event_id event_time event_context event "
    "(enterprise_id) (authed_users) (authed_teams) (context_team_id) (context_enterprise_id)"
)
SHAPES = {
    "a command": "token api_app_id team_id team_domain channel_id channel_name user_id user_name command text response_url "
    "trigger_id is_enterprise_install (enterprise_id) (enterprise_name)",
    "a press in a message": f"{INTERACTION} container trigger_id channel message response_url actions state",
    "a press in a modal": f"{INTERACTION} container trigger_id view actions",
    "a submission": f"{INTERACTION} trigger_id view (response_urls)",
    "a modal that is closed": f"{INTERACTION} view is_cleared",
    "a shortcut at a message": f"{INTERACTION} callback_id trigger_id message_ts response_url message channel action_ts",
    "a home that is opened": EVENT,
    "a mention": EVENT,
    "somebody who joins": EVENT,
}
EVENTS = {
    "a home that is opened": "type user channel tab event_ts (view)",
    "a mention": "type user text ts channel event_ts team blocks client_msg_id (thread_ts) (edited)",
    "somebody who joins": "type user channel channel_type team event_ts (inviter) (enterprise)",
}


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[Alone]:
    async with alone(tmp_path, scopes=ALL_SCOPES) as one:
        yield one


async def _sent(w: Alone, what: str) -> dict[str, Any]:
    """Somebody does it, and the app would have got this."""
    if what in ("a press in a message", "a shortcut at a message"):
        ts = (await w.did("chat.postMessage", channel=CHANNEL, text="Press", blocks=[BUTTON]))["ts"]
        if what == "a shortcut at a message":
            await w.act("shortcut", channel=CHANNEL, ts=ts, callback_id="keep")
            return await w.sent("action", "keep")
        at = {"type": "message", "channel": CHANNEL, "ts": ts}
        await w.act("action", container=at, block_id="row", action_id="press")
        return await w.sent("action", "press")
    if what == "a home that is opened":
        await w.act("home_opened")
        return await w.sent("event", "app_home_opened")
    if what == "a mention":
        await w.act("post", channel=CHANNEL, text="<@U0TMINUS> status")
        return await w.sent("event", "app_mention")
    if what == "somebody who joins":
        await w.did("conversations.join", channel="C0RANDOM")
        await w.act("invite", channel="C0RANDOM", user="U0ANA")
        return await w.sent("event", "member_joined_channel")
    await w.act("command", channel=CHANNEL, text="/deploy start")
    command = await w.sent("command", "/deploy")
    if what == "a command":
        return command
    view = (await w.did("views.open", trigger_id=command["trigger_id"], view=MODAL))["view"]["id"]
    if what == "a press in a modal":
        await w.act("action", container={"type": "view", "view_id": view}, block_id="row", action_id="press")
        return await w.sent("action", "press")
    if what == "a submission":
        await w.act("submit", view_id=view)
        return await w.sent("action", "plan")
    await w.act("close", view_id=view)
    return await w.sent("action", "plan")


def _differs(told: dict[str, Any], shape: str, where: str) -> list[str]:
    always = {name for name in shape.split() if not name.startswith("(")}
    known = {name.strip("()") for name in shape.split()}
    found = [f"{where} has no {name}" for name in sorted(always - set(told))]
    return found + [f"{where} has {name}, which Slack does not send" for name in sorted(set(told) - known)]


@pytest.mark.parametrize("what", SHAPES)
async def test_it_has_the_keys_of_slack_and_no_others(w: Alone, what: str):
    payload = await _sent(w, what)
    differs = _differs(payload, SHAPES[what], what)
    if what in EVENTS:
        differs += _differs(payload["event"], EVENTS[what], f"{what}: event")
    for name, shape in INSIDE.items():
        for one in payload[name] if isinstance(payload.get(name), list) else [payload.get(name)]:
            if isinstance(one, dict):
                differs += _differs(one, shape, f"{what}: {name}")
    assert differs == []
