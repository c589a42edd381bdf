"""How do the steps of a phase, and the scripts they run, look?"""

from bot import gates
from bot.decide.journey import failed_step
from bot.decide.runs import ending, warned
from bot.model import Deployment, Phase, Run, RunState, StepRecord, StepState
from bot.plan import Stage, StepKind, StepPlan
from bot.text import Raw, bar, clip, code, duration, esc, moment, plural
from bot.views import ids, kit, signs
from bot.views.kit import Block
from bot.views.restoring import at_stake, in_dialog, restores

#: Where the deployment is, is what people look at this list for: a step that ends goes before whatever changes all the time.
URGENT = True

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
    here = deployment.left if deployment.phase is Phase.DECIDING and deployment.left else deployment.phase
    is_left = here.value != which.value
    for step in plans:
        record = deployment.steps.get(step.key)
        script = deployment.run(record.run) if record is not None else None
        took = script.report.duration_s if script is not None else signs.lasted(record)
        left = _left(deployment, record, script) if is_left else ""
        goes_on = script is not None and not script.report.over
        blocks.append(kit.section(signs.step_line(step.title, record, step.about, took, left=left, ending=goes_on)))
        blocks += _buttons(deployment, step)
    return blocks


def _left(deployment: Deployment, record: StepRecord | None, script: Run | None) -> str:
    """What became of a step that neither runs nor waits any more, since the deployment has left its phase."""
    is_now = f"{deployment.id} is {signs.TITLES[deployment.phase].lower()}"
    if record is None or script is None or not script.report.over:
        return is_now
    return f"{ending(script.report)} · {is_now}"


def _buttons(deployment: Deployment, step: StepPlan) -> list[Block]:
    here = deployment.phase.value == step.stage.value
    if is_asking(deployment, step):
        who = signs.owner(deployment, step.role) if step.role else "somebody of the roster"
        does = "does this" if step.kind is StepKind.CONFIRM else "decides"
        told = kit.context(f"{esc(who)} {does}.", at_stake(deployment, step))
        return [told, *kit.actions(*needed(deployment, step))]
    failed = failed_step(deployment)
    if failed is not None and failed.key == step.key and (here or deployment.phase is Phase.DECIDING):
        return kit.actions(*needed(deployment, step))
    return []


def is_asking(deployment: Deployment, step: StepPlan) -> bool:
    """Does the deployment stand at this step until somebody says a word?"""
    record = deployment.steps.get(step.key)
    asks_ = record is not None and record.state is StepState.ASKING and record.by is None
    return asks_ and deployment.phase.value == step.stage.value


def needed(deployment: Deployment, step: StepPlan) -> list[Block | None]:
    """What is pressed about a step that asks, or has failed."""
    skip = kit.button("Skip, because…", ids.SKIP, ids.value(deployment.id, step.key))
    if is_asking(deployment, step):
        return [confirm_button(deployment, step), skip]
    return [retry_button(deployment), None if deployment.phase is Phase.DECIDING else skip]


def needed_now(deployment: Deployment) -> list[Block | None]:
    """What is pressed about the step that the deployment stands at; nothing while it needs nobody."""
    step = failed_step(deployment) or next((one for one in deployment.plan.steps if is_asking(deployment, one)), None)
    return needed(deployment, step) if step is not None else []


def retry_button(deployment: Deployment) -> Block | None:
    """Run the failed step once more; None when none failed."""
    step = failed_step(deployment)
    if step is None:
        return None
    asked = kit.confirm("Run it again?", f"{step.title} runs once more, from its beginning.", "Retry")
    return kit.button("Retry", ids.RETRY, ids.value(deployment.id, step.key), confirm=asked)


def confirm_button(deployment: Deployment, step: StepPlan) -> Block:
    """Somebody's word that a step was done, or may be done; what is pressed in the end names what happens then."""
    who = signs.owner(deployment, step.role) if step.role else "somebody of the roster"
    carried = ids.value(deployment.id, step.key)
    if step.kind is StepKind.CONFIRM:
        does = f"{step.about.strip('`')}: as" if step.about else "As"
        asked = kit.confirm(step.title, f"{does} {who} you say that it is done.", "Done")
        return kit.button("Done", ids.CONFIRM, carried, style="primary", confirm=asked)
    text = in_dialog(deployment, step) or f"As {who} you say that it may go ahead."
    yes = step.title if len(step.title) <= kit.YES else "Go ahead"
    asked = kit.confirm(step.title, text, yes, danger=restores(step))
    return kit.button("Go ahead", ids.CONFIRM, carried, style="primary", confirm=asked)


def asks(deployment: Deployment, step: StepPlan, who: str) -> Raw:
    """To whoever has to act: what a person does themselves, or what waits for their word, and what hangs on it."""
    if step.kind is StepKind.CONFIRM:
        return Raw(f"{esc(gates.asks_for(step))}. {esc(who)} does this, and then says that it is done.")
    return Raw(f"{esc(step.title)} waits for a go-ahead of {esc(who)}. {at_stake(deployment, step)}".strip())


def answered(step: StepPlan, record: StepRecord) -> Raw:
    """Who said what to a step that asked; empty while nobody has."""
    if record.by is None:
        return Raw()
    if record.state is StepState.SKIPPED:
        said = f"skipped it: “{esc(clip(record.note, 300))}”"
    else:
        said = "said that it is done" if step.kind is StepKind.CONFIRM else "said: go ahead"
    return Raw(f"{esc(record.by.name)} {said}")


def run(deployment: Deployment, one: Run) -> list[Block]:
    """A script's live tail, or how it ended."""
    report = one.report
    program = one.spec.argv[0].rsplit("/", 1)[-1]
    argument = one.spec.argv[1].rsplit("/", 1)[-1] if program.startswith("python") and len(one.spec.argv) > 1 else ""
    sign, said = _state(one, usually_s=deployment.usual_s.get(one.script), warns=warned(deployment.plan, one))
    blocks = [kit.section(f"{sign} *{esc(one.title)}* · {code(argument or program)}\n{said}")]
    if report.progress is not None:
        at, of = report.progress.done, report.progress.of
        # A script says what it begins with; only its end says that this was done.
        filled = bar(at if sign in {"✅", "⚠️"} else at - 1, of)
        blocks.append(kit.section(f"{filled} {at} of {of}  {esc(clip(report.progress.text, 200))}"))
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


def _state(one: Run, *, usually_s: float | None, warns: bool) -> tuple[str, str]:
    report = one.report
    match report.state:
        case RunState.WANTED:
            return "⏳", "starting"
        case RunState.RUNNING:
            return "⏳", _running(one, usually_s)
        case RunState.FINISHED if report.exit_code == 0 and not report.ended_by:
            return "✅", _took(one)
        case RunState.FINISHED if warns:
            return "⚠️", f"{_took(one)}, a warning"
        case RunState.LOST:
            return "❔", esc(ending(report))
        case _:
            return "❌", _took(one)


def _running(one: Run, usually_s: float | None) -> str:
    if one.cancelled_by is not None:
        return f"cancelled by {esc(one.cancelled_by.name)}, ending"
    since = f" since {moment(one.report.started_at)}" if one.report.started_at is not None else ""
    usually = f", usually {duration(usually_s)}" if usually_s is not None else ""
    return f"running{since}{usually}"


def _took(one: Run) -> str:
    report = one.report
    said = ending(report)
    if report.ended_by == "cancel" and one.cancelled_by is not None:
        said = f"cancelled by {one.cancelled_by.name}"
    took = f" after {duration(report.duration_s)}" if report.duration_s is not None else ""
    cut = " · the log was cut at its limit" if report.truncated else ""
    return f"{esc(said)}{took}{cut}"
