"""What are stakeholders told, in their own channels? Prose from `templates/`, one message each, edited when the state changes."""

from collections.abc import Iterator
from datetime import datetime

from bot.model import Deployment, StepState, Wanted
from bot.text import render
from bot.views import kit

#: The step that announces, by what it announces.
KINDS = ("planned", "done", "rolled_back", "called_off")


def announcements(deployment: Deployment) -> Iterator[Wanted]:
    """One message for each channel, wanted from the moment its step begins."""
    kind = _kind(deployment)
    if kind:
        text = render(f"{kind}.j2", **values(deployment))
        for channel in deployment.plan.announce_to:
            blocks = (kit.section(text),)
            yield Wanted(key=f"announce:{channel}", to=channel, in_thread=False, text=text, blocks=blocks, urgent=True)


def _kind(deployment: Deployment) -> str:
    """The newest thing there is to tell; the same message says it."""
    newest, kind = datetime.min.replace(tzinfo=deployment.opened_at.tzinfo), ""
    if deployment.live_at is not None and any(step.announce for step in deployment.plan.steps):
        newest, kind = deployment.live_at, "done"
    for step in deployment.plan.steps:
        record = deployment.steps.get(step.key)
        if step.announce and record is not None and record.state is not StepState.SKIPPED and record.at >= newest:
            newest, kind = record.at, step.announce
    return kind


def _lost(deployment: Deployment) -> int | None:
    """How many probes got no good answer while it was deployed; None where that was not measured throughout."""
    report = deployment.watch
    if report is None:
        return None
    during = report.during if report.during.probes else report.since
    return during.lost + during.errors if not during.not_measured_s or during.lost + during.errors else None


def values(deployment: Deployment) -> dict[str, object]:
    """What a template may say; `None` and empty where it is not known (yet)."""
    release, window = deployment.release, deployment.window
    began = deployment.deploy_at or deployment.opened_at
    until = deployment.live_at or deployment.ended_at
    reasons = [alarm for alarm in deployment.alarms if alarm.how in {"", "rolled_back"}]
    back_at = deployment.ended_at or deployment.rollback_at
    since = back_at if deployment.rollback_at is not None else deployment.live_at
    return {
        "service": deployment.service,
        "version": deployment.version,
        "environment": deployment.environment,
        "previous": release.previous,
        "window_from": window[0] if window else None,
        "window_to": window[1] if window else None,
        "thread": deployment.thread,
        "captain": deployment.captain.name,
        "changes": release.changes.count if release.changes else None,
        "compare_url": release.changes.compare_url if release.changes else "",
        "duration": (until - began).total_seconds() if until else None,
        "reason": deployment.abort_reason or (f"{reasons[-1].title}: {reasons[-1].detail}" if reasons else ""),
        "since": since,
        "lost": _lost(deployment),
    }
