"""The same app without sockets: signed requests to its address, and events that are repeated."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp

from tests.sandbox.conftest import BOT_TOKEN, SECRET, Person, client_of, start


class Wrapped:
    """A bolt app behind a real HTTP server that can be told to answer badly first."""

    def __init__(self) -> None:
        self.app = AsyncApp(token="", signing_secret=SECRET, client=client_of("http://127.0.0.1:1"))
        self.headers: list[dict[str, str]] = []
        self.bad_answers = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if self.bad_answers:
            self.bad_answers -= 1
            return web.Response(status=500)
        from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request  # noqa: PLC0415

        return await to_aiohttp_response(await self.app.async_dispatch(await to_bolt_request(request)))


@pytest.fixture
async def wrapped() -> AsyncIterator[tuple[Wrapped, str]]:
    one = Wrapped()
    server = web.Application()
    server.router.add_post("/slack/events", one.answer)
    runner = web.AppRunner(server)
    await runner.setup()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    yield one, f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
    await runner.cleanup()


@pytest.fixture
async def setting(wrapped: tuple[Wrapped, str], tmp_path: Path) -> AsyncIterator[tuple[Wrapped, Person]]:
    one, address = wrapped
    manifest = {
        "display_information": {"name": "Web"},
        "features": {
            "bot_user": {"display_name": "Web"},
            "slash_commands": [{"command": "/deploy", "description": "d", "url": address}],
            "shortcuts": [{"name": "Start", "type": "global", "callback_id": "begin", "description": "s"}],
        },
        "oauth_config": {"scopes": {"bot": ["commands", "chat:write", "app_mentions:read"]}},
        "settings": {
            "socket_mode_enabled": False,
            "interactivity": {"is_enabled": True, "request_url": address},
            "event_subscriptions": {"request_url": address, "bot_events": ["app_mention"]},
        },
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))
    sandbox = await asyncio.to_thread(start, tmp_path / "data", "--manifest", str(path))
    one.app.client.base_url = f"{sandbox.url}/api/"
    one.app.client.token = BOT_TOKEN
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        yield one, Person(sandbox.url, http)
    sandbox.kill()


async def test_a_signed_command_is_answered(setting: tuple[Wrapped, Person]):
    one, person = setting

    @one.app.command("/deploy")
    async def deploy(ack: Any, command: Any) -> None:
        await ack(f"heard {command['text']}")

    assert await person.act("command", channel="C0CHECKOUT", text="/deploy status") == {"ok": True}
    assert [message["text"] for message in await person.messages()] == ["heard status"]
    assert one.headers[0]["x-slack-signature"].startswith("v0=")


async def test_a_shortcut_reaches_the_app(setting: tuple[Wrapped, Person]):
    one, person = setting
    heard: list[str] = []

    @one.app.shortcut("begin")
    async def begin(ack: Any, shortcut: Any) -> None:
        heard.append(shortcut["user"]["id"])
        await ack()

    assert await person.act("shortcut", "U0IVY", callback_id="begin") == {"ok": True}
    assert heard == ["U0IVY"]


async def test_an_app_with_another_secret_hears_nothing(setting: tuple[Wrapped, Person]):
    one, person = setting
    one.app = AsyncApp(token=BOT_TOKEN, signing_secret="another", client=one.app.client)
    told = await person.act("command", channel="C0CHECKOUT", text="/deploy status")
    assert told == {"ok": False, "error": "/deploy failed with the error “http_service_error”"}


async def test_an_event_is_repeated_with_slacks_headers_on_the_sandboxs_clock(setting: tuple[Wrapped, Person]):
    one, person = setting
    heard: list[str] = []

    @one.app.event("app_mention")
    async def mention(event: Any) -> None:
        heard.append(event["text"])

    one.bad_answers = 3
    await person.act("post", channel="C0CHECKOUT", text="@Web hello")

    async def tried(times: int) -> bool:
        return len(one.headers) >= times

    await person.until(lambda: tried(2), "the first repetition")
    await person.do("/clock", advance_s=61)
    await person.until(lambda: tried(3), "the second repetition")
    await person.do("/clock", advance_s=301)
    await person.until(lambda: tried(4), "the third repetition")

    async def arrived() -> bool:
        return heard == ["<@U0TMINUS> hello"]

    await person.until(arrived, "the event")
    told = [(h.get("x-slack-retry-num"), h.get("x-slack-retry-reason")) for h in one.headers]
    assert told == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
