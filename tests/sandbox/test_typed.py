"""What a person types reaches the app as Slack sends it: as text, and as blocks of rich text."""

import asyncio
from typing import Any

from slack_bolt.app.async_app import AsyncApp

from sandbox.blocks import MESSAGE
from sandbox.typed import as_blocks
from sandbox.validation import check_blocks
from tests.sandbox.conftest import Person

EVERYTHING = (
    "*bold _both_* ~gone~ `co*de*` <@U0ANA> in <#C0X> <!subteam^S0X> <!here> :rocket: 1 &lt; 2 https://example.com/a\n"
    "&gt; quoted\n&gt; more\nlast 2 * 3 * 4 ```x = 1\ny = 2``` end"
)


def test_all_that_can_be_typed_becomes_blocks_that_slack_would_take():
    (block,) = as_blocks(EVERYTHING, "abc")
    assert check_blocks([block], MESSAGE) == []
    section, quote, last, code, end = block["elements"]
    assert section["elements"][:3] == [
        {"type": "text", "text": "bold ", "style": {"bold": True}},
        {"type": "text", "text": "both", "style": {"bold": True, "italic": True}},
        {"type": "text", "text": " "},
    ]
    kinds = [each["type"] for each in section["elements"] if each["type"] != "text"]
    assert kinds == ["user", "channel", "usergroup", "broadcast", "emoji", "link"]
    assert {"type": "text", "text": " 1 < 2 "} in section["elements"]
    assert {"type": "text", "text": "co*de*", "style": {"code": True}} in section["elements"]
    assert (quote["type"], quote["elements"]) == ("rich_text_quote", [{"type": "text", "text": "quoted\nmore"}])
    assert last["elements"] == [{"type": "text", "text": "last 2 * 3 * 4 "}]
    assert code["elements"] == [{"type": "text", "text": "x = 1\ny = 2"}]
    assert end["elements"] == [{"type": "text", "text": " end"}]


async def test_a_mention_brings_its_blocks(bolt: AsyncApp, person: Person):
    heard: asyncio.Queue[Any] = asyncio.Queue()

    @bolt.event("app_mention")
    async def mention(event: Any) -> None:
        await heard.put(event)

    await person.act("post", channel="C0CHECKOUT", text="@T-Minus check *tls*")

    event = await asyncio.wait_for(heard.get(), 20)
    (block,) = event["blocks"]
    assert block["type"] == "rich_text"
    assert block["elements"][0]["elements"] == [
        {"type": "user", "user_id": "U0TMINUS"},
        {"type": "text", "text": " check "},
        {"type": "text", "text": "tls", "style": {"bold": True}},
    ]


async def test_a_command_says_that_there_is_no_enterprise(bolt: AsyncApp, person: Person):
    heard: asyncio.Queue[Any] = asyncio.Queue()

    @bolt.command("/deploy")
    async def deploy(ack: Any, command: Any) -> None:
        await ack()
        await heard.put(command)

    await person.act("command", channel="C0CHECKOUT", text="/deploy status")
    command = await asyncio.wait_for(heard.get(), 20)
    assert (command["enterprise_id"], command["enterprise_name"]) == ("", "")
