"""What is a moment, and who knows the time?"""

from datetime import UTC, datetime
from typing import Protocol


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
