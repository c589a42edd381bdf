"""What are stakeholders told, in their own channels? Prose from `templates/`, one message each, edited when the state changes."""

from collections.abc import Iterator
from datetime import datetime

from bot.model import Deployment, StepState, Wanted, Window
from bot.text import clip, render
from bot.views import kit
from bot.views.leftover import in_plain_words

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


def _seen(deployment: Deployment) -> Window | None:
    """What was probed until it went live; None where that was not measured throughout, so that nobody knows of no downtime."""
    if deployment.watch is None:
        return None
    seen = deployment.watch.until_live
    return seen if seen.lost + seen.errors or not seen.not_measured_s else None


def _accepted(deployment: Deployment) -> str:
    """What people went live in spite of, and why."""
    said = [
        f"{one.title} ({one.settled_by.name}: “{clip(one.reason, 150)}”)"
        for one in deployment.alarms
        if one.how == "accepted" and one.settled_by and one.settled_at
        if deployment.live_at is None or one.settled_at <= deployment.live_at
    ]
    return clip("; ".join(said), 600)


def values(deployment: Deployment) -> dict[str, object]:
    """What a template may say; `None` and empty where it is not known (yet)."""
    release, window, seen = deployment.release, deployment.window, _seen(deployment)
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
        "happened": reasons[-1].at if reasons and not deployment.abort_reason else None,
        "reason": deployment.abort_reason or (f"{reasons[-1].title}: {reasons[-1].detail}" if reasons else ""),
        "since": since,
        "lost": seen.lost + seen.errors if seen else None,
        "probes": seen.probes if seen else None,
        "accepted": _accepted(deployment),
        "leftover": in_plain_words(deployment) if deployment.rollback_at is not None else "",
    }
