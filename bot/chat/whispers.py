"""How does an answer reach one person, and nobody else?"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.chat.answers import Trouble
from bot.chat.calls import TIMEOUT_S, Calls
from bot.chat.people import People
from bot.errors import TMinusError
from bot.text import clip

log = logging.getLogger(__name__)

#: What Slack allows with one response_url; a little less, because it counts from earlier than we can see.
_USES, _FOR_S = 5, 29 * 60.0

#: Longer texts are shortened by clients anyway.
_LONGEST = 3000

_SLACK_USER = re.compile(r"[UW][A-Z0-9]+")
_OK = 200


@dataclass(frozen=True, kw_only=True)
class Whisper:
    """Who is answered, and where they are looking."""

    user: str
    channel: str = ""
    #: The thread of the message that was pressed.
    thread_ts: str = ""
    response_url: str = ""


@dataclass(kw_only=True)
class _Url:
    since: float
    used: int = 0


class Whispers:
    """Three ways, tried in turn: the response_url, an ephemeral message, a direct message."""

    def __init__(self, calls: Calls, people: People, now: Callable[[], float]) -> None:
        self._calls = calls
        self._people = people
        self._now = now
        self._urls: dict[str, _Url] = {}

    async def say(self, to: Whisper, text: str, blocks: Sequence[dict[str, Any]] = ()) -> bool:
        """Whether it arrived. Twice is better than never, so an unclear answer leads on to the next way."""
        content: dict[str, Any] = {"text": clip(text, _LONGEST)} | ({"blocks": list(blocks)} if blocks else {})
        if not _SLACK_USER.fullmatch(to.user):
            log.info("nobody in Slack to answer", extra={"user": to.user})
            return False
        for way in (self._respond, self._ephemeral, self._direct):
            try:
                if await way(to, content):
                    return True
            except TMinusError as problem:
                log.info("a way to answer is closed", extra={"way": way.__name__, "why": str(problem)})
        log.warning("an answer did not arrive", extra={"user": to.user})
        return False

    async def _respond(self, to: Whisper, content: dict[str, Any]) -> bool:
        if not to.response_url or not self._may_use(to.response_url):
            return False
        hook = AsyncWebhookClient(to.response_url, timeout=TIMEOUT_S, retry_handlers=[])
        body = {**content, "response_type": "ephemeral", "replace_original": False}
        if to.thread_ts:
            body["thread_ts"] = to.thread_ts
        try:
            answer = await hook.send_dict(body)
        except Exception as problem:  # noqa: BLE001 - the boundary to slack_sdk and the network
            log.info("a response_url did not answer", extra={"why": type(problem).__name__})
            return False
        return answer.status_code == _OK

    async def _ephemeral(self, to: Whisper, content: dict[str, Any]) -> bool:
        if not to.channel:
            return False
        place = {"channel": to.channel, "user": to.user} | ({"thread_ts": to.thread_ts} if to.thread_ts else {})
        try:
            await self._calls.repeatable("chat.postEphemeral", **place, **content)
        except Trouble as trouble:
            log.info("no ephemeral message", extra={"channel": to.channel, "code": trouble.code})
            return False
        return True

    async def _direct(self, to: Whisper, content: dict[str, Any]) -> bool:
        channel = await self._people.direct(to.user)
        await self._calls.repeatable("chat.postMessage", channel=channel, unfurl_links=False, **content)
        return True

    def _may_use(self, url: str) -> bool:
        now = self._now()
        for old in [one for one, use in self._urls.items() if now - use.since > _FOR_S * 2]:
            del self._urls[old]
        use = self._urls.setdefault(url, _Url(since=now))
        if use.used >= _USES or now - use.since > _FOR_S:
            return False
        use.used += 1
        return True
