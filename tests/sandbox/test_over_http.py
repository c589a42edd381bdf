"""The same app without sockets: signed requests to its address, and events that are repeated."""

import asyncio
import contextlib
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
        self.bodies: list[str] = []
        self.queries: list[str] = []
        self.bad_answers = 0
        self.redirects = 0
        self.knows_the_challenge = True

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.text()
        if '"type": "url_verification"' in body:
            return web.Response(text=json.loads(body)["challenge"] if self.knows_the_challenge else "hello")
        self.bodies.append(body)
        self.queries.append(request.query_string)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if self.redirects:
            self.redirects -= 1
            return web.Response(status=302, headers={"location": "/slack/events"})
        if self.bad_answers:
            self.bad_answers -= 1
            return web.Response(status=500)
        from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request  # noqa: PLC0415

        return await to_aiohttp_response(await self.app.async_dispatch(await to_bolt_request(request)))


async def logged(person: Person, name: str) -> list[dict[str, Any]]:
    return [entry for entry in (await person.get("/control/log"))["entries"] if entry["name"] == name]


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


@contextlib.asynccontextmanager
async def running_at(one: Wrapped, address: str, folder: Path) -> AsyncIterator[Person]:
    """A sandbox whose app takes requests at the address."""
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
            "interactivity": {
                "is_enabled": True, "request_url": address, "message_menu_options_url": f"{address}?options=1",
            },
            "event_subscriptions": {"request_url": address, "bot_events": ["app_mention", "message.channels"]},
        },
    }  # fmt: skip
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest))
    sandbox = await asyncio.to_thread(start, folder / "data", "--manifest", str(path))
    one.app.client.base_url = f"{sandbox.url}/api/"
    one.app.client.token = BOT_TOKEN
    try:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            person = Person(sandbox.url, http)
            await person.until(lambda: logged(person, "url_verification"), "the challenge")
            yield person
    finally:
        sandbox.kill()


@pytest.fixture
async def setting(wrapped: tuple[Wrapped, str], tmp_path: Path) -> AsyncIterator[tuple[Wrapped, Person]]:
    one, address = wrapped
    async with running_at(one, address, tmp_path) as person:
        yield one, person


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


async def test_an_address_is_asked_for_its_challenge_before_it_gets_any_event(setting: tuple[Wrapped, Person]):
    _, person = setting
    (entry,) = await logged(person, "url_verification")
    assert (entry["response"], entry["findings"]) == ({"ok": True}, [])
    assert entry["request"]["type"] == "url_verification"


async def test_an_address_that_does_not_know_the_challenge_gets_no_event_until_it_does(
    wrapped: tuple[Wrapped, str], tmp_path: Path
):
    one, address = wrapped
    one.knows_the_challenge = False
    async with running_at(one, address, tmp_path) as person:
        await person.act("post", channel="C0CHECKOUT", text="@Web hello")

        async def refused() -> bool:
            return len(await logged(person, "app_mention")) >= 2

        await person.until(refused, "the first repetition")
        assert one.bodies == []
        (first, *_) = await logged(person, "url_verification")
        assert first["findings"] == [
            "url_verification: the address answered without the challenge; no event is sent there."
        ]
        one.knows_the_challenge = True
        await person.do("/clock", advance_s=61)

        async def arrived() -> bool:
            return bool(one.bodies)

        await person.until(arrived, "the event")


async def test_an_event_without_its_scope_is_not_sent_and_that_is_said(setting: tuple[Wrapped, Person]):
    """The manifest subscribes to message.channels, and has no channels:history."""
    one, person = setting
    await person.act("post", channel="C0CHECKOUT", text="@Web hello")

    async def arrived() -> bool:
        return bool(one.bodies)

    await person.until(arrived, "the mention")
    await person.act("post", channel="C0CHECKOUT", text="no mention")
    (missed,) = await logged(person, "message.channels")
    assert missed["findings"] == [
        "The app has subscribed to message.channels without the scope channels:history; Slack sends it nothing of that."
    ]
    assert {json.loads(body)["event"]["type"] for body in one.bodies} == {"app_mention"}


async def test_a_command_and_an_event_are_delivered_twice_where_that_is_asked_for(setting: tuple[Wrapped, Person]):
    one, person = setting

    @one.app.event("app_mention")
    async def mention() -> None:
        """Takes it, so that it is not repeated."""

    await person.do("/control/faults", rules=[{"fault": "duplicate_delivery"}])
    await person.act("command", channel="C0CHECKOUT", text="/deploy status")
    await person.act("post", channel="C0CHECKOUT", text="@Web hello")

    async def all_four() -> bool:
        return len(one.bodies) == 4

    await person.until(all_four, "both deliveries of both")
    events = [json.loads(body)["event_id"] for body in one.bodies if body.startswith("{")]
    assert len(events) == 2
    assert events[0] == events[1]


@pytest.mark.parametrize(("redirects", "reason"), [(2, None), (3, "too_many_redirects")])
async def test_two_redirects_are_followed_and_a_third_is_one_too_many(
    setting: tuple[Wrapped, Person], redirects: int, reason: str | None
):
    one, person = setting
    heard: list[str] = []

    @one.app.event("app_mention")
    async def mention(event: Any) -> None:
        heard.append(event["text"])

    one.redirects = redirects
    await person.act("post", channel="C0CHECKOUT", text="@Web hello")

    async def arrived() -> bool:
        return heard == ["<@U0TMINUS> hello"]

    await person.until(arrived, "the event")
    assert one.headers[-1].get("x-slack-retry-reason") == reason


async def test_the_options_of_a_select_are_asked_for_at_their_own_address(setting: tuple[Wrapped, Person]):
    one, person = setting
    select = {"type": "external_select", "action_id": "version", "placeholder": {"type": "plain_text", "text": "v"}}
    block = {"type": "actions", "block_id": "row", "elements": [select]}
    posted = await one.app.client.chat_postMessage(channel="C0CHECKOUT", text="x", blocks=[block])
    assert posted["ok"]
    container = {"type": "message", "channel": "C0CHECKOUT", "ts": posted["ts"]}

    @one.app.options("version")
    async def versions(ack: Any) -> None:
        await ack(options=[{"text": {"type": "plain_text", "text": "1.4.2"}, "value": "1.4.2"}])

    told = await person.act("options", container=container, block_id="row", action_id="version", query="1")
    assert [option["value"] for option in told["options"]] == ["1.4.2"]
    assert one.queries == ["options=1"]
