"""How is the database opened, brought up to date, read and written?"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.crash import crash
from bot.errors import ConfigError, Unreachable
from bot.store.migrating import NewerError, bring_up_to_date

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

#: A replica may stand still in the middle of a transaction: PostgreSQL undoes it then, so that the others need not wait for it.
STANDS_STILL_S = 15

#: What the driver says of a database that is not there; InternalError says it only with one of the states below.
_AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeout)

#: PostgreSQL undid the transaction because we stood still; or it has become a replica, which only reads.
_UNDONE = {"25P03", "25006"}


class Database:
    """One database and its connections."""

    def __init__(self, url: URL, engine: AsyncEngine) -> None:
        self.url = url
        self.engine = engine
        self.embedded = url.get_backend_name() == "sqlite"
        self._readers = engine.execution_options(reading=True)
        # Within this process writers to SQLite wait here, in turn, rather than in its busy loop, which knows no turns.
        self._turn = asyncio.Lock()
        self._writes: set[asyncio.Task[Any]] = set()

    @classmethod
    async def open(cls, given: str) -> "Database":
        url = _understood(given)
        engine = _engine(url)
        database = cls(url, engine)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(bring_up_to_date)
        except NewerError as error:
            await engine.dispose()
            raise ConfigError(
                f"The database at {_said(url)} was written by a newer T-Minus ({error}). Start that version again."
            ) from error
        except (DBAPIError, OSError, PoolTimeout) as error:
            await engine.dispose()
            raise ConfigError(
                f"The database at {_said(url)} cannot be used: {_reason(error)}. Check its address and who may use it."
            ) from error
        return database

    async def close(self) -> None:
        while self._writes:
            await asyncio.wait(self._writes)
        await self.engine.dispose()

    async def read(self, work: Work[T]) -> T:
        try:
            async with self._readers.connect() as connection:
                return await work(connection)
        except _AWAY as error:
            raise _silent(error) from error

    async def ahead(self) -> timedelta:
        """The database's time less this machine's: of a few tries the one that took the shortest, halfway through it."""
        if self.embedded:
            return timedelta()

        async def work(connection: AsyncConnection) -> timedelta:
            tries: list[tuple[timedelta, timedelta]] = []
            for _ in range(5):
                before = datetime.now(UTC)
                there = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
                took = datetime.now(UTC) - before
                tries.append((took, there - (before + took / 2)))
            return min(tries)[1]

        return await self.read(work)

    async def write(self, work: Work[T]) -> T:
        """One transaction. It ends as it ends even when the caller is cancelled: nobody may guess about a commit."""
        task = asyncio.create_task(self._write(work))
        self._writes.add(task)
        task.add_done_callback(self._written)
        return await asyncio.shield(task)

    def _written(self, task: asyncio.Task[Any]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            # Asked for, so that a failure whose caller is gone is not reported as one that nobody looked at.
            task.exception()

    async def _write(self, work: Work[T]) -> T:
        worked = False
        turn = self._turn if self.embedded else nullcontext()
        try:
            async with turn, self.engine.begin() as connection:
                result = await work(connection)
                worked = True
                crash("store.worked")
            crash("store.committed")
        except _AWAY as error:
            raise _silent(error, committing=worked) from error
        return result


def _silent(error: Exception, *, committing: bool = False) -> Exception:
    """A sentence; what is no matter of the connection stays as it is."""
    undone = getattr(getattr(error, "orig", None), "sqlstate", None) in _UNDONE
    if isinstance(error, InternalError) and not undone:
        return error
    reason = _reason(error)
    log.warning("database did not answer", extra={"reason": reason})
    if committing and not undone:
        return Unreachable(
            f"The database went away while this was saved, and may have saved it ({reason}). Look before you try again."
        )
    return Unreachable(f"The database did not answer ({reason}), so nothing was changed. Try again in a moment.")


def _reason(error: Exception) -> str:
    """The driver's own words; the first line of them is the one that says why."""
    return (str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__])[0]


def _said(url: URL) -> str:
    return url.database or "" if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def _understood(given: str) -> URL:
    try:
        url = make_url(given)
    except ArgumentError as error:
        raise ConfigError(
            "The database's address is not one. Write sqlite+aiosqlite:///folder/t-minus.db or postgresql+psycopg://user@host/name."
        ) from error
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise ConfigError(f"{url.get_backend_name()} is not a database that T-Minus knows. Use SQLite or PostgreSQL.")
    if not url.database or url.database == ":memory:":
        raise ConfigError("A record has to outlive the program. Name a file: sqlite+aiosqlite:///folder/t-minus.db.")
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The folder {folder} of the database cannot be made: {error.strerror}. Name another in the database's address."
        ) from error
    return url.set(drivername="sqlite+aiosqlite")


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "postgresql":
        engine = create_async_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10)
        event.listen(engine.sync_engine, "connect", _prepare_postgresql)
        return engine
    engine = create_async_engine(url, pool_size=8, max_overflow=8)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{STANDS_STILL_S}s'")
    cursor.close()
    connection.commit()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions when it sees fit; we begin them ourselves, below.
    connection.isolation_level = None
    cursor = connection.cursor()
    # The wait comes first: switching to WAL needs a lock that another process may hold for a moment.
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    # A writer that begins as a reader is refused when it comes to writing, whatever the timeout; so it never does.
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
