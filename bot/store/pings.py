"""What did somebody outside tell us last, at which URL?"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Index, Table, Text, and_, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Clock, Ping
from bot.store.database import Database
from bot.store.tables import SERIAL, Moment, metadata

#: Kept of each URL; older ones are forgotten.
KEPT = 100

ping = Table(
    "ping",
    metadata,
    Column("number", SERIAL, primary_key=True),
    #: A digest of the key in the URL: who reads the database cannot call it.
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("exit_status", BigInteger),
    Column("body", Text, nullable=False),
    Index("ping_newest", "key", "number"),
)


class Pings:
    """Every method is one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def keep(self, key: str, kind: str, *, exit_status: int | None = None, body: str = "") -> None:
        """`key` is the digest. What was told more than a hundred pings ago is forgotten."""
        row = {"key": key, "kind": kind, "at": self._clock.now(), "exit_status": exit_status, "body": body}
        newest = select(ping.c.number).where(ping.c.key == key).order_by(ping.c.number.desc()).limit(KEPT)

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert(ping).values(**row))
            oldest = (await connection.execute(newest)).scalars().all()[-1]
            await connection.execute(delete(ping).where(and_(ping.c.key == key, ping.c.number < oldest)))

        await self._database.write(work)

    async def last(self, key: str) -> Sequence[Ping]:
        """The newest first."""
        wanted = select(ping).where(ping.c.key == key).order_by(ping.c.number.desc())

        async def work(connection: AsyncConnection) -> Sequence[Ping]:
            found = (await connection.execute(wanted)).mappings()
            return [
                Ping(kind=one["kind"], at=one["at"], exit_status=one["exit_status"], body=one["body"]) for one in found
            ]

        return await self._database.read(work)
