"""What do go, no-go, “not me” and “I am reachable” come to?"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot import gates
from bot.errors import Refused
from bot.machine import words
from bot.model import Ask, Change, Deployment, Line, Person, Phase, Reachable, SignOff

#: Two presses within this time are one answer.
_ONCE = timedelta(minutes=1)


def role_to_sign(deployment: Deployment, by: Person, wanted: str, now: datetime) -> str:
    """The role that this person means: the named one, else the only one they fill (the first unsigned of several)."""
    if wanted:
        for seat in deployment.roster:
            if wanted.casefold() in {seat.role.casefold(), seat.title.casefold()}:
                return seat.role
        known = ", ".join(seat.title for seat in deployment.roster)
        raise Refused(f"There is no role “{wanted[:40]}”; the roles are {known}.")
    held = [role for role in deployment.plan.sign_off.roles if deployment.seat(role).held_by(by.id)]
    if not held:
        titles = ", ".join(deployment.seat(role).title for role in deployment.plan.sign_off.roles)
        raise Refused(f"You fill no role of {deployment.id}; {titles} sign. `/deploy contacts` shows who they are.")
    return next((role for role in held if gates.sign_off(deployment, role, now) is None), held[0])


def sign(deployment: Deployment, role: str, *, go: bool, by: Person, now: datetime, reason: str = "") -> Change | None:
    """The role says go or no-go, bound to what is known now. None when it says the same again."""
    if deployment.phase is not Phase.PREFLIGHT:
        raise Refused(f"{deployment.id} is {words(deployment.phase)}; sign-offs are given before it starts.")
    if role not in deployment.plan.sign_off.roles:
        raise Refused(f"{deployment.seat(role).title} does not sign for {deployment.service}; nothing is needed.")
    as_backup = gates.check_may_sign(deployment, role, by, now)
    said = " ".join(reason.split())[:500]
    if not go and not said:
        raise Refused("A no-go needs a reason; say in a few words what has to change.")
    standing = gates.sign_off(deployment, role, now)
    if standing is not None and (standing.go, standing.by.id, standing.reason) == (go, by.id, said):
        return None
    if standing is not None and standing.go and go:
        title = deployment.seat(role).title
        raise Refused(f"{title} has given its go already, by {standing.by.name}; nothing more is needed.")
    given = SignOff(
        role=role,
        by=by,
        as_backup=as_backup,
        go=go,
        at=now,
        until=now + timedelta(seconds=deployment.plan.sign_off.valid_for_s),
        fingerprint=gates.fingerprint(deployment),
        reason=said,
    )
    what = f"{'go' if go else 'no-go'} as {'backup for ' if as_backup else ''}{deployment.seat(role).title}"
    after = replace(deployment, sign_offs=(*deployment.sign_offs, given))
    said_so = gates.answer(deployment, by.id)
    if go and not (said_so is not None and said_so.holds(now)):
        # Whoever says go is there, and need not say that, too.
        after = _is_there(after, by, now)
    facts = {"role": role, "go": go, "fingerprint": given.fingerprint}
    return Change(deployment=after, lines=(Line(what=what, by=by, why=said, facts=facts),))


def pass_on(deployment: Deployment, role: str, *, by: Person, now: datetime) -> Change | None:
    """The contact cannot sign: the backup is asked at once."""
    seat = deployment.seat(role)
    if by.id != seat.contact.id or by.id == deployment.captain.id:
        raise Refused(f"Only {seat.contact.name} can pass this on; {seat.backup.name} is asked when nobody answers.")
    if seat.backup.id == deployment.captain.id:
        raise Refused(f"{seat.backup.name} started {deployment.id} and signs for no role; only you can sign this.")
    ask = deployment.asks.get(role, Ask(at=now))
    if ask.escalated_at is not None:
        return None
    asks = {**deployment.asks, role: replace(ask, escalated_at=now, passed_on=True)}
    line = Line(what=f"passed the sign-off of {seat.title} on to the backup", by=by, facts={"role": role})
    return Change(deployment=replace(deployment, asks=asks), lines=(line,))


def reachable(deployment: Deployment, *, by: Person, now: datetime) -> Change | None:
    """An emergency contact says that they are there; what is known of their roles is looked up again."""
    if deployment.phase is not Phase.PREFLIGHT:
        raise Refused(f"{deployment.id} is {words(deployment.phase)}; who can be reached is asked before it starts.")
    roles = gates.roles_of(deployment, by)
    if not roles:
        raise Refused(f"You are no emergency contact of {deployment.id}. `/deploy contacts` shows who they are.")
    known = gates.answer(deployment, by.id)
    if known is not None and now - known.at < _ONCE:
        return None
    line = Line(what="is reachable", by=by, facts={"roles": list(roles)})
    return Change(deployment=_is_there(deployment, by, now), lines=(line,))


def _is_there(deployment: Deployment, by: Person, now: datetime) -> Deployment:
    """As an emergency contact, where this person is one; what is known of their roles is looked up again."""
    roles = gates.roles_of(deployment, by)
    if not roles:
        return deployment
    others = tuple(one for one in deployment.reachable if one.by.id != by.id)
    again = {name: now for name, role in gates.contact_checks(deployment).items() if role in roles}
    return replace(
        deployment,
        reachable=(*others, Reachable(by=by, at=now)),
        remeasure={**deployment.remeasure, **again},
    )
