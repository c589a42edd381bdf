"""What does the chart of a deployment show, and how is the same said in words?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.model import Deployment, Phase, Wanted, WatchReport, Window
from bot.plan import Stage
from bot.text import duration, esc, number, percent
from bot.views import signs

KEY = "chart:"
LIVE, BACK = f"{KEY}live", f"{KEY}rolled_back"

#: Long after it went live the way back is what there is to see, and a little of what led to it.
_BEFORE_THE_WAY_BACK = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Band:
    """One step: from when to when it ran."""

    title: str
    began_at: datetime
    ended_at: datetime
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Everything but the samples."""

    title: str
    #: The same numbers as in the thread, without marks.
    numbers: str
    #: What the time is counted from, and what that is.
    zero_at: datetime
    zero: str
    #: Empty: from the first probe on.
    from_at: datetime | None
    to_at: datetime
    deploy_at: datetime
    bands: tuple[Band, ...]
    baseline_p95_s: float | None


def charts(deployment: Deployment) -> Iterator[Wanted]:
    """One picture when it is live, one when it was taken back; each as it is then.

    The numbers are put in when it is sent, and the message stays the same whatever the watch sees later.
    """
    for key in (LIVE, BACK):
        drawn = chart(deployment, key)
        if drawn is not None:
            text = esc(drawn.title)
            yield Wanted(
                key=key, to=deployment.channel, in_thread=True, text=text, file=deployment.id, title=drawn.title
            )


def with_picture(wanted: Wanted, picture: Path, drawn: Chart) -> Wanted:
    """As it goes to Slack: the picture, and what it says for whoever does not see it."""
    return replace(wanted, file=str(picture), text=esc(drawn.numbers))


def as_projected(wanted: Wanted) -> Wanted:
    """The way back, so that what is shown can be compared with what is wanted."""
    text = esc(wanted.title) if wanted.key.startswith(KEY) else wanted.text
    return replace(wanted, file=Path(wanted.file).parent.name, text=text) if wanted.file else wanted


def chart(deployment: Deployment, key: str) -> Chart | None:
    """None: there is nothing to draw."""
    report, deploy_at = deployment.watch, deployment.deploy_at
    if report is None or deploy_at is None or not report.since.probes:
        return None
    zero_at, zero, from_at = deploy_at, "the start of the deploy script", None
    if key == LIVE:
        to_at, what = deployment.live_at, "while it was deployed"
    else:
        to_at = deployment.ended_at if deployment.phase is Phase.ROLLED_BACK else None
        what = "until it was rolled back"
        if deployment.live_at is not None and deployment.rollback_at is not None:
            zero_at, zero = deployment.rollback_at, "the decision to roll back"
            from_at = max(zero_at - _BEFORE_THE_WAY_BACK, deploy_at)
    if to_at is None:
        return None
    bands = tuple(band for band in _bands(deployment, to_at) if band.ended_at > (from_at or deploy_at))
    return Chart(
        title=f"{signs.name(deployment)} {what}",
        numbers=_numbers(report, report.until_live if key == LIVE else report.since),
        zero_at=zero_at,
        zero=zero,
        from_at=from_at,
        to_at=to_at,
        deploy_at=deploy_at,
        bands=bands,
        baseline_p95_s=report.baseline.p95_s,
    )


def _bands(deployment: Deployment, to_at: datetime) -> Iterator[Band]:
    for step in deployment.plan.steps:
        record = deployment.steps.get(step.key)
        if record is None or step.stage not in {Stage.DEPLOYING, Stage.VERIFYING, Stage.ROLLING_BACK}:
            continue
        if record.at < to_at:
            ended_at = min(record.ended_at or to_at, to_at)
            yield Band(title=step.title, began_at=record.at, ended_at=ended_at, failed=record.state.value == "failed")


def _numbers(report: WatchReport, seen: Window) -> str:
    """What the picture says, for whoever hears it or reads it in a notification."""
    before = report.baseline
    lost = seen.lost + seen.errors
    said = [
        f"Available {percent(1 - lost / seen.probes)}: {number(lost)} of {number(seen.probes)} probes failed",
        f"longest gap {duration(seen.longest_gap_s)}",
    ]
    if seen.not_measured_s:
        said.append(f"not measured for {duration(seen.not_measured_s)}")
    for name, value, was in (
        ("p50", seen.p50_s, before.p50_s),
        ("p95", seen.p95_s, before.p95_s),
        ("p99", seen.p99_s, before.p99_s),
    ):
        if value is not None:
            change = f" ({value / was - 1:+.0%})".replace("%", " %") if was else ""
            said.append(f"{name} {duration(value)}{change}")
    return " · ".join(said)
