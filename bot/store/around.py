"""What else has to be remembered: deliveries that were handled, people, change freezes, and who looks at App Home?"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import and_, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Refused
from bot.model import Clock, Person
from bot.store.database import Database
from bot.store.tables import freeze, home, inbox, person

EVERY = "*"
#: Slack stops repeating a delivery long before.
REMEMBERED = timedelta(days=1)
PRUNE_EVERY_S = 3600.0


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


async def first_time(connection: AsyncConnection, key: str, *, deployment: str = "") -> bool:
    """Write down that this delivery is handled; False when it was already."""
    # Real time: Slack repeats by the clock on its wall, whatever the time that people live by.
    now = datetime.now(UTC)
    row = upsert(connection)(inbox).values(key=key, deployment=deployment, at=now)
    added = await connection.execute(row.on_conflict_do_nothing().returning(inbox.c.key))
    return added.one_or_none() is not None


async def made_by(connection: AsyncConnection, key: str) -> str | None:
    """The deployment that this delivery was about, when it was handled before."""
    return (await connection.execute(select(inbox.c.deployment).where(inbox.c.key == key))).scalar_one_or_none()


class Memory:
    """What is remembered beside the deployments. Every method is one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._prune_at = 0.0

    async def seen(self, key: str) -> bool:
        """Whether this delivery was handled already; from now on it is."""

        async def work(connection: AsyncConnection) -> bool:
            if monotonic() >= self._prune_at:
                self._prune_at = monotonic() + PRUNE_EVERY_S
                await connection.execute(delete(inbox).where(inbox.c.at < datetime.now(UTC) - REMEMBERED))
            return not await first_time(connection, key)

        return await self._database.write(work)

    # ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def remember_person(self, one: Person, *, email: str = "") -> None:
        facts = {"name": one.name, "email": email.lower(), "tz": one.tz, "learned_at": self._clock.now()}

        async def work(connection: AsyncConnection) -> None:
            row = upsert(connection)(person).values(id=one.id, **facts)
            await connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=facts))

        await self._database.write(work)

    async def person(self, id_or_email: str, *, younger_than: timedelta | None = None) -> Person | None:
        """Somebody as Slack described them last; None when they are not known, or not known recently enough."""
        # An address that Slack did not tell is empty, and must not be found by asking for nobody.
        by_email = and_(person.c.email == id_or_email.lower(), person.c.email != "")
        wanted = select(person).where(or_(person.c.id == id_or_email, by_email))
        if younger_than is not None:
            wanted = wanted.where(person.c.learned_at >= self._clock.now() - younger_than)

        async def work(connection: AsyncConnection) -> Person | None:
            rows = await connection.execute(wanted.order_by(person.c.learned_at.desc()).limit(1))
            row = rows.one_or_none()
            return Person(id=row.id, name=row.name, tz=row.tz) if row else None

        return await self._database.read(work)

    # ── Change freezes ───────────────────────────────────────────────────────────────────────────────────────────────

    async def freezes(self, *, ended: bool = False) -> list[Freeze]:
        """The change freezes in force and to come, the oldest first; with `ended`, all that there ever were."""
        wanted = select(freeze).order_by(freeze.c.number)
        if not ended:
            still = or_(freeze.c.until_at.is_(None), freeze.c.until_at > self._clock.now())
            wanted = wanted.where(freeze.c.ended_at.is_(None), still)

        async def work(connection: AsyncConnection) -> list[Freeze]:
            return [_freeze(row) for row in await connection.execute(wanted)]

        return await self._database.read(work)

    async def freeze(
        self,
        *,
        by: Person,
        reason: str,
        service: str = EVERY,
        environment: str = EVERY,
        from_at: datetime | None = None,
        until: datetime | None = None,
    ) -> Freeze:
        begin = from_at or self._clock.now()
        if until is not None and until <= begin:
            raise Refused("A change freeze has to end after it begins. Give a later end.")
        new = insert(freeze).values(
            service=service,
            environment=environment,
            by_id=by.id,
            by_name=by.name,
            reason=reason,
            from_at=begin,
            until_at=until,
            ended_by="",
        )

        async def work(connection: AsyncConnection) -> Freeze:
            return _freeze((await connection.execute(new.returning(freeze))).one())

        return await self._database.write(work)

    async def unfreeze(self, number: int, *, by: Person) -> Freeze:
        end = (
            update(freeze)
            .where(freeze.c.number == number, freeze.c.ended_at.is_(None))
            .values(ended_at=self._clock.now(), ended_by=by.name)
        )

        async def work(connection: AsyncConnection) -> Freeze:
            row = (await connection.execute(end.returning(freeze))).one_or_none()
            if row is None:
                raise Refused("That change freeze has ended already. `/deploy status` shows those in force.")
            return _freeze(row)

        return await self._database.write(work)

    # ── App Home ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def home_opened(self, user: str) -> None:
        """From now on it is kept up to date; and it is owed once, now."""
        row = {"shown": "", "opened_at": self._clock.now()}

        async def work(connection: AsyncConnection) -> None:
            opened = upsert(connection)(home).values(person=user, **row)
            await connection.execute(opened.on_conflict_do_update(index_elements=["person"], set_=row))

        await self._database.write(work)

    async def homes(self) -> list[str]:
        async def work(connection: AsyncConnection) -> list[str]:
            return list((await connection.execute(select(home.c.person).order_by(home.c.person))).scalars())

        return await self._database.read(work)


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
