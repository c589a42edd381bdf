"""How is somebody asked, in a direct message: for a sign-off, for a follow-up?"""

from datetime import datetime

from bot import gates
from bot.gates import Standing
from bot.model import Deployment, Person, Phase, Seat, SignOff
from bot.plan import ItemPlan
from bot.text import clip, duration, esc, mention, moment, number, plural
from bot.views import card, ids, kit, parameters, signs
from bot.views.kit import Block

#: So many of the waived lines are named; the thread has them all.
_MOST_WAIVED = 8

#: Whoever gave their go to what ended like this reads so where they gave it.
_WITHDRAWN = frozenset({Phase.ABORTING, Phase.ABORTED, Phase.ROLLING_BACK, Phase.ROLLED_BACK})


def sign_off(deployment: Deployment, seat: Seat, person: Person, now: datetime) -> list[Block]:
    """Everything somebody needs to say go or no-go, and the buttons to say it."""
    title = f"*{esc(signs.name(deployment))}* {wants(deployment)} your go as *{esc(seat.title)}*"
    if person.id == seat.backup.id:
        title += f", as backup for {esc(seat.contact.name)}"
    now = _as_of(deployment, now)
    given = gates.sign_off(deployment, seat.role, now)
    # Once it is decided the message stands still: it need not be edited with every tick of others.
    waits = given is None and not _is_past(deployment)
    blocks = [kit.section(title), kit.section("\n".join(_facts(deployment, now, waits=waits)))]
    carried = ids.value(deployment.id, seat.role)
    if given is not None:
        blocks.append(kit.section(_answered(given, seat)))
        if deployment.phase is Phase.PREFLIGHT:
            change = (
                kit.button("Change my mind: no-go…", ids.NO_GO, carried)
                if given.go
                else kit.button("Change my mind: go", ids.GO, carried)
            )
            blocks += kit.actions(change, _reachable(deployment, seat, person, now))
        if deployment.phase in _WITHDRAWN:
            blocks.append(kit.context(f"{is_now(deployment)}."))
        return blocks
    if _is_past(deployment):
        blocks.append(kit.context(_nothing_asked(deployment)))
        return blocks
    go = kit.button("Go", ids.GO, carried, style="primary")
    no_go = kit.button("No-go…", ids.NO_GO, carried, style="danger")
    left = [
        one for one in gates.signers(deployment, seat.role) if one not in gates.asked_to_sign(deployment, seat.role)
    ]
    not_me = kit.button(f"Not me, ask {left[0].name}", ids.NOT_ME, carried) if left else None
    blocks += kit.actions(go, no_go, not_me, _reachable(deployment, seat, person, now))
    if left:
        late = deployment.after(deployment.asks[seat.role].at, deployment.plan.sign_off.escalate_after_s)
        then = f"If nobody answers by {moment(late)}, {esc(left[0].name)} is asked."
        on_hold = f"It is on hold; {esc(left[0].name)} is not asked before it is resumed."
        blocks.append(kit.context(then if deployment.hold is None else on_hold))
    alone = signs.only_one_signs(deployment, seat)
    if alone:
        blocks.append(kit.context(alone))
    return blocks


def _as_of(deployment: Deployment, now: datetime) -> datetime:
    """The moment that a request tells of: once it has started or is over, what ends afterwards was good when it mattered."""
    settled = deployment.started_at or deployment.ended_at
    return min(now, settled) if settled is not None else now


def _answered(given: SignOff, seat: Seat) -> str:
    said = "🟢 GO" if given.go else f"🔴 NO-GO “{esc(clip(given.reason, 300))}”"
    stands_in = f", as backup for {esc(seat.contact.name)}" if given.as_backup else ""
    return f"{said}  {esc(given.by.name)}{stands_in}, {moment(given.at)}"


def wants(deployment: Deployment) -> str:
    """A request is one for as long as it can be answered."""
    return "wants" if deployment.phase is Phase.PREFLIGHT else "wanted"


def is_now(deployment: Deployment) -> str:
    """`checkout-1 is aborted`"""
    return f"{esc(deployment.id)} is {signs.TITLES[deployment.phase].lower()}"


def _is_past(deployment: Deployment) -> bool:
    """Nobody's word is needed any more: it has started, or cannot start."""
    return deployment.phase is not Phase.PREFLIGHT or deployment.window_over_at is not None


def _nothing_asked(deployment: Deployment) -> str:
    over = deployment.phase is Phase.PREFLIGHT and deployment.window_over_at is not None
    what = f"The window of {esc(deployment.id)} is over" if over else is_now(deployment)
    return f"{what}; nothing is asked of you any more."


def window_over(deployment: Deployment) -> tuple[str, list[Block]]:
    """What nobody can start any more, and what its captain does; afterwards what became of it."""
    at = deployment.window[1] if deployment.window else deployment.opened_at
    said = f"⌛ The window of {esc(signs.name(deployment))} closed {moment(at)}, before it was started"
    if deployment.phase is not Phase.PREFLIGHT:
        return f"{said}. {is_now(deployment)}.", []
    said = (
        f"{said}. Nobody is asked for their go any more: press *Abort…*, and start again with another window. "
        f"{mention(deployment.captain.id)}"
    )
    return said, [kit.section(said), *kit.actions(card.abort_button(deployment))]


def reminder(deployment: Deployment, seat: Seat, now: datetime) -> str:
    """The second message to somebody who has not answered; afterwards what became of it, for its buttons are gone."""
    name, given = esc(signs.name(deployment)), gates.sign_off(deployment, seat.role, _as_of(deployment, now))
    if given is None and not _is_past(deployment):
        return f"Still waiting: {name} wants your go as {esc(seat.title)}. The message above has the buttons."
    became = _nothing_asked(deployment) if given is None else f"{_answered(given, seat)}."
    if given is not None and deployment.phase in _WITHDRAWN:
        became += f" {is_now(deployment)}."
    return f"You were reminded: {name} wanted your go as {esc(seat.title)}. {became}"


def no_go(deployment: Deployment, number_: int, now: datetime) -> str:
    """Who said no, why, and what happens next, for the captain; afterwards what became of it."""
    given = deployment.sign_offs[number_]
    seat = deployment.seat(given.role)
    title = esc(seat.title)
    backup = f", as backup for {esc(seat.contact.name)}" if given.as_backup else ""
    said = f"NO-GO from {title}, by {esc(given.by.name)}{backup}: “{esc(clip(given.reason, 500))}”."
    since = next((one for one in deployment.sign_offs[number_ + 1 :] if one.role == given.role), None)
    if since is not None:
        return (
            f"{said} It was said again since, below."
            if not since.go
            else f"{said} Since then it is {_answered(since, seat)}."
        )
    if deployment.phase is not Phase.PREFLIGHT:
        return f"{said} {is_now(deployment)}."
    if gates.sign_off(deployment, given.role, now) is not given:
        return f"{said} It does not hold any more; {title} has to say go or no-go anew."
    may = ", backup ".join(esc(one.name) for one in gates.signers(deployment, given.role))
    return (
        f"🔴 {said} It cannot start until {title} says go ({may}); `/deploy abort` calls it off. "
        f"{mention(deployment.captain.id)}"
    )


def _reachable(deployment: Deployment, seat: Seat, person: Person, now: datetime) -> Block | None:
    """Where the contacts of this role are looked up, until they have said that they are there."""
    said = gates.answer(deployment, person.id)
    if seat.role not in gates.contact_checks(deployment).values() or (said is not None and said.holds(now)):
        return None
    return kit.button("I am reachable", ids.REACHABLE, ids.value(deployment.id, seat.role))


def ready(deployment: Deployment, now: datetime) -> tuple[str, list[Block]]:
    """What the captain reads once nothing is in the way: it waits for them. The text alone, and the blocks."""
    name = signs.name(deployment)
    waiting = len(list(gates.blockers(deployment, now)))
    if deployment.phase is not Phase.PREFLIGHT:
        said, button = f"was all clear, and is {signs.TITLES[deployment.phase].lower()} now", None
        if deployment.phase is Phase.DECIDING:
            said = "was all clear, and waits for a decision now: roll back, or accept"
    elif waiting:
        said, button = f"is not clear any more: {plural(waiting, 'thing')} in the way", None
    else:
        until = f" until its window closes {moment(deployment.window[1], 'date_time')}" if deployment.window else ""
        said, button = f"is all clear. It waits{until} for you to start it", card.start_button(deployment)
    where = f" (<{signs.link_target(deployment.thread)}|thread>)" if deployment.thread else ""
    blocks = [kit.section(f"*{esc(name)}* {said}.{where}"), *(kit.actions(button) if button else [])]
    return f"{esc(name)} {said}.", blocks


def _facts(deployment: Deployment, now: datetime, *, waits: bool) -> list[str]:
    """What changes and how well it looks; with which values; and the way back, should it be needed."""
    release = deployment.release
    by = f", by {plural(len(release.changes.authors), 'author')}" if release.changes else ""
    where = f" (<{signs.link_target(deployment.thread)}|thread>)" if deployment.thread else ""
    changed = f"{card.changes(deployment)}{by}"
    looks = f"{changed} · {_looks(deployment, now, waits=waits)}{where}"
    said = [parameters.shown(deployment)] if deployment.parameters else []
    return [looks, *said, f"Rollback: {_way_back(deployment, now)}"]


def _looks(deployment: Deployment, now: datetime, *, waits: bool) -> str:
    items = list(gates.preflight_items(deployment))
    standings = [gates.standing(deployment, item, now) for item in items]
    waived = [item.title for item, one in zip(items, standings, strict=True) if one is Standing.WAIVED]
    fails, warns, unknown = (standings.count(one) for one in (Standing.FAIL, Standing.WARN, Standing.UNKNOWN))
    said = [f"{number(fails)} {'fails' if fails == 1 else 'fail'}"] if fails else []
    said += [f"{number(warns)} {'warns' if warns == 1 else 'warn'}"] if warns else []
    said += [f"{number(unknown)} unknown"] if unknown else []
    if not any(item.checks for item in items):
        said = ["nothing is measured"]
    elif not said:
        said = ["all else that is measured passes" if waived else "all that is measured passes"]
    if waived:
        more = f" and {len(waived) - _MOST_WAIVED} more" if len(waived) > _MOST_WAIVED else ""
        said.append(f"{number(len(waived))} waived ({', '.join(map(esc, waived[:_MOST_WAIVED]))}{more})")
    if waits:
        done, of = gates.progress(deployment, items, now)
        said.insert(0, f"checklist {number(done)} of {number(of)}")
    return ", ".join(said)


def _way_back(deployment: Deployment, now: datetime) -> str:
    to = esc(deployment.release.previous or "an unknown version")
    backups = [one.name for one in deployment.plan.checks.values() if one.uses == "backup"]
    known = next((found for name in backups if (found := gates.finding(deployment, name, now)) is not None), None)
    took = deployment.last_rollback_s
    last = next((step.title for step in deployment.plan.steps if step.no_return), "")
    facts = [
        # Numbers such as “2 min ago” stay as they were, and are read a week later, too.
        f"{esc(clip(known.summary, 120))} (measured {moment(known.measured_at)})"
        if known is not None
        else "no backup was measured",
        f"last rollback took {duration(took)}" if took is not None else "nobody has rolled back here yet",
    ]
    return f"to {to} · {', '.join(facts)}" + (f" · no return after “{esc(last)}”" if last else "")


def tasks(deployment: Deployment, title: str, open_: list[ItemPlan]) -> list[Block]:
    """What this person's role still has to tick, in a follow-up or in the verification."""
    where = f" (<{signs.link_target(deployment.thread)}|thread>)" if deployment.thread else ""
    lines = [f"*{esc(title)} · {esc(signs.name(deployment))}*: {plural(len(open_), 'task')} for you{where}"]
    lines += [f"☐ {esc(task.title)}" for task in open_]
    if deployment.over and not open_:
        lines = [f"*{esc(title)} · {esc(signs.name(deployment))}*: {_nothing_asked(deployment)}"]
    elif not open_:
        lines = [f"*{esc(title)} · {esc(signs.name(deployment))}*: all of yours is done."]
    return [kit.section("\n".join(lines))]
