"""What Slack refuses of a message, a change or a modal as a whole, over the wire."""

from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.conftest import Person
from tests.sandbox.test_web_api import refused


def words_of(length: int, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "x" * length}, **more}


@pytest.mark.parametrize(
    ("blocks", "attachments", "error"),
    [
        ([words_of(3000)] * 4, [{"blocks": [words_of(1200)]}], None),
        ([words_of(3000)] * 4, [{"blocks": [words_of(1201)]}], "msg_blocks_too_long"),
        ([words_of(1, block_id="a")], [{"blocks": [words_of(1, block_id="a")]}], "invalid_attachments"),
        ([], [{"blocks": [{"type": "markdown", "text": "x" * 6001}]}] * 2, "invalid_attachments"),
        ([], [{"text": "x" * 8000}] * 13, "attachment_payload_limit_exceeded"),
    ],
)
async def test_attachments_share_the_bounds_of_their_message(
    client: AsyncWebClient, blocks: list[Any], attachments: list[Any], error: str | None
):
    sent = {"channel": "C0CHECKOUT", "text": "x", "blocks": blocks, "attachments": attachments}
    if error is None:
        assert (await client.api_call("chat.postMessage", json=sent))["ok"]
    else:
        assert (await refused(client.api_call("chat.postMessage", json=sent)))["error"] == error


async def test_rich_text_is_not_replaced_by_blocks_without(client: AsyncWebClient):
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}
    posted = await client.chat_postMessage(channel="C0CHECKOUT", text="rich", blocks=[rich])
    where = {"channel": "C0CHECKOUT", "ts": posted["ts"]}
    plain = client.chat_update(**where, text="x", blocks=[words_of(1)])
    assert (await refused(plain))["error"] == "block_mismatch"
    assert (await client.chat_update(**where, text="x", blocks=[rich]))["ok"]


async def test_a_modal_is_pushed_onto_another_only(bolt: AsyncApp, person: Person):
    told: list[str] = []

    @bolt.command("/deploy")
    async def deploy(ack: Any, command: Any, client: AsyncWebClient) -> None:
        view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}
        pushed = await refused(client.views_push(trigger_id=command["trigger_id"], view=view))
        told.append(pushed["error"])
        await ack()

    await person.act("command", channel="C0CHECKOUT", text="/deploy")
    assert told == ["not_found"]


@pytest.mark.parametrize(
    ("message", "pointers"),
    [
        ({"text": "x", "blocks": [{"type": "divider"}], "attachments": [{"blocks": [{"type": "divider"}]}]}, []),
        ({}, [""]),
        ({"text": "x", "bogus": 1}, [""]),
        ([], [""]),
        ({"blocks": [{"type": "marquee"}]}, ["/blocks/0/type"]),
        ({"attachments": ["x"]}, ["/attachments/0"]),
        ({"attachments": [{"blocks": [{"type": "marquee"}]}]}, ["/attachments/0/blocks/0/type"]),
    ],
)
async def test_blocks_validate_looks_at_the_whole_message(client: AsyncWebClient, message: Any, pointers: list[str]):
    asked = client.api_call("blocks.validate", json={"message": message})
    if not pointers:
        assert (await asked)["ok"]
        return
    told = await refused(asked)
    assert (told["error"], [each["pointer"] for each in told["errors"]]) == ("invalid_message", pointers)


async def test_blocks_validate_takes_a_hundred_thousand_characters(client: AsyncWebClient):
    blocks = [words_of(2400)] * 40
    assert (await client.api_call("blocks.validate", json={"blocks": blocks}))["ok"]
    told = await refused(client.api_call("blocks.validate", json={"blocks": [words_of(3000)] * 40}))
    assert told["error"] == "invalid_arguments"
