"""What does the record itself say? The two kinds of check that need no network: `watch` and `record`."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from bot.judge import describe, duration, judge, parse, show
from bot.model import Condition, Deployment, Finding, Measured, StepState, Value, Verdict, WatchReport, Window
from bot.numbers import needed, wilson_upper
from bot.plan import CheckPlan, ItemPlan

KINDS = frozenset({"watch", "record"})
#: What a check over the watch may look at; each is a window of its report.
WINDOWS = ("since", "during", "recent", "lately", "baseline")

#: The error rate that `needed` (probes until it can be shown) is worked out for.
ERROR_LIMIT = 0.001
#: Nobody waits longer than this for certainty.
_PATIENCE_S = 3600.0


def judged(deployment: Deployment, plan: CheckPlan, now: datetime) -> Finding:
    """The finding as of now; it never expires, since it is worked out anew each time."""
    if plan.uses == "watch":
        asked = {parse(rule).name for rule in (*plan.pass_, *plan.warn)}
        measured = watched(deployment.watch, str(plan.with_.get("window", "since")), asked)
    else:
        measured = counted(deployment, plan, now)
    verdict, conditions = judge(plan, measured, {})
    unmet = [one for one in conditions if one.held is not True]
    summary = measured.summary if measured is not None else "nothing was measured yet"
    if unmet and verdict is not Verdict.PASS and measured is not None:
        summary = _because(summary, unmet[0], measured, _rate(deployment))
    return Finding(
        check=plan.name,
        verdict=verdict,
        summary=summary,
        measured_at=now,
        expires_at=now + timedelta(days=3650),
        values=measured.values if measured else {},
        conditions=conditions,
    )


def relies_on(deployment: Deployment, plan: CheckPlan) -> tuple[str, ...]:
    """The checks that the record is asked about."""
    if plan.uses != "record":
        return ()
    listed = [name for item in _items(deployment, plan.with_) for name in _measured(deployment, item)]
    return tuple(dict.fromkeys((*_names(plan.with_, "checks"), *listed)))


def _items(deployment: Deployment, wanted: Mapping[str, object]) -> tuple[ItemPlan, ...]:
    """What stands in the sections that are named, without what is not applicable."""
    names, plan = _names(wanted, "sections"), deployment.plan
    sections = [one for one in (*plan.sections, plan.verification) if one.key in names]
    return tuple(item for one in sections for item in one.items if item.key not in deployment.not_applicable)


def _measured(deployment: Deployment, item: ItemPlan) -> list[str]:
    """What measures this item in the world. What burdens the service was measured once, and is not done again for a sum."""
    plans = [(name, deployment.plan.checks.get(name)) for name in item.checks]
    return [name for name, plan in plans if plan is not None and plan.uses not in KINDS and not plan.intrusive]


def holds(deployment: Deployment, check: str, now: datetime) -> bool:
    """Was it measured, not too long ago, and has nobody asked to measure again since?"""
    known = deployment.findings.get(check)
    if known is None or known.expires_at <= now:
        return False
    asked = deployment.remeasure.get(check)
    return asked is None or asked > now or known.measured_at >= asked


def was_late(lag_s: float) -> str:
    """What has to be known before anybody blames the service: the same words wherever it matters."""
    return f"the prober itself was late by {duration(lag_s)} (p95): this machine is busy, and part of what is slow may be ours"


def _because(summary: str, unmet: Condition, measured: Measured, rate: float) -> str:
    """What was seen, and why that is not good enough."""
    rule = parse(unmet.rule)
    if rule.name == "lag_p95" and isinstance(unmet.measured, float):
        return f"{summary}, but {was_late(unmet.measured)}"
    if rule.name == "upper95" and isinstance(rule.value, float) and unmet.measured is not None:
        because = _certainty(measured, rule.value, rate)
    else:
        because = describe(unmet)
    return because if because.startswith(f"{summary},") or not summary else f"{summary}: {because}"


def _rate(deployment: Deployment) -> float:
    """How many probes come in a second."""
    watch = deployment.plan.watch
    return 0.0 if watch is None else watch.rate if deployment.live_at is None else watch.live_rate


def _certainty(measured: Measured, limit: float, rate: float) -> str:
    """What so many probes can and cannot show, in words."""
    upper, ratio, seen = (float(measured.values.get(name, 0)) for name in ("upper95", "ratio", "probes"))
    if ratio >= limit:
        return f"that is {show(ratio, '%')}, {show(limit, '%')} is allowed"
    said = f"the rate may be up to {show(upper, '%')}"
    more = needed(round(ratio * seen), limit) - seen
    if not 0 < more <= rate * _PATIENCE_S:
        return said
    return f"{said}; {more:,.0f} more good ones, about {duration(round(more / rate))}, would show that it is under {show(limit, '%')}"


def watched(report: WatchReport | None, window: str, asked: AbstractSet[str]) -> Measured | None:
    """What the watch saw in one window, as named values; the sentence tells those that are asked for. None before any probe."""
    if report is None:
        return None
    seen: Window = getattr(report, window)
    values: dict[str, Value] = {"probes": seen.probes, "lost": seen.lost, "errors": seen.errors, "down": report.down_s}
    values["not_measured"] = seen.not_measured_s
    if seen.probes:
        bad = seen.lost + seen.errors
        upper = wilson_upper(bad, seen.probes)
        values |= {
            "longest_gap": seen.longest_gap_s,
            "ratio": bad / seen.probes,
            "upper95": upper,
            "needed": needed(bad, ERROR_LIMIT),
        }
    values |= _latencies(seen, report.baseline)
    # What the last lost probe met belongs to this window if it reaches until now.
    last = report.last_error if window != "baseline" and (window != "during" or seen == report.since) else ""
    return Measured(values=values, summary=_sentence(seen, report, asked, last))


def _latencies(seen: Window, baseline: Window) -> dict[str, Value]:
    named = {"p50": seen.p50_s, "p95": seen.p95_s, "p99": seen.p99_s, "lag_p95": seen.lag_p95_s}
    values: dict[str, Value] = {name: value for name, value in named.items() if value is not None}
    if seen.p95_s is not None and baseline.p95_s:
        values["baseline_p95"] = baseline.p95_s
        values["p95_change"] = seen.p95_s / baseline.p95_s - 1
        values["p95_added"] = seen.p95_s - baseline.p95_s
    return values


#: So much of what a probe met is told.
_LONGEST = 150
#: What belongs together in a sentence.
_GAPS = frozenset({"lost", "errors", "longest_gap", "down", "not_measured"})
_LATENCIES = frozenset({"p50", "p95", "p99"})
_CHANGES = frozenset({"p95_change", "p95_added"})


def _sentence(seen: Window, report: WatchReport, asked: AbstractSet[str], last_error: str) -> str:
    if not seen.probes:
        return report.problem or "no probes yet"
    parts: list[str] = []
    if asked & _GAPS or not asked & (_LATENCIES | _CHANGES):
        failed = seen.lost + seen.errors
        last = f" (the last: {last_error[:_LONGEST]})" if failed and last_error else ""
        parts.append(f"{failed:,} of {seen.probes:,} probes failed{last}")
    if asked & _GAPS:
        parts.append(f"longest gap {duration(seen.longest_gap_s)}")
        parts += [f"not measured for {duration(seen.not_measured_s)}"] if seen.not_measured_s else []
    if asked & (_LATENCIES | _CHANGES) and seen.p95_s is not None:
        before = report.baseline.p95_s if asked & _CHANGES else None
        against = (
            f" is {(seen.p95_s / before - 1) * 100:+.0f} % over the baseline of {duration(before)}" if before else ""
        )
        parts.append(f"p95 {duration(seen.p95_s)}{against}")
    return ", ".join(parts) or f"{seen.probes:,} probes"


def counted(deployment: Deployment, plan: CheckPlan, now: datetime) -> Measured:
    """How the named checks, steps and items of this deployment stand."""
    if not plan.with_:
        return spent(deployment)
    tally: dict[str, int] = dict.fromkeys(("required", "passed", "warned", "failed", "unknown", "waived"), 0)
    names: list[str] = []
    titles = _titles(deployment)
    for name, verdict in _standings(deployment, plan.with_, now).items():
        tally["required"] += 1
        tally[verdict] += 1
        if verdict in {"failed", "unknown"}:
            names.append(titles.get(name, name))
    good = tally["passed"] + tally["warned"]
    summary = f"{good} of {tally['required']}" + (f", {tally['waived']} waived" if tally["waived"] else "")
    if names:
        summary += "; not yet: " + ", ".join(names)
    return Measured(values=dict(tally), summary=summary)


def spent(deployment: Deployment) -> Measured:
    """How long the deployment itself took, and how often something in it did not go as it should."""
    values: dict[str, Value] = {
        "retried": sum(deployment.retried.values()),
        "alarms": len(deployment.alarms),
        "waived": len(deployment.waivers),
    }
    begun, live = deployment.started_at, deployment.live_at
    if begun is not None and live is not None:
        values["took"] = (live - begun).total_seconds()
    for step in deployment.plan.steps:
        record = deployment.steps.get(step.key)
        if step.sees == "version" and record is not None and record.ended_at is not None:
            values["script"] = (record.ended_at - record.at).total_seconds()
    told = [f"{duration(float(values[name]))} {what}" for name, what in _SPENT.items() if name in values]
    counted_too = [
        f"{count} {one if count == 1 else many}" for name, (one, many) in _COUNTED.items() if (count := values[name])
    ]
    return Measured(values=values, summary=", ".join(told + counted_too) or "not live yet")


_SPENT = {"took": "from the start to live", "script": "for the deploy script"}
_COUNTED = {
    "retried": ("step tried again", "steps tried again"),
    "alarms": ("trigger tripped", "triggers tripped"),
    "waived": ("line waived", "lines waived"),
}


def _titles(deployment: Deployment) -> dict[str, str]:
    """What people call the checks, steps and items that a rule names by key."""
    plan = deployment.plan
    lists = [*(section.items for section in plan.sections), plan.verification.items, plan.criteria.items]
    items = [item for listed in lists for item in listed]
    titles = {name: item.title for item in items for name in item.checks} | {item.key: item.title for item in items}
    return titles | {step.key: step.title for step in plan.steps}


_WORD = {Verdict.PASS: "passed", Verdict.WARN: "warned", Verdict.FAIL: "failed", Verdict.UNKNOWN: "unknown"}


def _stands(deployment: Deployment, check: str, now: datetime) -> str:
    """What held once says nothing about now."""
    return _WORD[deployment.findings[check].verdict] if holds(deployment, check, now) else "unknown"


def _standings(deployment: Deployment, wanted: Mapping[str, object], now: datetime) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in _items(deployment, wanted):
        waiver = deployment.waivers.get(item.key)
        for name in _measured(deployment, item):
            found[name] = _stands(deployment, name, now)
            if found[name] in {"failed", "unknown"} and waiver is not None and waiver.until > now:
                # Somebody accepted exactly this, with a reason; to ask once more what they say would teach them nothing.
                found[name] = "waived"
    for name in _names(wanted, "checks"):
        found[name] = _stands(deployment, name, now)
    for key in _names(wanted, "steps"):
        record = deployment.steps.get(key)
        state = record.state if record else None
        good = state in {StepState.PASSED, StepState.SKIPPED}
        found[key] = "passed" if good else "failed" if state is StepState.FAILED else "unknown"
    for key in _names(wanted, "items"):
        ticked = key in deployment.ticks or key in deployment.not_applicable
        found[key] = "passed" if ticked else "unknown"
    return found


def _names(wanted: Mapping[str, object], kind: str) -> tuple[str, ...]:
    given = wanted.get(kind, ())
    return tuple(str(one) for one in given) if isinstance(given, (list, tuple)) else ()
