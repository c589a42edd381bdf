"""What is written down about a deployment, and in which phase it is?"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.model.measured import Finding, Verdict
from bot.model.people import MACHINE, Person, Reachable, Seat
from bot.model.runs import Run
from bot.model.watched import WatchReport
from bot.plan import Json, Plan


class Phase(StrEnum):
    PREFLIGHT = "preflight"
    PREPARING = "preparing"
    DEPLOYING = "deploying"
    VERIFYING = "verifying"
    LIVE = "live"
    DECIDING = "deciding"
    ROLLING_BACK = "rolling_back"
    ABORTING = "aborting"
    CLOSED = "closed"
    SUPERSEDED = "superseded"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled_back"


#: Of these there is at most one per service and environment.
ACTIVE = frozenset(
    {
        Phase.PREFLIGHT,
        Phase.PREPARING,
        Phase.DEPLOYING,
        Phase.VERIFYING,
        Phase.DECIDING,
        Phase.ROLLING_BACK,
        Phase.ABORTING,
    }
)
OVER = frozenset({Phase.CLOSED, Phase.SUPERSEDED, Phase.ABORTED, Phase.ROLLED_BACK})


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A person vouches for an item."""

    by: Person
    role: str
    at: datetime
    note: str = ""
    link: str = ""
    #: What the page behind the link answered then, and its hash; 0: it was not opened.
    status: int = 0
    sha256: str = ""
    #: The commit that they vouched for; empty: it was not known.
    commit: str = ""
    #: When it ends by itself; None: never.
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Reopened:
    """A tick that no longer holds, and why."""

    item: str
    why: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class NotApplicable:
    by: Person
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A role accepts a fail or an unknown until a date."""

    by: Person
    role: str
    at: datetime
    reason: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class SignOff:
    role: str
    by: Person
    as_backup: bool
    go: bool
    at: datetime
    until: datetime
    fingerprint: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A role was asked for its sign-off."""

    at: datetime
    reminded_at: datetime | None = None
    escalated_at: datetime | None = None
    #: The contact said "not me".
    passed_on: bool = False


@dataclass(frozen=True, kw_only=True)
class Hold:
    by: Person
    role: str
    at: datetime
    reason: str
    #: When, through whom and how it ended: `resumed`, `aborted` or `rolled_back`.
    ended_at: datetime | None = None
    ended_by: Person | None = None
    how: str = ""


class StepState(StrEnum):
    RUNNING = "running"
    #: Waits for a person: the approval of a restore, a confirmation.
    ASKING = "asking"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """How far a step is. A step that has no record has not begun."""

    state: StepState
    at: datetime
    run: str = ""
    tries: int = 1
    #: The result in a sentence.
    note: str = ""
    by: Person | None = None
    ended_at: datetime | None = None
    #: Whoever has to act was reminded.
    reminded_at: datetime | None = None

    @property
    def settled(self) -> bool:
        return self.state in {StepState.PASSED, StepState.SKIPPED}


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A trigger tripped, or a person asked whether to roll back."""

    key: str
    title: str
    detail: str
    at: datetime
    by: Person | None = None
    #: When it rolls back by itself (only where the configuration says `auto: true`).
    auto_at: datetime | None = None
    #: Who said that it does not, and that people decide, and when.
    stopped_by: Person | None = None
    stopped_at: datetime | None = None
    reminded_at: datetime | None = None
    settled_at: datetime | None = None
    settled_by: Person | None = None
    #: `accepted`, `retried` or `rolled_back`.
    how: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Blind:
    """A stretch of time in which what a trigger judges could not be measured."""

    key: str
    title: str
    #: What kept it from being measured.
    detail: str
    since: datetime
    samples: int = 1
    told_at: datetime | None = None
    #: When it was seen again.
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """One window after LIVE. Times are fixed when the deployment goes LIVE."""

    due_at: datetime
    opened_at: datetime | None = None
    reminded_at: datetime | None = None
    #: The backups were asked; then the captain.
    escalated_at: datetime | None = None
    captain_at: datetime | None = None
    snoozed_until: datetime | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What lies between the previous version and this one, from the repository's log."""

    count: int
    authors: tuple[str, ...]
    subjects: tuple[str, ...]
    compare_url: str = ""
    schema_changed: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Release:
    """The facts about what is deployed. None and empty: unknown."""

    version: str
    commit: str = ""
    previous: str = ""
    previous_commit: str = ""
    changes: Changes | None = None
    #: sha256 by script key.
    script_hashes: Mapping[str, str] = field(default_factory=dict)
    #: What could not be found, in sentences.
    unknowns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One version of one service going to one environment."""

    id: str
    number: int
    service: str
    environment: str
    release: Release
    captain: Person
    channel: str
    opened_at: datetime
    phase: Phase
    phase_at: datetime
    plan: Plan
    roster: tuple[Seat, ...]
    notes: str = ""
    #: What was said for the parameters of the service, or holds when nothing is said; those without a value are not among them.
    parameters: Mapping[str, str] = field(default_factory=dict)
    #: Permalink of the thread, once the card stands.
    thread: str = ""
    #: Within which it may begin; None: at any time.
    window: tuple[datetime, datetime] | None = None
    #: Where DECIDING came from.
    left: Phase | None = None
    #: When the preparations began: the checklist stays as it was then.
    started_at: datetime | None = None
    live_at: datetime | None = None
    ended_at: datetime | None = None
    deploy_at: datetime | None = None
    rollback_at: datetime | None = None
    abort_reason: str = ""
    aborted_by: Person | None = None
    ticks: Mapping[str, Tick] = field(default_factory=dict)
    #: The ticks that ended by themselves, oldest first.
    reopened: tuple[Reopened, ...] = ()
    not_applicable: Mapping[str, NotApplicable] = field(default_factory=dict)
    waivers: Mapping[str, Waiver] = field(default_factory=dict)
    findings: Mapping[str, Finding] = field(default_factory=dict)
    #: Somebody asked for these checks to be measured again, at this time.
    remeasure: Mapping[str, datetime] = field(default_factory=dict)
    sign_offs: tuple[SignOff, ...] = ()
    #: Sentences that say why earlier sign-offs no longer hold.
    voided: tuple[str, ...] = ()
    asks: Mapping[str, Ask] = field(default_factory=dict)
    #: The last answer of each emergency contact who said that they are there.
    reachable: tuple[Reachable, ...] = ()
    #: When the captain was told that nothing is in the way any more.
    ready_at: datetime | None = None
    #: When people were told that its window is over.
    window_over_at: datetime | None = None
    hold: Hold | None = None
    #: The holds that are over, oldest first.
    held: tuple[Hold, ...] = ()
    #: The change freeze that covers this service and environment, in a sentence; empty: none.
    frozen: str = ""
    steps: Mapping[str, StepRecord] = field(default_factory=dict)
    #: How often each step was tried before the try that its record tells of.
    retried: Mapping[str, int] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    watch: WatchReport | None = None
    alarms: tuple[Alarm, ...] = ()
    #: Last verdicts of each trigger, newest last.
    trigger_samples: Mapping[str, tuple[Verdict, ...]] = field(default_factory=dict)
    trigger_at: Mapping[str, datetime] = field(default_factory=dict)
    #: When nobody could see what triggers judge, the newest last.
    blind: tuple[Blind, ...] = ()
    #: Triggers that somebody accepted: silent until they have passed once.
    muted: tuple[str, ...] = ()
    follow_ups: Mapping[str, FollowUp] = field(default_factory=dict)
    superseded_by: str = ""
    #: How long the last rollback here took, as it was known when this was opened; None: nobody has rolled back yet.
    last_rollback_s: float | None = None
    #: How long each script took here in the middle, of the times that it went well before this was opened.
    usual_s: Mapping[str, float] = field(default_factory=dict)
    #: How often the box of an item had to be redrawn because somebody's client showed it ticked when it is not.
    touched: Mapping[str, int] = field(default_factory=dict)
    #: Grows with every change.
    revision: int = 0
    #: Hash of the newest history line.
    head: str = ""

    @property
    def version(self) -> str:
        return self.release.version

    @property
    def active(self) -> bool:
        return self.phase in ACTIVE

    @property
    def over(self) -> bool:
        return self.phase in OVER

    @property
    def rollback_s(self) -> float | None:
        """From the decision to the end of the rollback; None when there was none, or it is not over."""
        if self.rollback_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.rollback_at).total_seconds()

    def after(self, since: datetime, seconds: float) -> datetime:
        """The moment at which so many seconds have gone by since then. The clock stands still while it is on hold."""
        due = since + timedelta(seconds=seconds)
        for hold in self.held:
            if hold.ended_at is not None and hold.ended_at > since and hold.at < due:
                due += hold.ended_at - max(hold.at, since)
        return due

    def seat(self, role: str) -> Seat:
        return next(seat for seat in self.roster if seat.role == role)

    def run(self, run_id: str) -> Run | None:
        return next((run for run in self.runs if run.id == run_id), None)

    def with_run(self, run: Run) -> "Deployment":
        """The same deployment with this run added, or put in place of the one with its id."""
        if self.run(run.id) is None:
            return replace(self, runs=(*self.runs, run))
        return replace(self, runs=tuple(run if one.id == run.id else one for one in self.runs))


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the story: who did what, and why. The store adds number, time and hash."""

    what: str
    by: Person = MACHINE
    why: str = ""
    #: Facts for machines; nothing that a person said.
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a decision comes to: the new record, and what the story says about it."""

    deployment: Deployment
    lines: tuple[Line, ...] = ()

    def then(self, other: "Change") -> "Change":
        return Change(deployment=other.deployment, lines=self.lines + other.lines)


@dataclass(frozen=True, kw_only=True)
class StoryLine:
    """A stored line of the history."""

    number: int
    at: datetime
    by: str
    what: str
    why: str
    facts: Mapping[str, Json]
    hash: str
