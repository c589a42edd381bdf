"""Slack goes away in the middle of a deployment: the real bot and the real terminal finish it, and Slack hears of it later."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot.manifest import manifest
from tests.checks.helpers import site
from tests.cli.conftest import ROOT, program
from tests.cli.test_doctor import APP, SERVICE
from tests.sandbox.conftest import APP_TOKEN, BOT_TOKEN, Running, start

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_S = 120


def company(folder: Path, watched: str = "") -> None:
    (folder / "services").mkdir()
    (folder / "app.yaml").write_text(APP)
    watch = f'watch: {{url: "{watched}", rate: 20/s, baseline: 1 s}}\n' if watched else ""
    (folder / "services" / "shop.yaml").write_text(SERVICE + watch)
    (folder / "deploy.sh").write_text(f'#!/bin/sh\necho "$TMINUS_VERSION" >> {folder}/deployed\n')
    (folder / "deploy.sh").chmod(0o755)
    (folder / "rollback.py").write_text("")
    (folder / "manifest.json").write_text(json.dumps(manifest()))


def workspace(folder: Path, port: str = "0") -> Running:
    return start(folder / "slack", "--manifest", str(folder / "manifest.json"), "--port", port)


async def until(look, what: str):
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await look()):
            await asyncio.sleep(0.3)
        return found
    raise AssertionError(what)


async def ready(bot: asyncio.subprocess.Process) -> None:
    assert bot.stderr is not None
    async with asyncio.timeout(PATIENCE_S):
        while b'"t-minus is ready"' not in (line := await bot.stderr.readline()):
            assert line, "the bot ended"


@pytest.fixture
def watched() -> Iterator[str]:
    """What is deployed; it answers all the time."""
    with site(lambda _: (200, [], "")) as one:
        yield f"http://{one.at}/"


async def test_a_deployment_is_finished_at_the_machine_while_slack_is_down(tmp_path: Path, watched: str):
    company(tmp_path, watched)
    slack = workspace(tmp_path)
    environ = {
        "TMINUS_CONFIG": str(tmp_path / "app.yaml"),
        "TMINUS_HOME": str(tmp_path / "home"),
        "TMINUS_HOST": "depot",
        "TMINUS_ENDS_ALL": "1",
        "SLACK_API_URL": f"{slack.url}/api/",
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
    }
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=ROOT, env={"PATH": os.environ["PATH"]} | environ,
        stderr=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip
    reading: asyncio.Task[bytes] | None = None

    async def at_the_machine(*words: str) -> str:
        # Where the bot lives is enough to know; the rest is as the bot has it.
        said = await program(*words, TMINUS_HOME=environ["TMINUS_HOME"], LOGNAME="olga")
        assert said.code == 0, said.err
        return said.out

    try:
        await ready(bot)
        assert bot.stderr is not None
        reading = asyncio.create_task(bot.stderr.read())
        command = {"as": "U0MARA", "channel": "C0CHECKOUT", "text": "/deploy start shop 1.4.2"}
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            assert (await http.post(f"{slack.url}/control/command", json=command)).json()["ok"]
            await until(lambda: card(http, slack), "the card")

        slack.kill()
        assert "Plan verified: to be ticked" in await at_the_machine("why")
        await at_the_machine("tick", "--item", "plan")
        await at_the_machine("go", "--role", "DevOps Lead")
        assert "the running bot does the steps" in await at_the_machine("start")

        async def verifying() -> bool:
            return "erify" in (await at_the_machine("status")).partition("(shop-1)")[0]

        await until(verifying, "verifying")
        assert (tmp_path / "deployed").read_text() == "1.4.2\n"
        await at_the_machine("tick", "--item", "answers")
        await at_the_machine("tick", "--item", "zero")
        story = await at_the_machine("history", "shop-1")
        assert "olga: started" in story

        slack = workspace(tmp_path, slack.url.rpartition(":")[2])
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:

            async def caught_up() -> bool:
                return "shop 1.4.2 → production: Live" in await card(http, slack)

            await until(caught_up, "the card says that it is live")
            picture = await until(lambda: drawn(http, slack), "the picture of how it went")
            content = (await http.get(f"{slack.url}{picture['url']}")).content
        assert picture["alt_txt"].startswith("shop 1.4.2 → production while it was deployed. Available ")
        assert content.startswith(b"\x89PNG")
        assert (tmp_path / "deployed").read_text() == "1.4.2\n"
    finally:
        if bot.returncode is None:
            bot.terminate()
        await bot.wait()
        if reading is not None:
            await reading
        slack.kill()


async def drawn(http: httpx.AsyncClient, slack: Running) -> dict[str, str] | None:
    """The picture in the thread."""
    asked = {"as": "U0MARA", "channel": "C0CHECKOUT"}
    told = (await http.get(f"{slack.url}/control/messages", params=asked)).json()["messages"]
    thread = next(one["ts"] for one in told if "shop 1.4.2" in one["text"])
    replies = (await http.get(f"{slack.url}/control/messages", params={**asked, "thread": thread})).json()["messages"]
    files = [file for one in replies for file in one.get("files", [])]
    return next((file for file in files if file["mimetype"] == "image/png"), None)


async def card(http: httpx.AsyncClient, slack: Running) -> str:
    """All that the root of the thread says."""
    asked = {"as": "U0MARA", "channel": "C0CHECKOUT"}
    told = (await http.get(f"{slack.url}/control/messages", params=asked)).json()["messages"]
    return next((json.dumps(one, ensure_ascii=False) for one in told if "shop 1.4.2" in one["text"]), "")
