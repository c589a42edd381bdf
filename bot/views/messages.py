"""Which messages does a record want, and what is in each? One message per thing, edited in place."""

from collections.abc import Iterator
from datetime import datetime

from bot import gates
from bot.decide.runs import ending
from bot.decide.time import open_tasks
from bot.model import OVER, TAIL, Deployment, Person, Phase, Run, RunReport, RunState, StepState, Wanted
from bot.plan import FollowUpPlan, Stage, StepPlan
from bot.text import clip, esc, mention, plural
from bot.views import announcing, asking, card, charting, holding, kit, section, signs, steps, watching

CARD = "card"

#: A log of so many bytes is as good as told by its last twelve lines, unless somebody may look for more.
_TOLD_BY_TAIL = 1200

#: Which phases a list of steps belongs to, in the order of the thread.
_STAGES = (Stage.PREPARING, Stage.DEPLOYING, Stage.VERIFYING, Stage.ROLLING_BACK, Stage.ABORTING)


def wanted(deployment: Deployment, now: datetime) -> tuple[Wanted, ...]:
    """Everything that should stand in Slack for this deployment, roots before replies, in the order of the thread."""
    return tuple(_all(deployment, now))


def one(deployment: Deployment, key: str, now: datetime) -> Wanted | None:
    """The message of this key as it should be now."""
    return next((message for message in _all(deployment, now) if message.key == key), None)


def _all(deployment: Deployment, now: datetime) -> Iterator[Wanted]:
    yield Wanted(
        key=CARD,
        to=deployment.channel,
        in_thread=False,
        text=card.summary(deployment, now),
        blocks=tuple(card.card(deployment, now)),
        urgent=True,
    )
    for plan in gates.preflight_sections(deployment):
        done, of = gates.progress(deployment, plan.items, now)
        yield _reply(
            deployment,
            f"section:{plan.key}",
            f"{esc(plan.title)}: {done} of {of}",
            section.section(deployment, plan, now),
        )
    if deployment.plan.left_out:
        text = f"Left out by the configuration: {plural(len(deployment.plan.left_out), 'line')}"
        yield _reply(deployment, "left-out", text, section.left_out(deployment))
    yield from _reopened(deployment)
    yield from _holds(deployment)
    yield from _sign_offs(deployment, now)
    yield from _steps(deployment)
    yield from _runs(deployment)
    yield from _verification(deployment, now)
    yield from charting.charts(deployment)
    yield from _alarms(deployment)
    yield from _blind(deployment)
    yield from _follow_ups(deployment, now)
    if said := watching.unwell(deployment):
        # A message of its own: that the card was edited is told to nobody.
        yield _reply(deployment, "unwell", said, [], urgent=True)
    yield from announcing.announcements(deployment)


def _reply(
    deployment: Deployment, key: str, text: str, blocks: list[dict[str, object]], *, urgent: bool = False
) -> Wanted:
    return Wanted(key=key, to=deployment.channel, in_thread=True, text=text, blocks=tuple(blocks), urgent=urgent)


def _holds(deployment: Deployment) -> Iterator[Wanted]:
    """That the card was edited is told to nobody, so a hold and its end are messages of their own."""
    holds = deployment.held if deployment.hold is None else (*deployment.held, deployment.hold)
    for number, hold in enumerate(holds):
        text, blocks = holding.hold(deployment, hold)
        yield _reply(deployment, f"hold:{number}", text, blocks, urgent=True)
        if hold.how == "resumed":
            yield _reply(deployment, f"resumed:{number}", holding.resumed(deployment, hold), [], urgent=True)


def _sign_offs(deployment: Deployment, now: datetime) -> Iterator[Wanted]:
    for role, ask in deployment.asks.items():
        seat = deployment.seat(role)
        asked = gates.asked_to_sign(deployment, role)
        text = f"{esc(signs.name(deployment))} {asking.wants(deployment)} your go as {esc(seat.title)}"
        for person in asked:
            blocks = asking.sign_off(deployment, seat, person, now)
            yield _direct(f"ask:{role}:{person.id}", person, text, blocks)
        if ask.reminded_at is not None and asked:
            yield _direct(f"remind:{role}", asked[0], asking.reminder(deployment, seat, now), [])
    if deployment.ready_at is not None:
        text, blocks = asking.ready(deployment, now)
        yield _direct("ready", deployment.captain, text, blocks, urgent=deployment.phase is Phase.PREFLIGHT)
    if deployment.window_over_at is not None:
        text, blocks = asking.window_over(deployment)
        yield _reply(deployment, "window-over", text, blocks, urgent=True)
    for number, given in enumerate(deployment.sign_offs):
        if not given.go:
            # A message of its own: that the card was edited is told to nobody.
            yield _reply(deployment, f"no-go:{number}", asking.no_go(deployment, number, now), [], urgent=True)
    for number, what in enumerate(deployment.voided):
        roles = deployment.plan.sign_off.roles
        called = " ".join(mention(one.id) for role in roles for one in gates.signers(deployment, role)[:1])
        said = f"What was signed has changed: {esc(what)}. Earlier sign-offs no longer hold. {called}"
        yield _reply(deployment, f"void:{number}", said, [], urgent=True)


def _direct(key: str, person: Person, text: str, blocks: list[dict[str, object]], *, urgent: bool = False) -> Wanted:
    """Not urgent as a rule: it repeats what is done in the thread, and whoever does it is not to wait for that."""
    return Wanted(key=key, to=person.id, in_thread=False, text=text, blocks=tuple(blocks), urgent=urgent)


def _reopened(deployment: Deployment) -> Iterator[Wanted]:
    """A tick that ended by itself is told to whoever can give it anew."""
    items = {item.key: item for item in deployment.plan.items}
    for number, one in enumerate(deployment.reopened):
        item = items[one.item]
        called = mention(deployment.seat(item.role).contact.id) if item.role else ""
        said = f"“{esc(item.title)}” has to be ticked again: {esc(one.why)}. {called}".strip()
        yield _reply(deployment, f"reopened:{number}", said, [], urgent=True)


def _steps(deployment: Deployment) -> Iterator[Wanted]:
    for stage in _STAGES:
        plans = gates.steps(deployment, stage)
        if plans and any(step.key in deployment.steps for step in plans):
            settled = sum(1 for step in plans if (record := deployment.steps.get(step.key)) and record.settled)
            text = f"{steps.TITLES[stage]}: {settled} of {plural(len(plans), 'step')}"
            yield _reply(deployment, f"steps:{stage.value}", text, steps.stage(deployment, stage), urgent=steps.URGENT)
            for step in plans:
                yield from _asked(deployment, step)
    if deployment.watch is not None and deployment.phase is not Phase.PREFLIGHT:
        yield _reply(deployment, "watch", "Watch", watching.watch(deployment))


def _asked(deployment: Deployment, step: StepPlan) -> Iterator[Wanted]:
    """Whoever has to do a step, or to say that it may run, is called, with what they press; afterwards it says what they have answered."""
    record = deployment.steps.get(step.key)
    if record is None or not step.role or (record.state is not StepState.ASKING and record.by is None):
        return
    seat = deployment.seat(step.role)
    here = deployment.left if deployment.phase is Phase.DECIDING and deployment.left else deployment.phase
    waits = record.by is None and here.value == step.stage.value
    if waits:
        said = f"{steps.asks(deployment, step, seat.title)} {mention(seat.contact.id)} {mention(seat.backup.id)}"
    else:
        became = steps.answered(step, record) or asking.is_now(deployment)
        said = f"{esc(step.title)} waited for {esc(seat.title)}; {became}."
    pressed = kit.actions(*steps.needed(deployment, step)) if steps.is_asking(deployment, step) else []

    def called(key: str, text: str) -> Wanted:
        return _reply(deployment, key, text, [kit.section(text), *pressed] if pressed else [], urgent=True)

    yield called(f"asks:{step.key}", said)
    if record.reminded_at is not None:
        again = f"{'Still waiting' if waits else 'This was a reminder'}: {said}"
        yield called(f"asks:{step.key}:again", again)


def _runs(deployment: Deployment) -> Iterator[Wanted]:
    for run in deployment.runs:
        text = f"{esc(run.title)}: {esc(ending(run.report)) if run.report.over else 'running'}"
        yield _reply(deployment, f"run:{run.id}", text, steps.run(deployment, run), urgent=run.report.over)
        if _worth_keeping(deployment, run):
            yield Wanted(
                key=f"log:{run.id}",
                to=deployment.channel,
                in_thread=True,
                text=f"The whole log of {esc(run.title)}",
                file=run.id,
                title=f"{run.id}.log",
            )


def _worth_keeping(deployment: Deployment, run: Run) -> bool:
    """The whole log goes into the thread where the tail does not tell all that somebody may look for."""
    report = run.report
    told = sum(len(line.encode()) + 1 for line in report.tail)
    if not report.over or report.log_bytes <= told:
        return False
    if report.state is RunState.FINISHED and report.exit_code == 0 and _all_told(report):
        return False
    stage = next((step.stage for step in deployment.plan.steps if step.key == run.step), None)
    changed_production = stage in {Stage.DEPLOYING, Stage.ROLLING_BACK}
    return changed_production or report.exit_code != 0 or report.log_bytes > _TOLD_BY_TAIL


def _all_told(report: RunReport) -> bool:
    """Nothing scrolled out and nothing was cut: what the log has besides are marks for machines."""
    return len(report.tail) < TAIL and not any(line.endswith("…") for line in report.tail)


def _verification(deployment: Deployment, now: datetime) -> Iterator[Wanted]:
    left = deployment.left if deployment.phase is Phase.DECIDING else deployment.phase
    past = deployment.live_at is not None or left is Phase.VERIFYING
    if not past or gates.current_step(deployment, Stage.VERIFYING) is not None:
        return
    for key, plan in (("verification", deployment.plan.verification), ("criteria", deployment.plan.criteria)):
        if plan.items:
            done, of = gates.progress(deployment, plan.items, section.as_of(deployment, plan, now))
            yield _reply(deployment, key, f"{esc(plan.title)}: {done} of {of}", section.section(deployment, plan, now))
    yield from _asked_to_verify(deployment, now)


def _asked_to_verify(deployment: Deployment, now: datetime) -> Iterator[Wanted]:
    """A direct message to each role that has something to tick before the deployment is live."""
    items = (*deployment.plan.verification.items, *deployment.plan.criteria.items)
    at = section.as_of(deployment, deployment.plan.verification, now)
    for seat in deployment.roster:
        theirs = [item for item in items if item.role == seat.role and (not item.checks or item.confirm)]
        open_ = [item for item in theirs if gates.standing(deployment, item, at) is gates.Standing.OPEN]
        if theirs:
            title = deployment.plan.verification.title
            text = f"{esc(title)} · {esc(signs.name(deployment))}: {plural(len(open_), 'task')} for {esc(seat.title)}"
            yield _direct(f"verify:{seat.role}", seat.contact, text, asking.tasks(deployment, title, open_))


def _alarms(deployment: Deployment) -> Iterator[Wanted]:
    for number, alarm in enumerate(deployment.alarms):
        blocks = watching.alarm(deployment, alarm)
        yield _reply(deployment, f"alarm:{number}", watching.alarm_text(deployment, alarm), blocks, urgent=True)
        if alarm.reminded_at is not None:
            people = (person for seat in deployment.roster for person in (seat.contact, seat.backup))
            called = " ".join(mention(person.id) for person in people)
            asked = f"roll back, or accept? {esc(alarm.title)}: {esc(alarm.detail)}"
            settled = f"This was a reminder: {asked} {watching.decided(alarm)}."
            said = f"Still undecided: {asked} {called}" if alarm.settled_at is None else settled
            yield _reply(deployment, f"alarm:{number}:again", said, [], urgent=True)


def _blind(deployment: Deployment) -> Iterator[Wanted]:
    """Whoever decides whether to go back has to know what nobody can see; edited when it is seen again."""
    for one in deployment.blind:
        if one.told_at is not None:
            text = watching.blind_text(deployment, one)
            yield _reply(deployment, f"blind:{one.key}:{one.since.timestamp():.0f}", text, [], urgent=True)


def _follow_ups(deployment: Deployment, now: datetime) -> Iterator[Wanted]:
    for plan in deployment.plan.follow_ups:
        record = deployment.follow_ups.get(plan.key)
        if record is None or record.opened_at is None:
            continue
        done, of = gates.progress(deployment, plan.tasks, now)
        text = f"{esc(plan.title)} · {esc(signs.name(deployment))}: {done} of {of} done"
        yield _reply(deployment, f"followup:{plan.key}", text, section.follow_up(deployment, plan, now))
        yield from _asked_to_follow_up(deployment, plan, now)


def _asked_to_follow_up(deployment: Deployment, plan: FollowUpPlan, now: datetime) -> Iterator[Wanted]:
    """A direct message when it opens, when it is reminded of; then to the backups, and last to the captain."""
    record = deployment.follow_ups[plan.key]
    over = deployment.phase in OVER
    waiting = [] if over else open_tasks(deployment, plan, now)
    for seat in deployment.roster:
        if not any(task.role == seat.role for task in plan.tasks):
            continue
        mine = [task for task in waiting if task.role == seat.role]
        blocks = asking.tasks(deployment, plan.title, mine)
        left = plural(len(mine), "task") if mine else "nothing is left"
        text = clip(f"{esc(plan.title)} · {esc(signs.name(deployment))}: {left} for {esc(seat.title)}", 300)
        yield _direct(f"due:{plan.key}:{seat.role}", seat.contact, text, blocks)
        if record.reminded_at is not None:
            again = f"Reminder. {text}" if mine else text
            yield _direct(f"due:{plan.key}:{seat.role}:again", seat.contact, again, blocks)
        if record.escalated_at is not None:
            passed_on = f"{esc(seat.contact.name)} has not answered. {text}" if mine else text
            yield _direct(f"due:{plan.key}:{seat.role}:backup", seat.backup, passed_on, blocks)
    if record.captain_at is not None:
        stands = f"is still open: {plural(len(waiting), 'task')}" if waiting else "waits for nobody any more"
        text = f"{esc(plan.title)} · {esc(signs.name(deployment))} {stands}"
        yield _direct(
            f"due:{plan.key}:captain", deployment.captain, text, asking.tasks(deployment, plan.title, waiting)
        )
