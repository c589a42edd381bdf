"""How do modals and the App Home open and change?"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from bot.chat.answers import Trouble
from bot.chat.calls import Calls
from bot.errors import Unreachable

log = logging.getLogger(__name__)

TOO_LATE = "Slack took too long to open this; press again."
NOT_OPENED = "Slack did not open this; press again, and see the log of T-Minus if it happens twice."

_TRIGGERS = frozenset({"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"})

RenderHome = Callable[[str], Awaitable[dict[str, Any]]]


class Screens:
    def __init__(self, calls: Calls, render_home: RenderHome) -> None:
        self._calls = calls
        self._render_home = render_home
        self._homes: dict[str, str] = {}
        self._publishing: dict[str, asyncio.Lock] = {}

    async def open(self, trigger_id: str, view: dict[str, Any]) -> tuple[str | None, str]:
        """The view's id, or None and a sentence. Called once: the trigger is used up, and lives three seconds."""
        try:
            answer = await self._calls.once("views.open", trigger_id=trigger_id, view=view)
        except Trouble as trouble:
            if is_expired(trouble):
                log.info("a trigger came too late", extra={"code": trouble.code})
                return None, TOO_LATE
            log.error("a modal did not open", extra={"code": trouble.code, "detail": trouble.detail})  # noqa: TRY400
            return None, NOT_OPENED
        return str(answer["view"]["id"]), ""

    async def update(self, view_id: str, view: dict[str, Any], *, hash: str = "") -> None:  # noqa: A002 - Slack's word
        """The newest form of a modal; nothing happens when the person has closed it or changed it meanwhile."""
        guard = {"hash": hash} if hash else {}
        try:
            await self._calls.repeatable("views.update", view_id=view_id, view=view, **guard)
        except Trouble as trouble:
            if trouble.code in {"not_found", "hash_conflict"}:
                log.info("a modal has moved on", extra={"view": view_id, "code": trouble.code})
            else:
                log.error("a modal was not updated", extra={"code": trouble.code, "detail": trouble.detail})  # noqa: TRY400
        except Unreachable as problem:
            log.warning("a modal was not updated", extra={"view": view_id, "why": str(problem)})

    async def publish(self, user: str, *, always: bool = False) -> None:
        """Somebody's App Home; not sent again when it still looks as this process last sent it."""
        # One at a time for each person, so that an older form never overtakes a newer one.
        async with self._publishing.setdefault(user, asyncio.Lock()):
            view = await self._render_home(user)
            form = hashlib.sha256(json.dumps(view, sort_keys=True).encode()).hexdigest()
            if always or self._homes.get(user) != form:
                self._homes.pop(user, None)
                await self._calls.repeatable("views.publish", user_id=user, view=view)
                self._homes[user] = form


def is_expired(trouble: Trouble) -> bool:
    """Slack says it in two shapes: as an error of its own, or as an argument that is wrong."""
    return trouble.code in _TRIGGERS or (trouble.code == "invalid_arguments" and "trigger_id" in trouble.detail)
