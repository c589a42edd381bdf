"""A fault strikes where it says, or is refused with a sentence; and what is gone is gone everywhere."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.faults import BadFault, Faults, Here
from sandbox.store import Store
from tests.sandbox.conftest import Person, client_of, start

HERE = Here(methods=("auth.test", "chat.postMessage"), users=("U0ANA",), channels=("C0CHECKOUT",), sockets=True)
IDLE: list[tuple[dict[str, Any], str]] = [
    ({"fault": "slow", "probability": 7}, "`probability` has to be a number from 0 to 1."),
    ({"fault": "slow", "probability": -0.1}, "`probability` has to be a number from 0 to 1."),
    ({"fault": "slow", "seconds": -5}, "`seconds` has to be a number from 0 to 3600."),
    ({"fault": "slow", "seconds": 10**400}, "`seconds` has to be a number from 0 to 3600."),
    ({"fault": "slow", "times": -1}, "`times` has to be a whole number from 0 on, or null."),
    ({"fault": "slow", "user": "U0ANA"}, "slow takes no user; it takes probability, times, method, channel, seconds."),
    ({"fault": "revoked_token", "channel": "C0CHECKOUT"}, "revoked_token takes no channel; it takes probability, times, method."),
    ({"fault": "archived_channel", "method": "auth.test"}, "archived_channel takes no method; it takes probability, times, channel."),
    ({"fault": "http_500", "method": "chat.shout"}, "There is no method 'chat.shout' here; api.test is one, for example."),
    ({"fault": "late_visibility", "method": "conversations.history"}, "late_visibility holds back new messages; its method is one of chat.postMessage, chat.startStream, files.completeUploadExternal."),
    ({"fault": "deactivated_user", "user": "U0NOBODY"}, "There is nobody 'U0NOBODY' in this workspace."),
    ({"fault": "archived_channel", "channel": "#checkout"}, "There is no channel '#checkout'; a rule names it by its id."),
]  # fmt: skip


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    return Faults(Store(tmp_path))


@pytest.mark.parametrize(("rule", "sentence"), IDLE, ids=[str(n) for n in range(len(IDLE))])
def test_a_rule_that_would_never_strike_is_refused_with_a_sentence(faults: Faults, rule: dict[str, Any], sentence: str):
    with pytest.raises(BadFault) as refused:
        faults.set({"rules": [rule]}, HERE)
    assert str(refused.value) == sentence
    assert faults.rules == []


def test_a_socket_cannot_be_cut_where_there_is_none(faults: Faults):
    web = Here(methods=(), users=(), channels=(), sockets=False)
    with pytest.raises(BadFault, match="needs Socket Mode"):
        faults.set({"rules": [{"fault": "drop_socket"}]}, web)


async def error_of(call: Any) -> str:
    with pytest.raises(SlackApiError) as raised:
        await call
    return raised.value.response["error"]


async def unkind(person: Person, fault: str, **more: Any) -> None:
    await person.do("/control/faults", rules=[{"fault": fault, **more}])


async def test_a_call_fails_only_in_the_channel_that_a_rule_names(client: AsyncWebClient, person: Person):
    await unkind(person, "http_500", channel="C0CHECKOUT")
    await client.chat_postMessage(channel="C0RELEASES", text="x")
    for name in ("C0CHECKOUT", "#checkout"):
        assert await error_of(client.chat_postMessage(channel=name, text="x")) == "internal_error"


async def test_the_message_of_an_upload_is_held_back_too(client: AsyncWebClient, person: Person):
    await unkind(person, "late_visibility", method="files.completeUploadExternal", seconds=3600)
    await client.files_upload_v2(channel="C0CHECKOUT", filename="a.txt", content="x")
    assert len(await person.messages()) == 1
    assert (await client.conversations_history(channel="C0CHECKOUT"))["messages"] == []


async def findings(person: Person) -> list[str]:
    entries = (await person.get("/control/log", findings=1))["entries"]
    return [finding for entry in entries for finding in entry["findings"]]


@pytest.mark.parametrize("how", ["fault", "for real"])
async def test_a_deactivated_person_is_gone_everywhere(client: AsyncWebClient, person: Person, how: str):
    direct = (await client.conversations_open(users="U0CHLOE"))["channel"]["id"]
    if how == "fault":
        await unkind(person, "deactivated_user", user="U0CHLOE")
    else:
        await person.do("/control/user", user="U0CHLOE", deleted=True)
    home = {"type": "home", "blocks": [{"type": "divider"}]}

    assert (await client.users_info(user="U0CHLOE"))["user"]["deleted"]
    assert await error_of(client.users_lookupByEmail(email="chloe@acme.example")) == "users_not_found"
    assert (await client.usergroups_users_list(usergroup="S0DBATEAM"))["users"] == ["U0DMITRI"]
    assert await error_of(client.conversations_open(users="U0CHLOE")) == "user_disabled"
    assert await error_of(client.chat_postMessage(channel="U0CHLOE", text="x")) == "channel_not_found"
    whisper = client.chat_postEphemeral(channel="C0CHECKOUT", user="U0CHLOE", text="x")
    assert await error_of(whisper) == "user_not_in_channel"
    assert await error_of(client.views_publish(user_id="U0CHLOE", view=home)) == "invalid_arguments"
    assert (await client.conversations_info(channel=direct))["channel"]["is_user_deleted"]
    if how == "fault":
        assert await findings(person) == []


async def test_a_deactivated_person_can_do_nothing_any_more(person: Person):
    await person.do("/control/user", user="U0CHLOE", deleted=True)
    for name, body in (
        ("command", {"channel": "C0CHECKOUT", "text": "/deploy status"}),
        ("post", {"channel": "C0CHECKOUT", "text": "x"}),
        ("home_opened", {}),
    ):
        told = await person.do(f"/control/{name}", status=400, **{"as": "U0CHLOE"}, **body)
        assert told == {"error": "Chloé Martin is deactivated."}


@pytest.mark.parametrize("how", ["fault", "for real"])
async def test_an_archived_channel_is_archived_to_every_method(client: AsyncWebClient, person: Person, how: str):
    posted = await client.chat_postMessage(channel="C0CHECKOUT", text="x")
    if how == "fault":
        await unkind(person, "archived_channel", channel="C0CHECKOUT")
    else:
        await person.do("/control/channel", channel="C0CHECKOUT", archived=True)

    assert (await client.conversations_info(channel="C0CHECKOUT"))["channel"]["is_archived"]
    assert await error_of(client.chat_postMessage(channel="C0CHECKOUT", text="x")) == "is_archived"
    assert await error_of(client.chat_update(channel="C0CHECKOUT", ts=posted["ts"], text="y")) == "is_inactive"
    named = [each["id"] for each in (await client.conversations_list(exclude_archived=True))["channels"]]
    assert "C0CHECKOUT" not in named
    if how == "fault":
        assert await findings(person) == []
    else:
        told = await person.act("command", status=400, channel="C0CHECKOUT", text="/deploy status")
        assert told == {"error": "#checkout is archived."}


async def test_an_app_without_a_messages_tab_reaches_nobody_there(tmp_path: Path):
    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        json.dumps(
            {
                "features": {"app_home": {"home_tab_enabled": True, "messages_tab_enabled": False}},
                "oauth_config": {"scopes": {"bot": ["chat:write", "im:write"]}},
                "settings": {"socket_mode_enabled": True},
            }
        )
    )
    sandbox = await asyncio.to_thread(start, tmp_path / "data", "--manifest", str(manifest))
    try:
        client = client_of(sandbox.url)
        direct = (await client.conversations_open(users="U0ANA"))["channel"]["id"]
        for name in ("U0ANA", direct):
            assert await error_of(client.chat_postMessage(channel=name, text="x")) == "messages_tab_disabled"
    finally:
        sandbox.kill()
