"""Every element that can be pressed, chosen or filled in is used as a person would, and the app hears what was meant."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect
from slack_bolt.app.async_app import AsyncApp

from tests.browser.conftest import Desk, one_loop
from tests.browser.pagebot import option, plain
from tests.sandbox.conftest import BOT_TOKEN, Person, Running, client_of, connected

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.real]

#: Nothing here takes this long; a busy machine may.
GENEROUS_S = 120.0

TOWNS = [option("Oslo"), option("Lima"), option("Delhi")]
SEARCHED = {"min_query_length": 0, "placeholder": plain("Search")}

Use = Callable[[Page, Locator, str], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Input:
    """What an element is made of, how a person uses it, and what the app then finds in the modal's state."""

    more: dict[str, Any] = field(default_factory=dict)
    use: Use
    meant: dict[str, Any]


def fills(text: str) -> Use:
    async def use(_: Page, modal: Locator, label: str) -> None:
        await modal.get_by_role("textbox", name=label, exact=True).fill(text)

    return use


def sets(text: str) -> Use:
    async def use(_: Page, modal: Locator, label: str) -> None:
        await modal.get_by_label(label, exact=True).fill(text)

    return use


def chooses(name: str, *, query: str = "") -> Use:
    async def use(page: Page, modal: Locator, label: str) -> None:
        await modal.get_by_role("combobox", name=label, exact=True).click()
        if query:
            await page.get_by_role("combobox", name=re.compile("^Search")).fill(query)
        await page.get_by_role("option", name=re.compile(name)).click()
        if label.startswith("multi"):
            await page.keyboard.press("Escape")

    return use


def ticks(role: Any, name: str) -> Use:
    async def use(_: Page, modal: Locator, label: str) -> None:
        kind = "group" if role == "checkbox" else "radiogroup"
        await modal.get_by_role(kind, name=label).get_by_role(role, name=name).check()

    return use


async def _hands_over(_: Page, modal: Locator, label: str) -> None:
    note = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"All is well."}
    await modal.get_by_label(label, exact=True).set_input_files(files=[note])  # type: ignore[list-item]


LIMA = {"text": plain("Lima"), "value": "lima"}
HOTFIX = {"text": plain("hotfix"), "value": "hotfix"}
INPUTS: dict[str, Input] = {
    "plain_text_input": Input(use=fills("half past two"), meant={"value": "half past two"}),
    "email_text_input": Input(use=fills("ana@acme.example"), meant={"value": "ana@acme.example"}),
    "url_text_input": Input(use=fills("https://acme.example/x"), meant={"value": "https://acme.example/x"}),
    "number_input": Input(more={"is_decimal_allowed": False}, use=fills("42"), meant={"value": "42"}),
    "rich_text_input": Input(
        use=fills("It went well."),
        meant={
            "rich_text_value": {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "It went well."}]}],
            }
        },
    ),
    "checkboxes": Input(more={"options": TOWNS}, use=ticks("checkbox", "Lima"), meant={"selected_options": [LIMA]}),
    "radio_buttons": Input(more={"options": TOWNS}, use=ticks("radio", "Lima"), meant={"selected_option": LIMA}),
    "static_select": Input(more={"options": TOWNS}, use=chooses("^Lima"), meant={"selected_option": LIMA}),
    "multi_static_select": Input(more={"options": TOWNS}, use=chooses("^Lima"), meant={"selected_options": [LIMA]}),
    "external_select": Input(more=SEARCHED, use=chooses("hotfix", query="hot"), meant={"selected_option": HOTFIX}),
    "multi_external_select": Input(
        more=SEARCHED, use=chooses("hotfix", query="hot"), meant={"selected_options": [HOTFIX]}
    ),
    "users_select": Input(use=chooses("Chloé Martin"), meant={"selected_user": "U0CHLOE"}),
    "multi_users_select": Input(use=chooses("Chloé Martin"), meant={"selected_users": ["U0CHLOE"]}),
    "channels_select": Input(use=chooses("releases"), meant={"selected_channel": "C0RELEASES"}),
    "multi_channels_select": Input(use=chooses("releases"), meant={"selected_channels": ["C0RELEASES"]}),
    "conversations_select": Input(use=chooses("releases"), meant={"selected_conversation": "C0RELEASES"}),
    "multi_conversations_select": Input(use=chooses("releases"), meant={"selected_conversations": ["C0RELEASES"]}),
    "datepicker": Input(use=sets("2026-12-01"), meant={"selected_date": "2026-12-01"}),
    "timepicker": Input(use=sets("14:30"), meant={"selected_time": "14:30"}),
    # Mara lives in Stockholm: 14:30 there.
    "datetimepicker": Input(use=sets("2026-12-01T14:30"), meant={"selected_date_time": 1796131800}),
    "file_input": Input(use=_hands_over, meant={}),
}

PRESSES: list[dict[str, Any]] = [
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "button", "text": plain("Press me"), "value": "v"},
            {"type": "overflow", "action_id": "overflow", "options": [option("Why"), option("Waive")]},
            {
                "type": "workflow_button",
                "action_id": "workflow_button",
                "text": plain("Start the flow"),
                "workflow": {"trigger": {"url": "https://slack.com/shortcuts/Ft0123ABC456/321"}},
            },
        ],
    },
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback_buttons",
                "positive_button": {"text": plain("Good"), "value": "good"},
                "negative_button": {"text": plain("Bad"), "value": "bad"},
            },
            {"type": "icon_button", "action_id": "icon_button", "icon": "trash", "text": plain("Away with it")},
        ],
    },
]


@dataclass
class Heard:
    """What the app heard of it."""

    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, dict[str, Any]] = field(default_factory=dict)


@one_loop
async def heard(sandbox: Running, people: Person) -> AsyncIterator[Heard]:
    one = Heard()
    app = AsyncApp(token=BOT_TOKEN, client=client_of(sandbox.url))
    inputs = [
        {
            "type": "input",
            "block_id": kind,
            "label": plain(kind),
            "element": {"type": kind, "action_id": kind, **given.more},
        }
        for kind, given in INPUTS.items()
    ]
    modal = {
        "type": "modal",
        "callback_id": "inputs",
        "title": plain("Every input"),
        "submit": plain("Send"),
        "blocks": inputs,
    }

    @app.command("/deploy")
    async def opened(ack: Any, command: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=modal)

    @app.view("inputs")
    async def submitted(ack: Any, view: Any) -> None:
        await ack()
        one.values |= {kind: block[kind] for kind, block in view["state"]["values"].items()}

    @app.options(re.compile("external"))
    async def branches(ack: Any) -> None:
        await ack(options=[option("hotfix")])

    @app.action(re.compile(".*"))
    async def pressed(ack: Any, action: Any) -> None:
        await ack()
        one.actions[action["action_id"]] = action

    @app.event("message")
    async def written() -> None:
        """Not what this is about."""

    async with connected(app, people):
        yield one


async def _comes(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(GENEROUS_S):
        while not holds():
            await asyncio.sleep(0.05)


async def test_what_is_filled_in_is_what_the_app_finds(desk: Desk, heard: Heard):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    box = page.get_by_role("textbox", name="Message #checkout")
    await box.fill("/deploy")
    await box.press("Enter")
    modal = page.get_by_role("dialog", name="Every input")
    for kind, given in INPUTS.items():
        await given.use(page, modal, kind)

    await modal.get_by_role("button", name="Send", exact=True).click()
    await expect(modal).to_have_count(0)
    await _comes(lambda: bool(heard.values))

    found = {kind: {name: heard.values[kind].get(name) for name in given.meant} for kind, given in INPUTS.items()}
    plainly = {kind: _without_flags(values) for kind, values in found.items()}
    assert plainly == {kind: _without_flags(given.meant) for kind, given in INPUTS.items()}
    assert [file["name"] for file in heard.values["file_input"]["files"]] == ["notes.txt"]


async def test_what_is_pressed_in_a_message_is_what_the_app_hears(desk: Desk, heard: Heard, sandbox: Running):
    await client_of(sandbox.url).chat_postMessage(channel="C0CHECKOUT", text="Press", blocks=PRESSES)
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    message = page.get_by_role("article").last

    await message.get_by_role("button", name="Press me").click()
    await message.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Waive").click()
    await message.get_by_role("button", name="Start the flow").click()
    await message.get_by_role("button", name="Bad").click()
    await message.get_by_role("button", name="Away with it").click()
    pressable = [element["type"] for block in PRESSES for element in block["elements"]]
    await _comes(lambda: set(heard.actions) == set(pressable))

    assert {name: action["type"] for name, action in heard.actions.items()} == {name: name for name in pressable}
    assert heard.actions["overflow"]["selected_option"]["value"] == "waive"
    assert heard.actions["feedback_buttons"]["value"] == "bad"


async def test_there_is_no_element_that_is_not_used_here(people: Person):
    shapes = (await people.get("/control/blocks"))["shapes"]
    accepted = {shape.removeprefix("element/") for shape in shapes if shape.startswith("element/")}
    used = {*INPUTS, *(element["type"] for block in PRESSES for element in block["elements"])}

    assert accepted - used == {"image"}


def _without_flags(value: Any) -> Any:
    """Slack adds `emoji` to plain text; nobody meant it."""
    if isinstance(value, dict):
        return {key: _without_flags(one) for key, one in value.items() if key != "emoji"}
    return [_without_flags(one) for one in value] if isinstance(value, list) else value
