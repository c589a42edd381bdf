"""What is a script told, and what does it report?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.people import Person


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


#: So many last lines of a log are shown.
TAIL = 12


@dataclass(frozen=True, kw_only=True)
class Progress:
    #: The step that the script said to have begun.
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
