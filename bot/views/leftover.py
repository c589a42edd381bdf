"""What is not well, although the way back is through?"""

from collections.abc import Iterator

from bot import gates
from bot.decide.runs import ending, warned
from bot.model import Deployment, Phase, Run, StepState
from bot.plan import Stage
from bot.text import Raw, clip, esc, moment, number, percent

#: The first line of a plugin that warns, and where its numbers for machines begin.
_WARNING, _FOR_MACHINES = "WARNING", " | "


def not_well(deployment: Deployment) -> Raw:
    """All of it in one sentence, once it is over; empty where everything looks well."""
    said = clip(Raw("; ".join(leftovers(deployment))), 700) if deployment.phase is Phase.ROLLED_BACK else Raw()
    return Raw(f"{said}." if said and not said.endswith("…") else said)


def in_plain_words(deployment: Deployment) -> str:
    """The same for people who do not program; without numbers, so that it stands still while the watch goes on."""
    if failing := _failing(deployment):
        how_many = "all" if failing == 1 else "most" if failing >= 0.5 else "some"  # noqa: PLR2004
        return f"{how_many} of our test requests failed then"
    return "not every step of the way back went as it should" if next(leftovers(deployment), "") else ""


def leftovers(deployment: Deployment) -> Iterator[Raw]:
    """In sentences, without a full stop; none where everything looks well."""
    if (failing := _failing(deployment)) and deployment.watch is not None:
        recent = deployment.watch.recent
        # It goes on after this was seen, so it is told as of then.
        then = f"at {moment(recent.to_at, 'time')} " if recent.to_at is not None else ""
        bad = f"{number(recent.lost + recent.errors)} of the last {number(recent.probes)} probes"
        yield Raw(f"{then}the watch saw {percent(failing)} failing, {bad}")
    for step in gates.steps(deployment, Stage.ROLLING_BACK):
        record = deployment.steps.get(step.key)
        if record is None:
            continue
        run = deployment.run(record.run)
        # What waits for a role's word is left out by that role on purpose, as a restore where no schema had changed.
        if record.state is StepState.SKIPPED and record.by is not None and not step.role:
            yield esc(f"{step.title} was skipped by {record.by.name}: “{clip(record.note, 150)}”")
        elif record.state is StepState.PASSED and run is not None and warned(deployment.plan, run):
            yield esc(f"{step.title} warned: {_words(run)}")


def _failing(deployment: Deployment) -> float:
    """Which share of the newest probes failed; nothing where nobody probed."""
    recent = deployment.watch.recent if deployment.watch is not None else None
    return (recent.lost + recent.errors) / recent.probes if recent is not None and recent.probes else 0.0


def _words(run: Run) -> str:
    """What a script that warned has to say: its first word of it, its last warning, or how it ended. The worst stands first."""
    report = run.report
    said = next((line for line in report.tail if line.startswith(_WARNING)), "").partition(_FOR_MACHINES)[0]
    said = said.removeprefix(_WARNING).strip(" -:") or next(reversed(report.warnings), "") or ending(report)
    worst, *more = said.split("; ")
    return clip(worst.rstrip("."), 200) + (f", and {number(len(more))} more" if more else "")
