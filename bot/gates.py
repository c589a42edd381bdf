"""Who may, and what is in the way? Pure answers about a record."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from bot import recorded
from bot.errors import Refused
from bot.model import Deployment, Finding, Person, Phase, Reachable, SignOff, StepRecord, StepState, Verdict
from bot.plan import ItemPlan, SectionPlan, Stage, StepKind, StepPlan


class Reason(StrEnum):
    """The closed list of what can be in the way."""

    HELD = "held"
    FROZEN = "frozen"
    WINDOW_AHEAD = "window_ahead"
    WINDOW_OVER = "window_over"
    CHECK_FAILED = "check_failed"
    CHECK_UNKNOWN = "check_unknown"
    MEASURING = "measuring"
    ITEM_OPEN = "item_open"
    NO_GO = "no_go"
    NOT_SIGNED = "not_signed"
    STEP_FAILED = "step_failed"
    STEP_ASKS = "step_asks"
    DECISION = "decision"
    FOLLOW_UP_OPEN = "follow_up_open"


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """One thing in the way, and the role that can clear it."""

    reason: Reason
    text: str
    #: Key of the role; empty: the captain.
    role: str = ""
    #: Key of the item, step or role it is about.
    about: str = ""
    #: The moment that its text ends with, which each reader sees in their own zone.
    at: datetime | None = None

    @property
    def said(self) -> str:
        """The whole of it where only plain words can be shown."""
        return self.text if self.at is None else f"{self.text} {self.at.astimezone(UTC):%-d %b %Y %H:%M} UTC"


class Standing(StrEnum):
    """How an item stands."""

    PASS = "pass"  # noqa: S105 - a standing, not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    MEASURING = "measuring"
    OPEN = "open"
    TICKED = "ticked"
    WAIVED = "waived"
    NOT_APPLICABLE = "not applicable"


DONE = frozenset({Standing.PASS, Standing.WARN, Standing.TICKED, Standing.WAIVED, Standing.NOT_APPLICABLE})
_OF_VERDICT = {
    Verdict.PASS: Standing.PASS,
    Verdict.WARN: Standing.WARN,
    Verdict.FAIL: Standing.FAIL,
    Verdict.UNKNOWN: Standing.UNKNOWN,
}


#: Of several checks of one item. What has failed already need not wait for the others.
_WORST_FIRST = (Standing.FAIL, Standing.UNKNOWN, Standing.MEASURING, Standing.WARN, Standing.PASS)


def finding(deployment: Deployment, check: str, now: datetime) -> Finding | None:
    """The newest finding: stored for what was measured outside, worked out now for what the record itself says."""
    plan = deployment.plan.checks.get(check)
    if plan is not None and plan.uses in recorded.KINDS:
        return recorded.judged(deployment, plan, now)
    return deployment.findings.get(check)


def is_outside(deployment: Deployment, check: str) -> bool:
    """Is it measured in the world, and not worked out from the record?"""
    plan = deployment.plan.checks.get(check)
    return plan is not None and plan.uses not in recorded.KINDS


def measured_by(deployment: Deployment, check: str) -> tuple[str, ...]:
    """The checks that have to be measured in the world before this one says anything: itself, or what it relies on."""
    if is_outside(deployment, check):
        return (check,)
    plan = deployment.plan.checks.get(check)
    return tuple(name for name in recorded.relies_on(deployment, plan) if is_outside(deployment, name)) if plan else ()


def is_measuring(deployment: Deployment, check: str, now: datetime) -> bool:
    """Nothing measured yet, measured too long ago, or somebody asked to measure again."""
    return not all(recorded.holds(deployment, name, now) for name in measured_by(deployment, check))


def is_ticked(deployment: Deployment, item: ItemPlan, now: datetime) -> bool:
    """Did somebody vouch for it, and does that still hold?"""
    given = deployment.ticks.get(item.key)
    return given is not None and (given.until is None or given.until > now)


def measured(deployment: Deployment, check: str, now: datetime) -> Standing:
    """What one check says at this moment."""
    known = finding(deployment, check, now)
    if known is None or is_measuring(deployment, check, now):
        return Standing.MEASURING
    return _OF_VERDICT[known.verdict]


def worst(deployment: Deployment, item: ItemPlan, now: datetime) -> Finding | None:
    """Of what its checks found, what decides how the item stands; None before anything was measured."""
    found = [known for name in item.checks if (known := finding(deployment, name, now)) is not None]
    return min(found, key=lambda one: _WORST_FIRST.index(_OF_VERDICT[one.verdict]), default=None)


def standing(deployment: Deployment, item: ItemPlan, now: datetime) -> Standing:
    """How this item stands at this moment."""
    if item.key in deployment.not_applicable:
        return Standing.NOT_APPLICABLE
    ticked = is_ticked(deployment, item, now)
    if not item.checks:
        return Standing.TICKED if ticked else Standing.OPEN
    judged = min((measured(deployment, name, now) for name in item.checks), key=_WORST_FIRST.index)
    if judged is Standing.MEASURING:
        return judged
    if judged not in DONE:
        waiver = deployment.waivers.get(item.key)
        return Standing.WAIVED if waiver is not None and waiver.until > now else judged
    return judged if ticked or not item.confirm else Standing.OPEN


def progress(deployment: Deployment, items: Iterable[ItemPlan], now: datetime) -> tuple[int, int]:
    """How many of the items are done, and how many there are."""
    standings = [standing(deployment, item, now) for item in items]
    return sum(one in DONE for one in standings), len(standings)


# ── Sign-offs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def fingerprint(deployment: Deployment) -> str:
    """What a sign-off is bound to: when any of this changes, it is void."""
    facts = {
        "service": deployment.service,
        "environment": deployment.environment,
        "version": deployment.version,
        "commit": deployment.release.commit,
        "configuration": deployment.plan.digest,
        "scripts": dict(sorted(deployment.release.script_hashes.items())),
    }
    if deployment.parameters:
        facts["parameters"] = dict(sorted(deployment.parameters.items()))
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def sign_off(deployment: Deployment, role: str, now: datetime) -> SignOff | None:
    """The role's newest sign-off, if it still holds."""
    given = next((one for one in reversed(deployment.sign_offs) if one.role == role), None)
    if given is None or given.until <= now or given.fingerprint != fingerprint(deployment):
        return None
    return given


def signers(deployment: Deployment, role: str) -> tuple[Person, ...]:
    """Who can sign for this role, in the order in which they are asked: nobody signs for what they started."""
    seat = deployment.seat(role)
    return tuple(one for one in (seat.contact, seat.backup) if one.id != deployment.captain.id)


def asked_to_sign(deployment: Deployment, role: str) -> tuple[Person, ...]:
    """Who was asked for this role's word so far."""
    ask = deployment.asks.get(role)
    may = signers(deployment, role)
    return () if ask is None else may if ask.escalated_at is not None else may[:1]


def check_may_sign(deployment: Deployment, role: str, by: Person, now: datetime) -> bool:
    """Refuse who may not sign for this role; True when they sign as its backup."""
    seat = deployment.seat(role)
    operator = by.id.startswith("op:")
    if seat.held_by(by.id) is None and not operator:
        left = signers(deployment, role)
        if len(left) == 1:
            raise Refused(f"Only {left[0].name} can sign as {seat.title}: {deployment.captain.name} started this.")
        raise Refused(f"Only {seat.title} ({seat.contact.name}, backup {seat.backup.name}) can sign this.")
    if by.id == deployment.captain.id:
        raise Refused(f"You started {deployment.id}; somebody else of the roster has to sign for {seat.title}.")
    for other in deployment.roster:
        if other.role == role:
            continue
        given = sign_off(deployment, other.role, now)
        if given is not None and given.by.id == by.id:
            raise Refused(f"You already signed as {other.title}; {seat.title} needs another person.")
    return by.id == seat.backup.id


# ── Permissions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def roles_of(deployment: Deployment, person: Person) -> tuple[str, ...]:
    """Keys of the roles that this person fills, as contact or as backup."""
    return tuple(seat.role for seat in deployment.roster if seat.held_by(person.id) is not None)


def contact_checks(deployment: Deployment) -> Mapping[str, str]:
    """The checks that look whether people are there, and the role of each."""
    known = deployment.plan.checks.items()
    return {name: str(one.with_.get("role")) for name, one in known if one.uses == "contacts"}


def answer(deployment: Deployment, person_id: str) -> Reachable | None:
    """What this person last said about being reachable."""
    return next((one for one in deployment.reachable if one.by.id == person_id), None)


def is_admin(deployment: Deployment, person: Person) -> bool:
    """An operator at the machine, or named as admin in the configuration."""
    return person.id.startswith("op:") or person.id in deployment.plan.admins


def check_holds(deployment: Deployment, role: str, by: Person, doing: str) -> str:
    """Refuse who does not fill this role (any role, when it is empty); the key of the role they act as."""
    held = roles_of(deployment, by)
    if role in held or (not role and held):
        return role or held[0]
    if is_admin(deployment, by):
        return role
    if role:
        seat = deployment.seat(role)
        raise Refused(f"Only {seat.title} ({seat.contact.name}, backup {seat.backup.name}) can {doing}.")
    raise Refused(f"Only somebody of the roster can {doing}. `/deploy contacts` shows who that is.")


def may_release(deployment: Deployment, person_id: str) -> bool:
    """Whether a hold is this person's to end: they set it, or fill any role."""
    hold = deployment.hold
    fills = any(seat.held_by(person_id) is not None for seat in deployment.roster)
    return hold is not None and (person_id == hold.by.id or fills or person_id in deployment.plan.admins)


def check_captain_or_roster(deployment: Deployment, by: Person, doing: str) -> None:
    """Refuse everybody but the captain, the roster and admins."""
    if by.id == deployment.captain.id or roles_of(deployment, by) or is_admin(deployment, by):
        return
    raise Refused(f"Only {deployment.captain.name}, who started this, or somebody of the roster can {doing}.")


# ── What is in the way ───────────────────────────────────────────────────────────────────────────────────────────────


def steps(deployment: Deployment, stage: Stage) -> tuple[StepPlan, ...]:
    return tuple(step for step in deployment.plan.steps if step.stage is stage)


def current_step(deployment: Deployment, stage: Stage) -> tuple[StepPlan, StepRecord | None] | None:
    """The first step that is not settled, and how far it is; None when all are."""
    for step in steps(deployment, stage):
        record = deployment.steps.get(step.key)
        if record is None or not record.settled:
            return step, record
    return None


def preflight_sections(deployment: Deployment) -> tuple[SectionPlan, ...]:
    """The sections of the checklist, and the artifacts that the deployment is made with."""
    plan = deployment.plan
    if not plan.artifacts:
        return plan.sections
    return (*plan.sections, SectionPlan(key="artifacts", title="Deployment Artifacts", items=plan.artifacts))


def preflight_items(deployment: Deployment) -> tuple[ItemPlan, ...]:
    return tuple(item for section in preflight_sections(deployment) for item in section.items)


def blockers(deployment: Deployment, now: datetime) -> Iterator[Blocker]:
    """Yield everything that keeps the deployment from going on, in the order people should clear it."""
    if deployment.hold is not None:
        hold = deployment.hold
        yield Blocker(reason=Reason.HELD, text=f"On hold by {hold.by.name}: {hold.reason}", role=hold.role)
    match deployment.phase:
        case Phase.PREFLIGHT:
            yield from _before_it_starts(deployment, now)
        case Phase.VERIFYING:
            yield from _step_in_the_way(deployment, Stage.VERIFYING)
            yield from _items_in_the_way(deployment, deployment.plan.verification.items, now)
            yield from _items_in_the_way(deployment, deployment.plan.criteria.items, now)
        case Phase.PREPARING | Phase.DEPLOYING | Phase.ROLLING_BACK | Phase.ABORTING:
            yield from _step_in_the_way(deployment, Stage(deployment.phase.value))
        case Phase.DECIDING:
            open_alarms = [alarm for alarm in deployment.alarms if alarm.settled_at is None]
            for alarm in open_alarms:
                yield Blocker(
                    reason=Reason.DECISION, text=f"Roll back, or accept? {alarm.title}: {alarm.detail}", about=alarm.key
                )
        case Phase.LIVE:
            for follow_up in deployment.plan.follow_ups:
                record = deployment.follow_ups.get(follow_up.key)
                if record is not None and record.opened_at is not None and record.done_at is None:
                    for blocker in _items_in_the_way(deployment, follow_up.tasks, now):
                        yield Blocker(
                            reason=Reason.FOLLOW_UP_OPEN,
                            text=f"{follow_up.title}: {blocker.text}",
                            role=blocker.role,
                            about=blocker.about,
                        )
        case _:
            return


def _before_it_starts(deployment: Deployment, now: datetime) -> Iterator[Blocker]:
    if deployment.frozen:
        yield Blocker(reason=Reason.FROZEN, text=deployment.frozen)
    opens, closes = deployment.window or (None, None)
    if window_over(deployment, now):
        said = "Its window is over; abort this (Abort… on the card, or `/deploy abort`), and start again with another one. It closed"
        yield Blocker(reason=Reason.WINDOW_OVER, text=said, at=closes)
    yield from _no_gos(deployment, now)
    yield from _items_in_the_way(deployment, preflight_items(deployment), now)
    yield from _sign_offs_missing(deployment, now)
    if opens is not None and now < opens:
        # Last: nobody can do anything about it, and time does.
        given = (sign_off(deployment, role, now) for role in deployment.plan.sign_off.roles)
        gone = any(one is not None and one.until <= opens for one in given)
        said = "The window has not begun, and a sign-off runs out before: it has to be given anew. It opens"
        yield Blocker(reason=Reason.WINDOW_AHEAD, text=said if gone else "The window has not begun. It opens", at=opens)


def window_over(deployment: Deployment, now: datetime) -> bool:
    """It did not begin in time, and nothing starts any more until it is opened anew with another window."""
    return deployment.phase is Phase.PREFLIGHT and deployment.window is not None and now >= deployment.window[1]


_ORDER = (Standing.FAIL, Standing.UNKNOWN, Standing.OPEN, Standing.MEASURING)


def _items_in_the_way(deployment: Deployment, items: Iterable[ItemPlan], now: datetime) -> Iterator[Blocker]:
    standings = [(item, standing(deployment, item, now)) for item in items]
    for wanted in _ORDER:
        for item, stands in standings:
            if stands is wanted:
                yield _item_blocker(deployment, item, stands, now)


def _item_blocker(deployment: Deployment, item: ItemPlan, stands: Standing, now: datetime) -> Blocker:
    known = worst(deployment, item, now)
    match stands:
        case Standing.FAIL:
            reason, text = Reason.CHECK_FAILED, f"{item.title}: {known.summary if known else 'failed'}"
        case Standing.UNKNOWN:
            reason, text = Reason.CHECK_UNKNOWN, f"{item.title}: {known.summary if known else 'could not be measured'}"
        case Standing.MEASURING:
            reason, text = Reason.MEASURING, f"{item.title}: being measured"
        case _:
            asked = "to be confirmed" if item.checks else "to be ticked"
            reason, text = Reason.ITEM_OPEN, f"{item.title}: {asked}"
    return Blocker(reason=reason, text=text, role=item.role, about=item.key)


def _no_gos(deployment: Deployment, now: datetime) -> Iterator[Blocker]:
    """Somebody looked and said no: before everything that is merely not done yet."""
    for role in deployment.plan.sign_off.roles:
        given = sign_off(deployment, role, now)
        if given is not None and not given.go:
            said = f"{deployment.seat(role).title} says no-go: {given.reason}"
            yield Blocker(reason=Reason.NO_GO, text=said, role=role, about=role)


def _sign_offs_missing(deployment: Deployment, now: datetime) -> Iterator[Blocker]:
    for role in deployment.plan.sign_off.roles:
        if sign_off(deployment, role, now) is None:
            had = next((one for one in reversed(deployment.sign_offs) if one.role == role), None)
            ran_out = had is not None and had.until <= now
            said = f"{deployment.seat(role).title} {'signed, and that ran out' if ran_out else 'has not signed'}"
            yield Blocker(reason=Reason.NOT_SIGNED, text=said, role=role, about=role)


def _step_in_the_way(deployment: Deployment, stage: Stage) -> Iterator[Blocker]:
    current = current_step(deployment, stage)
    if current is None:
        return
    step, record = current
    if record is None:
        return
    if record.state is StepState.FAILED:
        yield Blocker(reason=Reason.STEP_FAILED, text=f"{step.title}: {record.note}", about=step.key)
    if record.state is StepState.ASKING:
        yield Blocker(reason=Reason.STEP_ASKS, text=asks_for(step), role=step.role, about=step.key)


def asks_for(step: StepPlan) -> str:
    """What a step that asks wants of a person: what they have to do themselves, or their word that it may run."""
    if step.kind is not StepKind.CONFIRM:
        return f"{step.title}: waits for a go-ahead"
    return f"{step.title}: {step.about.strip('`')}" if step.about else f"{step.title}: done by a person, who says so"
