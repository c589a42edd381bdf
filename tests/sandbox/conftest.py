"""How a test gets a running sandbox, a person in it, and a bot that talks to it."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

BOT_TOKEN = "xoxb-sandbox-bot-token"
APP_TOKEN = "xapp-sandbox-app-token"
SECRET = "sandbox-signing-secret"
ROOT = Path(__file__).parents[2]


#: A busy machine takes its time.
PATIENT_S = 120


@dataclass
class Running:
    """A sandbox process and where it listens."""

    process: subprocess.Popen[str]
    url: str

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def start(data: Path, *more: str) -> Running:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SLACK_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--data", str(data), *more],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("sandbox ready "), line
    return Running(process, line.removeprefix("sandbox ready ").strip().rstrip("/"))


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    sandbox = start(tmp_path_factory.mktemp("sandbox"))
    yield sandbox
    sandbox.process.terminate()
    assert sandbox.process.wait(timeout=20) in (0, -15)


class Person:
    """Acts through the control API, as the page does."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.http = http

    async def get(self, path: str, **query: Any) -> Any:
        reply = await self.http.get(f"{self.url}{path}", params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def do(self, path: str, status: int = 200, **body: Any) -> Any:
        reply = await self.http.post(f"{self.url}{path}", json=body)
        assert reply.status_code == status, reply.text
        return reply.json()

    async def act(self, name: str, user: str = "U0MARA", status: int = 200, **body: Any) -> Any:
        return await self.do(f"/control/{name}", status, **{"as": user}, **body)

    async def messages(self, channel: str = "C0CHECKOUT", user: str = "U0MARA", **query: Any) -> list[dict[str, Any]]:
        told = await self.get("/control/messages", **{"as": user}, channel=channel, **query)
        return told["messages"]

    async def until(self, look: Any, what: str = "what was waited for") -> Any:
        """Look again and again, patiently, until there is something to see."""
        until = time.monotonic() + PATIENT_S
        while time.monotonic() < until:
            if found := await look():
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"{what} never came")


@pytest.fixture
async def person(running: Running) -> AsyncIterator[Person]:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        one = Person(running.url, http)
        await one.do("/control/reset")
        await one.do("/control/limits", enabled=True)
        yield one


def client_of(url: str, token: str = BOT_TOKEN) -> AsyncWebClient:
    return AsyncWebClient(token=token, base_url=f"{url}/api/", retry_handlers=[])


@pytest.fixture
def client(person: Person) -> AsyncWebClient:
    """To a workspace that is as it was at first, whatever the test before did to it."""
    return client_of(person.url)


@pytest.fixture
async def bolt(running: Running, person: Person) -> AsyncIterator[AsyncApp]:
    """A real slack-bolt app over Socket Mode; a test registers its listeners on it."""
    app = AsyncApp(token=BOT_TOKEN, client=client_of(running.url))
    async with connected(app, person):
        yield app


@contextlib.asynccontextmanager
async def connected(app: AsyncApp, person: Person) -> AsyncIterator[AsyncSocketModeHandler]:
    handler = AsyncSocketModeHandler(app, APP_TOKEN, web_client=client_of(person.url))
    await handler.connect_async()

    async def open_now() -> bool:
        return (await person.get("/control/state", **{"as": "U0MARA"}))["connections"] > 0

    await person.until(open_now, "the socket")
    try:
        yield handler
    finally:
        await handler.close_async()
