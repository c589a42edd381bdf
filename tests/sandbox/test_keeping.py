"""Nothing that was answered is lost by a kill, and it holds up when there is much of it."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.sandbox.conftest import Person, client_of, start


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
