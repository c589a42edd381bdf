"""What does somebody have to know who lets the database be restored: did its schema change, and from when is the backup?"""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.model import Deployment, Finding, StepState, Verdict
from bot.plan import Stage, StepPlan
from bot.text import clip, duration, esc, moment

#: What `only_if` says of a step that puts the database back.
_RESTORES = "schema_changed"


def at_stake(deployment: Deployment, step: StepPlan, written: Callable[[datetime], str] = moment) -> str:
    """Two sentences for whoever is asked; empty for a step that restores nothing. `written`: how a moment reads there."""
    if step.only_if != _RESTORES:
        return ""
    return f"{_schema(deployment)} {_backup(deployment, step, written)}"


def _schema(deployment: Deployment) -> str:
    release = deployment.release
    changed = release.changes.schema_changed if release.changes is not None else None
    if changed is None:
        return f"Schema: it is not known whether {esc(release.version)} changes it."
    if not changed:
        return f"Schema: {esc(release.version)} does not change it."
    said = f"Schema: {esc(release.version)} changes it"
    scripts = [one for one in deployment.plan.steps if one.stage is Stage.DEPLOYING and one.script]
    through = all(
        (record := deployment.steps.get(one.key)) is not None and record.state is StepState.PASSED for one in scripts
    )
    return f"{said}." if through else f"{said}; whether it came so far is in the log of the deploy script."


def _backup(deployment: Deployment, step: StepPlan, written: Callable[[datetime], str]) -> str:
    """The newest that was measured, whichever check saw it; its age as it was when this was asked, for messages stay."""
    backups = [name for name, one in deployment.plan.checks.items() if one.uses == "backup"]
    seen = [(taken, found) for name in backups if (found := deployment.findings.get(name)) and (taken := _taken(found))]
    if not seen:
        return "Backup: it is not known when the newest was taken."
    taken, found = max(seen, key=lambda one: one[0])
    asked_at = deployment.steps[step.key].at if step.key in deployment.steps else found.measured_at
    age = duration(max((asked_at - taken).total_seconds(), 0.0))
    doubt = f" It was not found good: {esc(clip(found.summary, 60))}." if found.verdict is Verdict.FAIL else ""
    return f"Backup: the newest is of {written(taken)}, {age} old when this was asked; what was written since is lost.{doubt}"


def _taken(found: Finding) -> datetime | None:
    age = found.values.get("age")
    return found.measured_at - timedelta(seconds=age) if isinstance(age, int | float) else None
