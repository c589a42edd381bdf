"""What does the database say?"""

import asyncio
from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, Field
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from bot.check import Context, check
from bot.errors import Cannot, Unreachable
from bot.model import Measured, Row, Value


class Params(BaseModel, extra="forbid"):
    """Which database, and what to ask it."""

    dsn: str = Field(description="`postgresql+psycopg://…` or `sqlite:///…`; a secret: `{env: NAME}`.")
    query: str = Field(description="One query; each column of its first row is a value, under the column's name.")


@check(
    "sql",
    needs={"net"},
    values={"rows": "how many rows the query gave, at most 1000"},
    names=lambda _: None,
    require=["rows >= 1"],
    pass_=["rows >= 1"],
)
async def sql(params: Params, ctx: Context) -> Measured:
    """Ask one query in a transaction that cannot write, and read the first row.

    Why: Orders per hour, free connections, the age of the last row: what matters most is often one query away.
    Fix: Run the query by hand; the evidence has what it gave.
    """
    return await asyncio.to_thread(_ask, params, ctx.left())


def _ask(params: Params, limit: float) -> Measured:
    try:
        url = make_url(params.dsn)
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
            result = connection.execute(text(params.query))
            rows = [dict(row) for row in result.mappings().fetchmany(1000)] if result.returns_rows else []
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        raise Unreachable(f"The database refuses: {said[:300]}.") from error
    except SQLAlchemyError as error:
        raise Cannot(f"The query cannot be asked: {' '.join(str(error).split())[:300]}.") from error
    finally:
        engine.dispose()
    values = {name: value for name, one in (rows[0] if rows else {}).items() if (value := _value(one)) is not None}
    told = ", ".join(f"{name} {value}" for name, value in list(values.items())[:4])
    return Measured(
        values={**values, "rows": len(rows)},
        rows=(Row(subject=params.query, values=values),),
        summary=told or f"{len(rows)} rows",
    )


def _read_only(connection: Connection, kind: str, limit: float) -> None:
    if kind == "postgresql":
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text(f"SET LOCAL statement_timeout = {max(1, int(limit * 1000))}"))
    elif kind == "sqlite":
        connection.execute(text("PRAGMA query_only = ON"))


def _value(found: object) -> Value | None:
    if isinstance(found, Decimal):
        return float(found)
    if isinstance(found, datetime | date):
        return found.isoformat()
    return found if isinstance(found, str | int | float) else None
