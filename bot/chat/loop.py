"""Which message goes to Slack when, and what happens when one fails?"""

import asyncio
import logging
import math
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.chat.answers import Fate, Trouble
from bot.chat.budget import POST, PUBLISH, UPDATE, Budget, Rank
from bot.chat.messages import Messages, NotWanted, NotYet
from bot.chat.order import Name, candidates, home_of, lane_of, name_of, rank_of
from bot.errors import Unreachable
from bot.model import MessageState, Outbox, Owed

log = logging.getLogger(__name__)

#: The first pause after a failure, and the longest.
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0

#: Something that is on its way is waited for so long before looking again.
_SOON_S, _LATER_S = 0.25, 5.0

#: However often somebody nudges, the store is asked no more often than this.
_BREATH_S = 0.02

#: What is urgent goes before the others, so when it changes all the time it is sent less and less often: they are to be read
#: too. One that has not been sent for a while is calm again.
_FIRST_GAP_S, _LONGEST_GAP_S, _CALM_S = 0.5, 4.0, 10.0

#: Whoever pressed something looks at that message until it says what became of it. A press is decided within a moment; where a
#: dialog asks for a reason first, within a minute.
_DECIDED_S, _LOOKING_S = 1.0, 60.0

#: By how much of itself a grace may be longer.
_SPREAD = 0.5

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
    #: Which claim that was.
    claim: int = 0
    grace_s: float = 0.0
    dirty_since: float | None = None
    sent_at: float = float("-inf")
    #: How far apart its next two sendings have to be.
    gap_s: float = 0.0


@dataclass(kw_only=True)
class _Busy:
    names: set[Name] = field(default_factory=set)
    lanes: set[str] = field(default_factory=set)


class Loop:
    """Level-triggered: it looks at what is owed and does what is missing. Killed at any instruction, it looks again."""

    def __init__(
        self,
        outbox: Outbox,
        messages: Messages,
        budget: Budget,
        *,
        grace_s: float,
        poll_s: float,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._messages = messages
        self._budget = budget
        self._grace_s = grace_s
        self._poll_s = poll_s
        self._now = now
        self._chance = chance
        self._seen: dict[Name, _Seen] = {}
        self._busy = _Busy()
        self._pressed: dict[tuple[str, str], float] = {}
        self._nudged = asyncio.Event()
        self._at_rest = False
        self._leaving = False

    async def run(self) -> None:
        """Until cancelled. One failing message, or a store that does not answer, ends nothing."""
        failures = 0
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._nudged.clear()
                try:
                    wait_s = await self._look(tasks)
                    failures = 0
                # The boundary of the loop: whatever goes wrong in one look, the next one comes.
                except Exception:
                    failures += 1
                    wait_s = _pause_s(failures)
                    log.exception("looking at what is owed failed; next look in %.0f s", wait_s)
                await self._sleep(wait_s, nudgeable=not failures)

    def nudge(self) -> None:
        self._at_rest = False
        self._nudged.set()

    def leave(self) -> None:
        """From now on nobody waits for what only brings up to date what stands already; the next start does that."""
        self._leaving = True
        self.nudge()

    def pressed(self, channel: str, ts: str) -> None:
        """Somebody pressed something in this message, or at home (then it is their id, and no ts): it goes before all others."""
        now = self._now()
        self._pressed = {one: at for one, at in self._pressed.items() if now - at < _LOOKING_S} | {(channel, ts): now}

    @property
    def at_rest(self) -> bool:
        """Nothing is in flight, and all that is still owed waits for something else than the budget."""
        return self._at_rest and not self._nudged.is_set() and not self._busy.names

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

    async def _look(self, tasks: asyncio.TaskGroup) -> float:
        """Start everything that may go now; the seconds until it makes sense to look again."""
        owed = await self._outbox.owed()
        now = self._now()
        self._remember(owed, now)
        stuck = {name for name, seen in self._seen.items() if seen.stuck}
        changing = Counter(_pace_of(one) for one in owed if one.state is MessageState.SHOWN)
        soonest, at_rest = self._poll_s, True
        for one in candidates(owed, stuck, rank=lambda one: self._rank(one, now)):
            seen = self._seen[name_of(one)]
            if (wait_s := self._wait_s(one, seen, now, changing)) > 0:
                soonest = min(soonest, wait_s)
                later = self._leaving and not one.urgent and one.state is MessageState.SHOWN
                at_rest = at_rest and (seen.resting or seen.sending_since is not None or later)
            else:
                at_rest = False
                self._start(one, now, tasks)
        self._at_rest = at_rest
        return soonest

    def _remember(self, owed: list[Owed], now: float) -> None:
        """Forget what is settled; notice what is new, and since when something is uncertain."""
        kept = {name_of(one) for one in owed} | self._busy.names
        for name in [name for name in self._seen if name not in kept]:
            # Only its pace outlasts its being settled.
            if now - self._seen[name].sent_at > _LONGEST_PAUSE_S:
                del self._seen[name]
            else:
                self._seen[name] = _Seen(sent_at=self._seen[name].sent_at, gap_s=self._seen[name].gap_s)
        for one in owed:
            seen = self._seen.setdefault(name_of(one), _Seen())
            if seen.dirty_since is None:
                seen.dirty_since = now
            if one.state is not MessageState.SENDING:
                seen.sending_since = None
            elif seen.sending_since is None or seen.claim != one.claim:
                # Not all replicas at once: the first one to look it up settles it for the others.
                seen.claim = one.claim
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
        if self._is_looked_at(owed, now):
            rank = Rank.PRESSED
        gap_s = max(seen.gap_s, self._budget.pace_s(method, rank, changing[pace]))
        wait_s = max(wait_s, seen.sent_at + gap_s - now)
        return max(wait_s, self._budget.wait(method, now, channel=owed.to, rank=self._rank(owed, now)))

    def _rank(self, owed: Owed, now: float) -> Rank:
        if self._is_looked_at(owed, now):
            return Rank.PRESSED
        since = self._seen[name_of(owed)].dirty_since
        return rank_of(owed, 0 if since is None else now - since)

    def _is_looked_at(self, owed: Owed, now: float) -> bool:
        return now - self._pressed.get(_place_of(owed), -math.inf) < _LOOKING_S

    def _start(self, owed: Owed, now: float, tasks: asyncio.TaskGroup) -> None:
        self._busy.names.add(name_of(owed))
        if owed.state is MessageState.WANTED and not home_of(owed):
            self._busy.lanes.add(lane_of(owed))
        if owed.state is not MessageState.SENDING and not home_of(owed):
            self._budget.take(_pace_of(owed)[0], now, channel=owed.to)
        tasks.create_task(self._bring(owed))

    async def _bring(self, owed: Owed) -> None:
        """One step for one message; whatever goes wrong with it stays with it."""
        seen, began = self._seen[name_of(owed)], self._now()
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
        # The boundary around one message: it waits, and the others go on.
        except Exception:
            self._back_off(seen)
            seen.stuck = True
            log.exception("message failed; the others go on", extra=extra)
        else:
            seen.failures, seen.stuck, seen.resting, seen.not_before, seen.dirty_since = 0, False, False, 0.0, None
            if began - self._pressed.get(_place_of(owed), math.inf) > _DECIDED_S:
                del self._pressed[_place_of(owed)]
            now = self._now()
            restless = now - seen.sent_at < _CALM_S
            seen.gap_s = min(max(seen.gap_s * 2, _FIRST_GAP_S), _LONGEST_GAP_S) if restless and owed.urgent else 0.0
            seen.sent_at = now
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


def _place_of(owed: Owed) -> tuple[str, str]:
    """Where somebody presses who looks at it."""
    return (owed.to, "") if home_of(owed) else (owed.channel, owed.ts)


def _pace_of(owed: Owed) -> Pace:
    """Which bucket of the budget it draws on, and beside whom."""
    if home_of(owed):
        return PUBLISH, Rank.URGENT if owed.urgent else Rank.LIVE
    return POST if owed.state is MessageState.WANTED else UPDATE, rank_of(owed, 0)


def _pause_s(failures: int) -> float:
    return min(_PAUSE_S * 2 ** min(failures - 1, 10), _LONGEST_PAUSE_S)
