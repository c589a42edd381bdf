"""Slack's official Node clients live in the sandbox too: @slack/bolt over sockets and over HTTP, @slack/web-api and @slack/socket-mode by themselves."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Person, Running, start
from tests.sandbox.nodejs import FOLDER, NODE, needed


@pytest.fixture(scope="module", autouse=True)
def clients() -> None:
    needed()


def manifest(address: str) -> dict[str, Any]:
    return {
        "display_information": {"name": "T-Minus"},
        "features": {
            "bot_user": {"display_name": "T-Minus"},
            "app_home": {"home_tab_enabled": True},
            "slash_commands": [{"command": "/deploy", "description": "Deploy", "url": address}],
        },
        "oauth_config": {"scopes": {"bot": ["commands", "chat:write", "app_mentions:read", "files:write"]}},
        "settings": {
            "socket_mode_enabled": not address,
            "interactivity": {"is_enabled": True, "request_url": address},
            "event_subscriptions": {"request_url": address, "bot_events": ["app_mention", "app_home_opened"]},
        },
    }


@pytest.fixture(params=["socket", "http"])
async def living(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Person]:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    address = f"http://127.0.0.1:{port}/slack/events" if request.param == "http" else ""
    (tmp_path / "manifest.json").write_text(json.dumps(manifest(address)))
    sandbox = await asyncio.to_thread(start, tmp_path / "data", "--manifest", str(tmp_path / "manifest.json"))
    node = await asyncio.create_subprocess_exec(
        NODE, "app.js", sandbox.url, request.param, str(port), cwd=FOLDER, stdout=asyncio.subprocess.PIPE
    )
    assert node.stdout is not None
    try:
        line = b""
        while b"up" not in line:
            line = await asyncio.wait_for(node.stdout.readline(), 60)
            assert line, "the Node app ended"
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            person = Person(sandbox.url, http)

            async def connected() -> bool:
                return (
                    request.param == "http" or (await person.get("/control/state", **{"as": "U0MARA"}))["connections"]
                )

            await person.until(connected, "the socket")
            yield person
    finally:
        node.kill()
        await node.wait()
        sandbox.kill()


async def test_a_node_app_lives_a_whole_day(living: Person):
    person = living
    assert await person.act("command", channel="C0CHECKOUT", text="/deploy") == {"ok": True}

    async def stack() -> Any:
        return (await person.get("/control/views", **{"as": "U0MARA"}))["stack"]

    view_id = (await person.until(stack, "the modal"))[0]["id"]
    wrong = await person.act("submit", view_id=view_id, state={"version": {"text": {"value": "latest"}}})
    assert wrong == {"ok": False, "errors": {"version": "Name one version."}}
    assert await person.act("submit", view_id=view_id, state={"version": {"text": {"value": "1.4.2"}}}) == {"ok": True}
    message = (await person.until(person.messages, "the message"))[0]
    assert message["text"] == "starting 1.4.2"

    async def uploaded() -> Any:
        return (await person.messages(thread=message["ts"]))[1:]

    assert (await person.until(uploaded, "the file"))[0]["files"][0]["preview"] == "all well\n"
    container = {"type": "message", "channel": "C0CHECKOUT", "ts": message["ts"]}
    assert (await person.act("action", container=container, block_id="row", action_id="press"))["ok"]

    async def pressed() -> bool:
        return [each["text"] for each in await person.messages()] == ["pressed by U0MARA", "thanks"]

    await person.until(pressed, "the update and the answer")
    await person.act("home_opened")

    async def home() -> Any:
        return (await person.get("/control/home", **{"as": "U0MARA"}))["view"]

    assert (await person.until(home, "the Home tab"))["type"] == "home"
    asked = (await person.act("post", channel="C0CHECKOUT", text="@T-Minus hello"))["message"]["ts"]

    async def answered() -> Any:
        return [each["text"] for each in await person.messages(thread=asked)][1:]

    assert await person.until(answered, "the answer") == ["you said <@U0TMINUS> hello"]
    assert (await person.get("/control/log", findings=1))["entries"] == []


async def test_the_web_client_gets_what_it_expects(running: Running, person: Person):
    node = await asyncio.create_subprocess_exec(
        NODE, "web.js", running.url, cwd=FOLDER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, problem = await asyncio.wait_for(node.communicate(), 120)
    assert node.returncode == 0, problem.decode()
    told = json.loads(out.splitlines()[-1])  # before it the client says that it waits
    assert told == {
        "team": "Acme",
        "replies": [
            ["changed", "reply 0", "reply 1"],
            ["changed", "reply 2", "reply 3"],
            ["changed", "reply 4"],
        ],
        "metadata": {"event_type": "t", "event_payload": {"key": 1}},
        "home": "home",
        "unknown": "channel_not_found",
        "blocks": [
            "invalid_blocks",
            ["[ERROR] unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"],
        ],
        "token": "invalid_auth",
        "waited": True,
    }
    first, whispered = await person.messages()
    assert (first["text"], first["pinned"], first["reactions"][0]["name"]) == ("changed", True, "eyes")
    assert (whispered["text"], whispered["ephemeral"]) == ("for you", True)
    files = (await person.messages(thread=first["ts"]))[-1]["files"]
    assert [each["name"] for each in files] == ["a.log", "b.log"]


async def test_the_socket_client_hears_answers_and_comes_back(running: Running, person: Person):
    node = await asyncio.create_subprocess_exec(
        NODE, "socket.js", running.url, cwd=FOLDER, stdout=asyncio.subprocess.PIPE
    )
    assert node.stdout is not None

    async def heard() -> dict[str, Any]:
        assert node.stdout is not None
        return json.loads(await asyncio.wait_for(node.stdout.readline(), 60))

    try:
        assert await heard() == {"heard": "connected"}
        assert await person.act("command", channel="C0CHECKOUT", text="/deploy status") == {"ok": True}
        assert await heard() == {"heard": "/deploy", "text": "status"}
        assert [message["text"] for message in await person.messages()] == ["heard status"]
        await person.do("/control/sockets", do="refresh_requested")
        assert await heard() == {"heard": "connected"}
        await person.act("post", channel="C0CHECKOUT", text="@T-Minus hello")
        assert await heard() == {"heard": "app_mention", "text": "<@U0TMINUS> hello", "retry": 0}
    finally:
        node.kill()
        await node.wait()
