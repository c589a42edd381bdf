"""How does the whole story of one deployment leave the database, so that it can be verified without it?

One JSON document: the record with the plan that it pinned, and every line of the history with its salts, digests and hashes. Whoever
holds it and the head that stands on the card in Slack can tell whether one word of the history was changed since. The record and
the plan go with it to be read; no hash holds them.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.errors import Refused
from bot.model import Deployment
from bot.store import chain, snapshot

FORMAT = "t-minus record 1"

_NOT_ONE = "This is not a record of T-Minus. python -m bot record DEPLOYMENT writes one."


def document(deployment: Deployment, history: Sequence[Mapping[str, Any]]) -> str:
    """The record as indented JSON; times are ISO 8601 in UTC."""
    lines = [{**row, "at": row["at"].isoformat(timespec="microseconds")} for row in history]
    body = {
        "format": FORMAT,
        "id": deployment.id,
        "head": deployment.head,
        "deployment": json.loads(snapshot.write_deployment(deployment)),
        "plan": json.loads(snapshot.write_plan(deployment.plan)),
        "history": lines,
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def verified(text: str) -> tuple[str, int, str, str | None]:
    """The deployment's id, the number of lines, the head, and a sentence about the first line that was altered; None when none was.

    Raises Refused with what to do when the text is no record at all.
    """
    try:
        body: dict[str, Any] = json.loads(text)
        if body["format"] != FORMAT:
            raise Refused(_NOT_ONE)
        rows: list[dict[str, Any]] = [{**row, "at": datetime.fromisoformat(row["at"])} for row in body["history"]]
        told = str(body["id"]), len(rows), str(body["head"])
        own = [row for row in rows if row["deployment"] != body["id"]]
        problem = (
            f"Line {own[0]['number']} belongs to {own[0]['deployment']}." if own else chain.broken(rows, head=told[2])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(_NOT_ONE) from error
    return *told, problem
