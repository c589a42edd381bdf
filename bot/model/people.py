"""Who takes part in a deployment, and what is known of them?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


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

    async def person(self, who: str) -> Person:
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
