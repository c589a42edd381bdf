"""How does one message come to stand in Slack once, and only once, whatever is killed or lost on the way?

New: wanted → `sending`, committed → posted with its name as metadata → shown. What is found in `sending` and has been there
for longer than any call can last is looked up by its name: there it is, or it is wanted again. Changed: sent anew, latest wins.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.chat.answers import Fate, Trouble, sentence
from bot.chat.budget import POST, UPDATE
from bot.chat.calls import Calls
from bot.chat.files import Files, stem_of
from bot.chat.order import Name, home_of, name_of
from bot.chat.people import People
from bot.chat.screens import Screens
from bot.crash import crash
from bot.errors import Refused
from bot.model import MessageState, Outbox, Owed, Wanted
from bot.text import clip

log = logging.getLogger(__name__)

EVENT_TYPE = "t_minus_message"

#: chat.update takes no longer text than this; the blocks carry the rest.
_LONGEST = 3900

#: Between the commit of `sending` and the call nothing may take so long that the call could outlive the grace.
_STALL_S = 5.0

#: A message that somebody deleted comes back, because its buttons decide things; but not against people's will for ever.
_COMEBACKS = 3

#: The look-up of a message outside threads starts this long before it was first wanted, because clocks differ.
_SKEW = timedelta(hours=1)
_PAGE = 500

Render = Callable[[str, str], Awaitable[Wanted | None]]
HashOf = Callable[[Wanted], str]


class NotYet(Exception):
    """It waits for something that is on its way: nothing is wrong."""


class NotWanted(NotYet):
    """The record says nothing about it any more, and the store will see that; the others need not wait for it."""


class Messages:
    """Brings one owed message one step further. Raises Trouble, Unreachable or NotYet when it has to be tried again."""

    def __init__(
        self, calls: Calls, people: People, screens: Screens, outbox: Outbox, render: Render, hash_of: HashOf | None
    ) -> None:
        self._calls = calls
        self._people = people
        self._screens = screens
        self._files = Files(calls)
        self._outbox = outbox
        self._render = render
        self._hash_of = hash_of
        self._comebacks: dict[Name, int] = {}

    async def bring(self, owed: Owed) -> None:
        if user := home_of(owed):
            step = self._publish(owed, user)
        elif owed.state is MessageState.SENDING:
            return await self._look_up(owed)
        elif owed.state is MessageState.SHOWN:
            step = self._update(owed)
        else:
            step = self._post(owed)
        try:
            await step
        except Trouble as trouble:
            if trouble.fate in {Fate.NOT_NOW, Fate.UNKNOWN}:
                raise
            await self._give_up(owed, sentence(trouble, owed.to), str(trouble))
        except Refused as refusal:
            await self._give_up(owed, str(refusal), "refused")

    async def _post(self, owed: Owed) -> None:
        if (wanted := await self._render(owed.deployment, owed.key)) is None:
            raise NotWanted
        channel, thread_ts = await self._place(owed)
        file = await self._files.stage(owed, wanted) if wanted.file else ""
        began = self._calls.now()
        if not await self._outbox.sending(owed):
            raise NotYet
        owed = replace(owed, state=MessageState.SENDING, claim=owed.claim + 1)
        crash("outbox.sending")
        if self._calls.now() - began > _STALL_S:
            # Somebody else may already be looking it up; a late call could double it.
            raise NotYet
        try:
            if file:
                ts = await self._files.share(owed, wanted, channel, thread_ts)
            else:
                ts = await self._say(owed, wanted, channel, thread_ts)
        except Trouble as trouble:
            if trouble.fate is Fate.NOT_NOW:
                await self._outbox.wanted_again(owed)
            raise
        crash("outbox.posted")
        await self._outbox.shown(owed, channel=channel, ts=ts, shown_hash=self._form(owed, wanted))
        crash("outbox.shown")
        log.info("message shown", extra={"deployment": owed.deployment, "key": owed.key, "ts": ts})

    async def _say(self, owed: Owed, wanted: Wanted, channel: str, thread_ts: str) -> str:
        name = {"key": _signature(owed), "form": self._form(owed, wanted)}
        answer = await self._calls.once(
            POST,
            paid_as=owed.to,
            channel=channel,
            **_content(wanted),
            **({"thread_ts": thread_ts} if thread_ts else {}),
            metadata={"event_type": EVENT_TYPE, "event_payload": name},
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(answer["ts"])

    async def _look_up(self, owed: Owed) -> None:
        """It may be in Slack, or not; whoever sent it is past all its time-outs."""
        channel, thread_ts = await self._place(owed)
        try:
            found = await self._find(owed, channel, thread_ts)
        except Trouble as trouble:
            if trouble.fate is not Fate.GONE:
                raise
            found = None
        if found is None:
            log.info("message was not sent", extra={"deployment": owed.deployment, "key": owed.key})
            await self._outbox.wanted_again(owed)
            return
        ts, form = found
        log.info("message was found", extra={"deployment": owed.deployment, "key": owed.key, "ts": ts})
        crash("outbox.found")
        await self._outbox.shown(owed, channel=channel, ts=ts, shown_hash=form)
        crash("outbox.shown")

    async def _find(self, owed: Owed, channel: str, thread_ts: str) -> tuple[str, str] | None:
        """Where it stands, and in which form. A thread is read as a whole: a replica may have posted before our last."""
        if thread_ts:
            method, where = "conversations.replies", {"ts": thread_ts}
        else:
            since = {"oldest": f"{(owed.dirty_at - _SKEW).timestamp():.6f}"} if owed.dirty_at else {}
            method, where = "conversations.history", since
        listing = self._calls.pages(
            method, "messages", channel=channel, limit=_PAGE, include_all_metadata=True, **where
        )
        async for message in listing:
            if (form := _form_found(message, owed)) is not None and await self._people.is_mine(message):
                return str(message["ts"]), form
        return None

    async def _update(self, owed: Owed) -> None:
        wanted = await self._render(owed.deployment, owed.key)
        if wanted is None or wanted.file or (form := self._form(owed, wanted)) == owed.shown_hash:
            # Nothing is said about it any more; or it is a file, which stands as it was sent; or it stands already as it
            # would be sent now (what is shown may depend on the time as well as on the record). Whichever: it is settled.
            await self._outbox.shown(owed, channel=owed.channel, ts=owed.ts, shown_hash=owed.wanted_hash)
            return
        try:
            await self._calls.once(UPDATE, paid_as="", channel=owed.channel, ts=owed.ts, **_content(wanted))
        except Trouble as trouble:
            if trouble.fate is not Fate.GONE:
                raise
            await self._come_back(owed)
            return
        crash("outbox.updated")
        await self._outbox.shown(owed, channel=owed.channel, ts=owed.ts, shown_hash=form)

    async def _come_back(self, owed: Owed) -> None:
        """Somebody deleted it. It is posted anew: a deployment must not be stuck because its buttons are gone."""
        times = self._comebacks[name_of(owed)] = self._comebacks.get(name_of(owed), 0) + 1
        if times > _COMEBACKS:
            why = "Somebody keeps deleting this message; it is not posted again until it changes."
            await self._give_up(owed, why, "deleted")
        else:
            log.warning("message was deleted, posting anew", extra={"deployment": owed.deployment, "key": owed.key})
            await self._outbox.wanted_again(owed)

    async def _publish(self, owed: Owed, user: str) -> None:
        await self._screens.publish(user)
        await self._outbox.shown(owed, channel="", ts="", shown_hash=owed.wanted_hash)

    async def _place(self, owed: Owed) -> tuple[str, str]:
        """Channel and thread."""
        if not owed.in_thread:
            return await self._people.address(owed.to), ""
        if (thread := await self._outbox.thread(owed.deployment)) is None:
            raise NotYet
        return thread

    async def _give_up(self, owed: Owed, why: str, detail: str) -> None:
        extra = {"deployment": owed.deployment, "key": owed.key, "to": owed.to, "detail": detail}
        log.error("message cannot be delivered: %s", why, extra=extra)
        await self._outbox.undeliverable(owed, why)

    def _form(self, owed: Owed, wanted: Wanted) -> str:
        """The hash of what is really sent; the record may have moved on since `owed` was read."""
        return self._hash_of(wanted) if self._hash_of else owed.wanted_hash


def _signature(owed: Owed) -> str:
    return f"{owed.deployment}/{owed.key}"


def _content(wanted: Wanted) -> dict[str, Any]:
    blocks = {"blocks": list(wanted.blocks)} if wanted.blocks else {}
    return {"text": clip(wanted.text, _LONGEST) or wanted.key} | blocks


def _form_found(message: dict[str, Any], owed: Owed) -> str | None:
    """In which form this message is the one that is owed; None when it is another."""
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    if metadata.get("event_type") == EVENT_TYPE and payload.get("key") == _signature(owed):
        return str(payload.get("form") or "")
    if owed.file and any(str(file.get("name", "")).startswith(stem_of(owed)) for file in message.get("files") or []):
        return owed.wanted_hash
    return None
