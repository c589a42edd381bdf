"""How often may Slack be called, and who has to wait? Pure: the time comes in, no clock is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

#: Slack states its limits as calls a minute for each method and workspace; these are the published tiers.
TIERS: Mapping[int, float] = {2: 20, 3: 50, 4: 100}

_TIER_OF: Mapping[str, int] = {
    "chat.postEphemeral": 4,
    "chat.update": 3,
    "conversations.history": 3,
    "conversations.info": 3,
    "conversations.list": 2,
    "conversations.open": 3,
    "conversations.replies": 3,
    "dnd.info": 3,
    "files.completeUploadExternal": 4,
    "files.getUploadURLExternal": 4,
    "users.getPresence": 3,
    "users.info": 4,
    "users.lookupByEmail": 3,
    "views.open": 4,
    "views.publish": 4,
    "views.update": 4,
}

#: A method that is not listed above is called rarely; the tightest tier in use is safe for it.
_UNLISTED = 2

POST = "chat.postMessage"
UPDATE = "chat.update"
PUBLISH = "views.publish"

#: About one message a second into each channel, a few more in a burst; and a bound for the whole workspace.
_POST_INTERVAL_S, _POST_BURST = 1.0, 5
_POSTS_PER_MINUTE, _POSTS_BURST = 240.0, 20

_MINUTE_S = 60.0


class Rank(IntEnum):
    """Who goes first."""

    #: Somebody pressed something in it and looks at it now.
    PRESSED = 0
    #: It decides something, or somebody waits for it.
    URGENT = 1
    NORMAL = 2
    #: The live tail of a run: the next one replaces it anyway.
    LIVE = 3


#: The share of a burst that stays free for those of a better rank.
_RESERVED: Mapping[Rank, float] = {Rank.PRESSED: 0.0, Rank.URGENT: 0.0, Rank.NORMAL: 0.3, Rank.LIVE: 0.6}

#: The share of all calls that may go to what changes all the time: live tails between them, App Homes between them.
_LIVE_SHARE = 0.4

#: What one message looked like for less than this nobody has read.
_GLIMPSE_S = {Rank.PRESSED: 0.0, Rank.URGENT: 0.5, Rank.NORMAL: 1.0, Rank.LIVE: 3.0}


@dataclass(kw_only=True)
class Bucket:
    """A leaky bucket as the generic cell rate algorithm: one number, the time at which it would be empty."""

    interval_s: float
    burst: int
    empty_at: float = float("-inf")

    def wait(self, now: float, reserved: float = 0.0) -> float:
        """Seconds until one more may pass while this share of the burst stays free for others."""
        free = min(round(self.burst * reserved), self.burst - 1)
        return max(0.0, self.empty_at - now - (self.burst - 1 - free) * self.interval_s)

    def take(self, now: float) -> None:
        self.empty_at = max(self.empty_at, now) + self.interval_s

    def hold(self, now: float, seconds: float) -> None:
        """Slack said how long to stay away; after that there is no burst at once."""
        self.empty_at = max(self.empty_at, now + seconds + (self.burst - 1) * self.interval_s)


def tier_bucket(per_minute: float) -> Bucket:
    """Never more than `per_minute` in any minute: the burst is a fifth of it, and the steady rate the rest."""
    burst = max(1, round(per_minute / 5))
    return Bucket(interval_s=_MINUTE_S / (per_minute - burst), burst=burst)


@dataclass(kw_only=True)
class Budget:
    """One bucket for each method of the workspace, and one for each channel that is posted to."""

    methods: dict[str, Bucket] = field(default_factory=dict)
    channels: dict[str, Bucket] = field(default_factory=dict)

    def wait(self, method: str, now: float, *, channel: str = "", rank: Rank = Rank.URGENT) -> float:
        reserved = _RESERVED[rank]
        return max(bucket.wait(now, reserved) for bucket in self._buckets(method, channel))

    def take(self, method: str, now: float, *, channel: str = "") -> None:
        for bucket in self._buckets(method, channel):
            bucket.take(now)
        self._forget(now)

    def hold(self, method: str, now: float, seconds: float, *, channel: str = "") -> None:
        """After a 429. For a post it is nearly always the channel that is full; if not, the next channel says so too."""
        self._buckets(method, channel)[-1].hold(now, seconds)

    def pace_s(self, method: str, rank: Rank, changing: int) -> float:
        """How far apart changes of one message are kept while this many of its rank are changing."""
        if rank <= Rank.URGENT:
            return _GLIMPSE_S[rank]
        share = _LIVE_SHARE if rank is Rank.LIVE else 1.0
        return max(_GLIMPSE_S[rank], (changing - 1) * self._method(method).interval_s / share)

    def _buckets(self, method: str, channel: str) -> list[Bucket]:
        if method != POST:
            return [self._method(method)]
        fresh = Bucket(interval_s=_POST_INTERVAL_S, burst=_POST_BURST)
        return [self._method(method), self.channels.setdefault(channel, fresh)]

    def _method(self, method: str) -> Bucket:
        if (bucket := self.methods.get(method)) is None:
            if method == POST:
                bucket = Bucket(interval_s=_MINUTE_S / _POSTS_PER_MINUTE, burst=_POSTS_BURST)
            else:
                bucket = tier_bucket(TIERS[_TIER_OF.get(method, _UNLISTED)])
            self.methods[method] = bucket
        return bucket

    def _forget(self, now: float) -> None:
        """A bucket that has long been empty behaves like a new one."""
        for channel in [channel for channel, bucket in self.channels.items() if bucket.empty_at < now - _MINUTE_S]:
            del self.channels[channel]
