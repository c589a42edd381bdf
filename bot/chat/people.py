"""Who and where, in Slack: people, channels, ourselves."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from bot.chat.answers import Trouble
from bot.chat.calls import Calls
from bot.errors import Refused, Unreachable
from bot.model import Person, Presence

_USER_ID = re.compile(r"[UW][A-Z0-9]{2,}")
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{2,}")
#: How Slack writes a mention that somebody typed: <@U123|ana>, <#C123|deploys>.
_WRITTEN = re.compile(r"<[@#]([A-Z0-9]+)(?:\|[^>]*)?>")

#: Names, zones and channels change rarely; this is how long a change may go unseen.
_FRESH_S = 600.0
_PAGE = 200

T = TypeVar("T")


class WhoAmI(NamedTuple):
    team: str
    bot_user_id: str
    scopes: frozenset[str]


@dataclass(kw_only=True)
class _Known(Generic[T]):
    """Answers kept for a while."""

    now: Callable[[], float]
    kept: dict[str, tuple[float, T]]

    def get(self, key: str) -> T | None:
        found = self.kept.get(key)
        return found[1] if found and self.now() - found[0] < _FRESH_S else None

    def put(self, key: str, value: T) -> T:
        self.kept[key] = (self.now(), value)
        return value


class People:
    """Look-ups, remembered for ten minutes."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._people: _Known[Person] = _Known(now=calls.now, kept={})
        self._channels: _Known[str] = _Known(now=calls.now, kept={})
        self._dms: dict[str, str] = {}
        self._links: dict[tuple[str, str], str] = {}
        self._me: tuple[WhoAmI, str] | None = None

    async def person(self, who: str) -> Person:
        """By Slack id, mention or e-mail. Refused with a sentence when there is nobody like that."""
        who = _unwrapped(who)
        if (known := self._people.get(who)) is not None:
            return known
        user = await self._user(who)
        if user.get("deleted"):
            raise Refused(f"{user.get('real_name') or who} is deactivated in Slack; name another person.")
        profile = user.get("profile") or {}
        # The record says who somebody is, not what they like to be called.
        name = (
            user.get("real_name") or profile.get("real_name") or profile.get("display_name") or user.get("name") or who
        )
        return self._people.put(who, Person(id=user["id"], name=name, tz=user.get("tz") or "UTC"))

    async def presence(self, who: str) -> Presence:
        """Whether somebody is there to be called, as of now."""
        user = await self._user(_unwrapped(who))
        name = str(user.get("real_name") or user.get("name") or who)
        if user.get("deleted"):
            return Presence(name=name, deactivated=True)
        active = await self._told("users.getPresence", user["id"])
        quiet = await self._told("dnd.info", user["id"])
        return Presence(
            name=name,
            away=None if active is None else active.get("presence") != "active",
            quiet=None if quiet is None else _quiet(quiet),
        )

    async def _told(self, method: str, user: str) -> dict[str, Any] | None:
        """What an app that was installed without the scope is not told is not known, and no reason to fail."""
        try:
            return await self._calls.repeatable(method, user=user)
        except (Trouble, Unreachable):
            return None

    async def _user(self, who: str) -> dict[str, Any]:
        try:
            if "@" in who.strip("@"):
                answer = await self._calls.repeatable("users.lookupByEmail", email=who)
            elif _USER_ID.fullmatch(who):
                answer = await self._calls.repeatable("users.info", user=who)
            else:
                raise Refused(f"{who} is neither a Slack id (U…) nor an e-mail address; use one of them.")
        except Trouble as trouble:
            raise Refused(
                f"Slack knows nobody as {who} ({trouble.code}); name somebody of this workspace."
            ) from trouble
        return answer["user"]

    async def channel(self, name_or_id: str) -> str:
        """The id of a channel that T-Minus can see."""
        name = _unwrapped(name_or_id).removeprefix("#")
        if _CHANNEL_ID.fullmatch(name):
            return name
        if (known := self._channels.get(name)) is not None:
            return known
        kinds = {"types": "public_channel,private_channel", "exclude_archived": True, "limit": _PAGE}
        async for one in self._calls.pages("conversations.list", "channels", **kinds):
            self._channels.put(one["name"], one["id"])
        if (known := self._channels.get(name)) is None:
            raise Refused(
                f"There is no channel #{name} that T-Minus can see; if it is private, /invite @T-Minus there."
            )
        return known

    async def is_member(self, channel: str) -> bool:
        try:
            answer = await self._calls.repeatable("conversations.info", channel=channel)
        except Trouble as trouble:
            if trouble.code == "channel_not_found":
                return False
            raise Unreachable(f"Slack does not say who is in {channel} ({trouble.code}).") from trouble
        return bool(answer["channel"].get("is_member"))

    async def permalink(self, channel: str, ts: str) -> str:
        if (link := self._links.get((channel, ts))) is None:
            try:
                answer = await self._calls.repeatable("chat.getPermalink", channel=channel, message_ts=ts)
            except Trouble as trouble:
                raise Unreachable(f"Slack has no link to that message ({trouble.code}).") from trouble
            link = self._links[channel, ts] = str(answer["permalink"])
        return link

    async def address(self, to: str) -> str:
        """Where a message to this person or channel is posted."""
        return await self.direct(to) if _USER_ID.fullmatch(to) else await self.channel(to)

    async def direct(self, user: str) -> str:
        """The channel of the direct messages with somebody."""
        if (channel := self._dms.get(user)) is None:
            answer = await self._calls.repeatable("conversations.open", users=[user])
            channel = self._dms[user] = str(answer["channel"]["id"])
        return channel

    async def who_am_i(self) -> WhoAmI:
        return (await self._identity())[0]

    async def is_mine(self, message: dict[str, Any]) -> bool:
        """Whether T-Minus wrote this message; anybody can put metadata into theirs."""
        me, bot_id = await self._identity()
        return message.get("user") == me.bot_user_id or bool(bot_id and message.get("bot_id") == bot_id)

    async def _identity(self) -> tuple[WhoAmI, str]:
        if self._me is None:
            try:
                answer = await self._calls.repeatable("auth.test")
            except Trouble as trouble:
                raise Unreachable(f"Slack does not accept the bot token ({trouble.code}).") from trouble
            me = WhoAmI(team=answer["team_id"], bot_user_id=answer["user_id"], scopes=self._calls.scopes)
            self._me = me, answer.get("bot_id") or ""
        return self._me


def _unwrapped(written: str) -> str:
    found = _WRITTEN.fullmatch(written.strip())
    return found[1] if found else written.strip()


def _quiet(told: dict[str, Any]) -> tuple[float, float]:
    """Snoozed, or the next of the hours that they set for every day."""
    if told.get("snooze_enabled"):
        return 0.0, float(told.get("snooze_endtime") or 0)
    if not told.get("dnd_enabled"):
        return 0.0, 0.0
    return float(told.get("next_dnd_start_ts") or 0), float(told.get("next_dnd_end_ts") or 0)
