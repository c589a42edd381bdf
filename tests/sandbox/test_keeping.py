"""Nothing that was answered is lost by a kill, and it holds up when there is much of it."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from tests.sandbox.conftest import BOT_TOKEN, Person, client_of, connected, start


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        yield client


async def test_a_kill_loses_no_message_no_home_and_no_time(tmp_path: Path, http: httpx.AsyncClient):
    first = await asyncio.to_thread(start, tmp_path)
    client = client_of(first.url)
    person = Person(first.url, http)
    root = (await client.chat_postMessage(channel="C0CHECKOUT", text="root"))["ts"]
    await client.chat_postMessage(
        channel="C0CHECKOUT", thread_ts=root, text="reply", metadata={"event_type": "t", "event_payload": {"k": 1}}
    )
    await client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": [{"type": "divider"}]})
    await client.chat_postMessage(channel="U0BEN", text="to you")
    await person.act("post", channel="C0CHECKOUT", text="file", files=[{"name": "a.txt", "content_base64": "aGk="}])
    await person.do("/clock", advance_s=3600)
    await http.put(f"{first.url}/clock/due/bot", json={"at": "2099-01-01T00:00:00+00:00", "what": "the end"})
    last = (await client.chat_postMessage(channel="C0CHECKOUT", text="last"))["ts"]
    first.kill()

    second = await asyncio.to_thread(start, tmp_path)
    person, client = Person(second.url, http), client_of(second.url)
    try:
        assert [message["text"] for message in await person.messages()] == ["root", "file", "last"]
        assert [message["text"] for message in await person.messages(thread=root)] == ["root", "reply"]
        thread = await client.conversations_replies(channel="C0CHECKOUT", ts=root, include_all_metadata=True)
        assert thread["messages"][1]["metadata"]["event_payload"] == {"k": 1}
        assert (await person.get("/control/home", **{"as": "U0ANA"}))["view"]["blocks"][0]["type"] == "divider"
        clock = await person.get("/clock")
        assert (clock["offset_s"], clock["due"][0]["what"]) == (3600.0, "the end")
        assert (await client.chat_postMessage(channel="C0CHECKOUT", text="next"))["ts"] > last
        direct = await client.conversations_open(users="U0BEN")
        assert len(await person.messages(direct["channel"]["id"], "U0BEN")) == 1
    finally:
        second.kill()


async def test_it_ends_at_once_although_pages_and_bots_are_waiting(tmp_path: Path, http: httpx.AsyncClient):
    sandbox = await asyncio.to_thread(start, tmp_path)
    person = Person(sandbox.url, http)
    version = (await person.get("/clock"))["version"]
    poll = asyncio.create_task(http.get(f"{sandbox.url}/clock", params={"after": version, "timeout": 60}))
    async with http.stream("GET", f"{sandbox.url}/control/stream", params={"as": "U0ANA"}) as page:
        assert page.status_code == 200
        sandbox.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(sandbox.process.wait, 25) == 0
    await asyncio.gather(poll, return_exceptions=True)


@pytest.mark.slow
async def test_five_thousand_messages_and_a_thread_of_five_hundred(tmp_path: Path, http: httpx.AsyncClient):
    sandbox = await asyncio.to_thread(start, tmp_path)
    person = Person(sandbox.url, http)
    try:
        await person.do("/control/limits", enabled=False)
        root = (await person.act("post", channel="C0CHECKOUT", text="root"))["message"]["ts"]
        for number in range(500):
            await person.act("post", channel="C0CHECKOUT", text=f"reply {number}", thread=root)
        for number in range(4500):
            await person.act("post", "U0ANA", channel="C0CHECKOUT", text=f"message {number}")
        started = time.perf_counter()
        page = await person.messages(limit=100)
        thread = await person.messages(thread=root, limit=1000)
        state = await person.get("/control/state", **{"as": "U0MARA"})
        spent = time.perf_counter() - started
        assert (len(page), page[-1]["text"], len(thread)) == (100, "message 4499", 501)
        (room,) = [each for each in state["channels"] if each["id"] == "C0CHECKOUT"]
        assert room["unread"] == 4500
        # A generous bound: on an idle machine the three take some hundredths of a second.
        assert spent < 10
        history = await client_of(sandbox.url).conversations_replies(channel="C0CHECKOUT", ts=root, limit=1000)
        assert len(history["messages"]) == 501
    finally:
        sandbox.kill()


async def test_a_restart_forgets_no_fault_no_switch_and_no_chance(tmp_path: Path, http: httpx.AsyncClient):
    rules = [
        {"fault": "revoked_token", "method": "users.info", "times": 2},
        {"fault": "revoked_token", "method": "auth.test", "probability": 0.5},
    ]

    async def luck(url: str, times: int) -> list[bool]:
        header = {"authorization": f"Bearer {BOT_TOKEN}"}
        return [(await http.post(f"{url}/api/auth.test", headers=header)).json()["ok"] for _ in range(times)]

    whole = await asyncio.to_thread(start, tmp_path / "whole")
    await Person(whole.url, http).do("/control/faults", seed=11, rules=rules)
    in_one_go = await luck(whole.url, 20)
    whole.kill()
    assert True in in_one_go
    assert False in in_one_go

    first = await asyncio.to_thread(start, tmp_path / "broken")
    await Person(first.url, http).do("/control/faults", seed=11, rules=rules)
    await Person(first.url, http).do("/control/limits", enabled=False)
    before = await luck(first.url, 9)
    with pytest.raises(SlackApiError):
        await client_of(first.url).users_info(user="U0ANA")
    first.kill()
    second = await asyncio.to_thread(start, tmp_path / "broken")
    try:
        told = await Person(second.url, http).get("/control/faults")
        assert (told["seed"], told["rules"][0]["times"]) == (11, 1)
        assert before + await luck(second.url, 11) == in_one_go
        assert (await Person(second.url, http).get("/control/state"))["limits"] is False
        await Person(second.url, http).do("/control/reset")
        assert (await Person(second.url, http).get("/control/faults"))["rules"] == []
        assert (await Person(second.url, http).get("/control/state"))["limits"] is True
    finally:
        second.kill()


async def test_an_event_that_waits_for_its_repetition_outlives_the_sandbox(tmp_path: Path, http: httpx.AsyncClient):
    first = await asyncio.to_thread(start, tmp_path)
    person = Person(first.url, http)
    await person.act("post", channel="C0CHECKOUT", text="@T-Minus are you there")

    async def tries(number: int) -> bool:
        told = (await person.get("/control/log"))["entries"]
        return sum(entry["name"] == "app_mention" for entry in told) >= number

    await person.until(lambda: tries(2), "the first repetition")
    first.kill()

    second = await asyncio.to_thread(start, tmp_path)
    person = Person(second.url, http)
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    app = AsyncApp(token=BOT_TOKEN, client=client_of(second.url))

    @app.event("app_mention")
    async def mention(body: dict[str, Any]) -> None:
        await heard.put(body)

    try:
        async with connected(app, person):
            await person.do("/clock", advance_s=61)
            body = await asyncio.wait_for(heard.get(), 20)
        assert body["event"]["text"] == "<@U0TMINUS> are you there"

        async def third_try() -> bool:
            told = (await person.get("/control/log"))["entries"]
            return any(entry["name"] == "app_mention" and entry["request"].get("retry_num") == 2 for entry in told)

        await person.until(third_try, "the word about the second repetition")
    finally:
        second.kill()
