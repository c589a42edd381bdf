"""What else has to be remembered: deliveries that were handled, people, change freezes, and who looks at App Home?"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Person
from bot.store.tables import freeze, home, inbox, person

EVERY = "*"
#: Slack stops repeating a delivery long before.
REMEMBERED = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """A change freeze: nothing may start there while it is in force."""

    number: int
    #: `*` is every one.
    service: str
    environment: str
    by: Person
    reason: str
    from_at: datetime
    until: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""

    def covers(self, service: str, environment: str) -> bool:
        return self.service in {EVERY, service} and self.environment in {EVERY, environment}


def upsert(connection: AsyncConnection) -> type[postgresql.Insert] | type[sqlite.Insert]:
    """The insert of this database that knows what to do when the row is there already."""
    return postgresql.Insert if connection.dialect.name == "postgresql" else sqlite.Insert


# ── Deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def first_time(connection: AsyncConnection, key: str, *, deployment: str = "") -> bool:
    """Write down that this delivery is handled; False when it was already."""
    # Real time: Slack repeats by the clock on its wall, whatever the time that people live by.
    now = datetime.now(UTC)
    row = upsert(connection)(inbox).values(key=key, deployment=deployment, at=now)
    added = await connection.execute(row.on_conflict_do_nothing().returning(inbox.c.key))
    return added.one_or_none() is not None


async def prune(connection: AsyncConnection) -> None:
    await connection.execute(delete(inbox).where(inbox.c.at < datetime.now(UTC) - REMEMBERED))


async def made_by(connection: AsyncConnection, key: str) -> str | None:
    """The deployment that this delivery was about, when it was handled before."""
    return (await connection.execute(select(inbox.c.deployment).where(inbox.c.key == key))).scalar_one_or_none()


# ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def remember_person(connection: AsyncConnection, one: Person, *, email: str, at: datetime) -> None:
    facts = {"name": one.name, "email": email.lower(), "tz": one.tz, "learned_at": at}
    await connection.execute(
        upsert(connection)(person).values(id=one.id, **facts).on_conflict_do_update(index_elements=["id"], set_=facts)
    )


async def known_person(connection: AsyncConnection, id_or_email: str, *, since: datetime | None) -> Person | None:
    # An address that Slack did not tell is empty, and must not be found by asking for nobody.
    by_email = and_(person.c.email == id_or_email.lower(), person.c.email != "")
    rows = await connection.execute(
        select(person)
        .where(or_(person.c.id == id_or_email, by_email))
        .where(*([person.c.learned_at >= since] if since else []))
        .order_by(person.c.learned_at.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return Person(id=row.id, name=row.name, tz=row.tz) if row else None


async def forget_person(connection: AsyncConnection, person_id: str) -> None:
    await connection.execute(delete(person).where(person.c.id == person_id))
    await connection.execute(delete(home).where(home.c.person == person_id))


# ── Change freezes ───────────────────────────────────────────────────────────────────────────────────────────────────


async def begin_freeze(connection: AsyncConnection, new: Freeze) -> Freeze:
    added = await connection.execute(
        insert(freeze)
        .values(
            service=new.service,
            environment=new.environment,
            by_id=new.by.id,
            by_name=new.by.name,
            reason=new.reason,
            from_at=new.from_at,
            until_at=new.until,
            ended_by="",
        )
        .returning(freeze)
    )
    return _freeze(added.one())


async def end_freeze(connection: AsyncConnection, number: int, *, by: Person, at: datetime) -> Freeze | None:
    ended = await connection.execute(
        update(freeze)
        .where(freeze.c.number == number, freeze.c.ended_at.is_(None))
        .values(ended_at=at, ended_by=by.name)
        .returning(freeze)
    )
    row = ended.one_or_none()
    return _freeze(row) if row else None


async def freezes(connection: AsyncConnection, *, now: datetime | None) -> list[Freeze]:
    """Those in force or still to come, the oldest first; all there ever were without `now`."""
    wanted = select(freeze).order_by(freeze.c.number)
    if now is not None:
        wanted = wanted.where(freeze.c.ended_at.is_(None), or_(freeze.c.until_at.is_(None), freeze.c.until_at > now))
    return [_freeze(row) for row in await connection.execute(wanted)]


def _freeze(row: Any) -> Freeze:
    return Freeze(
        number=row.number,
        service=row.service,
        environment=row.environment,
        by=Person(id=row.by_id, name=row.by_name),
        reason=row.reason,
        from_at=row.from_at,
        until=row.until_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
    )


# ── App Home ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def home_opened(connection: AsyncConnection, user: str, *, at: datetime) -> None:
    """From now on it is kept up to date; and it is owed once, now."""
    row = {"shown": "", "opened_at": at}
    await connection.execute(
        upsert(connection)(home).values(person=user, **row).on_conflict_do_update(index_elements=["person"], set_=row)
    )


async def homes(connection: AsyncConnection) -> list[str]:
    return list((await connection.execute(select(home.c.person).order_by(home.c.person))).scalars())
