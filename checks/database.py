"""How does a check ask a database, without being able to change anything in it?"""

import re
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from bot.errors import Cannot, Unreachable

#: What SQLite calls operational, and is a mistake in the query.
_MISTAKES = ("no such", "near ", "attempt to write")


#: What PostgreSQL's library asks or guesses behind what it knows.
_HINTS = re.compile(r" (?:Is the server running|This probably means) [^.?]*[.?]")


class Silent(Unreachable):
    """The database itself did not answer: no connection, or one that broke or waited too long."""


@contextmanager
def reading(dsn: str, limit: float) -> Generator[Connection]:
    """One connection in a transaction that cannot write; what the database says no to is a sentence."""
    try:
        url = make_url(dsn)
        kind = url.get_backend_name()
        connect: dict[str, object] = {"timeout": limit} if kind == "sqlite" else {"connect_timeout": max(2, int(limit))}
        # A path that is not there would be made, and then be found empty.
        if kind == "sqlite" and url.database:
            url = url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
        engine = create_engine(url, poolclass=NullPool, connect_args=connect)
    except (ArgumentError, ImportError) as error:
        raise Cannot("The 'dsn' is not one, as in postgresql+psycopg://user:password@host/name.") from error
    try:
        with engine.connect() as connection:
            _read_only(connection, kind, limit)
            yield connection
    except DBAPIError as error:
        said = _HINTS.sub("", " ".join(str(error.orig).split())).rstrip(".")
        broken = isinstance(error, OperationalError | InterfaceError | InternalError) and not said.startswith(_MISTAKES)
        raise (Silent if broken else Unreachable)(f"The database refuses: {said[:300]}.") from error
    except SQLAlchemyError as error:
        raise Cannot(f"The query cannot be asked: {' '.join(str(error).split())[:300]}.") from error
    finally:
        engine.dispose()


def only_postgresql(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        raise Cannot(f"This is about PostgreSQL, and the 'dsn' leads to {connection.dialect.name}.")


def _read_only(connection: Connection, kind: str, limit: float) -> None:
    if kind == "postgresql":
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text(f"SET LOCAL statement_timeout = {max(1, int(limit * 1000))}"))
    elif kind == "sqlite":
        connection.execute(text("PRAGMA query_only = ON"))
