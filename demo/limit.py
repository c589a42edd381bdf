"""Has this client asked too often?"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rate:
    burst: int
    per_second: float


ANYBODY = Rate(burst=20, per_second=4)
# Whoever holds a key has been told how much they may ask; the limit only keeps a mistake of theirs from hurting others.
WITH_KEY = Rate(burst=2000, per_second=2000)
FORGET_ABOVE = 10_000


@dataclass(frozen=True, kw_only=True)
class Decision:
    allowed: bool
    limit: int
    remaining: int
    retry_after: int


class Limits:
    """A bucket of tokens for each client and endpoint."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, who: str, rate: Rate, now: float) -> Decision:
        left, seen = self._buckets.get(who, (float(rate.burst), now))
        left = min(rate.burst, left + (now - seen) * rate.per_second)
        allowed = left >= 1
        left -= allowed
        self._buckets[who] = (left, now)
        if len(self._buckets) > FORGET_ABOVE:
            self._buckets = {key: kept for key, kept in self._buckets.items() if now - kept[1] < rate.burst}
        wait = 0 if allowed else math.ceil((1 - left) / rate.per_second)
        return Decision(allowed=allowed, limit=rate.burst, remaining=int(left), retry_after=wait)
