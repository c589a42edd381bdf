"""How many calls does Slack allow a minute, and when may a refused caller come again?"""

import math
import time
from collections import deque
from collections.abc import Callable

PER_MINUTE = {"t1": 1, "t2": 20, "t3": 50, "t4": 100}
SPECIAL = {"auth.test": 600, "chat.getPermalink": 600, "oauth.v2.access": 600}
# Slack's description and its Java client disagree on this one; a bot that reconnects needs the larger.
PER_MINUTE_DEFAULT = 100
POST = "chat.postMessage"
POST_PER_S = 1.0
POST_BURST = 10
POSTS_PER_MINUTE = 300
WINDOW_S = 60.0


class Limits:
    """A sliding minute for each method; posting is bounded for each channel, with a short burst."""

    def __init__(self, *, enabled: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._now = clock
        self.enabled = enabled
        self.clear()

    def clear(self) -> None:
        self._calls: dict[str, deque[float]] = {}
        self._posts: dict[str, tuple[float, float]] = {}

    def refuse(self, method: str, tier: str | None, channel: str) -> int | None:
        """Seconds to wait when the call is one too many; otherwise it is counted."""
        if not self.enabled:
            return None
        now = self._now()
        if method == POST:
            tokens, seen = self._posts.get(channel, (float(POST_BURST), now))
            tokens = min(POST_BURST, tokens + (now - seen) * POST_PER_S)
            if tokens < 1:
                return max(1, math.ceil((1 - tokens) / POST_PER_S))
            wait = self._window(method, POSTS_PER_MINUTE, now)
            if wait is None:
                self._posts[channel] = (tokens - 1, now)
            return wait
        return self._window(method, SPECIAL.get(method) or PER_MINUTE.get(tier or "", PER_MINUTE_DEFAULT), now)

    def _window(self, key: str, most: int, now: float) -> int | None:
        calls = self._calls.setdefault(key, deque())
        while calls and now - calls[0] >= WINDOW_S:
            calls.popleft()
        if len(calls) >= most:
            return max(1, math.ceil(WINDOW_S - (now - calls[0])))
        calls.append(now)
        return None
