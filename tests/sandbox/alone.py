"""How does a test get a whole workspace in its own process, where time stands still and nobody takes what people do?"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from sandbox.app import build
from sandbox.box import Sandbox
from sandbox.call import published
from sandbox.world import ACME, load_world
from tests.sandbox.conftest import APP_TOKEN, BOT_TOKEN, Person

#: Whatever any described method asks for, and what events need besides.
ALL_SCOPES = sorted({"commands", "app_mentions:read"} | {scope for one in published().values() for scope in one.scopes})
OF_THE_APP = ("apps.connections.open",)


class Alone(Person):
    """Acts as people do, and calls as the app does."""

    async def calls(self, method: str, **asked: Any) -> dict[str, Any]:
        token = APP_TOKEN if method in OF_THE_APP else BOT_TOKEN
        sent = {name: value if isinstance(value, str) else json.dumps(value) for name, value in asked.items()}
        reply = await self.http.post(f"/api/{method}", data=sent, headers={"authorization": f"Bearer {token}"})
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def did(self, method: str, **asked: Any) -> dict[str, Any]:
        answer = await self.calls(method, **asked)
        assert answer["ok"], (method, answer)
        return answer

    async def sent(self, kind: str, name: str) -> dict[str, Any]:
        """The last payload of this kind that was on its way to the app; an event goes out again, since nobody takes it."""

        async def there() -> dict[str, Any] | None:
            log = (await self.get("/control/log", limit=1000))["entries"]
            found = [one["request"] for one in log if (one["kind"], one["name"]) == (kind, name)]
            first = [request for request in found if "retry_num" not in request]
            return first[-1] if first else None

        return await self.until(there, f"the {kind} {name}")


@asynccontextmanager
async def alone(folder: Path, *, scopes: list[str]) -> AsyncIterator[Alone]:
    manifest = folder / "manifest.json"
    manifest.write_text(
        json.dumps(
            {
                "features": {
                    "app_home": {"home_tab_enabled": True},
                    "slash_commands": [{"command": "/deploy", "description": "d"}],
                    "shortcuts": [{"name": "Keep", "type": "message", "callback_id": "keep", "description": "d"}],
                },
                "oauth_config": {"scopes": {"bot": scopes}},
                "settings": {
                    "event_subscriptions": {"bot_events": ["app_home_opened", "app_mention", "member_joined_channel"]},
                    "interactivity": {"is_enabled": True},
                    "socket_mode_enabled": True,
                },
            }
        )
    )
    box = Sandbox(load_world(ACME, manifest, {}), folder / "data", wall=lambda: 0.0, monotonic=lambda: 0.0)
    box.url = "http://sandbox.test"
    transport = httpx.ASGITransport(app=build(box))
    async with httpx.AsyncClient(transport=transport, base_url=box.url) as http:
        one = Alone(box.url, http)
        await one.do("/control/limits", enabled=False)
        try:
            yield one
        finally:
            await box.close()
