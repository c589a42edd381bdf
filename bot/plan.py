"""What has to happen in one deployment: the configuration that a deployment pins when it starts.

`bot.config` reads `app.yaml` into these; everything else only reads them. Durations are seconds, times of day do not occur.
Keys are short words of letters, digits and dashes, unique within their kind; titles are the words people read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = Any

#: The plugin that opens what a person gives as evidence: it is measured when they tick, and of the page that they name.
SIGNOFF = "signoff"


class Stage(StrEnum):
    """The phases that have ordered steps."""

    PREPARING = "preparing"
    DEPLOYING = "deploying"
    VERIFYING = "verifying"
    ROLLING_BACK = "rolling_back"
    ABORTING = "aborting"


@dataclass(frozen=True, kw_only=True)
class RolePlan:
    """A row of the seed's contact table."""

    key: str
    title: str
    #: E-mail address or Slack user id of the person, and of the one who stands in.
    contact: str
    backup: str


@dataclass(frozen=True, kw_only=True)
class BaselinePlan:
    """What a relative rule (`baseline +50%`) compares with."""

    #: `last_passed`: the same check's passed findings of earlier deployments; `window`: what was measured before the deploy.
    of: str
    n: int = 1
    aggregate: str = "median"
    last_s: float = 1800.0


@dataclass(frozen=True, kw_only=True)
class CheckPlan:
    """How one thing is measured and judged."""

    name: str
    #: The plugin.
    uses: str
    #: The plugin's parameters, already validated by its model.
    with_: Mapping[str, Json] = field(default_factory=dict)
    require: tuple[str, ...] = ()
    pass_: tuple[str, ...] = ()
    warn: tuple[str, ...] = ()
    baseline: BaselinePlan | None = None
    timeout_s: float = 15.0
    attempts: int = 2
    retry_after_s: float = 5.0
    valid_for_s: float = 1800.0
    #: Run by itself, not beside other checks (rate limits, port scans).
    intrusive: bool = False
    #: For people: why this matters, and how to clear it.
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class ItemPlan:
    """One line of a checklist, in the seed's own words."""

    key: str
    title: str
    #: The role whose members tick it, and who clears it when it fails. Empty: anybody of the roster.
    role: str = ""
    #: Names of the checks that measure it, the worst of which decides; none: a people's item.
    checks: tuple[str, ...] = ()
    #: Measured, and yet a person has to confirm it.
    confirm: bool = False
    #: A tick needs a link or a note.
    evidence: bool = False
    #: Name of the check of the kind `signoff` that opens the link of a tick; empty: nobody opens it.
    signoff: str = ""
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class SectionPlan:
    """One section of the checklist: one message in the thread."""

    key: str
    title: str
    role: str = ""
    items: tuple[ItemPlan, ...]


@dataclass(frozen=True, kw_only=True)
class ScriptPlan:
    """A program that the supervisor may run."""

    key: str
    title: str
    #: Never through a shell. `${version}`, `${previous}`, `${commit}`, `${service}`, `${environment}`, `${deployment}` and
    #: `${parameters.KEY}` are replaced in each argument.
    argv: tuple[str, ...]
    cwd: str = "."
    #: Names of environment variables that it may see, besides TMINUS_… and PATH, HOME, LANG.
    environment: tuple[str, ...] = ()
    #: Names of environment variables whose values are secret: passed on, and redacted from the output.
    secrets: tuple[str, ...] = ()
    deadline_s: float = 600.0
    log_limit: int = 100_000_000
    #: Exit codes that mean well enough, with a warning: 1 of a Nagios plugin.
    warning_codes: tuple[int, ...] = ()
    #: What people may start by hand with `/deploy run KEY`.
    by_hand: bool = False


class ParameterKind(StrEnum):
    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    YES_NO = "yes_no"


@dataclass(frozen=True, kw_only=True)
class ParameterPlan:
    """What a start may say besides its version, and what scripts get to know of it."""

    key: str
    title: str
    #: For people: what it is for.
    about: str = ""
    kind: ParameterKind
    #: TEXT: the whole value has to match; and a value that does.
    pattern: str = ""
    example: str = ""
    #: CHOICE: one of these.
    choices: tuple[str, ...] = ()
    #: NUMBER: its limits.
    at_least: int | None = None
    at_most: int | None = None
    #: What holds when nothing is said; empty: nothing does.
    default: str = ""
    required: bool = False


class StepKind(StrEnum):
    SCRIPT = "script"
    CHECKS = "checks"
    ANNOUNCE = "announce"
    CONFIRM = "confirm"


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """One ordered action of a phase."""

    key: str
    title: str
    #: What it means, in a few words.
    about: str = ""
    stage: Stage
    kind: StepKind
    #: SCRIPT: key of the script.
    script: str = ""
    #: CHECKS: names of the checks, measured now; the step passes when each passes or warns. SCRIPT: measured after it ended well.
    checks: tuple[str, ...] = ()
    #: ANNOUNCE: `planned`, `done`, `rolled_back`, `called_off`.
    announce: str = ""
    #: CONFIRM: the role that confirms. SCRIPT: the role that must approve before it runs (the database restore). Empty: nobody needs to.
    role: str = ""
    #: Run only when this holds: `` (always) or `schema_changed` (the database restore).
    only_if: str = ""
    #: The step of the abort that takes this one back: key of a step with stage ABORTING.
    undo: str = ""
    #: After this one there is no way back without data loss; shown to those who sign.
    no_return: bool = False
    #: The service's address must show the new version afterwards (deploy), or the previous one (rollback).
    sees: str = ""


@dataclass(frozen=True, kw_only=True)
class WatchPlan:
    """What is probed from just before the deploy script until the last follow-up."""

    url: str
    #: `host:port` pairs to connect to with the URL's name; empty: resolve the name.
    addresses: tuple[str, ...] = ()
    ca_file: str = ""
    rate: float = 20.0
    timeout_s: float = 1.0
    #: The rate once the deployment is LIVE.
    live_rate: float = 1.0
    #: Seconds of baseline measured before the deploy script may start.
    baseline_s: float = 10.0


@dataclass(frozen=True, kw_only=True)
class TriggerPlan:
    """A rule over the watch that proposes a rollback."""

    key: str
    title: str
    #: Name of the check that is judged every `every_s`; empty: a person says so.
    check: str = ""
    every_s: float = 5.0
    fail_after: int = 3
    of: int = 4
    #: So many samples in a row in which nothing was measured, and half a minute of them, and the captain is told that nobody can
    #: see it.
    unknown_after: int = 4
    auto: bool = False


@dataclass(frozen=True, kw_only=True)
class FollowUpPlan:
    """A window after LIVE with its tasks."""

    key: str
    title: str
    after_s: float
    tasks: tuple[ItemPlan, ...]
    remind_after_s: float = 3600.0
    escalate_after_s: float = 7200.0


@dataclass(frozen=True, kw_only=True)
class ReleasePlan:
    """Where facts about a version come from. Empty: unknown."""

    #: A git repository and the form of its tags, to resolve a version to a commit and to list the changes.
    repository: str = ""
    tag: str = "v${version}"
    compare_url: str = ""
    #: Name of the check (`uses: http`) that sees which version the service's addresses answer with.
    seen: str = ""
    #: Refuse versions that do not match.
    version_pattern: str = r"[0-9]+\.[0-9]+\.[0-9]+([-+.][0-9A-Za-z.-]+)?"
    #: Path in the repository whose change between two versions means that the schema changed.
    schema_path: str = ""


@dataclass(frozen=True, kw_only=True)
class SignOffPlan:
    """How sign-offs are asked for."""

    roles: tuple[str, ...]
    remind_after_s: float = 600.0
    escalate_after_s: float = 900.0
    valid_for_s: float = 8 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything one deployment of one service to one environment is held to."""

    service: str
    environment: str
    #: Slack channel (id, or name without #) in which threads open, and those that are told.
    channel: str
    announce_to: tuple[str, ...]
    admins: tuple[str, ...]
    roles: tuple[RolePlan, ...]
    release: ReleasePlan
    sign_off: SignOffPlan
    sections: tuple[SectionPlan, ...]
    steps: tuple[StepPlan, ...]
    verification: SectionPlan
    criteria: SectionPlan
    triggers: tuple[TriggerPlan, ...]
    follow_ups: tuple[FollowUpPlan, ...]
    artifacts: tuple[ItemPlan, ...]
    checks: Mapping[str, CheckPlan]
    scripts: Mapping[str, ScriptPlan]
    watch: WatchPlan | None
    parameters: tuple[ParameterPlan, ...] = ()
    #: Title of each line of the checklist that this service leaves out, and why.
    left_out: Mapping[str, str] = field(default_factory=dict)
    #: sha256 of the canonical form of all of the above.
    digest: str = ""

    @property
    def items(self) -> tuple[ItemPlan, ...]:
        """Every line that is measured or ticked, wherever it stands."""
        tasks = (task for one in self.follow_ups for task in one.tasks)
        before = (item for section in self.sections for item in section.items)
        return (*before, *self.artifacts, *self.verification.items, *self.criteria.items, *tasks)
