"""Socket Mode as Slack does it: one of several connections, refreshes, cuts, and at most ten."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from websockets.asyncio.client import ClientConnection, connect

from tests.sandbox.conftest import APP_TOKEN, BOT_TOKEN, Person, Running, client_of, connected, start


async def link(client: AsyncWebClient) -> ClientConnection:
    opened = await client.apps_connections_open(app_token=APP_TOKEN)
    return await connect(opened["url"], proxy=None)


async def test_a_connection_begins_with_hello(client: AsyncWebClient, person: Person):
    socket = await link(client)
    hello = json.loads(await socket.recv())
    assert (hello["type"], hello["num_connections"], hello["connection_info"]) == ("hello", 1, {"app_id": "A0TMINUS"})
    await socket.close()


async def test_a_ticket_is_good_for_one_connection(client: AsyncWebClient, person: Person):
    opened = await client.apps_connections_open(app_token=APP_TOKEN)
    first = await connect(opened["url"], proxy=None)
    with pytest.raises(Exception, match="403"):
        await connect(opened["url"], proxy=None)
    await first.close()


async def test_the_eleventh_connection_is_sent_away(client: AsyncWebClient, person: Person):
    sockets = [await link(client) for _ in range(11)]
    last = json.loads(await sockets[10].recv())
    assert (last["type"], last["reason"]) == ("disconnect", "too_many_websockets")
    for socket in sockets:
        await socket.close()


async def test_each_envelope_goes_to_one_connection_and_all_get_some(client: AsyncWebClient, person: Person):
    sockets = [await link(client) for _ in range(3)]
    got: list[list[str]] = [[], [], []]

    async def listen(number: int) -> None:
        async for raw in sockets[number]:
            envelope = json.loads(raw)
            if "envelope_id" in envelope:
                got[number].append(envelope["payload"]["text"])
                await sockets[number].send(json.dumps({"envelope_id": envelope["envelope_id"]}))

    listeners = [asyncio.create_task(listen(number)) for number in range(3)]
    for number in range(30):
        await person.act("command", channel="C0CHECKOUT", text=f"/deploy {number}")
    assert sorted(int(text) for each in got for text in each) == list(range(30))
    assert all(got)
    for socket in sockets:
        await socket.close()
    await asyncio.gather(*listeners)


async def test_without_a_connection_the_person_sees_slacks_error(person: Person):
    told = await person.act("command", channel="C0CHECKOUT", text="/deploy")
    assert told == {"ok": False, "error": "/deploy failed with the error “dispatch_failed”"}


async def test_an_unknown_command_is_explained(person: Person):
    told = await person.act("command", channel="C0CHECKOUT", text="/launch")
    assert not told["ok"]
    assert told["error"].startswith("/launch is not a valid command.")


async def test_a_command_in_a_thread_is_refused_as_in_slack(person: Person):
    root = (await person.act("post", channel="C0CHECKOUT", text="root"))["message"]["ts"]
    told = await person.act("command", channel="C0CHECKOUT", text="/deploy status", thread=root)
    assert told == {"ok": False, "error": "/deploy is not supported in threads. Sorry!"}


@pytest.mark.parametrize("how", ["drop", "refresh_requested", "warning"])
async def test_a_bolt_app_comes_back_after_its_connection_went(running: Running, person: Person, how: str):
    app = AsyncApp(token=BOT_TOKEN, client=client_of(running.url))

    @app.command("/deploy")
    async def deploy(ack: Any) -> None:
        await ack("here")

    async with connected(app, person):
        await person.do("/control/sockets", do=how)

        async def answers() -> bool:
            return (await person.act("command", channel="C0CHECKOUT", text="/deploy"))["ok"]

        await person.until(answers, "an answer after the reconnection")


async def test_an_event_that_nobody_took_comes_again(running: Running, person: Person):
    await person.act("post", channel="C0CHECKOUT", text="@T-Minus are you there")
    heard: asyncio.Queue[Any] = asyncio.Queue()
    app = AsyncApp(token=BOT_TOKEN, client=client_of(running.url))

    @app.event("app_mention")
    async def mention(body: Any) -> None:
        await heard.put(body)

    async with connected(app, person):
        await person.do("/clock", advance_s=61)
        body = await asyncio.wait_for(heard.get(), 20)
    assert body["event"]["text"] == "<@U0TMINUS> are you there"


async def test_a_duplicate_delivery_has_the_same_event_id(bolt: AsyncApp, person: Person):
    heard: asyncio.Queue[str] = asyncio.Queue()

    @bolt.event("app_mention")
    async def mention(body: Any) -> None:
        await heard.put(body["event_id"])

    await person.do("/control/faults", rules=[{"fault": "duplicate_delivery", "method": "app_mention", "times": 1}])
    await person.act("post", channel="C0CHECKOUT", text="@T-Minus twice")
    first = await asyncio.wait_for(heard.get(), 20)
    assert await asyncio.wait_for(heard.get(), 20) == first


async def test_a_command_survives_a_socket_that_is_cut_under_it(bolt: AsyncApp, person: Person):
    @bolt.command("/deploy")
    async def deploy(ack: Any) -> None:
        await ack("here")

    await person.do("/control/faults", rules=[{"fault": "drop_socket", "method": "/deploy", "times": 1}])
    told = await person.act("command", channel="C0CHECKOUT", text="/deploy")
    assert told == {"ok": False, "error": "/deploy failed with the error “dispatch_failed”"}

    async def answers() -> bool:
        return (await person.act("command", channel="C0CHECKOUT", text="/deploy"))["ok"]

    await person.until(answers, "an answer over a new socket")


async def test_a_slow_api_is_slow(client: AsyncWebClient, person: Person):
    await person.do("/control/faults", rules=[{"fault": "slow", "method": "auth.test", "seconds": 1.0, "times": 1}])
    started = asyncio.get_running_loop().time()
    await client.auth_test()
    assert asyncio.get_running_loop().time() - started >= 1.0


async def test_a_triggers_second_use_and_late_use_are_refused(bolt: AsyncApp, person: Person):
    errors: asyncio.Queue[str] = asyncio.Queue()
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}

    @bolt.command("/deploy")
    async def deploy(ack: Any, command: Any, client: Any) -> None:
        await ack()
        if command["text"] == "late":
            await asyncio.sleep(3.2)
        for _ in range(2):
            try:
                await client.views_open(trigger_id=command["trigger_id"], view=view)
            except SlackApiError as refused:
                await errors.put(refused.response["error"])

    await person.act("command", channel="C0CHECKOUT", text="/deploy now")
    assert await asyncio.wait_for(errors.get(), 20) == "exchanged_trigger_id"
    await person.act("command", channel="C0CHECKOUT", text="/deploy late")
    assert await asyncio.wait_for(errors.get(), 20) == "expired_trigger_id"


async def test_a_response_url_works_five_times(bolt: AsyncApp, person: Person):
    urls: asyncio.Queue[str] = asyncio.Queue()

    @bolt.command("/deploy")
    async def deploy(ack: Any, command: Any) -> None:
        await ack()
        await urls.put(command["response_url"])

    await person.act("command", channel="C0CHECKOUT", text="/deploy")
    url = await asyncio.wait_for(urls.get(), 20)
    codes = [(await person.http.post(url, json={"text": str(n)})).status_code for n in range(6)]
    assert codes == [200, 200, 200, 200, 200, 404]
    assert [message["text"] for message in await person.messages()] == ["0", "1", "2", "3", "4"]


async def test_an_old_connection_is_warned_asked_to_come_again_and_ended(tmp_path: Path):
    sandbox = await asyncio.to_thread(start, tmp_path, "--connection-lives", "3")
    try:
        socket = await link(client_of(sandbox.url))
        told = [json.loads(raw) async for raw in socket]
        assert [(each["type"], each.get("reason")) for each in told] == [
            ("hello", None),
            ("disconnect", "warning"),
            ("disconnect", "refresh_requested"),
        ]
        assert told[0]["debug_info"]["approximate_connection_time"] == 3
    finally:
        sandbox.kill()


async def test_slacks_own_switch_makes_a_connection_short(client: AsyncWebClient, person: Person):
    opened = await client.apps_connections_open(app_token=APP_TOKEN)
    async with connect(f"{opened['url']}&debug_reconnects=true", proxy=None) as socket:
        assert json.loads(await socket.recv())["debug_info"]["approximate_connection_time"] == 360


async def test_a_bolt_app_answers_every_command_while_its_connections_age(tmp_path: Path):
    sandbox = await asyncio.to_thread(start, tmp_path, "--connection-lives", "2")
    app = AsyncApp(token=BOT_TOKEN, client=client_of(sandbox.url))

    @app.command("/deploy")
    async def deploy(ack: Any) -> None:
        await ack("here")

    try:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            person = Person(sandbox.url, http)
            async with connected(app, person):

                async def refreshed() -> bool:
                    # A person may type in the moment between two connections, as with Slack.
                    await person.act("command", channel="C0CHECKOUT", text="/deploy")
                    opened = (await person.get("/control/log", limit=1000))["entries"]
                    return sum(each["name"] == "apps.connections.open" for each in opened) >= 3

                await person.until(refreshed, "the third connection")

                async def answers() -> bool:
                    return (await person.act("command", channel="C0CHECKOUT", text="/deploy"))["ok"]

                await person.until(answers, "an answer over the newest connection")
    finally:
        sandbox.kill()
