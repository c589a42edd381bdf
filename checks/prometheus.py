"""What does Prometheus answer to a query, now and over a time that is past?"""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pydantic import Field

from bot.check import Context
from bot.errors import Cannot
from checks.api import Api, ask

#: How many points of the past are asked for: enough for a median, and few enough for any Prometheus.
POINTS = 120
#: What has a value also where nothing was measured, or because nothing was.
_ALWAYS_THERE = re.compile(r"\b(?:vector|absent|absent_over_time)\s*\(", re.IGNORECASE)
#: A number, or anything times nothing.
_MADE_UP = re.compile(r"^[\s(]*[-+]?[\d.]|\*\s*\(?\s*[-+]?0+(?:\.0*)?(?![\w.])")
#: A name that is no function; `by (…)` and the like name labels.
_METRIC = re.compile(
    r"(?<![\w.])(?!(?:by|without|on|ignoring|and|or|unless|offset|bool|inf|nan)\b)[a-z_:][\w:]*\b(?!\s*\()|\{",
    re.IGNORECASE,
)
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)|\[[^\]]*\]", re.IGNORECASE)
_OR_OR_BRACKET = re.compile(r"\bor\b|[()]", re.IGNORECASE)
#: MetricsQL's way to say the same.
_DEFAULT = re.compile(r"\bdefault\b\s*[\w(+-]", re.IGNORECASE)
_QUOTED = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|\#[^\n]*""")


class Prometheus(Api):
    """Where Prometheus, or what speaks its API, is asked."""

    url: str = Field(description="Address of Prometheus, Thanos, Mimir or VictoriaMetrics, up to `/api/v1`.")


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a graph."""

    labels: Mapping[str, str]
    #: Newest last; one of them for an instant query. NaN is what 0/0 leaves behind.
    points: tuple[float, ...]

    @property
    def name(self) -> str:
        told = ", ".join(f"{key}={value}" for key, value in sorted(self.labels.items()) if key != "__name__")
        return f"{self.labels.get('__name__', '')} {told}".strip()

    @property
    def value(self) -> float | None:
        return known(self.points[-1]) if self.points else None


def known(number: float) -> float | None:
    """NaN and infinity are not measurements."""
    return number if math.isfinite(number) else None


def sighted(query: str) -> str:
    """Refuse a query that turns blindness into a number."""
    if not query.strip():
        raise ValueError("the query is empty")
    bare = re.sub(r"\{[^}]*\}", "{}", _QUOTED.sub("", query))
    if _DEFAULT.search(bare) or any(map(_blind, _alternatives(bare))):
        raise ValueError("`or vector(0)` turns what is absent into a number; leave it out, and absent stays unknown")
    return query


def _alternatives(query: str) -> Iterator[str]:
    """What stands behind each `or`, up to the next one or to the bracket around both."""
    signs = list(_OR_OR_BRACKET.finditer(query))
    for number, sign in enumerate(signs):
        if sign[0] in "()":
            continue
        depth, end = 0, len(query)
        for later in signs[number + 1 :]:
            if depth == 0 and later[0] != "(":
                end = later.start()
                break
            depth += {"(": 1, ")": -1}.get(later[0], 0)
        yield query[sign.end() : end]


def _blind(expression: str) -> bool:
    """Does it say something also when nothing is known?"""
    bare = _LABELS.sub("", expression)
    return bool(_ALWAYS_THERE.search(bare) or _MADE_UP.search(bare)) or not _METRIC.search(bare)


async def instant(at: Prometheus, ctx: Context, query: str) -> list[Series]:
    """What the query gives now."""
    return _series(await _data(at, ctx, "query", {"query": query}), query, {"vector", "scalar"})


async def past(at: Prometheus, ctx: Context, query: str, *, until: datetime, last_s: float) -> list[Series]:
    """What the query gave over a stretch of time that ended at this moment."""
    step = max(last_s / POINTS, 1.0)
    window = {"start": f"{until.timestamp() - last_s:.3f}", "end": f"{until.timestamp():.3f}", "step": f"{step:.3f}"}
    return _series(await _data(at, ctx, "query_range", {"query": query, **window}), query, {"matrix"})


async def _data(at: Prometheus, ctx: Context, what: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Asked by POST, since queries are longer than addresses may be."""
    url = f"{at.url.rstrip('/')}/api/v1/{what}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    document, _ = await ask(
        at, ctx, url, method="POST", headers=headers, content=urlencode(form).encode(), refusals=(400, 422)
    )
    if not isinstance(document, dict) or "status" not in document:
        raise Cannot(f"{url} does not answer as Prometheus does; is the address right?")
    if document["status"] != "success":
        raise Cannot(
            f"Prometheus refuses the query: {' '.join(str(document.get('error', 'it does not say why')).split())}."
        )
    # VictoriaMetrics says so where some of its storage did not answer.
    if document.get("isPartial") is True:
        raise Cannot("Prometheus knows only a part: a storage behind it did not answer.")
    if warnings := document.get("warnings"):
        raise Cannot(f"Prometheus knows only a part: {' '.join(str(warnings[0]).split())}.")
    data = document.get("data")
    return data if isinstance(data, dict) else {}


def _series(data: Mapping[str, Any], query: str, wanted: Collection[str]) -> list[Series]:
    kind, result = data.get("resultType"), data.get("result")
    if kind not in wanted:
        raise Cannot(f"Prometheus answers with a {kind or 'nothing'}, not with numbers, to '{query[:80]}'.")
    try:
        if kind == "scalar" and isinstance(result, list):
            return [Series(labels={}, points=(float(result[1]),))]
        if kind == "vector" and isinstance(result, list):
            return [Series(labels=one.get("metric", {}), points=(float(one["value"][1]),)) for one in result]
        if kind == "matrix" and isinstance(result, list):
            return [
                Series(labels=one.get("metric", {}), points=tuple(float(value) for _, value in one["values"]))
                for one in result
            ]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Cannot(f"Prometheus answers with something that is no number to '{query[:80]}'.") from error
    raise Cannot(f"Prometheus answers with no numbers to '{query[:80]}'.")
