"""What the demonstration does where its port is taken, its bot is killed, and somebody presses Ctrl-C while a script runs."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.browser.company import PATIENT_S, Demo

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, taken: int) -> Iterator[Demo]:
    one = Demo(tmp_path_factory.mktemp("company") / "demo")
    one.start(port=taken)
    yield one
    if one.process is not None and one.process.poll() is None:
        one.stop()


def test_a_port_that_is_taken_is_said_and_another_is_used(demo: Demo, taken: int):
    assert f"Port {taken} could not be used; taking another.\n" in demo.said
    assert not demo.url.endswith(f":{taken}")
    assert httpx.get(f"{demo.url}/control/state", params={"as": "U0MARA"}, trust_env=False).json()["me"] == "U0MARA"


def test_a_bot_that_is_killed_is_started_again_and_goes_on(demo: Demo):
    assert demo.process is not None
    assert demo.process.stdout is not None
    first = _of(demo, "bot run")

    os.kill(first, signal.SIGKILL)

    said = next(line for line in demo.process.stdout if "ended by itself" in line)
    assert said == "The bot ended by itself; it is started again, and goes on where it was.\n"
    log = demo.home / "logs" / "bot.log"
    while log.read_text().count('"t-minus is ready"') < 2:
        assert demo.process.poll() is None
        time.sleep(0.05)
    assert _of(demo, "bot run") != first


def test_ctrl_c_cancels_the_script_that_runs_and_says_so_in_its_record(demo: Demo):
    _types(demo, "start checkout 1.4.2")
    # A production that does not answer keeps its health check busy until that is stopped as well, and would run for ever.
    production = _of(demo, "demo.production")
    os.kill(production, signal.SIGSTOP)
    run = demo.home / "bot" / "runs" / "checkout-1.health.by-hand-1"
    try:
        _types(demo, "run health checkout-1")
        script = _patiently(lambda: json.loads((run / "started.json").read_text())["pid"])
        os.kill(script, signal.SIGSTOP)
    finally:
        os.kill(production, signal.SIGCONT)

    demo.stop()

    assert json.loads((run / "exit.json").read_text())["ended_by"] == "cancel"


def _types(demo: Demo, words: str) -> None:
    """Until it is taken, for a bot that has just come back may still be away."""

    def taken() -> bool:
        said = {"as": "U0MARA", "channel": "C0CHECKOUT", "text": f"/deploy {words}"}
        answer = httpx.post(f"{demo.url}/control/command", json=said, timeout=30, trust_env=False).json()
        return answer["ok"] or None

    _patiently(taken)


def _patiently(look: Any) -> Any:
    """What is looked for, as soon as it is there."""
    until = time.monotonic() + PATIENT_S
    while time.monotonic() < until:
        with suppress(OSError, ValueError, KeyError):
            if found := look():
                return found
        time.sleep(0.02)
    raise AssertionError("It never came.")


def _of(demo: Demo, words: str) -> int:
    """The process of the demonstration that was started with these words."""
    assert demo.process is not None
    asked = ["pgrep", "-f", "-P", str(demo.process.pid), words]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True)
    return int(re.findall(r"\d+", listed.stdout)[0])
