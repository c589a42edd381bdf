"""What are stakeholders told, in their own channels? Prose from `templates/`, one message each, edited when the state changes.

That it went back is a message of its own: an edit is told to nobody, and whoever read that it goes out has to hear of it.
"""

from collections.abc import Iterator
from datetime import datetime

from bot.model import Alarm, Deployment, StepState, Wanted, Window
from bot.plan import StepKind
from bot.text import clip, render
from bot.views import kit
from bot.views.leftover import in_plain_words

#: What a step announces when it is back.
_BACK = "rolled_back"


def announcements(deployment: Deployment) -> Iterator[Wanted]:
    """For each channel one message from the moment its step begins, and another one once it is back."""
    kind, back = _kind(deployment), _announced_back(deployment) is not None
    if kind and deployment.rollback_at is not None:
        kind = _BACK if deployment.over and not back else "rolling_back"
    if kind:
        yield from _to_all(deployment, kind)
    if back:
        yield from _to_all(deployment, _BACK, suffix=":back")


def _to_all(deployment: Deployment, kind: str, *, suffix: str = "") -> Iterator[Wanted]:
    text = render(f"{kind}.j2", **values(deployment))
    for channel in deployment.plan.announce_to:
        key, blocks = f"announce:{channel}{suffix}", (kit.section(text),)
        yield Wanted(key=key, to=channel, in_thread=False, text=text, blocks=blocks, urgent=True)


def _announced(deployment: Deployment) -> Iterator[tuple[datetime, str]]:
    """What steps have begun to announce, and when."""
    for step in deployment.plan.steps:
        record = deployment.steps.get(step.key)
        if step.announce and record is not None and record.state is not StepState.SKIPPED:
            yield record.at, step.announce


def _kind(deployment: Deployment) -> str:
    """The newest thing there is to tell of the way there; the same message says it."""
    newest, kind = datetime.min.replace(tzinfo=deployment.opened_at.tzinfo), ""
    if deployment.live_at is not None and any(step.announce for step in deployment.plan.steps):
        newest, kind = deployment.live_at, "done"
    for at, announced in _announced(deployment):
        if announced != _BACK and at >= newest:
            newest, kind = at, announced
    return kind


def _announced_back(deployment: Deployment) -> datetime | None:
    """When stakeholders are told that it is back; None while they are not."""
    return next((at for at, announced in _announced(deployment) if announced == _BACK), None)


def _happened(deployment: Deployment, alarm: Alarm) -> str:
    """What went wrong, for people who do not program; the thread has the exit codes, the addresses and the numbers."""
    if alarm.by is not None:
        return f"{alarm.title}: {alarm.detail}"
    step = next((one for one in deployment.plan.steps if alarm.key == f"step-{one.key}"), None)
    if step is None:
        return alarm.title
    return f"“{step.title}” {'found problems' if step.kind is StepKind.CHECKS else 'failed'}"


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
    reasons = [alarm for alarm in deployment.alarms if alarm.how in {"", "rolled_back"}]
    back_at = (_announced_back(deployment) or deployment.ended_at) if deployment.rollback_at is not None else None
    until = back_at or deployment.live_at or deployment.ended_at
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
        "reason": deployment.abort_reason or (_happened(deployment, reasons[-1]) if reasons else ""),
        "since": back_at or deployment.rollback_at or deployment.live_at,
        "back": back_at is not None,
        "lost": seen.lost + seen.errors if seen else None,
        "probes": seen.probes if seen else None,
        "accepted": _accepted(deployment),
        "leftover": in_plain_words(deployment) if deployment.rollback_at is not None else "",
    }
