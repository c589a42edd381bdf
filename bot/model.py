"""What is known about a deployment: the nouns of the record, and the ports that adapters share."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from bot.plan import Json, Plan

Value = float | int | bool | str


def aware(moment: datetime) -> datetime:
    """Refuse naive datetimes: a record without a time zone is a guess."""
    if moment.tzinfo is None:
        raise ValueError(f"a time zone is needed: {moment!r}")
    return moment.astimezone(UTC)


class Clock(Protocol):
    """The one source of the time that people live by."""

    def now(self) -> datetime:
        """Aware, UTC."""
        ...


@dataclass(frozen=True, kw_only=True)
class Presence:
    """What Slack says of somebody just now."""

    name: str
    deactivated: bool = False
    #: None: Slack does not say.
    away: bool | None = None
    #: From when until when they do not want to be disturbed, in the seconds that Slack uses; None: Slack does not say.
    quiet: tuple[float, float] | None = None

    def is_quiet(self, now: datetime) -> bool | None:
        return None if self.quiet is None else self.quiet[0] <= now.timestamp() < self.quiet[1]


class Directory(Protocol):
    """Who is who and what is where, in Slack or in what is remembered of it."""

    async def person(self, who: str) -> "Person":
        """By Slack id or e-mail address; Refused when there is nobody, Unreachable when Slack does not answer."""
        ...

    async def channel(self, name_or_id: str) -> str:
        """The id of a channel; Refused when there is none."""
        ...

    async def is_member(self, channel: str) -> bool: ...

    async def permalink(self, channel: str, ts: str) -> str: ...

    async def presence(self, who: str) -> Presence:
        """Asked anew each time; Refused when there is nobody, Unreachable when Slack does not answer."""
        ...


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
class Person:
    """Somebody: a Slack user, or the operator at a terminal (id `op:NAME`)."""

    id: str
    name: str
    tz: str = "UTC"


#: What the program itself does.
MACHINE = Person(id="t-minus", name="T-Minus")


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A role of the roster and the two people who fill it."""

    role: str
    title: str
    contact: Person
    backup: Person

    def held_by(self, person_id: str) -> Person | None:
        return next((one for one in (self.contact, self.backup) if one.id == person_id), None)


@dataclass(frozen=True, kw_only=True)
class Reachable:
    """An emergency contact said that they can be reached while it is deployed."""

    by: Person
    at: datetime

    def holds(self, now: datetime) -> bool:
        """Whoever said it yesterday may be on a plane today."""
        return timedelta(0) <= now - self.at <= timedelta(hours=24)


# ── What checks measure ──────────────────────────────────────────────────────────────────────────────────────────────


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One subject (an address, a URL, a resolver) of a measurement, as its own evidence."""

    subject: str
    values: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a check saw. Values are in base units: seconds, bytes, ratios (0.1 % is 0.001), counts, words, truth values.

    A value that could not be measured is left out, never guessed.
    """

    values: Mapping[str, Value]
    rows: tuple[Row, ...] = ()
    #: One short sentence with the numbers that matter, for people.
    summary: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ping:
    """Something outside told us how it went, at a URL of its own."""

    #: `start`, `success` or `fail`.
    kind: str
    at: datetime
    exit_status: int | None = None
    body: str = ""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One rule with what was measured for it: `days_left >= 21`, 5, False."""

    rule: str
    measured: Value | None
    #: None: could not be decided.
    held: bool | None
    #: The threshold in force after a relative rule was worked out, if it was relative.
    threshold: Value | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One judged measurement."""

    check: str
    verdict: Verdict
    summary: str
    measured_at: datetime
    expires_at: datetime
    duration_s: float = 0.0
    values: Mapping[str, Value] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    conditions: tuple[Condition, ...] = ()
    links: tuple[str, ...] = ()
    baseline: Mapping[str, Value] = field(default_factory=dict)


# ── Scripts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class RunState(StrEnum):
    WANTED = "wanted"
    RUNNING = "running"
    FINISHED = "finished"
    #: It provably never ran.
    NEVER_RAN = "never_ran"
    #: It may have run; a person decides.
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """What the supervisor is to do, once. Holds no secret values: those are read from the environment by name."""

    id: str
    host: str
    argv: tuple[str, ...]
    cwd: str
    #: Values given outright: TMINUS_… .
    given: Mapping[str, str]
    #: Names passed on from the bot's environment, and those of them whose values are redacted.
    passed: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    deadline_s: float = 600.0
    log_limit: int = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Progress:
    done: int
    of: int
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """What is known about a run now; each report replaces the one before."""

    id: str
    state: RunState
    #: Last lines of the log, redacted, without workflow commands.
    tail: tuple[str, ...] = ()
    progress: Progress | None = None
    #: Texts of `::warning::` and `::error::` lines (the last ten of each), and how many there were.
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    warning_count: int = 0
    error_count: int = 0
    log_bytes: int = 0
    log_sha256: str = ""
    truncated: bool = False
    exit_code: int | None = None
    signal: int | None = None
    #: `deadline` or `cancel`, when the supervisor ended it.
    ended_by: str = ""
    #: Why it could not be started or is lost, in a sentence.
    why: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_s: float | None = None

    @property
    def over(self) -> bool:
        return self.state in {RunState.FINISHED, RunState.NEVER_RAN, RunState.LOST}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of one script; it happens at most once."""

    id: str
    script: str
    title: str
    #: Key of the step it is for; empty: somebody asked for it by hand.
    step: str
    asked_by: Person
    asked_at: datetime
    spec: RunSpec
    report: RunReport
    #: Somebody asked to end it.
    cancelled_by: Person | None = None


# ── The watch ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class WatchSpec:
    """What one prober process does until it is told to stop."""

    id: str
    host: str
    url: str
    addresses: tuple[str, ...] = ()
    ca_file: str = ""
    rate: float = 20.0
    timeout_s: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Window:
    """Numbers over a stretch of probes. Latencies in seconds; `None` where there was nothing to measure."""

    probes: int = 0
    lost: int = 0
    errors: int = 0
    longest_gap_s: float = 0.0
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None
    lag_p95_s: float | None = None
    #: So long nobody probed: neither good nor lost.
    not_measured_s: float = 0.0
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WatchReport:
    """What the prober saw so far; each report replaces the one before."""

    id: str
    alive: bool
    #: Before the deploy script started; frozen when it starts.
    baseline: Window
    #: From the start of the deploy script on.
    since: Window
    #: The same, frozen when DEPLOYING is over; goes on when a step of it is tried again.
    during: Window = Window()
    #: The last ten seconds.
    recent: Window
    #: Seconds for which every address has failed, up to now.
    down_s: float = 0.0
    last_error: str = ""
    problem: str = ""


# ── The record ───────────────────────────────────────────────────────────────────────────────────────────────────────


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
    #: Permalink of the thread, once the card stands.
    thread: str = ""
    #: The announced window.
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
    hold: Hold | None = None
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


# ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One message as it should be. Which message it is, is said by its key, for ever."""

    key: str
    #: A channel (C…, G…) or, for a direct message, a user (U…).
    to: str
    #: A reply to the message `card` of the same deployment.
    in_thread: bool
    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    #: A file that goes with it, once: the path of a finished run's log. Then `text` is its comment and `title` its name.
    file: str = ""
    title: str = ""
    #: It decides something, or somebody waits for it: it jumps the queue.
    urgent: bool = False


class MessageState(StrEnum):
    WANTED = "wanted"
    #: Committed before Slack is called: from here on Slack may have it.
    SENDING = "sending"
    SHOWN = "shown"


@dataclass(frozen=True, kw_only=True)
class Owed:
    """A message whose wanted and shown forms differ, as the store knows it."""

    deployment: str
    key: str
    to: str
    in_thread: bool
    file: bool
    urgent: bool
    state: MessageState
    #: How often it was claimed for sending: whoever looks a claim up undoes that one only, never a newer one.
    claim: int = 0
    #: Where it stands in Slack, once known.
    channel: str = ""
    ts: str = ""
    wanted_hash: str = ""
    shown_hash: str = ""
    #: Since when it differs; the oldest is sent first.
    dirty_at: datetime | None = None


class Outbox(Protocol):
    """What `bot.chat` asks of the store. Each call is one committed transaction."""

    async def owed(self) -> list[Owed]:
        """Everything that differs or is in `sending`; the urgent first, then the oldest."""
        ...

    async def thread(self, deployment: str) -> tuple[str, str] | None:
        """Channel and ts of the deployment's card, once it is shown."""
        ...

    async def sending(self, owed: Owed) -> bool:
        """Claim a new message for sending; False when somebody else did, or it is not wanted any more."""
        ...

    async def shown(self, owed: Owed, *, channel: str, ts: str, shown_hash: str) -> None:
        """It stands in Slack in the form of this hash."""
        ...

    async def wanted_again(self, owed: Owed) -> None:
        """This claim was looked up and is provably not in Slack, or what was shown there is gone."""
        ...

    async def undeliverable(self, owed: Owed, why: str) -> None:
        """Slack will never take it in this form (channel archived, invalid blocks): not tried again until it changes."""
        ...


@dataclass(frozen=True, kw_only=True)
class Projection:
    """What follows from a record: computed by pure functions, stored with it in the same transaction."""

    messages: tuple[Wanted, ...]
    #: When the engine has to look at this deployment again; None: never by itself.
    wake_at: datetime | None
