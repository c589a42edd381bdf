"""What happens when somebody opens App Home?"""

from typing import Any

from bot.engine import Engine
from handlers.bolt import Bolt


def register(bolt: Bolt, engine: Engine) -> None:
    async def opened(event: dict[str, Any], once: str) -> None:  # noqa: ARG001 - publishing twice is publishing once
        if event.get("tab", "home") == "home":
            await engine.store.home_opened(event["user"])
            engine.nudge()

    bolt.event("app_home_opened", opened)
