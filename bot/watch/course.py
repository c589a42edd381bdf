"""How did it go from moment to moment: how fast were the answers, when did some fail, and when did nobody look?"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.watch import prober

#: So many points are as fine as an eye sees in a chart, and of fewer probes p95 and p99 would be the same.
_POINTS, _PROBES = 150, 20
#: The wait for the next probe of a slow watch is no time in which nobody looked.
_SHORTEST_BREAK_S = 1.0

Stretch = tuple[float, float]


@dataclass(kw_only=True)
class Point:
    """What was seen in one short stretch of time."""

    probes: int = 0
    failed: int = 0
    latencies: list[float] = field(default_factory=list)

    def percentile(self, p: float) -> float | None:
        """The value that p per cent do not exceed, by nearest rank."""
        ordered = sorted(self.latencies)
        return ordered[max(math.ceil(len(ordered) * p / 100), 1) - 1] if ordered else None


@dataclass(kw_only=True)
class Course:
    """Wall times all, in seconds."""

    begins: float
    ends: float
    width_s: float
    points: list[Point]
    #: While at least one address failed: from the first probe that did to the next good one.
    gaps: list[Stretch] = field(default_factory=list)
    #: While nobody probed.
    unseen: list[Stretch] = field(default_factory=list)

    @property
    def probes(self) -> int:
        return sum(point.probes for point in self.points)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """One probe, or the end of a break in the measuring."""

    at: float
    until: float
    address: int = 0
    outcome: int | None = None


def course(samples: bytes, begins: float, ends: float) -> Course:
    """Between two wall times. What was before it began is left out, as is what came after it ended."""
    probes = sum(one.outcome is not None and begins <= one.at < ends for one in _read(samples))
    count = max(min(_POINTS, probes // _PROBES), 1)
    width_s = (ends - begins) / count
    told = Course(begins=begins, ends=ends, width_s=width_s, points=[Point() for _ in range(count)])
    failing: dict[int, float] = {}
    known: dict[int, float] = {}
    gaps: list[Stretch] = []
    seen_to: float | None = None

    def interrupted() -> None:
        gaps.extend((began, known[address]) for address, began in failing.items())
        failing.clear()

    for one in _read(samples):
        if one.outcome is None:
            interrupted()
            if seen_to is not None and one.at - seen_to >= _SHORTEST_BREAK_S:
                told.unseen += _within([(seen_to, one.at)], begins, ends)
            seen_to = None if seen_to is None else max(seen_to, one.at)
            continue
        seen_to = one.until
        if one.outcome == prober.GOOD:
            if one.address in failing:
                gaps.append((failing.pop(one.address), one.at))
        else:
            failing.setdefault(one.address, one.at)
            known[one.address] = one.until
        if begins <= one.at < ends:
            _add(told.points[min(int((one.at - begins) / width_s), count - 1)], one)
    interrupted()
    told.gaps = _within(_merged(gaps), begins, ends)
    return told


def first(samples: bytes) -> float | None:
    """When the first probe was due."""
    return next((one.at for one in _read(samples) if one.outcome is not None), None)


def _add(point: Point, one: _Seen) -> None:
    point.probes += 1
    point.failed += one.outcome != prober.GOOD
    if one.outcome != prober.LOST:
        point.latencies.append(one.until - one.at)


def _read(samples: bytes) -> Iterator[_Seen]:
    whole = len(samples) // prober.RECORD.size * prober.RECORD.size
    ahead = 0.0
    began: float | None = None
    for kind, outcome, address, at_us, latency_us, *_ in prober.RECORD.iter_unpack(samples[:whole]):
        at = at_us / 1e6
        if kind == prober.SESSION:
            began = at
        elif kind == prober.CLOCK:
            ahead = at
            if began is not None:
                yield _Seen(at=began + ahead, until=began + ahead)
                began = None
        elif kind == prober.PAUSE:
            yield _Seen(at=at + ahead, until=at + ahead)
        elif kind == prober.PROBE:
            due = at + ahead
            yield _Seen(at=due, until=due + latency_us / 1e6, address=address, outcome=outcome)


def _merged(stretches: list[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for began, ended in sorted(stretches):
        if merged and began <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ended))
        else:
            merged.append((began, ended))
    return merged


def _within(stretches: list[Stretch], begins: float, ends: float) -> list[Stretch]:
    return [(max(began, begins), min(ended, ends)) for began, ended in stretches if ended > begins and began < ends]
