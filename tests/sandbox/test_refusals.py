"""What Slack refuses is refused, by the name that Slack has for it."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.conftest import BOT_TOKEN, Person

HERE = {"channel": "C0CHECKOUT"}
STREAM = HERE | {"recipient_user_id": "U0ANA", "recipient_team_id": "T0ACME"}
UPLOAD = {"filename": "a.txt"}


async def refused(call: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as raised:
        await call
    return dict(raised.value.response.data)


@pytest.fixture(autouse=True)
async def fresh(person: Person) -> None:
    """Every test begins with the workspace of the world file."""


CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("chat.postMessage", HERE | {"text": "x", "blocks": "{no json"}, "invalid_blocks_format"),
    ("chat.postMessage", HERE | {"text": "x", "metadata": "{no json"}, "invalid_metadata_format"),
    (
        "chat.scheduleMessage",
        HERE | {"text": "x", "post_at": 2_000_000_000, "blocks": "{no json"},
        "invalid_blocks_format",
    ),
    ("chat.startStream", STREAM | {"chunks": "[{no json"}, "invalid_chunks"),
    ("reactions.add", HERE | {"name": "eyes", "timestamp": "abc"}, "bad_timestamp"),
    ("reactions.get", HERE | {"timestamp": "abc"}, "bad_timestamp"),
    ("pins.add", HERE | {"timestamp": "abc"}, "bad_timestamp"),
    ("pins.remove", HERE | {"timestamp": "abc"}, "bad_timestamp"),
    ("files.getUploadURLExternal", UPLOAD | {"length": 0}, "missing_argument"),
    ("files.getUploadURLExternal", UPLOAD | {"length": -1}, "invalid_arguments"),
    ("files.getUploadURLExternal", UPLOAD | {"length": 1, "snippet_type": "klingon"}, "unknown_snippet_type"),
    ("files.getUploadURLExternal", UPLOAD | {"length": 1_000_001, "snippet_type": "python"}, "snippet_too_large"),
    ("conversations.history", HERE | {"latest": "abc"}, "invalid_ts_latest"),
    ("conversations.history", HERE | {"latest": "nan"}, "invalid_ts_latest"),
    ("conversations.history", HERE | {"oldest": "nan"}, "invalid_ts_oldest"),
    ("conversations.history", HERE | {"oldest": "inf"}, "invalid_ts_oldest"),
    ("conversations.list", {"limit": -1}, "invalid_limit"),
    ("users.list", {"limit": -1}, "invalid_arguments"),
    ("chat.scheduledMessages.list", {"limit": -1}, "invalid_arguments"),
    ("chat.startStream", STREAM | {"recipient_user_id": "U0NOBODY"}, "user_not_found"),
    ("chat.startStream", STREAM | {"recipient_team_id": "T0OTHER"}, "team_not_found"),
    ("chat.startStream", STREAM | {"task_display_mode": "bogus"}, "invalid_arguments"),
    ("chat.startStream", STREAM | {"markdown_text": "x" * 12_001}, "msg_too_long"),
    (
        "chat.startStream",
        STREAM | {"chunks": '[{"type": "task_update", "id": "a", "status": "bogus"}]'},
        "invalid_chunks",
    ),
]


@pytest.mark.parametrize(("method", "asked", "error"), CALLS, ids=[f"{m}-{e}{n}" for n, (m, _, e) in enumerate(CALLS)])
async def test_a_call_is_refused_by_slacks_name_for_what_is_wrong(
    client: AsyncWebClient, method: str, asked: dict[str, Any], error: str
):
    assert (await refused(client.api_call(method, data=asked)))["error"] == error


async def test_a_snippet_of_a_known_kind_and_a_moment_in_seconds_are_taken(client: AsyncWebClient):
    assert (await client.files_getUploadURLExternal(filename="a.py", length=3, snippet_type="python"))["ok"]
    for moment in ("0", "1700000000", "1700000000.000001"):
        assert (await client.conversations_history(channel="C0CHECKOUT", oldest=moment))["ok"]


async def test_a_stream_holds_no_more_than_one_message(client: AsyncWebClient):
    blocks = {"type": "blocks", "blocks": [{"type": "divider"}] * 25}
    begun = await client.api_call("chat.startStream", json=STREAM | {"chunks": [blocks]})
    where = HERE | {"ts": begun["ts"]}
    await client.api_call("chat.appendStream", json=where | {"chunks": [blocks]})
    told = await refused(client.api_call("chat.appendStream", json=where | {"chunks": [blocks]}))
    assert told["error"] == "msg_blocks_too_many"
    told = await refused(client.api_call("chat.stopStream", json=where | {"blocks": [{"type": "divider"}]}))
    assert told["error"] == "msg_blocks_too_many"
    long = {"type": "markdown_text", "text": "x" * 7000}
    begun = await client.api_call("chat.startStream", json=STREAM | {"chunks": [long]})
    told = await refused(client.api_call("chat.appendStream", json=HERE | {"ts": begun["ts"], "chunks": [long]}))
    assert told["error"] == "msg_too_long"


async def test_a_token_belongs_into_the_header_or_into_a_form(person: Person):
    url = f"{person.url}/api/auth.test"
    assert (await person.http.post(url, data={"token": BOT_TOKEN})).json()["ok"]
    for reply in (
        await person.http.post(url, json={"token": BOT_TOKEN}),
        await person.http.post(url, params={"token": BOT_TOKEN}),
        await person.http.get(url, params={"token": BOT_TOKEN}),
    ):
        assert reply.json() == {"ok": False, "error": "not_authed"}
    findings = [entry["findings"][0] for entry in (await person.get("/control/log", findings=1))["entries"]]
    assert findings[0] == "auth.test came with a token in the JSON; Slack takes it from the Authorization header."
    assert findings[1] == "auth.test came with a token in the address; Slack takes it from the Authorization header."


async def test_a_file_is_private_to_those_who_may_read_it(client: AsyncWebClient, person: Person):
    told = await client.files_upload_v2(channel="C0CHECKOUT", filename="a.txt", content="what was logged")
    url = told["file"]["url_private"]
    opened = await person.http.get(url, headers={"authorization": f"Bearer {BOT_TOKEN}"})
    assert opened.text == "what was logged"
    for headers in ({}, {"authorization": "Bearer xoxb-stranger"}):
        sent_away = await person.http.get(url, headers=headers)
        assert (sent_away.status_code, "redir=" in sent_away.headers["location"]) == (302, True)
    (message,) = await person.messages()
    assert (await person.http.get(f"{person.url}{message['files'][0]['url']}")).text == "what was logged"
    assert "url" not in (await client.conversations_history(channel="C0CHECKOUT"))["messages"][0]["files"][0]


async def test_a_channel_has_one_rate_however_it_is_called(client: AsyncWebClient):
    for n in range(10):
        names = ("C0CHECKOUT", "#checkout", "checkout")
        await client.chat_postMessage(channel=names[n % 3], text=f"message {n}")
    for name in ("C0CHECKOUT", "#checkout", "checkout"):
        assert (await refused(client.chat_postMessage(channel=name, text="one too many")))["error"] == "ratelimited"
    await client.chat_postMessage(channel="U0ANA", text="another conversation")
