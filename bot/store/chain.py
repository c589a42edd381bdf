"""How is one line of the history tied to the line before, and is it still as it was written?

What a person said or is called is hashed with a salt of its own, and only that digest is part of the chain: the words
and the salt can be removed later, and everything else can still be verified.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.model import Line

#: The columns that hold words, each with a salt and a digest beside it.
WORDS = ("by", "what", "why")
FORGOTTEN = "history lines forgotten"


def canonical(value: object) -> str:
    """The one way to write a value as JSON, so that equal values have equal hashes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"facts hold plain values only, not {type(value).__name__}")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(salt: str, text: str) -> str:
    return sha256(f"{salt}\n{text}")


def _said_by(by_id: str, by_name: str) -> str:
    return f"{by_id}\n{by_name}"


def _link(before: str, row: Mapping[str, Any]) -> str:
    at = row["at"].astimezone(UTC).isoformat(timespec="microseconds")
    digests = [row[f"{word}_digest"] for word in WORDS]
    return sha256(canonical([before, row["deployment"], row["number"], at, *digests, row["facts"]]))


def chained(
    lines: Iterable[Line], *, deployment: str, after: int, head: str, at: datetime
) -> tuple[list[dict[str, Any]], str]:
    """The rows for these lines, and the new head."""
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=after + 1):
        salts = {word: secrets.token_hex(16) for word in WORDS}
        row: dict[str, Any] = {
            "deployment": deployment,
            "number": number,
            "at": at,
            "by_id": line.by.id,
            "by_name": line.by.name,
            "by_salt": salts["by"],
            "by_digest": _digest(salts["by"], _said_by(line.by.id, line.by.name)),
            "what": line.what,
            "what_salt": salts["what"],
            "what_digest": _digest(salts["what"], line.what),
            "why": line.why,
            "why_salt": salts["why"],
            "why_digest": _digest(salts["why"], line.why),
            "facts": canonical(line.facts),
        }
        head = row["hash"] = _link(head, row)
        rows.append(row)
    return rows, head


def broken(rows: Iterable[Mapping[str, Any]], *, head: str) -> str | None:
    """A sentence about the first line that is not as it was written; None when all are."""
    before = ""
    expected = 1
    blank: list[int] = []
    admitted: set[int] = set()
    for row in rows:
        number = row["number"]
        if number != expected:
            return f"Line {expected} of the history is missing."
        texts = {"by": _said_by(row["by_id"], row["by_name"]), "what": row["what"], "why": row["why"]}
        for word, text in texts.items():
            salt = row[f"{word}_salt"]
            if salt and _digest(salt, text) != row[f"{word}_digest"]:
                return f"Line {number} of the history was altered: {_ALTERED[word]} is not what was written."
        if not all(row[f"{word}_salt"] for word in WORDS):
            blank.append(number)
        if _link(before, row) != row["hash"]:
            return f"Line {number} of the history was altered: its hash does not follow from the line before."
        facts: dict[str, Any] = json.loads(row["facts"])
        admitted.update(facts.get(FORGOTTEN, ()))
        before, expected = row["hash"], number + 1
    if unsaid := [number for number in blank if number not in admitted]:
        return f"Line {unsaid[0]} of the history was altered: words were removed, and no line says so."
    if before != head:
        return "The end of the history is missing: the record was written after its last line."
    return None


_ALTERED = {"by": "who did it", "what": "what happened", "why": "the reason"}
