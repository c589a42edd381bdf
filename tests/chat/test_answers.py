"""What slack_sdk and the network raise is sorted by what it says about the call."""

from types import SimpleNamespace

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.chat.answers import Fate, Trouble, sentence, understand


def said(status=200, headers=None, data=None) -> SlackApiError:
    return SlackApiError("no", SimpleNamespace(status_code=status, headers=headers or {}, data=data))


@pytest.mark.parametrize(
    ("problem", "fate"),
    [
        (aiohttp.ClientConnectorError(SimpleNamespace(), OSError("refused")), Fate.NOT_NOW),
        (aiohttp.ServerDisconnectedError(), Fate.UNKNOWN),
        (TimeoutError(), Fate.UNKNOWN),
        (ConnectionResetError(), Fate.UNKNOWN),
        (said(data={"error": "ratelimited"}), Fate.NOT_NOW),
        (said(429, {"Retry-After": "3"}, "slow down"), Fate.NOT_NOW),
        (said(503, data=""), Fate.UNKNOWN),
        (said(502, data={"error": "anything"}), Fate.UNKNOWN),
        (said(200, data="<html>"), Fate.UNKNOWN),
        (said(data={"error": "fatal_error"}), Fate.UNKNOWN),
        (said(data={"error": "invalid_auth"}), Fate.NOT_NOW),
        (said(data={"error": "message_not_found"}), Fate.GONE),
        (said(data={"error": "is_archived"}), Fate.NEVER),
        (said(data={"error": "a_word_of_next_year"}), Fate.NEVER),
        (SlackApiError("no", SimpleNamespace(status=500)), Fate.UNKNOWN),
    ],
)
def test_each_failure_says_what_became_of_the_call(problem, fate):
    assert understand("chat.postMessage", problem).fate is fate


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [({"retry-after": "7"}, 7), ({"Retry-After": "0"}, 0.1), ({}, 10), ({"Retry-After": "x"}, 10)],
)
def test_slack_says_how_long_to_wait(headers, wait_s):
    trouble = understand("chat.update", said(429, headers, {"error": "ratelimited"}))
    assert trouble.wait_s == wait_s
    assert trouble.passes


def test_a_wrong_token_does_not_pass_by_itself():
    assert not understand("auth.test", said(data={"error": "invalid_auth"})).passes


def test_what_slack_says_in_messages_is_kept():
    data = {"error": "invalid_arguments", "response_metadata": {"messages": ["[ERROR] must provide a string"]}}
    assert "must provide a string" in str(understand("views.open", said(data=data)))


def test_every_sentence_says_what_to_do():
    told = sentence(Trouble("chat.postMessage", "not_in_channel", Fate.NEVER), "C1")
    assert told == "T-Minus is not in C1; invite it there with /invite @T-Minus."
    assert "(odd)" in sentence(Trouble("chat.postMessage", "odd", Fate.NEVER), "C1")
