"""What does somebody have to know who lets the database be restored: did its schema change, what did scripts say, from when is the backup?"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot import gates
from bot.model import Deployment, Finding, Run, StepState, Verdict
from bot.plan import Stage, StepPlan
from bot.text import clip, duration, esc, moment

#: What `only_if` says of a step of a rollback that puts the database back.
_RESTORES = "schema_changed"

#: So much of a script's words is quoted; in a dialog, which has room for so many characters, what fits beside the facts.
_QUOTED, _DIALOG = 200, 300


def restores(step: StepPlan) -> bool:
    """Does this step put the database back?"""
    return step.stage is Stage.ROLLING_BACK and step.only_if == _RESTORES


def at_stake(deployment: Deployment, step: StepPlan) -> str:
    """A few sentences for whoever is asked; empty for a step that restores nothing."""
    if not restores(step):
        return ""
    said = [f"{who}: “{_quoted(words, _QUOTED)}”." for who, words in _said(deployment)]
    backup = _backup(deployment, step, dialog=False)
    return " ".join([_schema(deployment), *said, backup, "*Skip* keeps the database as it is."])


def in_dialog(deployment: Deployment, step: StepPlan) -> str:
    """The same where *Go ahead* is pressed in earnest: no moment can be shown there as the reader's clock shows it."""
    if not restores(step):
        return ""
    schema, backup, said = _schema(deployment), _backup(deployment, step, dialog=True), list(_said(deployment))
    taken = len(f"{schema} {backup}") + sum(len(f" {who}: “”.") for who, _ in said)
    room = (_DIALOG - taken) // max(len(said), 1)
    return " ".join([schema, *(f"{who}: “{_quoted(words, room)}”." for who, words in said), backup])


def _schema(deployment: Deployment) -> str:
    release = deployment.release
    changed = release.changes.schema_changed if release.changes is not None else None
    if changed is None:
        return f"Schema: it is not known whether {esc(release.version)} changes it."
    if not changed:
        return f"Schema: {esc(release.version)} does not change it."
    said = f"Schema: {esc(release.version)} changes it"
    scripts = [one for one in gates.steps(deployment, Stage.DEPLOYING) if one.script]
    if all(
        (record := deployment.steps.get(one.key)) is not None and record.state is StepState.PASSED for one in scripts
    ):
        return f"{said}."
    if any(run.report.errors for run in _failed(deployment)):
        return f"{said}, if it came so far."
    return f"{said}; whether it came so far is in the log of the deploy script."


def _said(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Why the deployment failed, and what the way back warned of, in the words of the scripts."""
    for run in _failed(deployment):
        if run.report.errors:
            yield f"{esc(run.title)} failed", run.report.errors[-1]
    for _, run in _runs(deployment, Stage.ROLLING_BACK):
        if run.report.warnings:
            yield f"{esc(run.title)} warned", " ".join(run.report.warnings[-2:])


def _failed(deployment: Deployment) -> list[Run]:
    return [run for state, run in _runs(deployment, Stage.DEPLOYING) if state is not StepState.PASSED]


def _runs(deployment: Deployment, stage: Stage) -> Iterator[tuple[StepState, Run]]:
    """The newest run of each step of this stage that has run a script, with what became of the step."""
    for step in gates.steps(deployment, stage):
        record = deployment.steps.get(step.key)
        run = deployment.run(record.run) if record is not None else None
        if record is not None and run is not None:
            yield record.state, run


def _quoted(words: str, most: int) -> str:
    return clip(esc(words.rstrip(".")), most)


def _backup(deployment: Deployment, step: StepPlan, *, dialog: bool) -> str:
    """The newest that was measured, whichever check saw it; its age as it was when this was asked, for messages stay."""
    backups = [name for name, one in deployment.plan.checks.items() if one.uses == "backup"]
    seen = [(taken, found) for name in backups if (found := deployment.findings.get(name)) and (taken := _taken(found))]
    if not seen:
        return "Backup: it is not known when the newest was taken."
    taken, found = max(seen, key=lambda one: one[0])
    asked_at = deployment.steps[step.key].at if step.key in deployment.steps else found.measured_at
    age = duration(max((asked_at - taken).total_seconds(), 0.0))
    when = (
        f"was taken {age} before this was asked" if dialog else f"is of {moment(taken)}, {age} old when this was asked"
    )
    doubt = f" It was not found good: {esc(clip(found.summary, 60))}." if found.verdict is Verdict.FAIL else ""
    return f"Backup: the newest {when}; what was written since is then no longer in the database.{doubt}"


def _taken(found: Finding) -> datetime | None:
    age = found.values.get("age")
    return found.measured_at - timedelta(seconds=age) if isinstance(age, int | float) else None
