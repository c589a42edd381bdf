"""Did the service stand the load that it was put under?"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot
from bot.judge import duration
from bot.model import Measured, Row, Value
from bot.numbers import wilson_upper
from checks.documents import Document, check_about, document
from checks.pick import pick, read

_MS = 0.001


class Params(BaseModel, extra="forbid"):
    """Which report, and how much load there should have been."""

    report: str = Field(
        description="k6's summary as JSON (`handleSummary` or `--summary-export`), or locust's `…_stats.csv`: "
        "`reports/${commit}/load.json`."
    )
    commit: str = Field(
        default="",
        description="What the run has to be about, usually `${commit}`: k6's JSON names it, or the path does.",
    )
    commit_path: str = Field(default="commit", description="Where k6's JSON names it.")
    target: float = Field(default=0.0, ge=0, description="Requests a second that there should have been; 0: not said.")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One load test, whoever ran it. Times are seconds."""

    requests: int
    failed: int
    rate: float
    times: Mapping[str, float]
    #: Limits of the tool's own that were crossed, in its words, and how many there are.
    crossed: tuple[str, ...] = ()
    limits: int = 0
    dropped: int = 0
    rows: tuple[Row, ...] = field(default=())


@check(
    "loadtest",
    values={
        "requests": "how many requests were made",
        "failed": "how many of them failed",
        "ratio": "failed, of all",
        "upper95": "the most that the share can be, with 95 % certainty (Wilson)",
        "p50": "seconds that half of the requests took at most; so p90, p95 and p99, where the report has them",
        "p90": "seconds that 90 % took at most",
        "p95": "seconds that 95 % took at most",
        "p99": "seconds that 99 % took at most",
        "rate": "requests a second",
        "achieved": "rate, of the target; missing without a target",
        "crossed": "how many of the test's own thresholds were crossed; locust has none",
        "dropped": "how many iterations were due and never begun, so that the load was less than planned; locust has none",
        "age": "seconds since the report was written",
    },
    require=["requests >= 1"],
    pass_=["crossed == 0", "dropped == 0", "upper95 < 0.1%"],
    warn=["crossed == 0", "ratio < 0.1%"],
)
async def loadtest(params: Params, ctx: Context) -> Measured:
    """Read the summary of a load test by k6 or locust. A run of another version, or of nobody knows which, says nothing.

    Why: What stands the load of a test bench may fall over at noon; and a test that could not make its load shows nothing.
    Fix: Run the load test against this version; the evidence has each endpoint's numbers.
    """
    given = document(params.report)
    run = _k6(given) if given.text.lstrip().startswith("{") else _locust(given)
    about = pick(read(given.text), params.commit_path, ctx.clock.now())
    check_about(params.commit, {str(about)} if about is not None else (), given.path)
    values: dict[str, Value] = {
        "requests": run.requests,
        "failed": run.failed,
        "rate": run.rate,
        "crossed": len(run.crossed),
        "dropped": run.dropped,
        "age": given.age_s,
        **run.times,
    }
    if run.requests:
        values |= {"ratio": run.failed / run.requests, "upper95": wilson_upper(run.failed, run.requests)}
    if params.target:
        values["achieved"] = run.rate / params.target
    return Measured(values=values, rows=run.rows, summary=_summary(run, params.target))


# ── k6 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _k6(given: Document) -> Run:
    """Both forms of the summary: `handleSummary` has `values` in each metric, `--summary-export` has them beside it."""
    content = read(given.text)
    metrics = content.get("metrics") if isinstance(content, dict) else None
    if not isinstance(metrics, dict) or "http_reqs" not in metrics:
        whole = "no k6 summary with requests in it" if content is not None else "no whole JSON"
        raise Cannot(f"The report {given.name} is {whole}.")
    try:
        requests = int(_k6_values(metrics, "http_reqs")["count"])
        share = _k6_values(metrics, "http_req_failed")
        # `passes` of this metric are requests that failed, so the share itself is what cannot be misread.
        bad = share.get("rate", share.get("value"))
        if bad is None:
            raise Cannot(f"The report {given.name} does not say how many requests failed.")
        took = _k6_values(metrics, "http_req_duration")
        crossed = [f"{name}: {rule}" for name, metric in metrics.items() for rule, held in _limits(metric) if not held]
        return Run(
            requests=requests,
            failed=round(float(bad) * requests),
            rate=float(_k6_values(metrics, "http_reqs")["rate"]),
            times={
                name: float(took[key]) * _MS
                for name, key in (
                    ("p50", "p(50)"),
                    ("p50", "med"),
                    ("p90", "p(90)"),
                    ("p95", "p(95)"),
                    ("p99", "p(99)"),
                )
                if key in took
            },
            crossed=tuple(crossed),
            limits=sum(1 for metric in metrics.values() for _ in _limits(metric)),
            dropped=int(_k6_values(metrics, "dropped_iterations").get("count", 0)),
            rows=tuple(
                Row(subject=f"{name}: {rule}", values={"held": held}, note="" if held else "was crossed")
                for name, metric in metrics.items()
                for rule, held in _limits(metric)
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Cannot(f"The report {given.name} is no k6 summary as it should be.") from error


def _k6_values(metrics: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    metric = metrics.get(name, {})
    return metric.get("values", metric)


def _limits(metric: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Each threshold and whether it held. `handleSummary` says `{ok: true}`; `--summary-export` says whether it was crossed."""
    given = metric.get("thresholds") or {}
    return [(rule, bool(one["ok"]) if isinstance(one, dict) else not one) for rule, one in given.items()]


# ── locust ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _locust(given: Document) -> Run:
    lines = list(csv.DictReader(io.StringIO(given.text)))
    if not lines or not {"Name", "Request Count", "Failure Count", "Requests/s", "95%"} <= set(lines[0]):
        raise Cannot(f"The report {given.name} is neither k6's JSON nor locust's …_stats.csv.")
    total = next((line for line in lines if line["Name"] == "Aggregated"), None)
    if total is None:
        raise Cannot(f"The report {given.name} is not whole: the line 'Aggregated' is missing.")
    try:
        return Run(
            requests=int(total["Request Count"]),
            failed=int(total["Failure Count"]),
            rate=float(total["Requests/s"]),
            times=_locust_times(total),
            rows=tuple(_locust_row(line) for line in lines if line is not total),
        )
    except (TypeError, ValueError) as error:
        raise Cannot(f"The report {given.name} has something in place of a number.") from error


def _locust_times(line: Mapping[str, str]) -> dict[str, float]:
    """`N/A` is what locust writes where there were no requests."""
    named = (("p50", "50%"), ("p90", "90%"), ("p95", "95%"), ("p99", "99%"))
    return {name: float(line[key]) * _MS for name, key in named if line.get(key) not in {None, "", "N/A"}}


def _locust_row(line: Mapping[str, str]) -> Row:
    return Row(
        subject=f"{line.get('Type', '')} {line['Name']}".strip(),
        values={"requests": int(line["Request Count"]), "failed": int(line["Failure Count"]), **_locust_times(line)},
    )


def _summary(run: Run, target: float) -> str:
    if not run.requests:
        return "no requests were made"
    facts = [
        f"crossed {', '.join(run.crossed[:2])}" if run.crossed else "",
        f"{run.dropped:,} iterations never begun" if run.dropped else "",
        f"{run.failed:,} of {run.requests:,} failed",
        f"p95 {duration(run.times['p95'])}" if "p95" in run.times else "",
        f"{run.rate:,.1f} requests/s" + (f" of {target:,.6g}" if target else ""),
        f"{run.limits} thresholds held" if run.limits and not run.crossed else "",
    ]
    return ", ".join(filter(None, facts))
