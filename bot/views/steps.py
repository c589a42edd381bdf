"""How do the steps of a phase, and the scripts they run, look?"""

from bot import gates
from bot.decide.journey import failed_step
from bot.decide.runs import ending
from bot.model import Deployment, Phase, Run, RunState, StepState
from bot.plan import Stage, StepKind, StepPlan
from bot.text import bar, clip, duration, esc, plural
from bot.views import ids, kit, signs
from bot.views.kit import Block

TITLES = {
    Stage.PREPARING: "Pre-deployment steps",
    Stage.DEPLOYING: "Deployment execution",
    Stage.VERIFYING: "Health, smoke, TLS and CDN",
    Stage.ROLLING_BACK: "Rollback",
    Stage.ABORTING: "Abort: what was prepared is undone",
}


def stage(deployment: Deployment, which: Stage) -> list[Block]:
    """The ordered steps of one phase with their results; buttons on the one that needs somebody."""
    plans = gates.steps(deployment, which)
    settled = sum(1 for step in plans if (record := deployment.steps.get(step.key)) and record.settled)
    blocks = [kit.section(f"*{TITLES[which]}*\n{settled} of {plural(len(plans), 'step')}")]
    for step in plans:
        blocks.append(kit.section(signs.step_line(step.title, deployment.steps.get(step.key), step.about)))
        blocks += _buttons(deployment, step)
    return blocks


def _buttons(deployment: Deployment, step: StepPlan) -> list[Block]:
    record = deployment.steps.get(step.key)
    here = deployment.phase.value == step.stage.value
    carried = ids.value(deployment.id, step.key)
    if record is None:
        return []
    if record.state is StepState.ASKING and record.by is None and here:
        who = signs.owner(deployment, step.role)
        said = "it is done" if step.kind is StepKind.CONFIRM else "it may go ahead"
        label = "Done" if step.kind is StepKind.CONFIRM else "Go ahead"
        asked = kit.confirm(step.title, f"{step.title}: as {who} you say that {said}.", label)
        go = kit.button(label, ids.CONFIRM, carried, style="primary", confirm=asked)
        skip = kit.button("Skip, because…", ids.SKIP, carried)
        return [kit.context(f"{esc(who)} decides."), *kit.actions(go, skip)]
    failed = failed_step(deployment)
    if failed is not None and failed.key == step.key and (here or deployment.phase is Phase.DECIDING):
        again = kit.confirm("Run it again?", f"{step.title} runs once more, from its beginning.", "Retry")
        retry = kit.button("Retry", ids.RETRY, carried, confirm=again)
        skip = None if deployment.phase is Phase.DECIDING else kit.button("Skip, because…", ids.SKIP, carried)
        return kit.actions(retry, skip)
    return []


def run(deployment: Deployment, one: Run) -> list[Block]:
    """A script's live tail, or how it ended."""
    report = one.report
    program = one.spec.argv[0].rsplit("/", 1)[-1]
    argument = one.spec.argv[1].rsplit("/", 1)[-1] if program.startswith("python") and len(one.spec.argv) > 1 else ""
    sign, said = _state(one)
    blocks = [kit.section(f"{sign} *{esc(one.title)}* · `{esc(argument or program)}`\n{said}")]
    if report.progress is not None:
        done = report.progress.done
        of = report.progress.of
        blocks.append(kit.section(f"{bar(done, of)} {done} of {of}  {esc(clip(report.progress.text, 200))}"))
    if report.tail:
        blocks.append(kit.preformatted(report.tail))
    notices = [f"⚠️ {esc(clip(text, 200))}" for text in report.warnings[-3:]]
    notices += [f"❌ {esc(clip(text, 200))}" for text in report.errors[-3:]]
    if notices:
        counted = []
        if report.warning_count:
            counted.append(plural(report.warning_count, "warning"))
        if report.error_count:
            counted.append(plural(report.error_count, "error"))
        blocks.append(kit.context(" · ".join(counted) + "\n" + "\n".join(notices)))
    if not report.over and one.cancelled_by is None:
        asked = kit.confirm(
            "Cancel the script?", f"{one.title} is asked to stop, and killed after 10 s.", "Cancel it", danger=True
        )
        blocks += kit.actions(kit.button("Cancel…", ids.CANCEL_RUN, ids.value(deployment.id, one.id), confirm=asked))
    return blocks


def _state(one: Run) -> tuple[str, str]:
    report = one.report
    match report.state:
        case RunState.WANTED:
            return "⏳", "starting"
        case RunState.RUNNING:
            asked = f"cancelled by {esc(one.cancelled_by.name)}, ending" if one.cancelled_by else "running"
            return "⏳", asked
        case RunState.FINISHED if report.exit_code == 0 and not report.ended_by:
            return "✅", _took(one)
        case RunState.LOST:
            return "❔", esc(ending(report))
        case _:
            return "❌", _took(one)


def _took(one: Run) -> str:
    report = one.report
    said = ending(report)
    if report.ended_by == "cancel" and one.cancelled_by is not None:
        said = f"cancelled by {one.cancelled_by.name}"
    took = f" after {duration(report.duration_s)}" if report.duration_s is not None else ""
    cut = " · the log was cut at its limit" if report.truncated else ""
    return f"{esc(said)}{took}{cut}"
