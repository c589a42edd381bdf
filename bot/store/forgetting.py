"""What is left of a person who asked to be forgotten?

Their part in it, without them: that somebody of this role signed at this time, not who, and not what they said. With which
parameters they started stays, as the version does, for it is what was deployed; only their names are taken out of it. The digests in the
history stay, so the rest can still be verified; a line of its own says which lines lost words, so that nobody else can remove any.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import rows, tables
from bot.store.chain import WORDS

SOMEBODY = {"id": "somebody", "name": "Somebody", "tz": "UTC"}
#: Fields that hold what a person said, in whatever stands beside their name.
SAID = frozenset({"note", "notes", "reason", "abort_reason", "link", "detail"})


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """Somebody's id, and everything they were ever called or reached by."""

    id: str
    names: frozenset[str]
    #: What they said as reasons, word by word: it may be repeated elsewhere.
    said: frozenset[str] = frozenset()

    def value(self, value: Any) -> Any:
        """The same plain value without them."""
        if isinstance(value, str):
            return "" if value in self.said else self.text(value)
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if not isinstance(value, dict):
            return value
        if self._is(value):
            return SOMEBODY
        beside = any(self._is(one) for one in value.values())
        return {key: "" if beside and key in SAID else self.value(one) for key, one in value.items()}

    def text(self, text: str) -> str:
        called = sorted({self.id, *self.names} - {""}, key=len, reverse=True)
        mention = rf"<@{re.escape(self.id)}(\|[^>]*)?>"
        words = "|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in called)
        return re.sub(f"{mention}|{words}", "somebody", text)

    def line(self, row: Mapping[str, Any]) -> dict[str, str]:
        """What to write over the words of a line; nothing when they are not in it."""
        theirs = row["by_id"] == self.id
        new = {
            "by": ("somebody", "Somebody") if theirs else (row["by_id"], row["by_name"]),
            "what": (self.text(row["what"]),),
            "why": ("" if theirs else self.value(row["why"]),),
        }
        columns = {"by": ("by_id", "by_name"), "what": ("what",), "why": ("why",)}
        over: dict[str, str] = {}
        for word in WORDS:
            if new[word] != tuple(row[column] for column in columns[word]):
                # Without the salt nobody can try out which words the digest was made of.
                over |= {f"{word}_salt": "", **dict(zip(columns[word], new[word], strict=True))}
        return over

    def _is(self, value: object) -> bool:
        return isinstance(value, dict) and value.get("id") == self.id and "name" in value


async def look_up(connection: AsyncConnection, person_id: str) -> Forgotten:
    """Everything that is known to be theirs."""
    story, known = tables.history.c, tables.person.c
    lines = (await connection.execute(select(story.by_name, story.why).where(story.by_id == person_id))).all()
    people = (await connection.execute(select(known.name, known.email).where(known.id == person_id))).all()
    names = {row.by_name for row in lines} | {word for row in people for word in row}
    # A name of one letter is in too many words that are nobody's name.
    called = frozenset(name for name in names if len(name) > 1)
    return Forgotten(id=person_id, names=called, said=frozenset(row.why for row in lines) - {""})


def where_named(them: Forgotten) -> Select[Any]:
    """The deployments, in the order in which they are locked, where they did something or are called by name."""
    it = tables.deployment.c
    called = {them.id, *them.names}
    acted = select(tables.history.c.deployment).where(tables.history.c.by_id == them.id)
    planned = select(tables.plan.c.hash).where(
        or_(*(tables.plan.c.body.contains(one, autoescape=True) for one in called))
    )
    named = [it.snapshot.contains(one, autoescape=True) for one in called]
    return select(tables.deployment).where(or_(it.id.in_(acted), it.plan.in_(planned), *named)).order_by(it.number)


async def blank(connection: AsyncConnection, deployment_id: str, them: Forgotten) -> list[int]:
    """Take them out of the story; which lines lost words."""
    it = tables.history.c
    numbers: list[int] = []
    for row in await rows.story(connection, deployment_id):
        if over := them.line(row):
            this = and_(it.deployment == deployment_id, it.number == row["number"])
            await connection.execute(update(tables.history).where(this).values(**over))
            numbers.append(row["number"])
    return numbers


async def sweep(connection: AsyncConnection, them: Forgotten) -> None:
    """Take them out of everything else, and drop the configurations that nobody pins any more."""
    frozen = tables.freeze.c
    began = update(tables.freeze).where(frozen.by_id == them.id)
    await connection.execute(began.values(by_id="somebody", by_name="Somebody", reason=""))
    ended = update(tables.freeze).where(frozen.ended_by.in_(them.names))
    await connection.execute(ended.values(ended_by="Somebody"))
    await connection.execute(delete(tables.person).where(tables.person.c.id == them.id))
    await connection.execute(delete(tables.home).where(tables.home.c.person == them.id))
    pinned = select(tables.deployment.c.plan)
    await connection.execute(delete(tables.plan).where(tables.plan.c.hash.not_in(pinned)))
