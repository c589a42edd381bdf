"""When does what happen between the record and Slack?"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.answers import Fate, Trouble
from bot.chat.budget import POST, PUBLISH, UPDATE, Budget, Rank
from bot.chat.calls import Calls
from bot.chat.messages import HashOf, Messages, NotWanted, NotYet, Render
from bot.chat.order import Name, candidates, home_of, lane_of, name_of, rank_of
from bot.chat.people import People, WhoAmI
from bot.chat.screens import RenderHome, Screens
from bot.chat.whispers import Whisper, Whispers
from bot.errors import Unreachable
from bot.model import MessageState, Outbox, Owed, Person

log = logging.getLogger(__name__)

#: The first pause after a failure, and the longest.
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0

#: Something that is on its way is waited for so long before looking again.
_SOON_S, _LATER_S = 0.25, 5.0

#: However often somebody nudges, the store is asked no more often than this.
_BREATH_S = 0.02

#: By how much of itself a grace may be longer.
_SPREAD = 0.5

#: Whispers are for people who wait; if so many pile up, nobody waits for the oldest any more.
_WHISPERS = 500
_WHISPERING = 8


Pace = tuple[str, Rank]


@dataclass(kw_only=True)
class _Seen:
    """What this process remembers of one message between two looks."""

    not_before: float = 0.0
    failures: int = 0
    #: It failed on a fault of its own; the others of its lane pass it by.
    stuck: bool = False
    #: It waits for something else than the budget.
    resting: bool = False
    #: Since when this process has seen it in `sending`.
    sending_since: float | None = None
    grace_s: float = 0.0
    dirty_since: float | None = None
    sent_at: float = float("-inf")


@dataclass(kw_only=True)
class _Busy:
    names: set[Name] = field(default_factory=set)
    lanes: set[str] = field(default_factory=set)


class SlackChat:
    """Level-triggered: it looks at what is owed and does what is missing. Killed at any instruction, it looks again."""

    def __init__(
        self,
        client: AsyncWebClient,
        outbox: Outbox,
        render: Render,
        render_home: RenderHome,
        *,
        grace_s: float = 30.0,
        poll_s: float = 0.5,
        hash_of: HashOf | None = None,
        budget: Budget | None = None,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._now = now
        self._chance = chance
        self._outbox = outbox
        self._grace_s = grace_s
        self._poll_s = poll_s
        self._budget = budget or Budget()
        self._calls = Calls(client, self._budget, now)
        self._people = People(self._calls)
        self._screens = Screens(self._calls, render_home)
        self._messages = Messages(self._calls, self._people, self._screens, outbox, render, hash_of)
        self._whispers = Whispers(self._calls, self._people, now)
        self._seen: dict[Name, _Seen] = {}
        self._busy = _Busy()
        self._nudged = asyncio.Event()
        self._whispering: asyncio.Queue[tuple[Whisper, str, Sequence[dict[str, Any]]]] = asyncio.Queue(_WHISPERS)
        self._unsaid = 0
        self._at_rest = False

    # ── Its life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Until cancelled. One failing message, or a store that does not answer, ends nothing."""
        failures = 0
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_WHISPERING):
                tasks.create_task(self._whisper_on())
            while True:
                self._nudged.clear()
                try:
                    wait_s = await self._look(tasks)
                    failures = 0
                except Exception:
                    failures += 1
                    wait_s = _pause_s(failures)
                    log.exception("the outbox did not answer; next look in %.0f s", wait_s)
                await self._sleep(wait_s, nudgeable=not failures)

    def nudge(self) -> None:
        """Something changed: look now."""
        self._at_rest = False
        self._nudged.set()

    async def drain(self, timeout: float) -> bool:  # noqa: ASYNC109 - the caller's patience, not a cancellation
        """Let everything that can be said be said; False when some of it has to wait for the next start."""
        until = self._now() + timeout
        self.nudge()
        while self._now() < until:
            if self._at_rest and not self._busy.names and not self._unsaid:
                return True
            await asyncio.sleep(_BREATH_S)
        return False

    async def _sleep(self, wait_s: float, *, nudgeable: bool) -> None:
        await asyncio.sleep(min(_BREATH_S, wait_s))
        if nudgeable:
            try:
                async with asyncio.timeout(wait_s):
                    await self._nudged.wait()
            except TimeoutError:
                return
        else:
            await asyncio.sleep(wait_s)

    # ── One look ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _look(self, tasks: asyncio.TaskGroup) -> float:
        """Start everything that may go now; the seconds until it makes sense to look again."""
        owed = await self._outbox.owed()
        now = self._now()
        self._remember(owed, now)
        stuck = {name for name, seen in self._seen.items() if seen.stuck}
        changing = Counter(_pace_of(one) for one in owed if one.state is MessageState.SHOWN)
        soonest, at_rest = self._poll_s, True
        for one in candidates(owed, stuck):
            seen = self._seen[name_of(one)]
            if (wait_s := self._wait_s(one, seen, now, changing)) > 0:
                soonest = min(soonest, wait_s)
                at_rest = at_rest and (seen.resting or seen.sending_since is not None)
            else:
                at_rest = False
                self._start(one, now, tasks)
        self._at_rest = at_rest
        return soonest

    def _remember(self, owed: list[Owed], now: float) -> None:
        """Forget what is settled; notice what is new, and since when something is uncertain."""
        kept = {name_of(one) for one in owed} | self._busy.names
        for name in [name for name in self._seen if name not in kept]:
            # Only the pace of a live tail outlasts its being settled.
            if now - self._seen[name].sent_at > _LONGEST_PAUSE_S:
                del self._seen[name]
            else:
                self._seen[name] = _Seen(sent_at=self._seen[name].sent_at)
        for one in owed:
            seen = self._seen.setdefault(name_of(one), _Seen())
            if seen.dirty_since is None:
                seen.dirty_since = now
            if one.state is not MessageState.SENDING:
                seen.sending_since = None
            elif seen.sending_since is None:
                # Not all replicas at once: the first one to look it up settles it for the others.
                seen.sending_since, seen.grace_s = now, self._grace_s * (1 + self._chance() * _SPREAD)

    def _wait_s(self, owed: Owed, seen: _Seen, now: float, changing: Counter[Pace]) -> float:
        """Zero or less when it may go now."""
        new = owed.state is not MessageState.SHOWN and not home_of(owed)
        if name_of(owed) in self._busy.names or (new and lane_of(owed) in self._busy.lanes):
            return self._poll_s
        wait_s = seen.not_before - now
        if seen.sending_since is not None:
            return max(wait_s, seen.sending_since + seen.grace_s - now)
        method, rank = pace = _pace_of(owed)
        wait_s = max(wait_s, seen.sent_at + self._budget.pace_s(method, rank, changing[pace]) - now)
        rank = rank_of(owed, now - (now if seen.dirty_since is None else seen.dirty_since))
        return max(wait_s, self._budget.wait(method, now, channel=owed.to, rank=rank))

    def _start(self, owed: Owed, now: float, tasks: asyncio.TaskGroup) -> None:
        self._busy.names.add(name_of(owed))
        if owed.state is MessageState.WANTED and not home_of(owed):
            self._busy.lanes.add(lane_of(owed))
        if owed.state is not MessageState.SENDING and not home_of(owed):
            self._budget.take(_pace_of(owed)[0], now, channel=owed.to)
        tasks.create_task(self._bring(owed))

    async def _bring(self, owed: Owed) -> None:
        """One step for one message; whatever goes wrong with it stays with it."""
        seen = self._seen[name_of(owed)]
        extra = {"deployment": owed.deployment, "key": owed.key}
        try:
            await self._messages.bring(owed)
        except NotYet as why:
            seen.stuck = isinstance(why, NotWanted)
            self._back_off(seen, min(_SOON_S * 2 ** min(seen.failures, 10), _LATER_S))
        except Trouble as trouble:
            # A post that may have arrived is not tried again but looked up, and the grace is its pause.
            uncertain = owed.state is MessageState.WANTED and trouble.fate is Fate.UNKNOWN
            self._back_off(seen, 0.0 if uncertain else trouble.wait_s or None)
            log.warning("message has to wait: %s", trouble, extra=extra)
        except Unreachable as problem:
            self._back_off(seen)
            seen.stuck = seen.failures > 1
            log.warning("message has to wait: %s", problem, extra=extra)
        except Exception:
            self._back_off(seen)
            seen.stuck = True
            log.exception("message failed; the others go on", extra=extra)
        else:
            seen.failures, seen.stuck, seen.resting, seen.not_before, seen.dirty_since = 0, False, False, 0.0, None
            seen.sent_at = self._now()
        finally:
            self._busy.names.discard(name_of(owed))
            if owed.state is MessageState.WANTED:
                # What was in flight until now may still arrive, so the grace begins now.
                seen.sending_since = None
                self._busy.lanes.discard(lane_of(owed))
            self._nudged.set()

    def _back_off(self, seen: _Seen, pause_s: float | None = None) -> None:
        seen.failures += 1
        seen.resting = True
        seen.not_before = self._now() + (_pause_s(seen.failures) if pause_s is None else pause_s)

    # ── Answers to one person ────────────────────────────────────────────────────────────────────────────────────────

    def whisper(self, to: Whisper, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None:
        """Queued, not awaited: an answer that only this person sees."""
        try:
            self._whispering.put_nowait((to, text, blocks))
            self._unsaid += 1
        except asyncio.QueueFull:
            log.error("too many answers are waiting; one is dropped", extra={"user": to.user})  # noqa: TRY400

    async def _whisper_on(self) -> None:
        while True:
            to, text, blocks = await self._whispering.get()
            try:
                await self._whispers.say(to, text, blocks)
            except Exception:
                log.exception("an answer failed", extra={"user": to.user})
            finally:
                self._unsaid -= 1

    # ── Screens ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def open_view(self, trigger_id: str, view: dict[str, Any], to: Whisper | None = None) -> str | None:
        """The view's id; None when Slack did not open it, and then `to` is told why."""
        view_id, why = await self._screens.open(trigger_id, view)
        if why and to is not None:
            self.whisper(to, why)
        return view_id

    async def update_view(self, view_id: str, view: dict[str, Any], *, hash: str = "") -> None:  # noqa: A002 - Slack's word
        await self._screens.update(view_id, view, hash=hash)

    async def publish_home(self, user: str) -> None:
        """Somebody looks at their App Home now."""
        try:
            await self._screens.publish(user, always=True)
        except (Trouble, Unreachable) as problem:
            log.warning("an App Home was not published: %s", problem, extra={"user": user})

    # ── Who and where ────────────────────────────────────────────────────────────────────────────────────────────────

    async def person(self, who: str) -> Person:
        return await self._people.person(who)

    async def channel(self, name_or_id: str) -> str:
        return await self._people.channel(name_or_id)

    async def is_member(self, channel: str) -> bool:
        return await self._people.is_member(channel)

    async def permalink(self, channel: str, ts: str) -> str:
        return await self._people.permalink(channel, ts)

    async def who_am_i(self) -> WhoAmI:
        return await self._people.who_am_i()


def _pace_of(owed: Owed) -> Pace:
    """Which bucket of the budget it draws on, and beside whom."""
    if home_of(owed):
        return PUBLISH, Rank.URGENT if owed.urgent else Rank.LIVE
    return POST if owed.state is MessageState.WANTED else UPDATE, rank_of(owed, 0)


def _pause_s(failures: int) -> float:
    return min(_PAUSE_S * 2 ** min(failures - 1, 10), _LONGEST_PAUSE_S)
