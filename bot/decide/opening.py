"""How does a deployment begin?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches

from bot.errors import Refused
from bot.model import Change, Deployment, Line, Person, Phase, Release, Seat
from bot.plan import ParameterKind, Plan


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Everything that is known when somebody starts a deployment."""

    plan: Plan
    release: Release
    roster: tuple[Seat, ...]
    captain: Person
    channel: str
    notes: str = ""
    window: tuple[datetime, datetime] | None = None
    #: Found right already.
    parameters: Mapping[str, str] = field(default_factory=dict)
    frozen: str = ""
    last_rollback_s: float | None = None
    usual_s: Mapping[str, float] = field(default_factory=dict)


def check_version(plan: Plan, version: str) -> str:
    """The version without a leading v; Refused when it is not one."""
    bare = version.strip().removeprefix("v")
    if re.fullmatch(plan.release.version_pattern, bare):
        return bare
    raise Refused(f"“{version.strip()[:40]}” is not a version of {plan.service}; write one like 1.4.2.")


def no_such_version(plan: Plan, version: str, known: Sequence[str]) -> str:
    """What is said when the repository has tags, the newest first, and none for this version."""
    near = get_close_matches(version, known, n=1, cutoff=0.8)
    offered = f"Did you mean {near[0]}? If not, push" if near else f"Start one that it has, such as {known[0]}, or push"
    tag = plan.release.tag.replace("${version}", version)
    return (
        f"{plan.service} has no version {version}: its repository has no tag {tag}. {offered} the tag and start again."
    )


def check_window(window: tuple[datetime, datetime] | None, now: datetime) -> None:
    if window is None:
        return
    if window[1] <= window[0]:
        raise Refused("“Window closes” has to be later than “Window opens”.", at="window_to")
    if window[1] <= now:
        raise Refused("This window is over; give an end that lies ahead.", at="window_to")


def check_somebody_can_sign(plan: Plan, roster: tuple[Seat, ...], captain: Person) -> None:
    """Refuse a captain who fills a role alone: nobody signs for what they started, so nobody could for that role."""
    for seat in roster:
        if seat.role in plan.sign_off.roles and captain.id == seat.contact.id == seat.backup.id:
            raise Refused(
                f"You are both contact and backup of {seat.title}, and nobody signs for what they started. "
                f"Let somebody else start it, or name another backup in app.yaml."
            )


def draft(opening: Opening, number: int, earlier: Deployment | None, now: datetime) -> Change:
    """The new record. `earlier` is the newest deployment of the same service and environment."""
    check_window(opening.window, now)
    check_somebody_can_sign(opening.plan, opening.roster, opening.captain)
    if earlier is not None and earlier.version == opening.release.version and earlier.phase is Phase.LIVE:
        raise Refused(f"{earlier.service} {earlier.version} is live already ({earlier.id}); start another version.")
    service = opening.plan.service
    deployment = Deployment(
        id=f"{service}-{number}",
        number=number,
        service=service,
        environment=opening.plan.environment,
        release=opening.release,
        captain=opening.captain,
        channel=opening.channel,
        frozen=opening.frozen,
        opened_at=now,
        phase=Phase.PREFLIGHT,
        phase_at=now,
        plan=opening.plan,
        roster=opening.roster,
        notes=opening.notes,
        window=opening.window,
        parameters=opening.parameters,
        last_rollback_s=opening.last_rollback_s,
        usual_s=opening.usual_s,
    )
    line = Line(
        what=_opened(opening.parameters),
        by=opening.captain,
        why=opening.notes,
        facts={
            "service": service,
            "version": opening.release.version,
            "environment": opening.plan.environment,
            "commit": opening.release.commit,
            "configuration": opening.plan.digest,
            **_told(opening),
        },
    )
    return Change(deployment=deployment, lines=(line,))


def _opened(values: Mapping[str, str]) -> str:
    with_ = ", ".join(f"{key}={value}" for key, value in values.items())
    return f"opened with {with_}" if with_ else "opened"


def _told(opening: Opening) -> dict[str, Mapping[str, str]]:
    """The parameters as facts, but for texts: one may hold a name, which can be taken out of the words of a line, not out of a fact."""
    texts = {one.key for one in opening.plan.parameters if one.kind is ParameterKind.TEXT}
    told = {key: value for key, value in opening.parameters.items() if key not in texts}
    return {"parameters": told} if told else {}


def refreshed(deployment: Deployment, release: Release) -> Change | None:
    """The release's facts were looked up again: when one changed, say so; sign-offs bound to the old ones are void."""
    if release == deployment.release:
        return None
    said: list[str] = []
    if release.commit != deployment.release.commit:
        said.append(
            f"{release.version} is now {release.commit[:9] or 'unknown'}, was {deployment.release.commit[:9] or 'unknown'}"
        )
    for key, digest in release.script_hashes.items():
        if deployment.release.script_hashes.get(key) != digest:
            said.append(f"the script {key} was edited")
    after = replace(deployment, release=release)
    if not said:
        return Change(deployment=after, lines=(Line(what="looked the release up again"),))
    if deployment.sign_offs:
        # Whoever signed is asked anew, with the reminders that go with it.
        after = replace(after, voided=(*deployment.voided, "; ".join(said)), asks={})
    facts = {"commit": release.commit, "scripts": dict(release.script_hashes)}
    return Change(deployment=after, lines=(Line(what="what was signed has changed: " + "; ".join(said), facts=facts),))


def thread_opened(deployment: Deployment, permalink: str) -> Change | None:
    """The card stands; from now on messages elsewhere can link to it."""
    if deployment.thread == permalink or not permalink:
        return None
    return Change(deployment=replace(deployment, thread=permalink))


def frozen(deployment: Deployment, sentence: str) -> Change | None:
    """A change freeze began or ended that covers this deployment."""
    if deployment.over or deployment.frozen == sentence:
        return None
    what = f"change freeze: {sentence}" if sentence else "the change freeze is over"
    return Change(deployment=replace(deployment, frozen=sentence), lines=(Line(what=what),))
