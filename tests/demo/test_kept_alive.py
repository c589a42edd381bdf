"""Somebody kills the bot of the demonstration, to see whether it comes back; production and Slack live on."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.company import Demo

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    one = Demo(tmp_path / "demo")
    one.start()
    yield one
    one.stop()


def test_a_bot_that_is_killed_is_started_again_and_goes_on(demo: Demo):
    assert demo.process is not None
    assert demo.process.stdout is not None
    first = _bot_of(demo)

    os.kill(first, signal.SIGKILL)

    said = next(line for line in demo.process.stdout if "ended by itself" in line)
    assert said == "The bot ended by itself; it is started again, and goes on where it was.\n"
    log = demo.home / "logs" / "bot.log"
    while log.read_text().count('"t-minus is ready"') < 2:
        assert demo.process.poll() is None
    assert _bot_of(demo) != first


def _bot_of(demo: Demo) -> int:
    listed = subprocess.run(
        ["pgrep", "-f", "-P", str(demo.process.pid), "bot run"], capture_output=True, text=True, check=True
    )  # type: ignore[union-attr]
    return int(re.findall(r"\d+", listed.stdout)[0])
