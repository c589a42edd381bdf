"""What time is it in the workspace, who waits for which moment, and who is told when somebody moves it?"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.store import Store

# A clock beyond what a calendar holds would stop everything that reads it.
EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def possible(offset_s: float) -> bool:
    """Whether the workspace can live at that distance from real time."""
    try:
        return EARLIEST <= datetime.now(UTC) + timedelta(seconds=offset_s) <= LATEST
    except OverflowError:
        return False


class Clock:
    """Real time plus an offset that people can move; message timestamps come from it and never repeat."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._moved = asyncio.Event()
        self.load()

    def load(self) -> None:
        kept = self._store.get("clock", "clock", {})
        self.offset_s: float = kept.get("offset_s", 0.0)
        if not possible(self.offset_s):
            self.offset_s = 0.0
        self.version: int = kept.get("version", getattr(self, "version", 0) + 1)
        self.due: dict[str, dict[str, str]] = kept.get("due", {})
        self._last_ts: int = self._store.get("clock", "last_ts", 0)
        self._moved.set()
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset_s)

    def ts(self) -> str:
        """A message timestamp: unique, and later than every one before, even when the clock was set back."""
        self._last_ts = max(self._last_ts + 1, int(self.now().timestamp() * 1_000_000))
        self._store.put("clock", "last_ts", self._last_ts)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def told(self) -> dict[str, Any]:
        waiting = [{"who": who, **what} for who, what in self.due.items()]
        return {
            "version": self.version,
            "offset_s": self.offset_s,
            "now": self.now().isoformat(),
            "due": sorted(waiting, key=lambda entry: entry["at"]),
        }

    def move(self, offset_s: float) -> None:
        self.offset_s = offset_s
        self._change()

    def expect(self, who: str, at: datetime | None, what: str) -> None:
        """Somebody says what they wait for next; saying nothing takes it back."""
        wanted = None if at is None else {"at": at.isoformat(), "what": what}
        if self.due.get(who) == wanted:
            return
        if wanted is None:
            self.due.pop(who, None)
        else:
            self.due[who] = wanted
        self._change()

    def next_due(self) -> datetime | None:
        ahead = [at for at in (datetime.fromisoformat(entry["at"]) for entry in self.due.values()) if at > self.now()]
        return min(ahead, default=None)

    async def changed(self, after: int, timeout_s: float) -> None:
        """Return when the version is another one than `after`, or when the time is up."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        while self.version == after and (left := until - loop.time()) > 0:
            await self._wait(left)

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until the workspace's own clock shows `at`, however it gets there."""
        while (left := (at - self.now()).total_seconds()) > 0:
            await self._wait(left)

    async def _wait(self, timeout_s: float) -> None:
        try:
            await asyncio.wait_for(self._moved.wait(), timeout_s)
        except TimeoutError:
            return

    def release(self) -> None:
        """Let everybody who waits look again, for example because the sandbox ends."""
        self._moved.set()
        self._moved = asyncio.Event()

    def _change(self) -> None:
        self.version += 1
        kept = {"offset_s": self.offset_s, "version": self.version, "due": self.due}
        self._store.put("clock", "clock", kept)
        self.release()
