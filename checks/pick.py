"""Which value stands at this path of a JSON document?

A path is keys and positions with dots between them, `data.result.0.value`, and may say what it stands for:
`… as number` (a number in quotes), `… as count` (how many there are), `… as age` (seconds since that moment).
"""

import json
from datetime import UTC, datetime
from typing import Any

from bot.model import Value

#: How far two machines' clocks may be apart.
CLOCKS_APART_S = 300
_FORMS = ("number", "count", "age")


def read(text: str) -> Any:
    """The document, or None when it is no JSON; JSON's own null has no values either."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def pick(document: Any, path: str, now: datetime) -> Value | None:
    """The value there, or None when there is none: a missing value is unknown, never zero."""
    where, _, form = path.partition(" as ")
    for part in filter(None, where.strip().split(".")):
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and part.lstrip("-").isdigit() and -len(document) <= int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return _formed(document, form.strip(), now)


def checked(path: str) -> str:
    """Refuse a path that can never be read."""
    form = path.partition(" as ")[2].strip()
    if form and form not in _FORMS:
        raise ValueError(f"'{path}': a value can be read as {', '.join(_FORMS)}, not as '{form}'")
    return path


def _formed(found: Any, form: str, now: datetime) -> Value | None:
    if form == "count":
        return len(found) if isinstance(found, list | dict) else None
    if form == "age":
        return age(found, now)
    if form == "number" and isinstance(found, str):
        try:
            return float(found)
        except ValueError:
            return None
    return found if isinstance(found, str | int | float) else None


def age(found: Any, now: datetime) -> float | None:
    """Seconds since a moment that is written as a text or a number."""
    seconds = (now - moment).total_seconds() if (moment := _moment(found)) else None
    # What comes from the future has no age; clocks that are a little apart are forgiven.
    return None if seconds is None or seconds < -CLOCKS_APART_S else max(seconds, 0.0)


def _moment(found: Any) -> datetime | None:
    try:
        if isinstance(found, str):
            moment = datetime.fromisoformat(found)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(found, int | float) and not isinstance(found, bool):
            return datetime.fromtimestamp(found, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
