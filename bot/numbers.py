"""How sure can one be of a ratio that was counted, and how many more must be counted?"""

import math
import statistics
from collections.abc import Iterable

#: 95 %, two-sided.
Z95 = 1.959964


def wilson_upper(k: int, n: int, z: float = Z95) -> float:
    """The highest ratio that `k` of `n` is still compatible with: 0 of 1,000 may be 0.38 %. Nothing counted: 1."""
    return _wilson(k, n, z)[1]


def wilson_lower(k: int, n: int, z: float = Z95) -> float:
    """The lowest ratio that `k` of `n` is still compatible with. Nothing counted: 0."""
    return _wilson(k, n, z)[0]


def needed(k: int, limit: float, z: float = Z95) -> int:
    """How many must be counted, `k` of them bad, before the ratio is surely below `limit`: 3,838 for 0 and 0.1 %."""
    if not 0 < limit < 1:
        raise ValueError(f"a limit lies between 0 and 1: {limit}")
    few, enough = k, max(k, 1)
    while wilson_upper(k, enough, z) >= limit:
        few, enough = enough, enough * 2
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if wilson_upper(k, middle, z) < limit else (middle, enough)
    return enough


_AGGREGATES = {"median": statistics.median, "mean": statistics.fmean, "min": min, "max": max}


def aggregated(numbers: Iterable[float], how: str) -> float | None:
    """Several numbers as one: their median, mean, min or max. None of what is none; NaN is no number."""
    finite = [one for one in numbers if math.isfinite(one)]
    return float(_AGGREGATES[how](finite)) if finite else None


def _wilson(k: int, n: int, z: float) -> tuple[float, float]:
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} cannot be")
    if n == 0:
        return 0.0, 1.0
    ratio, square = k / n, z * z
    centre = ratio + square / (2 * n)
    spread = z * math.sqrt(ratio * (1 - ratio) / n + square / (4 * n * n))
    whole = 1 + square / n
    return max((centre - spread) / whole, 0.0), min((centre + spread) / whole, 1.0)
