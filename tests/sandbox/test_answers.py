"""What an app answers to a response URL is taken for as long as Slack takes it, and as strictly."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import build
from sandbox.box import Sandbox
from sandbox.world import load_world

HALF_AN_HOUR = 30 * 60


class Hands:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def box(tmp_path: Path, hands: Hands) -> Sandbox:
    box = Sandbox(load_world(environment={}), tmp_path, wall=hands, monotonic=hands)
    box.url = "http://sandbox"
    return box


@pytest.fixture
async def http(box: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=build(box))
    async with httpx.AsyncClient(transport=transport, base_url=box.url) as client:
        yield client


@pytest.fixture
def url(box: Sandbox) -> str:
    root = box.workspace.post(box.workspace.rooms["C0CHECKOUT"], {"user": "U0ANA"}, text="root")
    token = box.tickets.response(user="U0ANA", channel="C0CHECKOUT", ts=root["ts"], thread_ts=None, ephemeral=False)
    return f"/respond/{token}"


async def test_a_response_url_ends_after_half_an_hour_of_real_time(
    http: httpx.AsyncClient, box: Sandbox, hands: Hands, url: str
):
    box.clock.move(7 * 86_400)
    hands.now += HALF_AN_HOUR
    assert (await http.post(url, json={"text": "in time"})).text == "ok"
    hands.now += 1
    late = await http.post(url, json={"text": "too late"})
    assert (late.status_code, late.json()["error"]) == (404, "expired_url")


def test_a_trigger_ends_after_three_seconds_of_real_time(box: Sandbox, hands: Hands):
    trigger = box.tickets.trigger("U0ANA")
    hands.now += 3
    assert box.tickets.look(trigger).user == "U0ANA"
    hands.now += 0.1
    with pytest.raises(Exception, match="expired_trigger_id"):
        box.tickets.look(trigger)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"text": "x", "response_type": "bogus"}, "invalid_arguments"),
        ({"text": "x", "replace_original": "perhaps"}, "invalid_arguments"),
        ({"text": "x", "response_type": "in_channel", "metadata": {"bad": 1}}, "invalid_metadata_format"),
        ({"text": "x", "thread_ts": "1700000000.000001"}, "cannot_reply_to_message"),
        ({"text": "x", "blocks": "{no json"}, "invalid_blocks_format"),
        ({"response_type": "in_channel"}, "no_text"),
    ],
)
async def test_an_answer_that_slack_would_refuse_is_refused(
    http: httpx.AsyncClient, box: Sandbox, url: str, body: dict[str, Any], error: str
):
    assert (await http.post(url, content=json.dumps(body))).json()["error"] == error
    assert len(box.workspace.rooms["C0CHECKOUT"].messages) == 1
    assert box.workspace.ephemerals == {}


@pytest.mark.parametrize(("word", "texts"), [("false", ["root", "x"]), ("true", ["x"])])
async def test_a_flag_in_words_means_what_it_says(
    http: httpx.AsyncClient, box: Sandbox, url: str, word: str, texts: list[str]
):
    await http.post(url, json={"text": "x", "response_type": "in_channel", "replace_original": word})
    assert [message["text"] for message in box.workspace.rooms["C0CHECKOUT"].messages.values()] == texts
