"""A drill calls the running bot, and the checklist knows: the real bot, its real URL for pings, a real workspace."""

import asyncio
import os
import sys
from pathlib import Path

import httpx
import pytest

from tests.checks.helpers import closed_port
from tests.cli.conftest import ROOT, program
from tests.cli.test_carrying_on import company, ready, until, workspace
from tests.sandbox.conftest import APP_TOKEN, BOT_TOKEN

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

KEY = "drill-4711-4711-4711"
DRILL = """
sections: {before: {items: {drill: {title: Backup procedures tested, check: drill}}}}
checks:
  drill:
    uses: ping
    with: {key: {env: DRILL_KEY}, period: 30 d, values: {rows: rows}}
    pass: ["ok == true", "late == 0", "rows >= 100"]
"""


async def test_what_a_drill_told_the_bot_is_on_the_checklist(tmp_path: Path):
    company(tmp_path)
    service = tmp_path / "services" / "shop.yaml"
    service.write_text(service.read_text() + DRILL)
    slack = workspace(tmp_path)
    environ = {
        "TMINUS_CONFIG": str(tmp_path / "app.yaml"),
        "TMINUS_HOME": str(tmp_path / "home"),
        "TMINUS_ENDS_ALL": "1",
        "TMINUS_PING": closed_port(),
        "TMINUS_METRICS": closed_port(),
        "DRILL_KEY": KEY,
        "SLACK_API_URL": f"{slack.url}/api/",
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "LOGNAME": "olga",
    }
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=ROOT, env={"PATH": os.environ["PATH"]} | environ,
        stderr=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip
    reading: asyncio.Task[bytes] | None = None
    try:
        await ready(bot)
        assert bot.stderr is not None
        reading = asyncio.create_task(bot.stderr.read())
        url = f"http://{environ['TMINUS_PING']}/ping"
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            assert (await http.get(f"{url}/another-key-4711")).status_code == 404
            assert (await http.get(f"{url}/{KEY}/start")).text == "OK"
            assert (await http.post(f"{url}/{KEY}/0", content='{"rows": 1200}')).text == "OK"
            command = {"as": "U0MARA", "channel": "C0CHECKOUT", "text": "/deploy start shop 1.4.2"}
            assert (await http.post(f"{slack.url}/control/command", json=command)).json()["ok"]

        async def measured() -> str:
            said = await program("history", "shop-1", **environ)
            return said.out if "measured drill" in said.out else ""

        story = await until(measured, "the drill is measured")
        assert "measured drill: pass" in story
        assert "Plan verified" in (why := (await program("why", **environ)).out)
        assert "Backup procedures tested" not in why
        assert KEY not in story + why
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            beside = f"http://{environ['TMINUS_METRICS']}"
            assert (await http.get(f"{beside}/healthz")).json() == {"status": "ok"}
            assert 'tminus_deployments{phase="preflight"} 1.0' in (await http.get(f"{beside}/metrics")).text
    finally:
        if bot.returncode is None:
            bot.terminate()
        await bot.wait()
        told = (await reading).decode() if reading is not None else ""
        slack.kill()
    assert KEY not in told, "no log knows the key"
