"""What may be used only for a while: trigger ids and response URLs, both by real time."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.refusal import Refusal
from sandbox.store import Store

TRIGGER_LIVES_S = 3.0
RESPONSE_LIVES_S = 30 * 60
RESPONSE_USES = 5
KEPT_TRIGGERS = 1000


@dataclass(kw_only=True)
class Trigger:
    user: str
    made: float
    spent: bool = False


class Tickets:
    """Issues and takes trigger ids (three seconds, once) and response URLs (five times, thirty minutes)."""

    def __init__(
        self,
        store: Store,
        team_id: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,  # a response URL outlives the process, and no other clock does
    ) -> None:
        self._store = store
        self._team = str(int.from_bytes(team_id.encode()[-4:]))
        self._now = clock
        self._wall = wall
        self._triggers: dict[str, Trigger] = {}
        for token, known in list(store.all("response")):
            if self._wall() - known["made"] > RESPONSE_LIVES_S:
                store.drop("response", token)

    def trigger(self, user: str) -> str:
        trigger_id = f"{time.time_ns() // 1000}.{self._team}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user=user, made=self._now())
        while len(self._triggers) > KEPT_TRIGGERS:
            self._triggers.pop(next(iter(self._triggers)))
        return trigger_id

    def look(self, trigger_id: str) -> Trigger:
        """The living trigger, or Slack's refusal; it is spent only when the call succeeds."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.spent:
            raise Refusal("exchanged_trigger_id")
        if self._now() - trigger.made > TRIGGER_LIVES_S:
            raise Refusal("expired_trigger_id")
        return trigger

    def response(self, *, user: str, channel: str, ts: str | None, thread_ts: str | None, ephemeral: bool) -> str:
        """The last part of a new response URL."""
        token = secrets.token_urlsafe(18)
        known = {"user": user, "channel": channel, "ts": ts, "thread_ts": thread_ts, "ephemeral": ephemeral}
        self._store.put("response", token, known | {"made": self._wall(), "uses": 0})
        return token

    def use(self, token: str) -> dict[str, Any]:
        """What the URL stands for, counted as one use; or Slack's refusal."""
        known = self._store.get("response", token)
        if known is None:
            raise Refusal("invalid_url", status=404)
        if self._wall() - known["made"] > RESPONSE_LIVES_S:
            raise Refusal("expired_url", status=404)
        if known["uses"] >= RESPONSE_USES:
            raise Refusal("used_url", status=404)
        self._store.put("response", token, known | {"uses": known["uses"] + 1})
        return known

    def point(self, token: str, ts: str, *, ephemeral: bool) -> None:
        """Remember the message that the URL made first, so that it can be replaced."""
        known = self._store.get("response", token)
        if known is not None and known["ts"] is None:
            self._store.put("response", token, known | {"ts": ts, "ephemeral": ephemeral})
