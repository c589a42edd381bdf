"""What are the parts of one running workspace, and how are they put together?"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.clock import Clock
from sandbox.delivery import Delivery
from sandbox.faults import Faults
from sandbox.feed import Feed
from sandbox.files import Files
from sandbox.journal import Journal
from sandbox.limits import Limits
from sandbox.screens import Screens
from sandbox.sockets import SESSION_S, Sockets
from sandbox.store import Store
from sandbox.tickets import Tickets
from sandbox.workspace import Workspace
from sandbox.world import World


class Sandbox:
    """Everything that one workspace consists of; `url` is known once it listens."""

    def __init__(
        self,
        world: World,
        folder: Path,
        *,
        connection_lives_s: float = SESSION_S,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.world = world
        self.url = ""
        self.closing = asyncio.Event()
        self.store = Store(folder)
        self.clock = Clock(self.store)
        self.feed = Feed()
        self.workspace = Workspace(world, self.store, self.clock, self.feed)
        self.screens = Screens(world.team, world.app, self.store, self.feed)
        self.files = Files(self.store, folder / "files")
        self.tickets = Tickets(self.store, world.team.id, clock=monotonic, wall=wall)
        self.journal = Journal(self.store, self.clock, self.feed)
        self.limits = Limits(enabled=self.store.get("limits", "enabled", True))
        self.faults = Faults(self.store)
        self.sockets = Sockets(world.app.id, lives_s=connection_lives_s)
        self.delivery = Delivery(self.store, world.team, world.app, self.clock, self.sockets, self.journal, self.faults)
        self.fetched: dict[tuple[str, str], list[dict[str, Any]]] = {}  # options that the app has given
        self.touched: dict[tuple[str, str, str], dict[str, Any]] = {}  # what people hold in messages' elements
        self.tasks: set[asyncio.Task[None]] = set()  # scheduled messages that wait for their moment
        self.sockets.on_change = lambda: self.feed.tell({"type": "state"})

    def reset(self) -> None:
        """Back to the world file, as if nothing had ever happened."""
        self.store.wipe()
        self.clock.load()
        self.workspace.load()
        self.screens.load()
        self.files.clear()
        self.journal.reload()
        self.limits.enabled = True
        self.limits.clear()
        self.faults.load()
        self.fetched.clear()
        self.touched.clear()
        self.delivery.silenced.clear()
        self.feed.tell({"type": "state"})
        self.feed.tell({"type": "clock"} | self.clock.told())

    async def close(self) -> None:
        self.closing.set()
        self.clock.release()
        self.feed.close()
        await self.sockets.refresh("link_disabled")
        for task in list(self.tasks):
            task.cancel()
        await self.delivery.close()
        self.store.close()
