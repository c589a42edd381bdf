"""What is not well, although the way back is through?"""

from collections.abc import Iterator

from bot import gates
from bot.decide.runs import ending, warned
from bot.model import Deployment, Run, StepState
from bot.plan import Stage
from bot.text import clip, number, percent

#: The first line of a plugin that warns, and where its numbers for machines begin.
_WARNING, _FOR_MACHINES = "WARNING", " | "


def leftovers(deployment: Deployment) -> Iterator[str]:
    """In sentences, without a full stop; none where everything looks well."""
    recent = deployment.watch.recent if deployment.watch is not None else None
    if recent is not None and (bad := recent.lost + recent.errors):
        share = percent(bad / recent.probes)
        yield f"the watch still sees {share} failing, {number(bad)} of the last {number(recent.probes)} probes"
    for step in gates.steps(deployment, Stage.ROLLING_BACK):
        record = deployment.steps.get(step.key)
        if record is None:
            continue
        run = deployment.run(record.run)
        # What waits for a role's word is left out by that role on purpose, as a restore where no schema had changed.
        if record.state is StepState.SKIPPED and record.by is not None and not step.role:
            yield f"{step.title} was skipped by {record.by.name}: “{clip(record.note, 150)}”"
        elif record.state is StepState.PASSED and run is not None and warned(deployment.plan, run):
            yield f"{step.title} warned: {clip(_words(run), 200)}"


def _words(run: Run) -> str:
    """What a script that warned has to say: its first word of it, its last warning, or how it ended."""
    report = run.report
    said = next((line for line in report.tail if line.startswith(_WARNING)), "").partition(_FOR_MACHINES)[0]
    return said.removeprefix(_WARNING).strip(" -:") or next(reversed(report.warnings), "") or ending(report)
