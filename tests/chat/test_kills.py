"""Killed at any instruction, with answers lost and messages shown late: nothing is lost, nothing doubled."""

import asyncio
import contextlib
import os
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat import SlackChat
from bot.model import MessageState
from bot.schedule import SystemClock
from bot.store import Store
from tests.chat import living
from tests.chat.conftest import Wide, card, reply, running, until
from tests.chat.fakes import hash_of
from tests.store.records import drafted, ticking

ROOT = Path(__file__).parents[2]
KILLED = -9

pytestmark = pytest.mark.real


@pytest.fixture
async def store(tmp_path):
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path}/t-minus.db", SystemClock(), project=living.project)
    yield store
    await store.close()


@pytest.fixture
def live(tmp_path, slack):
    """Start a chat as a process of its own."""

    @contextlib.asynccontextmanager
    async def live(crash: str = "", grace_s: float = 1.5):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.chat.living",
            f"sqlite+aiosqlite:///{tmp_path}/t-minus.db",
            slack.url,
            str(grace_s),
            cwd=ROOT,
            env={**os.environ, "TMINUS_CRASH": crash},
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    return live


async def settled(store) -> None:
    async with asyncio.timeout(120):
        while await store.outbox.owed():
            await asyncio.sleep(0.05)


def stands(slack, key: str) -> list[str]:
    """Every message in Slack that is this one."""
    deployment, _, name = key.partition("/")
    return [
        post.text
        for post in slack.posts
        if post.key == key or (post.files and post.text.startswith(f"{deployment} {name} "))
    ]


@pytest.mark.parametrize(
    ("point", "fault"),
    [
        ("outbox.sending", ""),
        ("outbox.posted", ""),
        ("outbox.shown", ""),
        ("outbox.updated", ""),
        ("outbox.found", "lose"),
        ("outbox.sending:3", ""),
        ("outbox.posted:3", ""),
    ],
)
async def test_a_kill_at_a_named_point_loses_nothing_and_doubles_nothing(live, store, slack, point, fault):
    await store.create("checkout", "production", drafted(channel=living.CHANNEL))
    await store.change("checkout-1", ticking("log:1"))
    if point == "outbox.updated":
        async with live():
            await settled(store)
        await store.change("checkout-1", ticking("section:1", note="newest"))
    else:
        await store.change("checkout-1", ticking("ask:1"))
        await store.change("checkout-1", ticking("section:1"))
    if fault:
        slack.fault("chat.postMessage", fault)
    async with live(crash=point) as process, asyncio.timeout(60):
        assert await process.wait() == KILLED

    async with live():
        await settled(store)

    record = await store.get("checkout-1")
    for wanted in living.project(record).messages:
        assert stands(slack, f"checkout-1/{wanted.key}") == [wanted.text]


@pytest.mark.slow
async def test_random_kills_while_people_work_and_slack_is_unkind(live, store, slack):
    chance = random.Random(7)  # noqa: S311
    slack.losing = {"chat.postMessage": 0.15, "chat.update": 0.15, "files.completeUploadExternal": 0.3}
    slack.late_s = 0.3
    services = ["checkout", "billing"]
    for service in services:
        await store.create(service, "production", drafted(service, channel=living.CHANNEL))

    async def work():
        for n in range(24):
            item = f"{chance.choice(['section', 'log', 'ask'])}:{n // 2}"
            await store.change(f"{chance.choice(services)}-1", ticking(item, note=str(n)))
            await asyncio.sleep(chance.uniform(0, 0.5))

    working = asyncio.create_task(work())
    kills = 0
    while not working.done() or kills < 8:
        async with live():
            # From before its first look to the middle of its work: it takes about a second to start.
            await asyncio.sleep(chance.uniform(0.7, 2.5))
        kills += 1
    await working
    slack.losing = {}
    async with live():
        await settled(store)

    for service in services:
        wanted = living.project(await store.get(f"{service}-1")).messages
        for one in wanted:
            found = stands(slack, f"{service}-1/{one.key}")
            # A file stands as it was when it was sent.
            assert len(found) == 1, (one.key, found)
            assert one.file or found == [one.text]
        roots = {post.ts for post in slack.posts if post.key == f"{service}-1/card"}
        threads = {post.thread_ts for post in slack.posts if post.text.startswith(f"{service}-1 ") and post.thread_ts}
        assert threads <= roots


# ── Sensitivity: with the guard off, the same harness finds doubles ──────────────────────────────────────────────────


async def unkind(make_chat, outbox, slack, *, grace_s: float) -> Counter[str]:
    """Thirty messages while four answers of ten are lost and what was posted is seen late; how often each stands."""
    slack.late_s = 0.3
    slack.losing = {"chat.postMessage": 0.4}
    for n in range(3):
        outbox.want(f"checkout-{n}", card())
        for m in range(9):
            outbox.want(f"checkout-{n}", reply(f"section:{m}"))
    async with running(make_chat(grace_s=grace_s)):
        await until(lambda: outbox.settled)
    return Counter(slack.keys())


async def test_with_the_grace_every_message_stands_once_whatever_is_lost(make_chat, outbox, slack):
    counted = await unkind(make_chat, outbox, slack, grace_s=0.6)
    assert set(counted.values()) == {1}
    assert len(counted) == 30


async def test_without_the_grace_this_harness_finds_doubles(make_chat, outbox, slack):
    counted = await unkind(make_chat, outbox, slack, grace_s=0.0)
    assert max(counted.values()) > 1


async def test_with_the_sdk_repeating_calls_by_itself_this_harness_finds_doubles(outbox, slack):
    slack.fault("chat.postMessage", "lose")
    outbox.want("checkout-1", card())
    client = AsyncWebClient(token="xoxb-test", base_url=slack.url)
    async with running(SlackChat(client, outbox, outbox.render, outbox.render_home, hash_of=hash_of)):
        await until(lambda: outbox.settled)
    assert slack.keys() == ["checkout-1/card"] * 2


async def test_three_replicas_on_one_outbox_post_everything_once_and_in_order(make_chat, outbox, slack):
    for n in range(2):
        outbox.want(f"checkout-{n}", card())
        for m in range(20):
            outbox.want(f"checkout-{n}", reply(f"section:{m}"))
    async with running(make_chat(grace_s=30)), running(make_chat(grace_s=30)), running(make_chat(grace_s=30)):
        await until(lambda: outbox.settled)

    for n in range(2):
        mine = [post.key for post in slack.posts if post.key.startswith(f"checkout-{n}/")]
        assert mine == [f"checkout-{n}/card", *(f"checkout-{n}/section:{m}" for m in range(20))]


async def test_a_replica_that_was_stopped_after_its_claim_does_not_send_any_more(make_chat, outbox, slack):
    """SIGSTOP between the claim and the call: by then somebody else may be looking it up."""
    moved = [0.0]
    sending = outbox.sending

    async def stopped(owed):
        claimed = await sending(owed)
        moved[0] += 3600
        return claimed

    outbox.sending = stopped
    outbox.want("checkout-1", card())
    async with running(make_chat(now=lambda: moved[0], grace_s=30, budget=Wide(), hash_of=hash_of)):
        await until(lambda: outbox.state("checkout-1", "card") is MessageState.SENDING)
        await asyncio.sleep(0.2)
    assert not slack.posts
