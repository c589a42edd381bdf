"""Which sign and which word stand for a state? Always both, so that neither colour nor shape alone has to be read."""

from datetime import datetime

from bot import gates
from bot.gates import Standing
from bot.model import Deployment, Hold, Phase, Seat, StepRecord, StepState, Tick
from bot.plan import ItemPlan
from bot.text import Raw, clip, duration, esc, moment

OF_STANDING = {
    Standing.PASS: "✅ pass",
    Standing.WARN: "⚠️ warn",
    Standing.FAIL: "❌ fail",
    Standing.UNKNOWN: "❔ unknown",
    Standing.MEASURING: "⏳ measuring",
    Standing.OPEN: "☐ to do",
    Standing.TICKED: "☑ done",
    Standing.WAIVED: "⚠️ waived",
    Standing.NOT_APPLICABLE: "⏭️ not applicable",
}

OF_STEP = {
    StepState.RUNNING: "⏳ running",
    StepState.ASKING: "✋ waits",
    StepState.PASSED: "✅ done",
    StepState.FAILED: "❌ failed",
    StepState.SKIPPED: "⏭️ skipped",
}

#: The same where the deployment has left the phase; what is settled or failed stays as it was.
_LEFT = {None: "not begun", StepState.RUNNING: "ended", StepState.ASKING: "not done"}

TITLES = {
    Phase.PREFLIGHT: "Preflight",
    Phase.PREPARING: "Preparing",
    Phase.DEPLOYING: "Deploying",
    Phase.VERIFYING: "Verifying",
    Phase.LIVE: "Live",
    Phase.DECIDING: "Deciding",
    Phase.ROLLING_BACK: "Rolling back",
    Phase.ABORTING: "Aborting",
    Phase.CLOSED: "Closed",
    Phase.SUPERSEDED: "Superseded",
    Phase.ABORTED: "Aborted",
    Phase.ROLLED_BACK: "Rolled back",
}


def name(deployment: Deployment) -> str:
    """`checkout 1.4.2 → production`"""
    return f"{deployment.service} {deployment.version} → {deployment.environment}"


def owner(deployment: Deployment, role: str) -> str:
    """Who clears something: the role's title, or the captain."""
    if not role:
        return deployment.captain.name
    return next((seat.title for seat in deployment.roster if seat.role == role), role)


def releases(hold: Hold) -> str:
    """Who lets it go on: any role, not only the one that set it; and whoever set it without one."""
    return "somebody of the roster" if hold.role else f"{hold.by.name} or somebody of the roster"


def people(seat: Seat) -> str:
    return f"{seat.contact.name}, backup {seat.backup.name}"


def only_one_signs(deployment: Deployment, seat: Seat) -> str:
    """Why a role has nobody else to ask, when that is so."""
    left = gates.signers(deployment, seat.role)
    if len(left) != 1 or seat.contact.id == seat.backup.id:
        return ""
    which = "contact" if seat.contact.id == deployment.captain.id else "backup"
    return f"the {which} {esc(deployment.captain.name)} started this; only {esc(left[0].name)} can sign"


def item_line(deployment: Deployment, item: ItemPlan, now: datetime) -> str:
    """One item: sign and word, title, and the numbers or the person behind it."""
    stands = gates.standing(deployment, item, now)
    detail = _detail(deployment, item, stands, now)
    title = f"*{esc(item.title)}*"
    return f"{OF_STANDING[stands]}   {title}" + (f"\n{detail}" if detail else "")


def _detail(deployment: Deployment, item: ItemPlan, stands: Standing, now: datetime) -> str:
    said: list[str] = []
    if item.checks and stands is not Standing.NOT_APPLICABLE:
        said += _found(deployment, item, now)
    ticked = deployment.ticks.get(item.key) if gates.is_ticked(deployment, item, now) else None
    if stands is Standing.NOT_APPLICABLE:
        mark = deployment.not_applicable[item.key]
        said.append(f"“{esc(clip(mark.reason, 200))}” {esc(mark.by.name)}, {moment(mark.at)}")
    elif stands is Standing.WAIVED:
        waiver = deployment.waivers[item.key]
        until = moment(waiver.until, "date_time")
        said.append(f"waived until {until} by {esc(waiver.by.name)}: “{esc(clip(waiver.reason, 200))}”")
    elif ticked is not None:
        # The next deployment is vouched for anew, so nothing longer is promised.
        ends = ticked.until if not deployment.over else None
        until = f" · holds for this deployment, until {moment(ends, 'date_time')}" if ends is not None else ""
        said.append(_vouched(ticked) + f"{esc(ticked.by.name)}, {moment(ticked.at)}{until}")
    elif stands is Standing.OPEN:
        asked = (
            "confirm what was measured"
            if item.checks
            else "tick with a link or a note"
            if item.evidence
            else "tick when it is done"
        )
        said.append(f"_{esc(owner(deployment, item.role)) if item.role else 'somebody of the roster'}: {asked}_")
    return " · ".join(said)


def _found(deployment: Deployment, item: ItemPlan, now: datetime) -> list[str]:
    """What was measured; where several checks decide, each of them in a line of its own."""
    if len(item.checks) == 1:
        known = gates.finding(deployment, item.checks[0], now)
        return [esc(clip(known.summary, 300))] if known is not None else []
    lines: list[str] = []
    for name in item.checks:
        known = gates.finding(deployment, name, now)
        sign = OF_STANDING[gates.measured(deployment, name, now)].partition(" ")[0]
        lines.append(f"{sign} {esc(name)}" + (f": {esc(clip(known.summary, 200))}" if known is not None else ""))
    return ["\n".join(lines)]


def _vouched(ticked: Tick) -> str:
    parts = [f"“{esc(clip(ticked.note, 200))}”"] if ticked.note else []
    if ticked.link:
        parts.append(f"<{link_target(ticked.link)}|evidence>")
    if ticked.status:
        parts.append(f"(answered {ticked.status}, `{ticked.sha256[:12]}`)")
    return " ".join(parts) + " " if parts else ""


def link_target(link: str) -> Raw:
    """A link that cannot break out of Slack's `<…|…>`."""
    return Raw(link.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C"))


def lasted(record: StepRecord | None) -> float | None:
    """How long a step took that runs no script."""
    return (record.ended_at - record.at).total_seconds() if record is not None and record.ended_at else None


def step_line(
    title: str,
    record: StepRecord | None,
    about: str = "",
    lasted_s: float | None = None,
    *,
    left: str = "",
    ending: bool = False,
) -> str:
    """One step: sign and word, title, result, how long; before it began, what it is about. `left`: why it goes no further;
    `ending`: what it runs has still to end."""
    if left and (word := _LEFT.get(record.state if record is not None else None)):
        return f"⏹️ {'ending' if ending else word}   *{esc(title)}*\n_{esc(left)}_"
    if record is None:
        return f"○ next   *{esc(title)}*" + (f"\n_{esc(about.strip('`'))}_" if about else "")
    took = f" · {duration(lasted_s)}" if record.ended_at is not None and lasted_s else ""
    by = f" · {esc(record.by.name)}" if record.by is not None else ""
    note = f"\n{esc(clip(record.note, 400))}{by}{took}" if record.note else took
    if record.state is StepState.ASKING and about:
        note = f"\n_{esc(about.strip('`'))}_"
    return f"{OF_STEP[record.state]}   *{esc(title)}*{note}"
