"""What can the rest of T-Minus ask of Slack?"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.answers import Trouble, sentence
from bot.chat.budget import Budget
from bot.chat.calls import Calls
from bot.chat.files import Files
from bot.chat.loop import Loop
from bot.chat.messages import HashOf, Messages, Render
from bot.chat.people import People, WhoAmI
from bot.chat.screens import RenderHome, Screens
from bot.chat.whispers import Whisper, Whispers
from bot.errors import Unreachable
from bot.model import Outbox, Person, Presence

log = logging.getLogger(__name__)

#: How often it is looked whether all is said.
_BREATH_S = 0.02

#: Whispers are for people who wait; if so many pile up, nobody waits for the oldest any more.
_WHISPERS = 500
_WHISPERING = 8


class SlackChat:
    """What is wanted is brought by itself; the rest (answers, modals, look-ups) is asked for."""

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
        budget = budget or Budget()
        calls = Calls(client, budget, now)
        #: How often Slack answered what: by method and outcome.
        self.outcomes = calls.outcomes
        self._people = People(calls)
        self._screens = Screens(calls, render_home)
        self._whispers = Whispers(calls, self._people, now)
        self._files = Files(calls)
        messages = Messages(calls, self._people, self._screens, outbox, render, hash_of)
        self._loop = Loop(outbox, messages, budget, grace_s=grace_s, poll_s=poll_s, now=now, chance=chance)
        self._whispering: asyncio.Queue[tuple[Whisper, str, Sequence[dict[str, Any]]]] = asyncio.Queue(_WHISPERS)
        self._unsaid = 0

    async def run(self) -> None:
        """Until cancelled; drain first."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_WHISPERING):
                tasks.create_task(self._whisper_on())
            tasks.create_task(self._loop.run())

    def nudge(self) -> None:
        """Something changed: look now."""
        self._loop.nudge()

    def pressed(self, channel: str, ts: str) -> None:
        """Somebody pressed something in this message, or in the Home of this person: they wait for what it says next."""
        self._loop.pressed(channel, ts)

    async def drain(self, timeout: float) -> bool:  # noqa: ASYNC109 - the caller's patience, not a cancellation
        """Let everything that can be said be said; False when some of it has to wait for the next start."""
        until = self._now() + timeout
        self._loop.leave()
        while self._now() < until:
            if self._loop.at_rest and not self._unsaid:
                return True
            await asyncio.sleep(_BREATH_S)
        return False

    # ── Answers to one person ────────────────────────────────────────────────────────────────────────────────────────

    def whisper(self, to: Whisper, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None:
        """Queued, not awaited: an answer that only this person sees."""
        try:
            self._whispering.put_nowait((to, text, blocks))
            self._unsaid += 1
        except asyncio.QueueFull:
            log.error("too many answers are waiting; one is dropped", extra={"user": to.user})  # noqa: TRY400

    async def give(self, user: str, name: str, content: bytes, comment: str) -> None:
        """A file in this person's direct messages, because they asked for it. Raises Unreachable when Slack does not take it."""
        try:
            await self._files.give(await self._people.direct(user), name, content, comment)
        except Trouble as trouble:
            raise Unreachable(sentence(trouble, user)) from trouble

    async def _whisper_on(self) -> None:
        while True:
            to, text, blocks = await self._whispering.get()
            try:
                await self._whispers.say(to, text, blocks)
            # The boundary around one answer: the next person waits for theirs.
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

    async def presence(self, who: str) -> Presence:
        return await self._people.presence(who)

    async def who_am_i(self) -> WhoAmI:
        return await self._people.who_am_i()
