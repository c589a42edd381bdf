"""What time is it for the people who use this?

Due times, expiry, reminders and the times that people read come from here. What is physical (timeouts, budgets, deadlines)
does not: that is real or monotonic time, wherever it is needed.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

log = logging.getLogger(__name__)

#: Replicas whose clocks differ by less than this need not be told that the time changed.
NEGLIGIBLE = timedelta(seconds=1)


class SystemClock:
    """The machine's own time, or the database's once it was compared with it."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call this whenever the time jumped."""
        self._listeners.append(listener)

    def calibrate(self, ahead: timedelta) -> None:
        """Replicas agree on the time of the database: it is ahead of this machine by so much."""
        jumped = abs(ahead - self._ahead) >= NEGLIGIBLE
        self._ahead = ahead
        if jumped:
            self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()


class OffsetClock(SystemClock):
    """A clock that tests and the terminal set."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        super().__init__()
        self.offset = offset

    def now(self) -> datetime:
        return super().now() + self.offset

    def set(self, offset: timedelta) -> None:
        if offset != self.offset:
            self.offset = offset
            self._changed()

    def advance(self, by: timedelta) -> None:
        self.set(self.offset + by)


@dataclass(frozen=True, kw_only=True)
class Due:
    """What this program waits for next."""

    at: datetime | None
    what: str = ""


class FollowedClock(OffsetClock):
    """A clock that somebody else sets, and that is read from a URL; while nobody answers, the last offset stays."""

    def __init__(
        self, url: str, *, who: str = "t-minus", poll_s: float = 25.0, first_s: float = 5.0, retry_s: float = 1.0
    ) -> None:
        super().__init__()
        self._url = url.rstrip("/")
        self._who = who
        self._poll_s = poll_s
        self._first_s = first_s
        self._retry_s = retry_s
        self._version: int | None = None
        self._known = asyncio.Event()
        self._due = Due(at=None)
        self._told: Due | None = None
        self._tell = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Follow from now on. Waits a moment for the first answer, so that nothing is decided at the wrong time."""
        self._tasks = {asyncio.create_task(self._follow()), asyncio.create_task(self._keep_telling())}
        with suppress(TimeoutError):
            async with asyncio.timeout(self._first_s):
                await self._known.wait()
        if not self._known.is_set():
            log.warning("clock is away", extra={"url": self._url})

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def announce(self, at: datetime | None, what: str = "") -> None:
        """Say what is waited for next, so that a page can offer to go there. Sent in the background, and again if it was lost."""
        self._due = Due(at=at, what=what)
        self._tell.set()

    async def _follow(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    await self._read(session)
                except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
                    log.info("clock did not answer", extra={"url": self._url, "reason": repr(error)})
                    # Whoever comes back may know nothing of us.
                    self._told = None
                    self._version = None
                    await asyncio.sleep(self._retry_s)

    async def _read(self, session: aiohttp.ClientSession) -> None:
        asked: dict[str, Any] = {}
        if self._version is not None:
            asked = {"after": str(self._version), "timeout": f"{self._poll_s:g}"}
        limit = aiohttp.ClientTimeout(total=self._poll_s + 10)
        async with session.get(self._url, params=asked, timeout=limit) as answer:
            answer.raise_for_status()
            said = await answer.json()
        self._version = int(said["version"])
        self.set(timedelta(seconds=float(said["offset_s"])))
        self._known.set()
        if self._told != self._due:
            self._tell.set()

    async def _keep_telling(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                await self._tell.wait()
                self._tell.clear()
                due = self._due
                if due == self._told:
                    continue
                body = {"at": due.at.isoformat() if due.at else None, "what": due.what}
                limit = aiohttp.ClientTimeout(total=10)
                try:
                    async with session.put(f"{self._url}/due/{self._who}", json=body, timeout=limit) as answer:
                        answer.raise_for_status()
                    self._told = due
                except (aiohttp.ClientError, TimeoutError) as error:
                    log.info("clock was not told", extra={"url": self._url, "reason": repr(error)})
                    await asyncio.sleep(self._retry_s)
                    self._tell.set()
