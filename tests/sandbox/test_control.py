"""Whatever is sent to the sandbox gets an answer with a sentence, never a crash; and a page sees everything live."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.box import Sandbox
from sandbox.call import published
from sandbox.control import routes
from sandbox.world import load_world
from tests.sandbox.conftest import BOT_TOKEN, Person, Running

ACTS = (
    "command", "shortcut", "post", "dismiss", "action", "submit", "close", "options", "react", "mark", "open_direct", "invite",
    "faults", "limits", "sockets", "user", "channel",
)  # fmt: skip
LOOKS = ("state", "messages", "home", "views", "log", "faults", "blocks")
WORDS = st.sampled_from(
    ["", "U0MARA", "U0TMINUS", "C0CHECKOUT", "C0RANDOM", "message", "view", "x", "1700000000.000001"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8)
THINGS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | WORDS, inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "as", "channel", "text", "thread", "files", "container", "block_id", "action_id", "value", "state", "view_id", "ts",
    "name", "callback_id", "query", "user", "rules", "seed", "enabled", "do", "deleted", "dnd_until", "members",
    "archived", "advance_s", "offset_s", "to_due", "at", "what",
)  # fmt: skip
# Loading the certificates of the world for each of a thousand plain requests would be most of the work.
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
FEW = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(st.sampled_from(ACTS), st.dictionaries(st.sampled_from(KEYS), THINGS, max_size=6), st.booleans())
@FEW
def test_no_request_to_the_control_api_is_a_server_error(
    running: Running, name: str, body: dict[str, Any], known: bool
):
    filled = {"as": "U0MARA", "channel": "C0CHECKOUT"} | body if known else body
    with httpx.Client(trust_env=False, verify=PLAIN, timeout=30) as http:
        reply = http.post(f"{running.url}/control/{name}", content=json.dumps(filled))
        assert reply.status_code < 500, reply.text
        if reply.status_code >= 400:
            assert reply.json()["error"]
        http.post(f"{running.url}/control/faults", json={})


@given(
    st.sampled_from(LOOKS),
    st.dictionaries(st.sampled_from(["as", "channel", "thread", "before", "limit", "after"]), WORDS),
)
@FEW
def test_no_look_at_the_workspace_is_a_server_error(running: Running, name: str, query: dict[str, str]):
    with httpx.Client(trust_env=False, verify=PLAIN, timeout=30) as http:
        assert http.get(f"{running.url}/control/{name}", params=query).status_code < 500


@given(st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_call_of_the_web_api_is_a_server_error(running: Running, data: st.DataObject):
    method = data.draw(st.sampled_from(sorted(published())))
    arguments = sorted(published()[method].arguments)
    body = data.draw(st.dictionaries(st.sampled_from([*arguments, "token"]), THINGS, max_size=5))
    likely = {"channel": "C0CHECKOUT", "channel_id": "C0CHECKOUT", "user": "U0ANA", "user_id": "U0ANA", "text": "x"}
    filled = {key: value for key, value in likely.items() if key in arguments} | body
    with httpx.Client(
        trust_env=False, verify=PLAIN, timeout=30, headers={"authorization": f"Bearer {BOT_TOKEN}"}
    ) as http:
        http.post(f"{running.url}/control/limits", json={"enabled": False})
        as_form = data.draw(st.booleans())
        form = {key: json.dumps(value) for key, value in filled.items()}
        url = f"{running.url}/api/{method}"
        reply = http.post(url, data=form) if as_form else http.post(
            url, content=json.dumps(filled), headers={"content-type": "application/json"}
        )  # fmt: skip
        assert reply.status_code == 200, (method, reply.text)
        assert reply.json()["ok"] in (True, False)


@given(st.sampled_from(["/clock", "/clock/due/me"]), st.dictionaries(st.sampled_from(KEYS), THINGS, max_size=3))
@FEW
def test_no_word_to_the_clock_is_a_server_error(running: Running, path: str, body: dict[str, Any]):
    with httpx.Client(trust_env=False, verify=PLAIN, timeout=30) as http:
        verb = "PUT" if path != "/clock" else "POST"
        assert http.request(verb, f"{running.url}{path}", content=json.dumps(body)).status_code < 500
        http.post(f"{running.url}/clock", json={"offset_s": 0})


async def test_the_stream_shows_what_the_person_may_see(client: AsyncWebClient, person: Person):
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    ready = asyncio.Event()

    async def listen() -> None:
        async with person.http.stream("GET", f"{person.url}/control/stream", params={"as": "U0ANA"}) as reply:
            async for line in reply.aiter_lines():
                ready.set()
                if line.startswith("data: "):
                    await events.put(json.loads(line.removeprefix("data: ")))

    task = asyncio.create_task(listen())
    await asyncio.wait_for(ready.wait(), 20)

    async def next_of(kind: str) -> dict[str, Any]:
        while True:
            event = await asyncio.wait_for(events.get(), 20)
            if event["type"] == kind:
                return event

    await client.chat_postMessage(channel="U0BEN", text="not for Ana")
    ts = (await client.chat_postMessage(channel="C0CHECKOUT", text="for all"))["ts"]
    assert (await next_of("message"))["message"]["text"] == "for all"
    await client.chat_postMessage(channel="C0CHECKOUT", thread_ts=ts, text="reply")
    assert (await next_of("message"))["message"]["text"] == "reply"
    assert (await next_of("message_changed"))["message"]["reply_count"] == 1
    await client.chat_postEphemeral(channel="C0CHECKOUT", user="U0BEN", text="psst Ben")
    await client.chat_postEphemeral(channel="C0CHECKOUT", user="U0ANA", text="psst Ana")
    assert (await next_of("message"))["message"]["text"] == "psst Ana"
    await client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": [{"type": "divider"}]})
    assert (await next_of("home"))["view"]["blocks"][0]["type"] == "divider"
    await person.do("/clock", advance_s=60)
    assert (await next_of("clock"))["offset_s"] == 60
    task.cancel()


async def test_the_clock_wakes_whoever_waits_and_goes_to_what_is_due(person: Person):
    told = await person.get("/clock")
    waiting = asyncio.create_task(person.get("/clock", after=told["version"], timeout=30))
    await asyncio.sleep(0)
    due = "2199-01-01T00:00:00+00:00"
    await person.http.put(f"{person.url}/clock/due/t-minus", json={"at": due, "what": "T+2 h"})
    assert (await waiting)["due"] == [{"who": "t-minus", "at": due, "what": "T+2 h"}]
    moved = await person.do("/clock", to_due=True)
    assert moved["now"].startswith("2199-01-01T00:00:00")
    await person.http.put(f"{person.url}/clock/due/t-minus", json={"at": None, "what": ""})
    told = await person.do("/clock", status=400, to_due=True)
    assert told["error"] == "Nobody waits for anything that is still to come."


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("@T-Minus check tls", "<@U0TMINUS> check tls"),
        ("hello @Ana Ruiz and @ben", "hello <@U0ANA> and <@U0BEN>"),
        ("@dba-team look at #payments", "<!subteam^S0DBATEAM> look at <#C0PAYMENTS>"),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("<@U0ANA> <script> @here", "<@U0ANA> &lt;script&gt; <!here>"),
        ("mail ana@acme.example", "mail ana@acme.example"),
        ("@anabel is nobody here", "@anabel is nobody here"),
    ],
)
async def test_what_a_person_types_becomes_what_slack_sends(person: Person, typed: str, sent: str):
    assert (await person.act("post", channel="C0CHECKOUT", text=typed))["message"]["text"] == sent


async def test_unread_messages_and_mentions_are_counted_until_read(client: AsyncWebClient, person: Person):
    await client.chat_postMessage(channel="C0CHECKOUT", text="hello <@U0ANA>")
    last = (await client.chat_postMessage(channel="C0CHECKOUT", text="hello <!subteam^S0DBATEAM>"))["ts"]

    async def counts(user: str) -> Any:
        state = await person.get("/control/state", **{"as": user})
        (room,) = [each for each in state["channels"] if each["id"] == "C0CHECKOUT"]
        return room["unread"], room["mentions"]

    assert await counts("U0ANA") == (2, 1)
    assert await counts("U0CHLOE") == (2, 1)
    assert await counts("U0BEN") == (2, 0)
    await person.act("mark", "U0ANA", channel="C0CHECKOUT", ts=last)
    assert await counts("U0ANA") == (0, 0)


async def test_the_description_names_every_endpoint_and_no_other(running: Running, person: Person, tmp_path: Path):
    told = await person.get("/control/openapi.json")
    described = {(path, verb) for path, verbs in told["paths"].items() for verb in verbs}
    box = Sandbox(load_world(environment={}), tmp_path)
    there = {
        (route.path, verb.lower()) for route in routes(box) for verb in route.methods or () if verb != "HEAD"
    }  # fmt: skip
    assert described == there


async def test_a_page_of_another_site_cannot_use_the_sandbox(person: Person):
    url = f"{person.url}/control/reset"
    assert (await person.http.post(url, headers={"origin": "https://example.com"})).status_code == 403
    assert (await person.http.post(url, headers={"origin": person.url})).status_code == 200


async def test_a_reset_brings_back_the_world_file(client: AsyncWebClient, person: Person):
    await client.chat_postMessage(channel="C0CHECKOUT", text="x")
    await person.do("/clock", advance_s=60)
    await person.do("/control/reset")
    assert await person.messages() == []
    assert (await person.get("/clock"))["offset_s"] == 0


async def test_slacks_own_invite_is_obeyed_and_the_app_never_hears_of_it(person: Person):
    state = await person.get("/control/state", **{"as": "U0MARA"})
    assert [each["command"] for each in state["app"]["builtin_commands"]] == ["/invite"]

    assert await person.act("command", channel="C0RANDOM", text="/invite @T-Minus") == {"ok": True}

    state = await person.get("/control/state", **{"as": "U0MARA"})
    (room,) = [each for each in state["channels"] if each["id"] == "C0RANDOM"]
    assert "U0TMINUS" in room["members"]
    told = await person.act("command", channel="C0RANDOM", text="/invite @nobody")
    assert told == {"ok": False, "error": "Nobody here is called @nobody. Type /invite @ and choose."}
    assert all(entry["kind"] != "command" for entry in (await person.get("/control/log"))["entries"])


@pytest.mark.parametrize("path", ["/control/faults", "/control/post", "/clock", "/control/user"])
async def test_a_number_without_an_end_is_no_json_to_the_control_api(person: Person, path: str):
    for number in ("1e999", "-1e999", "NaN", "Infinity"):
        rules = f'"rules": [{{"fault": "slow", "seconds": {number}}}]'
        body = f'{{"as": "U0MARA", "channel": "C0CHECKOUT", "text": "x", "advance_s": {number}, {rules}}}'
        reply = await person.http.post(f"{person.url}{path}", content=body)
        assert (reply.status_code, reply.json()) == (400, {"error": "The body has to be JSON."})
    assert (await person.get("/control/faults"))["rules"] == []
    assert await person.messages() == []


async def test_a_number_without_an_end_never_gets_into_the_workspace(person: Person, client: AsyncWebClient):
    """One such number, stored once, would make everything that shows it fail for ever."""
    header = {"authorization": f"Bearer {BOT_TOKEN}"}
    metadata = '{"event_type": "t", "event_payload": {"n": -1e999}}'
    url = f"{person.url}/api/chat.postMessage"
    body = f'{{"channel": "C0CHECKOUT", "text": "x", "metadata": {metadata}}}'
    json_header = header | {"content-type": "application/json"}
    assert (await person.http.post(url, content=body, headers=json_header)).json()["error"] == "invalid_json"
    form = {"channel": "C0CHECKOUT", "text": "x", "metadata": metadata}
    assert not (await person.http.post(url, data=form, headers=header)).json()["ok"]
    form = {"channel": "C0CHECKOUT", "text": "x", "blocks": '[{"type": "divider", "n": 1e999}]'}
    assert not (await person.http.post(url, data=form, headers=header)).json()["ok"]

    assert await person.messages() == []
    assert (await client.conversations_history(channel="C0CHECKOUT"))["messages"] == []
    assert (await person.get("/control/log"))["entries"]


async def test_an_acknowledgement_with_a_number_without_an_end_is_none(bolt: AsyncApp, person: Person):
    @bolt.command("/deploy")
    async def deploy(ack: Any) -> None:
        await ack({"text": "x", "blocks": [{"type": "divider", "n": float("inf")}]})

    told = await person.act("command", channel="C0CHECKOUT", text="/deploy")
    assert told == {"ok": False, "error": "/deploy failed with the error “operation_timeout”"}
    assert (await person.get("/control/log"))["entries"]


async def test_the_clock_stops_before_the_calendar_does(person: Person):
    far = 10 * 366 * 86_400
    due = "9999-12-31T23:59:59+00:00"
    await person.http.put(f"{person.url}/clock/due/me", json={"at": due, "what": "the end"})
    told = await person.do("/clock", status=400, to_due=True)
    assert told["error"] == "The workspace's clock goes from 1971 to 9000 and no farther."
    for step in (far, -far):
        answers = [await person.http.post(f"{person.url}/clock", json={"advance_s": step}) for _ in range(720)]
        assert {answer.status_code for answer in answers} == {200, 400}
        assert (await person.get("/control/state", **{"as": "U0MARA"}))["clock"]["due"]
        await person.act("post", channel="C0CHECKOUT", text="still here")
