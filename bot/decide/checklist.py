"""What do ticks, evidence, waivers and measurements come to?"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from bot import gates
from bot.decide import vouching
from bot.errors import Refused
from bot.model import Change, Deployment, Finding, Line, NotApplicable, Person, Phase, Tick, Waiver
from bot.plan import ItemPlan

T = TypeVar("T")


def item(deployment: Deployment, key: str) -> ItemPlan:
    """The item of this key, wherever on the checklist it stands."""
    for one in deployment.plan.items:
        if one.key == key:
            return one
    raise Refused(f"{deployment.id} has no item “{key}”; its thread shows the items there are.")


def _check_open(deployment: Deployment, one: ItemPlan) -> None:
    """Refuse to touch an item whose time is over or has not come."""
    if deployment.over:
        raise Refused(
            f"{deployment.id} is {deployment.phase.value.replace('_', ' ')}; its checklist cannot change any more."
        )
    if one in gates.preflight_items(deployment) and deployment.phase is not Phase.PREFLIGHT:
        raise Refused(f"{deployment.id} has started; “{one.title}” stays as it was then.")


def may_tick(deployment: Deployment, key: str, *, by: Person, note: str, link: str) -> str | None:
    """The role that they tick it as; None when they have ticked it already, and Refused when they may not."""
    one = item(deployment, key)
    _check_open(deployment, one)
    if key in deployment.ticks:
        if deployment.ticks[key].by.id == by.id:
            return None
        raise Refused(f"“{one.title}” was ticked already, by {deployment.ticks[key].by.name}.")
    if one.checks and not one.confirm:
        raise Refused(f"“{one.title}” is measured; use Measure again, or waive it.")
    role = gates.check_holds(deployment, one.role, by, f"tick “{one.title}”")
    vouching.check_given(deployment, one, by=by, note=note.strip(), link=link.strip())
    return role


def tick(
    deployment: Deployment,
    key: str,
    *,
    by: Person,
    now: datetime,
    note: str = "",
    link: str = "",
    seen: Finding | None = None,
) -> Change | None:
    """The item's owner vouches for it; `seen`: what the page behind the link showed. None: two presses are one decision."""
    one = item(deployment, key)
    role = may_tick(deployment, key, by=by, note=note, link=link)
    if role is None:
        return None
    note, link = note.strip(), link.strip()
    findings = deployment.findings
    if seen is not None:
        vouching.check_page(one, seen)
        findings = {**findings, seen.check: seen}
    ticked = vouching.bound(deployment, one, Tick(by=by, role=role, at=now, note=note, link=link), seen)
    after = replace(
        deployment,
        ticks={**deployment.ticks, key: ticked},
        not_applicable=_without(deployment.not_applicable, key),
        findings=findings,
    )
    facts = {"item": key}
    if seen is not None:
        facts |= {"status": str(ticked.status), "sha256": ticked.sha256}
    return Change(deployment=after, lines=(Line(what=f"ticked {key}", by=by, why=note or link, facts=facts),))


def untick(deployment: Deployment, key: str, *, by: Person) -> Change | None:
    """The tick, the waiver or the “not applicable” of an item is taken back."""
    one = item(deployment, key)
    _check_open(deployment, one)
    known = (deployment.ticks, deployment.not_applicable, deployment.waivers)
    if not any(key in mapping for mapping in known):
        return None
    gates.check_holds(deployment, one.role, by, f"take back “{one.title}”")
    after = replace(
        deployment,
        ticks=_without(deployment.ticks, key),
        not_applicable=_without(deployment.not_applicable, key),
        waivers=_without(deployment.waivers, key),
    )
    return Change(deployment=after, lines=(Line(what=f"took back {key}", by=by, facts={"item": key}),))


def not_applicable(deployment: Deployment, key: str, *, reason: str, by: Person, now: datetime) -> Change:
    one = item(deployment, key)
    _check_open(deployment, one)
    gates.check_holds(deployment, one.role, by, f"call “{one.title}” not applicable")
    said = _reason(reason, "Say why it is not applicable.")
    marks = {**deployment.not_applicable, key: NotApplicable(by=by, at=now, reason=said)}
    after = replace(deployment, not_applicable=marks, ticks=_without(deployment.ticks, key))
    return Change(deployment=after, lines=(Line(what=f"not applicable: {key}", by=by, why=said, facts={"item": key}),))


def waive(deployment: Deployment, key: str, *, reason: str, until: datetime, by: Person, now: datetime) -> Change:
    """A role accepts a fail or an unknown, with a reason and an end."""
    one = item(deployment, key)
    _check_open(deployment, one)
    if not one.checks:
        raise Refused(f"“{one.title}” is not measured; tick it, or say that it is not applicable.")
    stands = gates.standing(deployment, one, now)
    if stands not in {gates.Standing.FAIL, gates.Standing.UNKNOWN, gates.Standing.WAIVED}:
        raise Refused(f"“{one.title}” is not in the way ({stands}); there is nothing to waive.")
    role = gates.check_holds(deployment, one.role, by, f"waive “{one.title}”")
    said = _reason(reason, "Say why this may be accepted.")
    if until <= now:
        raise Refused("The waiver's end is in the past; choose a later date.")
    waiver = Waiver(by=by, role=role, at=now, reason=said, until=until)
    after = replace(deployment, waivers={**deployment.waivers, key: waiver})
    facts = {"item": key, "until": until.isoformat(), "verdict": str(stands)}
    return Change(deployment=after, lines=(Line(what=f"waived {key}", by=by, why=said, facts=facts),))


def touch(deployment: Deployment, key: str) -> Change:
    """Redraw one item, since somebody's client shows a box as ticked that is not."""
    count = deployment.touched.get(key, 0) + 1
    return Change(deployment=replace(deployment, touched={**deployment.touched, key: count}))


def remeasure(deployment: Deployment, checks: Iterable[str], *, by: Person, now: datetime) -> Change:
    """Ask for checks to be measured again."""
    names = tuple(checks)
    if deployment.over:
        raise Refused(f"{deployment.id} is over; nothing is measured for it any more.")
    if not names:
        raise Refused("There is nothing to measure here; the items left are people's to tick.")
    after = replace(deployment, remeasure={**deployment.remeasure, **dict.fromkeys(names, now)})
    return Change(deployment=after, lines=(Line(what="asked to measure again: " + ", ".join(names), by=by),))


def found(deployment: Deployment, finding: Finding) -> Change | None:
    """A check reported. An older measurement never replaces a newer one."""
    known = deployment.findings.get(finding.check)
    if deployment.over or (known is not None and known.measured_at > finding.measured_at):
        return None
    after = replace(deployment, findings={**deployment.findings, finding.check: finding})
    if known is not None and known.verdict is finding.verdict:
        return Change(deployment=after)
    facts = {"check": finding.check, "verdict": str(finding.verdict)}
    line = Line(what=f"measured {finding.check}: {finding.verdict}", why=finding.summary, facts=facts)
    return Change(deployment=after, lines=(line,))


def _reason(text: str, otherwise: str) -> str:
    said = " ".join(text.split())
    if not said:
        raise Refused(otherwise)
    return said[:500]


def _without(mapping: Mapping[str, T], key: str) -> dict[str, T]:
    return {name: value for name, value in mapping.items() if name != key}
