"""An app that knows nothing of the sandbox lives in it, by three environment variables and its own manifest."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.sandbox.conftest import APP_TOKEN, BOT_TOKEN, ROOT, Person, start

MANIFEST = {
    "display_information": {"name": "First Steps"},
    "features": {"bot_user": {"display_name": "First Steps"}},
    "oauth_config": {"scopes": {"bot": ["chat:write", "channels:history"]}},
    "settings": {
        "socket_mode_enabled": True,
        "interactivity": {"is_enabled": True},
        "event_subscriptions": {"bot_events": ["message.channels"]},
    },
}


async def test_a_first_app_is_pointed_at_the_sandbox_by_its_environment_alone(tmp_path: Path):
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    sandbox = await asyncio.to_thread(start, tmp_path / "data", "--manifest", str(tmp_path / "manifest.json"))
    told = {"SLACK_API_URL": f"{sandbox.url}/api/", "SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}
    app = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "tests" / "sandbox" / "getting_started.py"), env={**os.environ, **told}
    )
    try:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            person = Person(sandbox.url, http)

            async def connected() -> Any:
                return (await person.get("/control/state"))["connections"]

            await person.until(connected, "the app")
            await person.act("post", channel="C0CHECKOUT", text="well, hello there")

            async def texts() -> list[str]:
                return [message["text"] for message in await person.messages()]

            async def said(number: int) -> bool:
                return len(await texts()) > number

            await person.until(lambda: said(1), "the answer")
            answer = (await person.messages())[1]
            container = {"type": "message", "channel": "C0CHECKOUT", "ts": answer["ts"]}
            block = answer["blocks"][0]["block_id"]
            await person.act("action", "U0ANA", container=container, block_id=block, action_id="pressed")
            await person.until(lambda: said(2), "the thanks")
            assert await texts() == ["well, hello there", "Good day, <@U0MARA>.", "<@U0ANA> pressed it."]
            assert (await person.get("/control/log", findings=1))["entries"] == []
    finally:
        app.kill()
        await app.wait()
        sandbox.kill()
