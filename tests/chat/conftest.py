"""A chat that runs against Slack's edge on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bot.chat import SlackChat, make_client
from bot.chat.budget import Bucket, Budget
from bot.model import Wanted
from tests.chat.fakes import FakeOutbox, hash_of
from tests.chat.slack import FakeSlack

#: Long for a test, generous for a slow machine.
PATIENCE_S = 60


class Wide(Budget):
    """A budget that a test does not wait for."""

    def _method(self, method: str) -> Bucket:
        return self.methods.setdefault(method, Bucket(interval_s=0.001, burst=1000))

    def _buckets(self, method: str, channel: str) -> list[Bucket]:  # noqa: ARG002
        return [self._method(method)]

    def pace_s(self, *_) -> float:
        return 0.0


async def until(look, what: str = "what was waited for") -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not look():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(chat: SlackChat) -> AsyncIterator[SlackChat]:
    task = asyncio.create_task(chat.run())
    try:
        yield chat
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def card(text: str = "checkout 1.4.2", to: str = "C0SHIP", **more) -> Wanted:
    return Wanted(key="card", to=to, in_thread=False, text=text, **more)


def reply(key: str, text: str = "", to: str = "C0SHIP", **more) -> Wanted:
    return Wanted(key=key, to=to, in_thread=True, text=text or key, **more)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    fake = FakeSlack()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def outbox() -> FakeOutbox:
    return FakeOutbox()


@pytest.fixture
def make_chat(slack, outbox):
    def make(*, grace_s: float = 0.3, poll_s: float = 0.02, **more) -> SlackChat:
        client = make_client("xoxb-test", slack.url)
        more = {"budget": Wide(), "hash_of": hash_of} | more
        return SlackChat(client, outbox, outbox.render, outbox.render_home, grace_s=grace_s, poll_s=poll_s, **more)

    return make


@pytest.fixture
async def chat(make_chat) -> AsyncIterator[SlackChat]:
    async with running(make_chat()) as one:
        yield one
