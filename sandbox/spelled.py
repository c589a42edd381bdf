"""How does Slack want a date, a time, a number, an address or a time zone to be written?"""

import re
from collections.abc import Callable
from datetime import date
from functools import cache
from zoneinfo import available_timezones

NUMBER = re.compile(r"-?\d+(\.\d+)?")
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S.*")
WEB = re.compile(r"https?://[^\s/?#]\S*", re.IGNORECASE)
SECURE = re.compile(r"https://[^\s/?#]\S*", re.IGNORECASE)


def is_date(text: str) -> bool:
    """A day that the calendar has, as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@cache
def _zones() -> set[str]:
    return available_timezones()


def is_zone(text: str) -> bool:
    """A name of the IANA database; where this machine has none, nobody can tell."""
    return text in _zones() or not _zones()


# How it is called in the table: what is right, and what is said where it is not.
SPELLED: dict[str, tuple[Callable[[str], bool], str]] = {
    "date": (is_date, "must be a date in the format YYYY-MM-DD"),
    "time": (lambda text: bool(TIME.fullmatch(text)), "must be a time in the format HH:mm"),
    "number": (lambda text: bool(NUMBER.fullmatch(text)), "must be a number"),
    "zone": (is_zone, "must be a time zone of the IANA database"),
    "link": (lambda text: bool(LINK.fullmatch(text)), "must be a valid URL"),
    "web": (lambda text: bool(WEB.fullmatch(text)), "must be a valid URL"),
    "secure": (lambda text: bool(SECURE.fullmatch(text)), "must be a valid HTTPS URL"),
}
