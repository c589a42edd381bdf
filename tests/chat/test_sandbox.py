"""The chat lives in the sandbox as it lives in Slack: strict, limited, and unkind on request."""

import json
from collections import Counter
from datetime import UTC, datetime

import httpx
import pytest

from bot.chat import SlackChat, Whisper, make_client
from bot.errors import Refused
from bot.manifest import manifest
from bot.model import Wanted
from tests.chat.conftest import card, reply, running, until
from tests.chat.fakes import hash_of
from tests.sandbox.conftest import BOT_TOKEN, start

pytestmark = pytest.mark.real

CHANNEL = "C0CHECKOUT"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "In the way (3)"}}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chat-sandbox")
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest()))
    one = start(folder / "data", "--manifest", str(path))
    yield one
    one.process.terminate()
    one.process.wait(timeout=20)


@pytest.fixture
def control(sandbox):
    with httpx.Client(base_url=f"{sandbox.url}/control", timeout=30, trust_env=False) as http:
        http.post("/reset", json={}).raise_for_status()
        http.post("/limits", json={"enabled": True}).raise_for_status()
        yield http
        http.post("/faults", json={"rules": []})


@pytest.fixture
def make_chat(sandbox, outbox, control):
    def make(**more) -> SlackChat:
        client = make_client(BOT_TOKEN, f"{sandbox.url}/api")
        more = {"hash_of": hash_of, "grace_s": 2.0, "poll_s": 0.05} | more
        return SlackChat(client, outbox, outbox.render, outbox.render_home, **more)

    return make


def messages(control, channel=CHANNEL, user="U0MARA", **query):
    answer = control.get("/messages", params={"as": user, "channel": channel, "limit": 1000, **query})
    return answer.raise_for_status().json()["messages"]


def findings(control):
    return control.get("/log", params={"findings": 1}).raise_for_status().json()["entries"]


def direct_channel(control, user):
    channels = control.get("/state", params={"as": user}).json()["channels"]
    return next(one["id"] for one in channels if one["kind"] == "im" and one["partner"] == "U0TMINUS")


async def test_a_thread_a_direct_message_a_log_and_a_home_come_to_stand(make_chat, outbox, control, tmp_path):
    log = tmp_path / "log"
    log.write_text("Switching member 2\n" * 100)
    outbox.want("checkout-1", card("checkout 1.4.2", to=CHANNEL, blocks=(SECTION,)))
    outbox.want("checkout-1", reply("section:code", "5 of 6", to=CHANNEL, blocks=(SECTION,)))
    outbox.want("checkout-1", reply("log:deploy-1", "The whole log", to=CHANNEL, file=str(log), title="deploy.log"))
    outbox.want("checkout-1", Wanted(key="ask:U0ANA", to="U0ANA", in_thread=False, text="Your go?", urgent=True))
    outbox.want_home("U0ANA", "one")
    async with running(make_chat()) as chat:
        await until(lambda: outbox.settled)
        outbox.want("checkout-1", card("checkout 1.4.2 is live", to=CHANNEL))
        chat.nudge()
        await until(lambda: outbox.settled)

    root = messages(control)[-1]
    assert root["text"] == "checkout 1.4.2 is live"
    assert root["metadata"]["event_payload"]["key"] == "checkout-1/card"
    replies = messages(control, thread=root["ts"])[1:]
    assert [one["text"] for one in replies] == ["5 of 6", "The whole log"]
    assert [file["title"] for file in replies[1]["files"]] == ["deploy.log"]
    assert [one["text"] for one in messages(control, direct_channel(control, "U0ANA"), "U0ANA")] == ["Your go?"]
    assert control.get("/home", params={"as": "U0ANA"}).json()["view"]["blocks"][0]["text"]["text"] == "U0ANA one"
    assert [one for one in findings(control) if one["kind"] == "api"] == []


async def test_a_file_that_somebody_asked_for_comes_to_them_alone(make_chat, outbox, control):
    async with running(make_chat()) as chat:
        await chat.give("U0ANA", "checkout-1.json", b"{}", "The record of checkout-1.")

    [message] = messages(control, direct_channel(control, "U0ANA"), "U0ANA")
    assert [file["name"] for file in message["files"]] == ["checkout-1.json"]
    assert message["text"] == "The record of checkout-1."


async def test_with_lost_answers_late_messages_and_429s_everything_stands_once(make_chat, outbox, control, tmp_path):
    log = tmp_path / "log"
    log.write_text("line\n")
    rules = [
        {"fault": "lost_answer", "method": "chat.postMessage", "probability": 0.3},
        {"fault": "late_visibility", "method": "chat.postMessage", "seconds": 0.5},
        {"fault": "lost_answer", "method": "files.completeUploadExternal", "probability": 0.5},
        {"fault": "rate_limited", "method": "chat.postMessage", "probability": 0.1, "seconds": 1, "times": 2},
        {"fault": "http_500", "method": "chat.update", "probability": 0.3},
    ]
    control.post("/faults", json={"seed": 3, "rules": rules}).raise_for_status()
    deployments = ["checkout-1", "checkout-2"]
    for deployment in deployments:
        outbox.want(deployment, card(deployment, to=CHANNEL))
        for n in range(4):
            outbox.want(deployment, reply(f"section:{n}", f"{deployment} {n}", to=CHANNEL))
        outbox.want(deployment, reply("log:1", f"{deployment} log", to=CHANNEL, file=str(log), title="a log"))
    async with running(make_chat()):
        await until(lambda: outbox.settled)
        for deployment in deployments:
            outbox.want(deployment, card(f"{deployment} changed", to=CHANNEL))
        await until(lambda: outbox.settled)

    roots = [one for one in messages(control) if one["text"].startswith("checkout-")]
    assert Counter(one["text"] for one in roots) == {f"{one} changed": 1 for one in deployments}
    for root in roots:
        deployment = root["text"].removesuffix(" changed")
        told = [one["text"] for one in messages(control, thread=root["ts"])[1:]]
        assert told == [*(f"{deployment} {n}" for n in range(4)), f"{deployment} log"]


@pytest.mark.slow
async def test_the_budget_keeps_below_the_limits_of_the_workspace(make_chat, outbox, control):
    """Forty messages into one channel and many changes: slower, but never refused."""
    for n in range(4):
        outbox.want(f"checkout-{n}", card(to=CHANNEL))
        for m in range(4):
            outbox.want(f"checkout-{n}", reply(f"section:{m}", to=CHANNEL))
    async with running(make_chat()):
        await until(lambda: outbox.settled)
        for n in range(4):
            for m in range(4):
                outbox.want(f"checkout-{n}", reply(f"section:{m}", "changed", to=CHANNEL))
        await until(lambda: outbox.settled)

    calls = control.get("/log", params={"limit": 1000}).json()["entries"]
    assert not [one for one in calls if one["kind"] == "api" and (one["response"] or {}).get("error") == "ratelimited"]


async def test_people_and_channels_are_found_and_answers_are_heard(make_chat, control):
    async with running(make_chat()) as chat:
        ana = await chat.person("U0ANA")
        assert (ana.id, ana.tz) == ("U0ANA", "Europe/Madrid")
        email = next(
            one["email"]
            for one in control.get("/state", params={"as": "U0MARA"}).json()["users"]
            if one["id"] == "U0ANA"
        )
        assert await chat.person(email) == ana
        with pytest.raises(Refused):
            await chat.person("U0NOBODY")
        channel = await chat.channel("#checkout")
        assert channel == CHANNEL
        assert await chat.is_member(channel)
        team, user, scopes = await chat.who_am_i()
        assert (team, user) == ("T0ACME", "U0TMINUS")
        assert "chat:write" in scopes

        chat.whisper(Whisper(user="U0MARA", channel=CHANNEL), "Only you read this.")
        await until(lambda: any(one.get("ephemeral") for one in messages(control)))
        assert (
            await chat.open_view("no-such-trigger", {"type": "modal", "title": {"type": "plain_text", "text": "x"}})
            is None
        )


async def test_whether_somebody_is_there_is_asked_anew_each_time(make_chat, control):
    async with running(make_chat()) as chat:
        there = await chat.presence("U0BEN")
        assert (there.deactivated, there.away, there.quiet) == (False, False, (0, 0))

        control.post("/user", json={"user": "U0BEN", "presence": "away"}).raise_for_status()
        control.post("/user", json={"user": "U0BEN", "dnd_until": "2099-01-01T00:00:00+00:00"}).raise_for_status()
        gone = await chat.presence("U0BEN")
        assert gone.away
        assert gone.is_quiet(datetime(2098, 1, 1, tzinfo=UTC))
        assert not gone.is_quiet(datetime(2099, 1, 2, tzinfo=UTC))

        control.post("/user", json={"user": "U0BEN", "deleted": True}).raise_for_status()
        assert (await chat.presence("U0BEN")).deactivated
        with pytest.raises(Refused):
            await chat.presence("U0NOBODY")
