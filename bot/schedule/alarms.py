"""Who has to be woken when, even if the wall clock jumps?

Two clocks that know nothing of each other. APScheduler holds one alarm per deployment and is on time. A sweep by monotonic time
finds what an alarm missed: when the wall clock steps back an hour, the first sleeps that hour and the second does not. Both call
the same function, and calling it once too often changes nothing. The record says what is due; nothing is kept here that matters.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from bot.schedule.clock import SystemClock

log = logging.getLogger(__name__)

#: Given the deployment whose moment has come, or None: look at everything that is due.
Wake = Callable[[str | None], Awaitable[None]]


class Alarms:
    """The alarm clocks of one process."""

    def __init__(self, clock: SystemClock, wake: Wake, *, sweep_s: float = 15.0) -> None:
        self._clock = clock
        self._wake = wake
        self._sweep_s = sweep_s
        self._armed: dict[str, datetime] = {}
        self._rang: dict[str, datetime] = {}
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._turned = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        clock.on_change(self.clock_changed)

    def start(self) -> None:
        """Both clocks run from now on; the first sweep is at once, for what came due while nobody was there."""
        self._scheduler.start()
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """No new calls; those under way are waited for."""
        if self._sweeper is None:
            return
        self._sweeper.cancel()
        await asyncio.gather(self._sweeper, return_exceptions=True)
        self._sweeper = None
        self._scheduler.shutdown(wait=False)
        while self._calls:
            await asyncio.wait(self._calls)

    def arm(self, deployment_id: str, at: datetime | None) -> None:
        """Wake for this deployment at this moment, instead of any earlier wish; None: not at all."""
        if at is None:
            self.disarm(deployment_id)
        elif at not in (self._armed.get(deployment_id), self._rang.get(deployment_id)):
            # What rang and is still due failed or has to wait: the sweep comes back to it, in its own time.
            self._armed[deployment_id] = at
            self._set(deployment_id, at)

    def disarm(self, deployment_id: str) -> None:
        self._rang.pop(deployment_id, None)
        if self._armed.pop(deployment_id, None) is not None and self._scheduler.get_job(deployment_id):
            self._scheduler.remove_job(deployment_id)

    def arm_all(self, times: Mapping[str, datetime]) -> None:
        """These and no others: what the record says, also of changes that another process made."""
        for gone in (self._armed.keys() | self._rang.keys()) - times.keys():
            self.disarm(gone)
        for deployment_id, at in times.items():
            self.arm(deployment_id, at)

    def armed(self) -> dict[str, datetime]:
        return dict(self._armed)

    def clock_changed(self) -> None:
        self._turned.set()

    def _set(self, deployment_id: str, at: datetime) -> None:
        # The scheduler lives by real time: the same stretch from now on, on its own clock.
        real = datetime.now(UTC) + (at - self._clock.now())
        self._scheduler.add_job(
            self._ring, DateTrigger(real), args=(deployment_id,), id=deployment_id, replace_existing=True
        )

    async def _ring(self, deployment_id: str) -> None:
        at = self._armed.get(deployment_id)
        if at is None:
            return
        if at > self._clock.now():
            # The time was set back meanwhile.
            self._set(deployment_id, at)
            return
        self._rang[deployment_id] = self._armed.pop(deployment_id)
        # Not awaited here: the scheduler would cancel it when it shuts down.
        self._call(deployment_id)

    async def _sweep(self) -> None:
        while True:
            # Cancelling the sweeper must not cancel the work that it asked for.
            await asyncio.wait({self._call(None)})
            with suppress(TimeoutError):
                async with asyncio.timeout(self._sweep_s):
                    await self._turned.wait()
            if self._turned.is_set():
                self._turned.clear()
                self._rang.clear()
                for deployment_id, at in self._armed.items():
                    self._set(deployment_id, at)

    def _call(self, deployment_id: str | None) -> asyncio.Task[None]:
        call = asyncio.create_task(self._woken(deployment_id))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return call

    async def _woken(self, deployment_id: str | None) -> None:
        try:
            await self._wake(deployment_id)
        except Exception:
            # Whatever it was, it is still due and will be found by the next sweep.
            log.exception("waking failed", extra={"deployment": deployment_id or "all that is due"})
