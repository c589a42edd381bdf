"""What do pgBackRest and restic say about the newest backup that is whole?"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.errors import Cannot
from bot.model import Value
from checks.pick import pick

#: What the newest one is compared with: as many before it.
_BEFORE = 5

#: Gives the values, and the name of the newest backup.
Read = Callable[[Any, str, datetime], tuple[dict[str, Value], str]]


def pgbackrest(document: Any, named: str, now: datetime) -> tuple[dict[str, Value], str]:
    """`pgbackrest info --output=json`; `named` is the stanza."""
    stanzas = [one for one in _list(document) if not named or one.get("name") == named]
    if len(stanzas) != 1:
        known = ", ".join(str(one.get("name")) for one in _list(document)) or "none"
        raise Cannot(f"'stanza' has to name one of the stanzas that pgBackRest knows: {known}.")
    stanza = stanzas[0]
    status = stanza.get("status", {})
    backups = _list(stanza.get("backup"))
    good = [one for one in backups if one.get("error") is not True]
    if not good:
        raise Cannot(
            f"pgBackRest has no backup of {stanza.get('name')}: {status.get('message', 'it does not say why')}."
        )
    newest = good[-1]
    archived = [
        str(one.get("max") or "")
        for one in _list(stanza.get("archive"))
        if one.get("database") == newest.get("database")
    ]
    stop = str(newest.get("archive", {}).get("stop") or "")
    values = _sized([pick(one, "info.size", now) for one in good])
    if (age := pick(newest, "timestamp.stop as age", now)) is not None:
        values["age"] = age
    if stop and archived:
        # Without the log that was written meanwhile the files fit no moment. Its names sort as it was written.
        values["wal_archived"] = max(archived) >= stop
    values["intact"] = status.get("code") == 0 and backups[-1] is newest and values.get("wal_archived", True) is True
    return values, str(newest.get("label", ""))


def restic(document: Any, named: str, now: datetime) -> tuple[dict[str, Value], str]:
    """`restic snapshots --json`; `named` is the host whose snapshots count. Sizes are told since restic 0.17."""
    snapshots = [one for one in _list(document) if not named or one.get("hostname") == named]
    if not snapshots:
        raise Cannot("restic has no snapshot" + (f" of the host {named}." if named else "."))
    snapshots.sort(key=lambda one: str(one.get("time", "")))
    newest = snapshots[-1]
    ended = "summary.backup_end as age" if isinstance(newest.get("summary"), Mapping) else "time as age"
    values = _sized([pick(one, "summary.total_bytes_processed", now) for one in snapshots])
    if (age := pick(newest, ended, now)) is not None:
        values["age"] = age
    return values, str(newest.get("short_id") or newest.get("id") or "")


TOOLS: Mapping[str, Read] = {"pgbackrest": pgbackrest, "restic": restic}


def _sized(sizes: Sequence[Value | None]) -> dict[str, Value]:
    """How large the newest is, and how that compares with those before it."""
    known = [float(one) for one in sizes if isinstance(one, int | float) and not isinstance(one, bool)]
    if not known or len(known) != len(sizes):
        return {}
    before = known[-1 - _BEFORE : -1]
    change = {"size_change": known[-1] / statistics.median(before) - 1} if before and statistics.median(before) else {}
    return {"size": known[-1], **change}


def _list(one: Any) -> list[dict[str, Any]]:
    return [each for each in one if isinstance(each, dict)] if isinstance(one, list) else []
