"""What is a run, before it begins and after it ended?"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from bot.decide import parameters
from bot.model import Deployment, Person, Run, RunReport, RunSpec, RunState
from bot.plan import Plan, ScriptPlan


@dataclass(frozen=True, kw_only=True)
class World:
    """What a decision has to know of where it is made."""

    #: Which host runs scripts that are wanted from here, and the folder that relative paths are under.
    host: str
    root: str
    #: Additional facts for scripts: name -> value.
    given: Mapping[str, str] = field(default_factory=dict)


def new_run(
    deployment: Deployment, script: ScriptPlan, run_id: str, *, step: str, by: Person, now: datetime, world: World
) -> Run:
    """A run that is wanted. Its id says which one it is, for ever: the same decision made twice is the same run."""
    facts = {
        "service": deployment.service,
        "version": deployment.version,
        "commit": deployment.release.commit,
        "previous": deployment.release.previous,
        "environment": deployment.environment,
        "deployment": deployment.id,
        **parameters.facts(deployment),
    }
    spec = RunSpec(
        id=run_id,
        host=world.host,
        argv=tuple(fill(argument, facts) for argument in script.argv),
        cwd=script.cwd if script.cwd.startswith("/") else f"{world.root}/{script.cwd}",
        given={**world.given, **{_variable(name): value for name, value in facts.items()}},
        passed=script.environment,
        secrets=script.secrets,
        deadline_s=script.deadline_s,
        log_limit=script.log_limit,
    )
    report = RunReport(id=run_id, state=RunState.WANTED)
    return Run(
        id=run_id, script=script.key, title=script.title, step=step, asked_by=by, asked_at=now, spec=spec, report=report
    )


def _variable(name: str) -> str:
    if name == "previous":
        return "TMINUS_PREVIOUS_VERSION"
    return f"TMINUS_{name.upper()}".replace("PARAMETERS.", "PARAMETER_").replace("-", "_")


def fill(template: str, facts: Mapping[str, str]) -> str:
    """`${name}` replaced from a closed list, once: what a value says is never read again. Everything else stays as it is."""
    return re.sub(r"\$\{([^}]*)\}", lambda found: facts.get(found[1], found[0]), template)


def usual(earlier: Iterable[Deployment]) -> dict[str, float]:
    """How long each script takes in the middle, in seconds; one that has never gone well is not among them."""
    took: dict[str, list[float]] = {}
    for run in (run for one in earlier for run in one.runs):
        report = run.report
        if report.exit_code == 0 and not report.ended_by and report.duration_s is not None:
            took.setdefault(run.script, []).append(report.duration_s)
    return {script: median(times) for script, times in took.items()}


def warned(plan: Plan, run: Run) -> bool:
    """Whether the script ended by itself with a code that means a warning, as 1 of a Nagios plugin."""
    script, report = plan.scripts.get(run.script), run.report
    finished = report.state is RunState.FINISHED and not report.ended_by
    return finished and script is not None and report.exit_code in script.warning_codes


def ending(report: RunReport) -> str:
    """How a run ended, in words."""
    if report.state is RunState.NEVER_RAN:
        return f"never ran: {report.why}" if report.why else "never ran"
    if report.state is RunState.LOST:
        return "lost: it may have run; nobody restarts it but you"
    match report.ended_by:
        case "deadline":
            return "killed after its deadline"
        case "cancel":
            return "cancelled"
        case _:
            pass
    if report.signal:
        return f"killed by signal {report.signal}"
    if report.why:
        return report.why
    return f"exited {report.exit_code}"
