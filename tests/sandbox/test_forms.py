"""What a person chooses becomes Slack's payload, and Slack's own client says what is missing."""

import asyncio
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp

from sandbox import forms
from tests.sandbox.conftest import Person

OPTIONS = [{"text": {"type": "plain_text", "text": text}, "value": text.lower()} for text in ("One", "Two")]


def words(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def element(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "action_id": "a", **more}


def asking(inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": "b", "label": words("L"), "element": inner, **more}


CHOICES = [
    (element("plain_text_input"), {"value": "hi"}, {"value": "hi"}, {"value": None}),
    (element("static_select", options=OPTIONS), {"selected_option": "two"}, {"selected_option": OPTIONS[1]}, {"selected_option": None}),
    (
        element("checkboxes", options=OPTIONS, initial_options=[OPTIONS[0]]),
        {"selected_options": ["two"]},
        {"selected_options": [OPTIONS[1]]},
        {"selected_options": [OPTIONS[0]]},
    ),
    (element("users_select", initial_user="U1"), {"selected_user": "U2"}, {"selected_user": "U2"}, {"selected_user": "U1"}),
    (element("multi_users_select"), {"selected_users": ["U2"]}, {"selected_users": ["U2"]}, {"selected_users": []}),
    (element("datepicker", initial_date="2026-01-01"), {"selected_date": "2026-02-02"}, {"selected_date": "2026-02-02"}, {"selected_date": "2026-01-01"}),
    (element("timepicker"), {"selected_time": "14:30"}, {"selected_time": "14:30"}, {"selected_time": None}),
    (element("datetimepicker"), {"selected_date_time": 1800000000}, {"selected_date_time": 1800000000}, {"selected_date_time": None}),
    (element("radio_buttons", options=OPTIONS), {"selected_option": "one"}, {"selected_option": OPTIONS[0]}, {"selected_option": None}),
]  # fmt: skip


@pytest.mark.parametrize(("inner", "given", "held", "untouched"), CHOICES, ids=[c[0]["type"] for c in CHOICES])
def test_each_element_holds_what_was_chosen_or_its_initial_value(
    inner: dict[str, Any], given: dict[str, Any], held: dict[str, Any], untouched: dict[str, Any]
):
    kind = {"type": inner["type"]}
    assert forms.values([asking(inner)], {}, {"b": {"a": given}}, {}) == {"b": {"a": kind | held}}
    assert forms.values([asking(inner)], {}, None, {}) == {"b": {"a": kind | untouched}}


COMPLAINTS = [
    (asking(element("plain_text_input")), {}, "Please complete this required field."),
    (asking(element("plain_text_input"), optional=True), {}, None),
    (asking(element("plain_text_input", min_length=3)), {"value": "ab"}, "Please enter at least 3 characters."),
    (asking(element("plain_text_input", max_length=3)), {"value": "abcd"}, "Please enter at most 3 characters."),
    (asking(element("email_text_input")), {"value": "nobody"}, "Please enter a valid email address."),
    (asking(element("url_text_input")), {"value": "example.com"}, "Please enter a valid URL."),
    (asking(element("number_input", is_decimal_allowed=False)), {"value": "1.5"}, "Please enter a whole number."),
    (
        asking(element("number_input", is_decimal_allowed=True, max_value="10")),
        {"value": "10.5"},
        "Please enter a number of at most 10.",
    ),
    (asking(element("number_input", is_decimal_allowed=True, min_value="1")), {"value": "1"}, None),
    (asking(element("checkboxes", options=OPTIONS)), {"selected_options": []}, "Please complete this required field."),
]


@pytest.mark.parametrize(("block", "given", "complaint"), COMPLAINTS)
def test_the_client_says_what_is_wrong_before_the_app_hears_of_it(
    block: dict[str, Any], given: dict[str, Any], complaint: str | None
):
    state = forms.values([block], {}, {"b": {"a": given}}, {})
    assert forms.complaints([block], state) == ({"b": complaint} if complaint else {})


def modal(title: str, *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "modal", "callback_id": title, "title": words(title), "blocks": list(blocks), **more}


async def opened(person: Person, user: str = "U0MARA") -> list[dict[str, Any]]:
    return (await person.get("/control/views", **{"as": user}))["stack"]


async def test_modals_stack_three_high_change_and_close(bolt: AsyncApp, person: Person):
    closed: asyncio.Queue[Any] = asyncio.Queue()
    button = {"type": "button", "action_id": "deeper", "text": words("Deeper")}
    row = {"type": "actions", "block_id": "row", "elements": [button]}
    errors: list[str] = []

    @bolt.command("/deploy")
    async def deploy(ack: Any, command: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=modal("first", row))

    @bolt.action("deeper")
    async def deeper(ack: Any, body: Any, client: Any) -> None:
        try:
            await client.views_push(
                trigger_id=body["trigger_id"],
                view=modal("next", row, asking(element("plain_text_input")), submit=words("Go"), notify_on_close=True),
            )
        except Exception as refused:  # noqa: BLE001 (the test looks at what Slack said)
            errors.append(refused.response["error"])  # type: ignore[attr-defined]
        await ack()

    @bolt.view("next")
    async def following(ack: Any, view: Any) -> None:
        text = view["state"]["values"]["b"]["a"]["value"]
        if text == "again":
            await ack(response_action="update", view=modal("changed", row))
        else:
            await ack(response_action="clear")

    @bolt.view_closed("next")
    async def gone(ack: Any, view: Any, body: Any) -> None:
        await ack()
        await closed.put((view["callback_id"], body["is_cleared"]))

    await person.act("command", channel="C0CHECKOUT", text="/deploy")
    await person.until(lambda: opened(person), "the modal")
    for _ in range(3):
        top = (await opened(person))[-1]
        press = {"container": {"type": "view", "view_id": top["id"]}, "block_id": "row", "action_id": "deeper"}
        assert (await person.act("action", **press))["ok"]
    stack = await opened(person)
    assert [view["callback_id"] for view in stack] == ["first", "next", "next"]
    assert (stack[2]["previous_view_id"], stack[2]["root_view_id"]) == (stack[1]["id"], stack[0]["id"])
    assert errors == ["push_limit_reached"]

    await person.act("close", view_id=stack[2]["id"])
    assert await asyncio.wait_for(closed.get(), 20) == ("next", False)
    await person.act("submit", view_id=stack[1]["id"], state={"b": {"a": {"value": "again"}}})
    assert [view["callback_id"] for view in await opened(person)] == ["first", "changed"]
    assert await opened(person, "U0ANA") == []


@pytest.mark.parametrize(
    ("inner", "given", "said"),
    [
        (element("datepicker"), {"selected_date": "banana"}, "'banana' is no date: write one that the calendar has, like 2026-11-23."),
        (element("timepicker"), {"selected_time": "25:61"}, "'25:61' is no time: write one like 14:30."),
        (element("datetimepicker"), {"selected_date_time": 5}, "5 is no moment: give the seconds since 1970, ten digits."),
        (element("users_select"), {"selected_user": "NOBODY"}, "There is no user 'NOBODY' to choose here."),
        (element("multi_users_select"), {"selected_users": ["U0ANA", 7]}, "7 is no id: give the id of what is chosen as text."),
        (element("channels_select"), {"selected_channel": "C0NOWHERE"}, "There is no channel 'C0NOWHERE' to choose here."),
        (element("conversations_select"), {"selected_conversation": "D9"}, "There is no conversation 'D9' to choose here."),
    ],
    ids=["date", "time", "moment", "user", "users", "channel", "conversation"],
)  # fmt: skip
async def test_what_cannot_be_chosen_is_refused_with_a_sentence(
    bolt: AsyncApp, person: Person, inner: dict[str, Any], given: dict[str, Any], said: str
):
    row = {"type": "actions", "block_id": "b", "elements": [inner]}
    sent = await bolt.client.chat_postMessage(channel="C0CHECKOUT", text="x", blocks=[row])
    press = {"container": {"type": "message", "channel": "C0CHECKOUT", "ts": sent["ts"]}, "action_id": "a"}
    assert await person.act("action", status=400, **press, block_id="b", value=given) == {"error": said}


def test_what_the_app_chose_at_first_stays_though_nobody_sees_it():
    row = asking(element("multi_users_select", initial_users=["U0GONE"]))
    given = {"b": {"a": {"selected_users": ["U0GONE", "U0ANA"]}}}
    state = forms.values([row], {}, given, {}, lambda _what, which: which == "U0ANA")
    assert state["b"]["a"]["selected_users"] == ["U0GONE", "U0ANA"]


async def test_what_stands_in_a_container_is_pressed_by_its_own_name_and_keeps_what_was_chosen(
    bolt: AsyncApp, person: Person
):
    pressed: asyncio.Queue[Any] = asyncio.Queue()

    @bolt.action("go")
    async def go(ack: Any, body: Any, action: Any) -> None:
        await ack()
        await pressed.put((action["block_id"], body["state"]["values"]))

    def button(**more: Any) -> dict[str, Any]:
        return element("button", text=words("Go")) | {"action_id": "go"} | more

    box = {
        "type": "container", "block_id": "box", "title": words("Box"),
        "child_blocks": [
            {"type": "actions", "block_id": "row", "elements": [button(), element("static_select", options=OPTIONS)]},
            {"type": "divider"},
        ],
    }  # fmt: skip
    cards = {"type": "carousel", "elements": [{"type": "card", "title": words("Card"), "actions": [button()]}]}
    sent = await bolt.client.chat_postMessage(channel="C0CHECKOUT", text="x", blocks=[box, cards])
    (shown_box, shown_cards), where = sent["message"]["blocks"], {"channel": "C0CHECKOUT", "ts": sent["ts"]}
    card = shown_cards["elements"][0]["block_id"]
    divider = shown_box["child_blocks"][1]["block_id"]
    assert len({"box", "row", divider, card, shown_cards["block_id"]}) == 5

    press = {"container": {"type": "message", **where}, "action_id": "go"}
    chosen = {"row": {"a": {"selected_option": "two"}}}
    await person.act("action", **press, block_id="row", state=chosen)
    block_id, state = await asyncio.wait_for(pressed.get(), 20)
    assert (block_id, state["row"]["a"]["selected_option"]) == ("row", OPTIONS[1])
    await person.act("action", **press, block_id=card)
    block_id, state = await asyncio.wait_for(pressed.get(), 20)
    assert (block_id, state["row"]["a"]["selected_option"]) == (card, OPTIONS[1])


def test_the_client_sees_an_input_that_stands_in_a_container():
    box = {"type": "container", "block_id": "box", "child_blocks": [asking(element("plain_text_input"))]}
    assert forms.complaints([box], forms.values([box], {}, None, {})) == {"b": "Please complete this required field."}


async def test_an_external_select_is_filled_by_the_app(bolt: AsyncApp, person: Person):
    chosen: asyncio.Queue[Any] = asyncio.Queue()

    @bolt.options("a")
    async def options(ack: Any, payload: Any) -> None:
        await ack(options=[{"text": words(f"{payload['value']}!"), "value": "found"}])

    @bolt.action("a")
    async def act(ack: Any, action: Any, body: Any) -> None:
        await ack()
        await chosen.put(
            (action["selected_option"]["value"], body["state"]["values"]["b"]["a"]["selected_option"]["value"])
        )

    accessory = {"type": "external_select", "action_id": "a", "min_query_length": 1}
    block = {"type": "section", "block_id": "b", "text": words("Pick"), "accessory": accessory}
    posted = await bolt.client.chat_postMessage(channel="C0CHECKOUT", text="pick", blocks=[block])
    where = {
        "container": {"type": "message", "channel": "C0CHECKOUT", "ts": posted["ts"]},
        "block_id": "b",
        "action_id": "a",
    }
    found = await person.act("options", **where, query="x")
    assert found["options"] == [{"text": words("x!"), "value": "found"}]
    assert (await person.act("action", **where, value={"selected_option": "found"}))["ok"]
    assert await asyncio.wait_for(chosen.get(), 20) == ("found", "found")
    stranger = await person.act("action", status=400, **where, value={"selected_option": "stranger"})
    assert stranger["error"].startswith("There is no option 'stranger' here")


async def test_a_tick_comes_with_the_state_of_the_whole_message(bolt: AsyncApp, person: Person):
    heard: asyncio.Queue[Any] = asyncio.Queue()

    @bolt.action("a")
    async def act(ack: Any, body: Any) -> None:
        await ack()
        await heard.put(body)

    def boxes(block_id: str) -> dict[str, Any]:
        return {"type": "actions", "block_id": block_id, "elements": [element("checkboxes", options=OPTIONS)]}

    posted = await bolt.client.chat_postMessage(channel="C0CHECKOUT", text="tick", blocks=[boxes("b"), boxes("c")])
    container = {"type": "message", "channel": "C0CHECKOUT", "ts": posted["ts"]}
    await person.act("action", container=container, block_id="b", action_id="a", value={"selected_options": ["one"]})
    await asyncio.wait_for(heard.get(), 20)
    await person.act("action", container=container, block_id="c", action_id="a", value={"selected_options": ["two"]})
    body = await asyncio.wait_for(heard.get(), 20)

    def ticked(block_id: str) -> list[str]:
        return [option["value"] for option in body["state"]["values"][block_id]["a"]["selected_options"]]

    assert (ticked("b"), ticked("c")) == (["one"], ["two"])
    assert [option["value"] for option in body["actions"][0]["selected_options"]] == ["two"]
    assert body["message"]["ts"] == posted["ts"]
    gone = await person.act("action", status=400, container=container, block_id="z", action_id="a")
    assert gone["error"] == "There is no element 'a' in block 'z' there."
