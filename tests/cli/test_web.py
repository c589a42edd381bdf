"""HTTP mode over a real socket: what Slack signs is served, and what it did not sign is not."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from urllib.parse import urlencode

import httpx
import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.errors import ConfigError
from bot.web import serving

pytestmark = pytest.mark.real

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
async def client(said, caplog):
    async def authorize(enterprise_id, team_id):
        return AuthorizeResult(enterprise_id=None, team_id="T", bot_token="xoxb-1", bot_user_id="U0")

    app = AsyncApp(authorize=authorize, signing_secret=SECRET, process_before_response=True)

    @app.command("/deploy")
    async def deploy(ack, body):
        said.append(body["text"])
        await ack()

    caplog.set_level(logging.INFO, "bot.web")
    async with serving(app, "127.0.0.1:0"):
        port = next(record.port for record in caplog.records if record.msg == "listening for Slack")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as one:
            yield one


def signed(body: str, *, secret: str = SECRET, at: str = "") -> dict[str, str]:
    stamp = at or str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}


COMMAND = urlencode({"command": "/deploy", "text": "why", "user_id": "U1", "team_id": "T", "channel_id": "C1"})
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def test_a_signed_command_reaches_its_handler(client, said):
    answer = await client.post("/slack/events", content=COMMAND, headers=FORM | signed(COMMAND))

    assert answer.status_code == 200
    assert said == ["why"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(COMMAND, secret="another"),
        signed(COMMAND + "x"),
        signed(COMMAND, at="soon"),
        signed(COMMAND, at="-1"),
        signed(COMMAND, at="1e9"),
        signed(COMMAND, at=str(int(time.time()) - 3600)),
        {"x-slack-request-timestamp": str(int(time.time()))},
        {"x-slack-request-timestamp": "²".encode("latin-1"), "x-slack-signature": "v0=00"},
    ],
    ids=[
        "unsigned",
        "other secret",
        "other body",
        "no number",
        "negative",
        "float",
        "an hour old",
        "no signature",
        "²",
    ],
)
async def test_what_slack_did_not_sign_is_refused_and_nobody_hears_of_it(client, said, headers):
    answer = await client.post("/slack/events", content=COMMAND, headers=FORM | headers)

    assert answer.status_code == 401
    assert said == []


async def test_slack_may_verify_the_address(client):
    body = json.dumps({"type": "url_verification", "token": "x", "challenge": "3eZbrw1a"})

    answer = await client.post(
        "/slack/events", content=body, headers={"content-type": "application/json"} | signed(body)
    )

    assert answer.status_code == 200
    assert "3eZbrw1a" in answer.text


async def test_whoever_watches_the_bot_sees_that_it_lives(client):
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/slack/events")).status_code == 405


async def test_an_address_that_is_taken_is_a_sentence():
    holder = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = holder.sockets[0].getsockname()[1]
    try:
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} cannot be listened on: Address already in use"):
            async with serving(AsyncApp(signing_secret="s", token="xoxb-1"), f"127.0.0.1:{port}"):
                pass
    finally:
        holder.close()
        await holder.wait_closed()
