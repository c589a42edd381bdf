"""Words written for Slack, read at a terminal; and the log, read by machines."""

import json
import logging
import sys

import pytest

from bot.logs import JsonLines
from bot.terminal import plain, typed


@pytest.mark.parametrize(
    ("slack", "terminal"),
    [
        ("*checkout* is _live_, see `why`", "checkout is live, see why"),
        ("<https://x.example/a?b=1&amp;c=2|the thread>", "the thread (https://x.example/a?b=1&c=2)"),
        ("<!date^1700000000^{date_short}|14 Nov 22:13 UTC>", "14 Nov 22:13 UTC"),
        ("<@U0ANA|Ana> in <#C0X>", "Ana in C0X"),
        ("load &lt; 5 &amp; 3 * 4 * 5", "load < 5 & 3 * 4 * 5"),
        ("SLACK_BOT_TOKEN and snake_case_name stay", "SLACK_BOT_TOKEN and snake_case_name stay"),
    ],
)
def test_marks_are_taken_off(slack, terminal):
    assert plain(slack) == terminal


def test_what_is_to_be_typed_is_what_can_be_typed_here():
    assert typed("Use `/deploy why`.") == "Use python -m bot why."
    assert typed("/deploy start opens it.") == "/deploy start opens it.", "a deployment is opened in Slack only"


def test_a_log_line_is_one_json_object_with_its_fields():
    record = logging.makeLogRecord(
        {"name": "bot.x", "levelno": 20, "levelname": "INFO", "msg": "run %s", "args": ("over",)}
    )
    record.run = "shop-1.deploy.1"

    said = json.loads(JsonLines().format(record))

    assert said.items() >= {"level": "info", "where": "bot.x", "what": "run over", "run": "shop-1.deploy.1"}.items()
    assert said["at"].endswith("+00:00")


def test_an_error_stays_on_one_line():
    try:
        int("first\nsecond")
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info()})

    line = JsonLines().format(record)

    assert "\n" not in line
    assert "ValueError: invalid literal" in json.loads(line)["error"]
