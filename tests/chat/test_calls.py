"""Calls keep to the budget, and a person is told when that takes too long."""

import time

import pytest

from bot.chat.budget import Budget
from bot.chat.calls import Calls, make_client
from bot.errors import Unreachable


def test_a_client_never_repeats_a_call_by_itself():
    client = make_client("xoxb-1", "http://127.0.0.1:1/api")
    assert client.retry_handlers == []
    assert client.base_url == "http://127.0.0.1:1/api/"
    assert make_client("xoxb-1").base_url == "https://slack.com/api/"


@pytest.mark.real
async def test_whoever_would_wait_too_long_is_told_how_long(slack):
    budget = Budget()
    calls = Calls(make_client("xoxb-1", slack.url), budget, lambda: 0.0)
    budget.hold("users.info", 0.0, 90)
    with pytest.raises(Unreachable, match="90 s"):
        await calls.repeatable("users.info", user="U1")
    assert not slack.calls


@pytest.mark.real
async def test_a_429_is_waited_out(slack):
    slack.users["U1"] = {"id": "U1"}
    slack.fault("users.info", "limit:0.2")
    calls = Calls(make_client("xoxb-1", slack.url), Budget(), time.monotonic)
    assert (await calls.repeatable("users.info", user="U1"))["user"] == {"id": "U1"}
    first, second = [at for _, _, at in slack.calls]
    assert second - first >= 0.2
    assert calls.outcomes == {("users.info", "ratelimited"): 1, ("users.info", "ok"): 1}
