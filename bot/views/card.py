"""What stands at the root of the thread: where the deployment is, who said what, what is in the way, what comes next."""

from datetime import datetime

from bot import gates
from bot.gates import Blocker, Reason
from bot.machine import words
from bot.model import Deployment, Phase, StepState
from bot.plan import Stage
from bot.text import Raw, bar, clip, duration, esc, moment, number, plural, span
from bot.views import ids, itself, kit, parameters, signs, steps
from bot.views.kit import Block
from bot.views.leftover import not_well

#: How many of the blockers the card lists before it points to `why`.
MOST = 5

_SIGNS = {
    Phase.PREFLIGHT: "🚀",
    Phase.PREPARING: "🚀",
    Phase.DEPLOYING: "🚀",
    Phase.VERIFYING: "🚀",
    Phase.LIVE: "🟢",
    Phase.DECIDING: "🚨",
    Phase.ROLLING_BACK: "⏪",
    Phase.ABORTING: "⏹️",
    Phase.CLOSED: "✅",
    Phase.SUPERSEDED: "⏭️",
    Phase.ABORTED: "⏹️",
    Phase.ROLLED_BACK: "⏪",
}


def card(deployment: Deployment, now: datetime) -> list[Block]:
    """The card; it stays about one screen high."""
    blocks = [kit.header(f"{_SIGNS[deployment.phase]} {signs.name(deployment)}")]
    alone = itself.told(deployment, itself.first(deployment))
    state = "\n".join(said for said in (state_line(deployment), alone) if said)
    if state:
        blocks.append(kit.section(state))
    if deployment.release.unknowns and not deployment.over:
        blocks.append(kit.context("❔ " + esc(clip(" ".join(deployment.release.unknowns), 400))))
    blocks.append(kit.context(_opened(deployment)))
    if deployment.parameters:
        blocks.append(kit.context(parameters.shown(deployment)))
    blocks.append(kit.section(f"{journey(deployment)}\n{_checklist(deployment, now)}"))
    if deployment.phase is Phase.PREFLIGHT:
        blocks.append(kit.section(board(deployment, now)))
    blocks += _in_the_way(deployment, now)
    blocks += kit.actions(*_buttons(deployment, now), block_id="card")
    blocks.append(kit.context(f"{deployment.id} · record `{deployment.head[:12] or 'new'}`"))
    return blocks


def summary(deployment: Deployment, now: datetime) -> str:
    """The card in one line, for notifications and lists."""
    waiting = len(list(gates.blockers(deployment, now)))
    state = signs.TITLES[deployment.phase]
    if deployment.hold is not None:
        state = f"on hold, {state}"
    if waiting and not deployment.over:
        state += (
            f", {plural(waiting, 'task')} open"
            if deployment.phase is Phase.LIVE
            else f", {plural(waiting, 'thing')} in the way"
        )
    return f"{esc(signs.name(deployment))}: {esc(state)}"


def state_line(deployment: Deployment) -> str:
    """What is special just now: a hold, and below it what waits for its end; empty when nothing is."""
    return "\n".join(line for line in (hold_line(deployment), _stands(deployment)) if line)


def hold_line(deployment: Deployment) -> str:
    """Since when it is on hold, by whom and why; empty while it is not."""
    hold = deployment.hold
    if hold is None:
        return ""
    return f"⏸️ *On hold* since {moment(hold.at)} by {esc(hold.by.name)}: “{esc(clip(hold.reason, 300))}”"


def _stands(deployment: Deployment) -> str:
    since = moment(deployment.phase_at)
    match deployment.phase:
        case Phase.DECIDING:
            left = words(deployment.left) if deployment.left else "?"
            return f"🚨 *Roll back, or accept?* Since {since}; it was {left}."
        case Phase.PREPARING | Phase.DEPLOYING | Phase.VERIFYING | Phase.ROLLING_BACK | Phase.ABORTING:
            because = _why_back(deployment) if deployment.phase is Phase.ROLLING_BACK else _why_aborted(deployment)
            return f"*{signs.TITLES[deployment.phase]}* since {since} · {_now_doing(deployment)}{because}"
        case Phase.LIVE:
            return f"🟢 *Live* since {moment(deployment.live_at or deployment.phase_at, 'date_time')} · {_next_follow_up(deployment)}"
        case Phase.CLOSED:
            return f"✅ *Closed* {moment(deployment.phase_at, 'date_time')}: every follow-up is done."
        case Phase.SUPERSEDED:
            return f"⏭️ *Superseded* by {esc(deployment.superseded_by)}, which is live now."
        case Phase.ABORTED:
            return f"⏹️ *Aborted* {since}. Production was not changed.{_why_aborted(deployment)}"
        case Phase.ROLLED_BACK:
            back = esc(deployment.release.previous or "the previous version")
            unwell = f"\n⚠️ *Not well*: {said}" if (said := not_well(deployment)) else ""
            return f"⏪ *Rolled back* {since} to {back}{_rollback_took(deployment)}.{unwell}{_why_back(deployment)}"
        case _:
            return ""


def _rollback_took(deployment: Deployment) -> str:
    return "" if deployment.rollback_s is None else f", {duration(deployment.rollback_s)} after that was decided"


def _why_aborted(deployment: Deployment) -> str:
    """Who called it off, and why; empty while nobody has."""
    if deployment.aborted_by is None and not deployment.abort_reason:
        return ""
    who = esc(deployment.aborted_by.name) if deployment.aborted_by is not None else "Somebody"
    return f"\n{who} called it off: “{esc(clip(deployment.abort_reason, 300))}”"


def _why_back(deployment: Deployment) -> str:
    """Who decided it, and what had happened."""
    decided = next((alarm for alarm in reversed(deployment.alarms) if alarm.how == "rolled_back"), None)
    if decided is None or decided.settled_by is None:
        return ""
    # With its time: what a script said of a member while it failed is not so any more once everything is back.
    happened = f" What happened {moment(decided.at)}: {esc(decided.title)}: {esc(clip(decided.detail, 200))}"
    happened = happened if decided.by is None else ""
    reason = decided.reason or (decided.detail if decided.by is not None else "")
    said = f" “{esc(clip(reason, 300))}”" if reason else ""
    return f"\n{esc(decided.settled_by.name)} decided it.{happened}{said}"


def _now_doing(deployment: Deployment) -> str:
    current = gates.current_step(deployment, Stage(deployment.phase.value))
    if current is None:
        return "all steps are done"
    step, record = current
    if record is None:
        return f"next: {esc(step.title)}"
    if record.state is StepState.ASKING and record.by is None:
        return esc(gates.asks_for(step))
    return f"{esc(step.title)}: {'failed' if record.state is StepState.FAILED else 'running'}"


def _next_follow_up(deployment: Deployment) -> str:
    for plan in deployment.plan.follow_ups:
        record = deployment.follow_ups.get(plan.key)
        if record is None or record.done_at is not None:
            continue
        if record.opened_at is not None:
            return f"{esc(plan.title)} is open"
        return f"next: {esc(plan.title)}, {moment(record.due_at, 'date_time')}"
    return "no follow-up is left"


def _opened(deployment: Deployment) -> str:
    parts = [f"{esc(deployment.captain.name)} started this {moment(deployment.opened_at)}", changes(deployment)]
    if deployment.window:
        parts.append(f"window {span(*deployment.window)}")
    if deployment.notes:
        # A line break would tear what stands around it; whoever wrote lines meant them apart.
        parts.append(
            f"“{esc(' / '.join(' '.join(line.split()) for line in deployment.notes.splitlines() if line.strip()))}”"
        )
    return " · ".join(part for part in parts if part)


def changes(deployment: Deployment) -> str:
    """How far this version is from the one before, with a link where there is one."""
    release = deployment.release
    if release.changes is None:
        return f"changes since {esc(release.previous)} unknown" if release.previous else "previous version unknown"
    said = f"{plural(release.changes.count, 'change')} since {esc(release.previous)}"
    if release.changes.compare_url:
        said += f" (<{signs.link_target(release.changes.compare_url)}|compare>)"
    return said


_WAY = (
    (Phase.PREFLIGHT, "Preflight"),
    (Phase.PREPARING, "Prepare"),
    (Phase.DEPLOYING, "Deploy"),
    (Phase.VERIFYING, "Verify"),
    (Phase.LIVE, "Live"),
)


#: Where it was then it did not get any further, and that stop carries the sign.
_ENDS_THERE = frozenset({Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.ABORTING, Phase.ABORTED})


def journey(deployment: Deployment) -> str:
    """`● Preflight ─ ◉ Prepare ─ ○ Deploy …`: what is behind, where it is, what is ahead. A line breaks between stops only."""
    phase = deployment.left if deployment.phase is Phase.DECIDING and deployment.left else deployment.phase
    reached = _reached(deployment, phase)
    stops: list[str] = []
    for index, (stop, title) in enumerate(_WAY):
        here = stop is phase
        mark = "◉" if here and stop is not Phase.LIVE else "●" if index <= reached else "○"
        if index == reached and phase in _ENDS_THERE:
            here, mark = True, _SIGNS[phase]
        stops.append(f"*{mark} {title}*" if here else f"{mark} {title}")
    for plan in deployment.plan.follow_ups:
        record = deployment.follow_ups.get(plan.key)
        mark = "●" if record and record.done_at else "◉" if record and record.opened_at else "○"
        stops.append(f"{mark} T+{_after(plan.after_s)}")
    return " ─ ".join(stop.replace(" ", "\u00a0") for stop in stops)


def _after(seconds: float) -> str:
    """`2 h`, `24 h`, `7 d`: as short as a stop on the way has to be."""
    days = seconds / 86_400
    return f"{days:g} d" if days > 1 else f"{seconds / 3600:g} h"


def _reached(deployment: Deployment, phase: Phase) -> int:
    order = [stop for stop, _ in _WAY]
    if phase in order:
        return order.index(phase)
    if deployment.live_at is not None:
        return order.index(Phase.LIVE)
    if deployment.deploy_at is not None:
        through = gates.current_step(deployment, Stage.DEPLOYING) is None
        return order.index(Phase.VERIFYING if through else Phase.DEPLOYING)
    return order.index(Phase.PREFLIGHT if deployment.started_at is None else Phase.PREPARING)


def _checklist(deployment: Deployment, now: datetime) -> str:
    at = min(now, deployment.started_at) if deployment.started_at is not None else now
    done, of = gates.progress(deployment, gates.preflight_items(deployment), at)
    standings = [gates.standing(deployment, item, at) for item in gates.preflight_items(deployment)]
    apart = [
        f"{count} {word}"
        for stands, word in ((gates.Standing.WAIVED, "waived"), (gates.Standing.NOT_APPLICABLE, "not applicable"))
        if (count := standings.count(stands))
    ]
    counted = ", ".join([f"{number(done)} of {number(of)}", *apart])
    if deployment.phase is not Phase.PREFLIGHT:
        return f"Checklist {counted} when it started" if deployment.deploy_at else ""
    return f"Checklist {bar(done, of)} {counted}"


def board(deployment: Deployment, now: datetime) -> str:
    """The go/no-go board: one line for each role that signs."""
    lines: list[str] = []
    for role in deployment.plan.sign_off.roles:
        seat = deployment.seat(role)
        given = gates.sign_off(deployment, role, now)
        ask = deployment.asks.get(role)
        if given is not None:
            sign = "🟢 GO" if given.go else "🔴 NO-GO"
            backup = f", as backup for {esc(seat.contact.name)}" if given.as_backup else ""
            reason = f"“{esc(clip(given.reason, 200))}” " if given.reason else ""
            said = f"{sign}  {reason}{esc(given.by.name)}{backup}, {moment(given.at)}"
        elif ask is None:
            said = "⏳ is asked once the first measurements are in"
        elif ask.escalated_at is not None and len(gates.asked_to_sign(deployment, role)) > 1:
            first, second = moment(ask.at), moment(ask.escalated_at)
            said = f"⏳ asked {esc(seat.contact.name)} {first}, {esc(seat.backup.name)} {second}"
        else:
            asked = gates.asked_to_sign(deployment, role)
            alone = signs.only_one_signs(deployment, seat)
            said = f"⏳ asked {esc(asked[0].name)} {moment(ask.at)}{f' ({alone})' if alone else ''}" if asked else "⏳"
        lines.append(f"*{esc(seat.title)}*   {said}")
    return "\n".join(lines) or "No sign-off is asked for."


def _in_the_way(deployment: Deployment, now: datetime) -> list[Block]:
    if deployment.over:
        return []
    waiting = list(gates.blockers(deployment, now))
    if not waiting:
        if deployment.phase is not Phase.PREFLIGHT:
            return []
        ends = [
            given.until for role in deployment.plan.sign_off.roles if (given := gates.sign_off(deployment, role, now))
        ]
        hold = f" Sign-offs hold until {moment(min(ends))}." if ends else ""
        if deployment.window is not None:
            hold += f" Its window closes {moment(deployment.window[1], 'date_time')}."
        return [kit.section(f"✅ *All clear.*{hold}")]
    lines = [f"*{'Open' if deployment.phase is Phase.LIVE else 'In the way'} ({len(waiting)})*"]
    lines += [blocker_line(deployment, number_, blocker) for number_, blocker in enumerate(waiting[:MOST], start=1)]
    if len(waiting) > MOST:
        lines.append(f"_and {len(waiting) - MOST} more:_ `/deploy why`")
    return [kit.section("\n".join(lines))]


def blocker_line(deployment: Deployment, index: int, blocker: Blocker) -> Raw:
    """`1. API keys rotated …   → Security Team`"""
    who = signs.owner(deployment, blocker.role)
    if blocker.reason is Reason.HELD and deployment.hold is not None:
        who = signs.releases(deployment.hold)
    if not blocker.role and blocker.reason in {Reason.ITEM_OPEN, Reason.DECISION}:
        who = "somebody of the roster"
    if blocker.reason is Reason.WINDOW_AHEAD:
        who = "by itself"
    at = f" {moment(blocker.at, 'date_time')}" if blocker.at is not None else ""
    return Raw(f"{index}. {esc(clip(blocker.text, 220))}{at}   → _{esc(who)}_")


def _buttons(deployment: Deployment, now: datetime) -> list[Block | None]:
    """The one thing to press next comes first."""
    if deployment.over:
        return [_more(deployment)]
    carried = ids.value(deployment.id)
    resume = resume_button(deployment)
    hold = resume or kit.button("Hold…", ids.HOLD, carried)
    more = _more(deployment)
    match deployment.phase:
        case Phase.PREFLIGHT if gates.window_over(deployment, now):
            return [abort_button(deployment), resume, more]
        case Phase.PREFLIGHT:
            clear = next(gates.blockers(deployment, now), None) is None
            start = start_button(deployment) if clear else None
            given = [gates.sign_off(deployment, role, now) for role in deployment.plan.sign_off.roles]
            unsaid = deployment.asks and not all(one is not None and one.go for one in given)
            go = kit.button("Go", ids.GO, carried) if unsaid else None
            no_go = kit.button("No-go…", ids.NO_GO, carried) if deployment.asks else None
            return [start, go, no_go, kit.button("Measure again", ids.MEASURE, carried), hold, more]
        case Phase.DECIDING:
            accept = kit.button("Accept, because…", ids.ACCEPT, carried)
            stop = itself.stop_button(deployment, itself.first(deployment))
            return [roll_back_button(deployment), steps.retry_button(deployment), resume, accept, stop, more]
        case Phase.DEPLOYING | Phase.VERIFYING | Phase.LIVE:
            ask = kit.button("Roll back?", ids.ASK_ROLL_BACK, carried)
            return [*steps.needed_now(deployment), ask, hold if deployment.phase is not Phase.LIVE else resume, more]
        case _:
            return [*steps.needed_now(deployment), hold, more]


def resume_button(deployment: Deployment) -> Block | None:
    """Stands wherever a hold does; None while there is none."""
    if deployment.hold is None:
        return None
    return kit.button("Resume", ids.RESUME, ids.value(deployment.id), style="primary")


def abort_button(deployment: Deployment) -> Block:
    return kit.button("Abort…", ids.ABORT, ids.value(deployment.id), style="danger")


def start_button(deployment: Deployment) -> Block:
    """The one press that begins to change things, with everything that it will do."""
    what = [step.title for step in gates.steps(deployment, Stage.PREPARING)]
    names = ", ".join(what).lower()
    text = f"{names[:1].upper()}{names[1:]}, then deploy {deployment.service} {deployment.version} to {deployment.environment}{_with(deployment)}."
    asked = kit.confirm(f"Start {deployment.service} {deployment.version}?", text, "Start")
    return kit.button("Start", ids.START, ids.value(deployment.id), style="primary", confirm=asked)


def _with(deployment: Deployment) -> str:
    return f", with {parameters.plainly(deployment)}" if deployment.parameters else ""


def roll_back_button(deployment: Deployment) -> Block:
    back = deployment.release.previous or "the previous version"
    asked = kit.confirm(
        f"Roll back to {back}?",
        f"{deployment.service} in {deployment.environment} goes back from {deployment.version} to {back}, now.",
        "Roll back",
        danger=True,
    )
    return kit.button("Roll back", ids.ROLL_BACK, ids.value(deployment.id), style="danger", confirm=asked)


def _more(deployment: Deployment) -> Block:
    options = [
        ("Why? What is in the way", ids.value(deployment.id, "why")),
        ("Contacts", ids.value(deployment.id, "contacts")),
        ("History", ids.value(deployment.id, "history")),
        ("Record", ids.value(deployment.id, "record")),
    ]
    if deployment.phase in {Phase.PREFLIGHT, Phase.PREPARING}:
        options.append(("Abort…", ids.value(deployment.id, "abort")))
    return kit.overflow(ids.MORE, options)
