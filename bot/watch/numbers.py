"""What do the records of a prober come to: how many were lost, how long was the longest gap, how fast were the answers?"""

import copy
import math
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.model import Window
from bot.watch import prober

#: Each bucket is 2 % wider than the one before, so a percentile is right within 1 %.
_GROWTH = math.log(1.02)
RECENT_S = 10.0
#: As many as a percentile needs before anybody is called because of it, and not so old that nobody cares any more.
LATELY, LATELY_S = 500, 600.0


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One probe: when it was due (seconds of the prober's clock), what came of it and after how long, and our own lag."""

    due: float
    address: int
    outcome: int
    latency_s: float
    lag_s: float

    @property
    def good(self) -> bool:
        return self.outcome == prober.GOOD


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something happened: which boot of the machine, and when by the prober's clock."""

    what: str
    boot: int
    at: float
    wall: float


class Histogram:
    """Durations by size, each to within one per cent, in constant space however many."""

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self._count = 0

    def add(self, seconds: float) -> None:
        bucket = math.floor(math.log(max(seconds, 1e-6)) / _GROWTH)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self._count += 1

    def percentile(self, p: float) -> float | None:
        """The value that p per cent do not exceed, by nearest rank. None when there is nothing."""
        rank = max(math.ceil(self._count * p / 100), 1)
        for bucket in sorted(self._buckets):
            rank -= self._buckets[bucket]
            if rank <= 0:
                return math.exp((bucket + 0.5) * _GROWTH)
        return None


class Outages:
    """Since when each address fails, and how long the longest failure was.

    A gap is the time between two good answers of one address in excess of the interval of its probes: from the due time of the
    first probe that was lost or answered with an error, to the due time of the next good one. A gap that has not ended counts up
    to the moment at which its last failure was known. The address with the longest gap counts; while nothing failed, it is 0.
    """

    def __init__(self) -> None:
        self._began: dict[int, float] = {}
        self._known: dict[int, float] = {}
        self._longest_s = 0.0

    def add(self, probe: Probe) -> None:
        if not probe.good:
            self._began.setdefault(probe.address, probe.due)
            self._known[probe.address] = max(self._known.get(probe.address, 0.0), probe.due + probe.latency_s)
        elif probe.address in self._began:
            self._end(probe.address, probe.due)

    def interrupted(self) -> None:
        """Nothing was measured for a while: what failed before is not known to have gone on failing."""
        for address in list(self._began):
            self._end(address, self._known[address])

    @property
    def longest_s(self) -> float:
        return max([self._longest_s, *(self._known[address] - began for address, began in self._began.items())])

    def all_down_s(self, addresses: int) -> float:
        """For how long every one of so many addresses has been failing, as far as that is known."""
        if len(self._began) < addresses:
            return 0.0
        return max(self._known.values()) - max(self._began.values())

    def _end(self, address: int, at: float) -> None:
        self._longest_s = max(self._longest_s, at - self._began.pop(address))
        del self._known[address]


class Tally:
    """The numbers of one stretch of probes, in constant space however long it is."""

    def __init__(self) -> None:
        self._probes = self._lost = self._errors = 0
        self._latency = Histogram()
        self._lag = Histogram()
        self._from: float | None = None
        self._to = 0.0
        self.outages = Outages()
        #: So long nobody probed.
        self.missed_s = 0.0

    def add(self, probe: Probe, wall: float) -> None:
        self._probes += 1
        self._lost += probe.outcome == prober.LOST
        self._errors += probe.outcome == prober.ERROR
        # A lost probe has no answer, so it has no latency either.
        if probe.outcome != prober.LOST:
            self._latency.add(probe.latency_s)
        self._lag.add(probe.lag_s)
        self._from = wall if self._from is None else self._from
        self._to = wall
        self.outages.add(probe)

    def window(self, ahead: timedelta = timedelta(0), missing_s: float = 0.0) -> Window:
        """As people see it; `ahead`: how far the clock that they live by is ahead of the machine's.

        `missing_s`: for so long nobody has been probing, up to now.
        """
        not_measured_s = self.missed_s + missing_s
        if self._from is None:
            return Window(not_measured_s=not_measured_s)
        return Window(
            probes=self._probes,
            lost=self._lost,
            errors=self._errors,
            longest_gap_s=self.outages.longest_s,
            p50_s=self._latency.percentile(50),
            p95_s=self._latency.percentile(95),
            p99_s=self._latency.percentile(99),
            lag_p95_s=self._lag.percentile(95),
            not_measured_s=not_measured_s,
            from_at=datetime.fromtimestamp(self._from, UTC) + ahead,
            to_at=datetime.fromtimestamp(self._to, UTC) + ahead,
        )


def _tallied(probes: deque[tuple[Probe, float]], now: float, seconds: float) -> Tally:
    """These probes, if the last of them is not long ago by the prober's clock."""
    tally = Tally()
    if probes and now - probes[-1][0].due < 2 * seconds:
        for probe, wall in probes:
            tally.add(probe, wall)
    return tally


class Summary:
    """Everything that is said about a watch, from its records in order."""

    def __init__(self, addresses: int) -> None:
        self._addresses = addresses
        self._rest = b""
        self._boot = 0
        #: When a session began whose wall clock is not known yet.
        self._began_at: float | None = None
        #: Wall clock minus the prober's clock.
        self._offset = 0.0
        #: Wall time up to which something was measured; None: nothing to be missed yet.
        self._measured_to: float | None = None
        self._recent: deque[tuple[Probe, float]] = deque()
        self._lately: deque[tuple[Probe, float]] = deque(maxlen=LATELY)
        self._outages = Outages()
        #: The mark that began the deployment, and the one that ended it, if it has not begun anew since.
        self._deploy: Mark | None = None
        self._deployed: Mark | None = None
        #: What `since` was when the deployment ended, and which end that was.
        self._frozen: tuple[Mark, Tally] | None = None
        self._ended = False
        self.baseline = Tally()
        self.since = Tally()
        self.restarts = 0
        self.stops = 0
        self.pauses = 0
        self.not_measured_s = 0.0

    def take(self, data: bytes, deploy: Mark | None, deployed: Mark | None = None) -> None:
        self._deploy, self._deployed = deploy, deployed
        data = self._rest + data
        whole = len(data) // prober.RECORD.size * prober.RECORD.size
        self._rest = data[whole:]
        for kind, outcome, address, at_us, latency_us, lag_us, _, _ in prober.RECORD.iter_unpack(data[:whole]):
            at = at_us / 1e6
            match kind:
                case prober.PROBE:
                    probe = Probe(
                        due=at, address=address, outcome=outcome, latency_s=latency_us / 1e6, lag_s=lag_us / 1e6
                    )
                    self._add(probe)
                case prober.SESSION:
                    self._boot, self._began_at = latency_us, at
                    self._interrupted()
                case prober.CLOCK:
                    self._offset = at
                    self._session_began()
                case prober.PAUSE:
                    self.pauses += 1
                    self._interrupted()
                    self._missed_until(at + self._offset)
                case prober.END:
                    self._interrupted()
                    self._ended = True
                case _:
                    raise ValueError(f"a record of kind {kind}")

    def recent(self, now: float, ahead: timedelta = timedelta(0)) -> Window:
        """The last ten seconds, if they are not long ago by the prober's clock."""
        return _tallied(self._recent, now, RECENT_S).window(ahead)

    def lately(self, now: float, ahead: timedelta = timedelta(0)) -> Window:
        """The last five hundred probes since the deployment began, however often it is probed."""
        return _tallied(self._lately, now, LATELY_S).window(ahead)

    def after(self, ahead: timedelta = timedelta(0), until: float = -math.inf) -> Window:
        """Since the deployment began; `until`: the wall time until which nobody has been probing."""
        return self.since.window(ahead, self._missing_s(until))

    def during(self, ahead: timedelta = timedelta(0), until: float = -math.inf) -> Window:
        """While it was deployed. A second try belongs to it, and so does what lay between the two."""
        if self._frozen is not None and self._frozen[0] == self._deployed:
            return self._frozen[1].window(ahead)
        return self.after(ahead, until if self._deployed is None else min(until, self._deployed.wall))

    def _missing_s(self, until: float) -> float:
        if self._measured_to is None or self._deploy is None:
            return 0.0
        return max(until - max(self._measured_to, self._deploy.wall), 0.0)

    @property
    def down_s(self) -> float:
        return self._outages.all_down_s(self._addresses)

    def _add(self, probe: Probe) -> None:
        wall = probe.due + self._offset
        if self._is_past(self._deployed, probe.due, wall):
            self._freeze()
        if self._is_past(self._deploy, probe.due, wall):
            self.since.add(probe, wall)
            self._lately.append((probe, wall))
        else:
            self.baseline.add(probe, wall)
        self._outages.add(probe)
        self._recent.append((probe, wall))
        while self._recent[0][0].due < probe.due - RECENT_S:
            self._recent.popleft()
        while self._lately and self._lately[0][0].due < probe.due - LATELY_S:
            self._lately.popleft()
        self._measured_to = wall + probe.latency_s

    def _is_past(self, mark: Mark | None, due: float, wall: float) -> bool:
        return mark is not None and (due >= mark.at if mark.boot == self._boot else wall >= mark.wall)

    def _freeze(self) -> None:
        if self._deployed is not None and (self._frozen is None or self._frozen[0] != self._deployed):
            self._frozen = (self._deployed, copy.deepcopy(self.since))

    def _session_began(self) -> None:
        """The clock is known now, so it can be said how long nobody probed."""
        if self._began_at is not None and self._measured_to is not None:
            # Whoever ended it in good order ended it all the same: what happened meanwhile nobody has seen.
            self.stops += self._ended
            self.restarts += not self._ended
            self._missed_until(self._began_at + self._offset)
        self._began_at, self._ended = None, False

    def _missed_until(self, wall: float) -> None:
        """Nobody probed from the last measurement to this moment: of which stretch is that time?"""
        began = self._measured_to
        if began is None or wall <= began:
            return
        self._measured_to = wall
        self.not_measured_s += wall - began
        deploy = self._deploy.wall if self._deploy is not None else math.inf
        self.baseline.missed_s += max(min(wall, deploy) - began, 0)
        began = max(began, deploy)
        if self._deployed is not None and wall >= self._deployed.wall:
            ended = max(self._deployed.wall, began)
            self.since.missed_s += ended - began if ended < math.inf else 0
            self._freeze()
            began = ended
        self.since.missed_s += max(wall - began, 0)

    def _interrupted(self) -> None:
        self._recent.clear()
        self._lately.clear()
        for outages in (self._outages, self.baseline.outages, self.since.outages):
            outages.interrupted()
