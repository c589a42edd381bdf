"""Who is who? Slack's answer, remembered, so that the terminal knows people when Slack is down."""

from datetime import timedelta

from bot.errors import Refused, Unreachable
from bot.model import Directory, Person, Presence
from bot.store import Store

#: How long a remembered person is not asked for again.
_FRESH = timedelta(hours=12)


class Remembering:
    """A directory that asks another one, and falls back to what it heard last."""

    def __init__(self, store: Store, ask: Directory | None = None) -> None:
        self._store = store
        self._ask = ask

    async def person(self, who: str) -> Person:
        known = await self._store.person(who, younger_than=_FRESH)
        if known is not None:
            return known
        old = await self._store.person(who)
        if self._ask is None:
            if old is None:
                raise Refused(f"{who} is not known here yet; start the bot once while Slack answers.")
            return old
        try:
            person = await self._ask.person(who)
        except Unreachable:
            if old is None:
                raise
            return old
        await self._store.remember_person(person, email=who if "@" in who else "")
        return person

    async def channel(self, name_or_id: str) -> str:
        return await self._asked().channel(name_or_id)

    async def is_member(self, channel: str) -> bool:
        return await self._asked().is_member(channel)

    async def permalink(self, channel: str, ts: str) -> str:
        return await self._asked().permalink(channel, ts)

    async def presence(self, who: str) -> Presence:
        return await self._asked().presence(who)

    def _asked(self) -> Directory:
        if self._ask is None:
            raise Unreachable("Slack is not connected here; a deployment is opened in Slack, and carried on from here.")
        return self._ask
