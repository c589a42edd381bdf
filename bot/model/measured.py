"""What does a check measure, and what is made of it?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Value = float | int | bool | str


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
