"""Who is watching the workspace live, and what do they get to see?"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

QUIET_S = 15


class Feed:
    """Live changes, for each open page of each person; a page that does not read is let go."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Queue[dict[str, Any] | None], str] = {}

    def tell(self, event: dict[str, Any], sees: Callable[[str], bool] = lambda _user: True) -> None:
        for queue, user in list(self._open.items()):
            if not sees(user):
                continue
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._open.pop(queue, None)

    async def watch(self, user: str) -> AsyncIterator[dict[str, Any] | None]:
        """Yield each change that the person may see, and None when it has been quiet for a while."""
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(maxsize=10_000)
        self._open[queue] = user
        try:
            while queue in self._open:
                try:
                    event = await asyncio.wait_for(queue.get(), QUIET_S)
                except TimeoutError:
                    yield None
                    continue
                if event is None:
                    return
                yield event
        finally:
            self._open.pop(queue, None)

    def close(self) -> None:
        for queue in self._open:
            queue.put_nowait(None)
