"""A real slack-bolt app, unmodified but for its base URL, lives in the sandbox."""

import asyncio
from typing import Any

from slack_bolt.app.async_app import AsyncApp

from tests.sandbox.conftest import Person

MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "start",
    "title": {"type": "plain_text", "text": "Start"},
    "submit": {"type": "plain_text", "text": "Go"},
    "blocks": [
        {
            "type": "input",
            "block_id": "version",
            "label": {"type": "plain_text", "text": "Version"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


def button(action_id: str, value: str) -> dict[str, Any]:
    return {
        "type": "actions",
        "block_id": "row",
        "elements": [
            {"type": "button", "action_id": action_id, "value": value, "text": {"type": "plain_text", "text": "Press"}}
        ],
    }


async def test_a_command_answers_in_its_acknowledgement(bolt: AsyncApp, person: Person):
    @bolt.command("/deploy")
    async def deploy(ack: Any, command: Any) -> None:
        await ack(f"you said {command['text']} in {command['channel_name']}")

    assert await person.act("command", channel="C0CHECKOUT", text="/deploy status") == {"ok": True}

    shown = await person.messages()
    assert [(message["text"], message["ephemeral"]) for message in shown] == [("you said status in checkout", True)]
    assert await person.messages(user="U0ANA") == []


async def test_a_modal_opens_is_corrected_and_is_submitted(bolt: AsyncApp, person: Person):
    submitted: list[Any] = []

    @bolt.command("/deploy")
    async def deploy(ack: Any, command: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=MODAL)

    @bolt.view("start")
    async def start(ack: Any, view: Any) -> None:
        version = view["state"]["values"]["version"]["text"]["value"]
        if version == "latest":
            await ack(response_action="errors", errors={"version": "Name one version."})
            return
        submitted.append(version)
        await ack()

    await person.act("command", channel="C0CHECKOUT", text="/deploy")

    async def stack() -> Any:
        return (await person.get("/control/views", **{"as": "U0MARA"}))["stack"]

    view = (await person.until(stack, "the modal"))[0]

    empty = await person.act("submit", view_id=view["id"], state={})
    assert empty == {"ok": False, "errors": {"version": "Please complete this required field."}}
    refused = await person.act("submit", view_id=view["id"], state={"version": {"text": {"value": "latest"}}})
    assert refused == {"ok": False, "errors": {"version": "Name one version."}}
    assert await person.act("submit", view_id=view["id"], state={"version": {"text": {"value": "1.4.2"}}}) == {
        "ok": True
    }
    assert submitted == ["1.4.2"]
    assert await stack() == []


async def test_a_press_updates_the_message_in_its_thread(bolt: AsyncApp, person: Person):
    @bolt.action("tick")
    async def tick(ack: Any, body: Any, client: Any) -> None:
        await client.chat_update(
            channel=body["channel"]["id"],
            ts=body["container"]["message_ts"],
            text=f"ticked {body['actions'][0]['value']} by {body['user']['id']} in {body['container']['thread_ts']}",
        )
        await ack()

    root = await bolt.client.chat_postMessage(channel="C0CHECKOUT", text="root")
    reply = await bolt.client.chat_postMessage(
        channel="C0CHECKOUT", thread_ts=root["ts"], text="reply", blocks=[button("tick", "D1")]
    )
    container = {"type": "message", "channel": "C0CHECKOUT", "ts": reply["ts"]}
    assert await person.act("action", "U0ANA", container=container, block_id="row", action_id="tick") == {"ok": True}

    thread = await person.messages(thread=root["ts"])
    assert [message["text"] for message in thread] == ["root", f"ticked D1 by U0ANA in {root['ts']}"]
    assert "blocks" not in thread[1]
    assert thread[0]["reply_count"] == 1


async def test_a_mention_by_name_reaches_the_app(bolt: AsyncApp, person: Person):
    heard: asyncio.Queue[Any] = asyncio.Queue()

    @bolt.event("app_mention")
    async def mention(event: Any) -> None:
        await heard.put(event)

    await person.act("post", channel="C0CHECKOUT", text="@T-Minus check tls & <all>")

    event = await asyncio.wait_for(heard.get(), 20)
    assert event["text"] == "<@U0TMINUS> check tls &amp; &lt;all&gt;"
    assert event["channel"] == "C0CHECKOUT"
    assert event["user"] == "U0MARA"


async def test_opening_home_gets_a_home_tab(bolt: AsyncApp, person: Person):
    @bolt.event("app_home_opened")
    async def opened(event: Any, client: Any) -> None:
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": f"Hello <@{event['user']}>"}}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    await person.act("home_opened", "U0GRACE")

    async def home() -> Any:
        return (await person.get("/control/home", **{"as": "U0GRACE"}))["view"]

    view = await person.until(home, "the Home tab")
    assert view["blocks"][0]["text"]["text"] == "Hello <@U0GRACE>"


async def test_a_response_url_replaces_what_it_came_from(bolt: AsyncApp, person: Person):
    @bolt.command("/deploy")
    async def deploy(ack: Any) -> None:
        await ack(text="pick", blocks=[button("pick", "x")])

    @bolt.action("pick")
    async def pick(ack: Any, respond: Any) -> None:
        await ack()
        await respond(text="picked", replace_original=True)

    await person.act("command", channel="C0CHECKOUT", text="/deploy")
    (ephemeral,) = await person.messages()
    container = {"type": "message", "channel": "C0CHECKOUT", "ts": ephemeral["ts"]}
    await person.act("action", container=container, block_id="row", action_id="pick")

    async def picked() -> bool:
        return [message["text"] for message in await person.messages()] == ["picked"]

    await person.until(picked, "the replaced ephemeral message")


async def test_a_late_acknowledgement_shows_the_person_an_error_and_is_a_finding(bolt: AsyncApp, person: Person):
    @bolt.command("/deploy")
    async def deploy(ack: Any) -> None:
        await asyncio.sleep(3.5)
        await ack("too late")

    told = await person.act("command", channel="C0CHECKOUT", text="/deploy")

    assert told == {"ok": False, "error": "/deploy failed with the error “operation_timeout”"}

    async def findings() -> Any:
        entries = (await person.get("/control/log", findings=1))["entries"]
        return [entry["findings"][0] for entry in entries if entry["kind"] == "command"]

    assert await person.until(findings) == [
        "/deploy: no acknowledgement within 3 s; Slack shows an error to the person."
    ]
    assert await person.messages() == []
