"""What does the database say?"""

import asyncio
from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, Field
from sqlalchemy import text

from bot.check import Context, check
from bot.judge import named
from bot.model import Measured, Row, Value
from checks.database import Silent, reading


class Params(BaseModel, extra="forbid"):
    """Which database, and what to ask it."""

    dsn: str = Field(description="`postgresql+psycopg://…` or `sqlite:///…`; a secret: `{env: NAME}`.")
    query: str = Field(description="One query; each column of its first row is a value, under the column's name.")


@check(
    "sql",
    needs={"net"},
    values={
        "rows": "how many rows the query gave, at most 1000",
        "answered": "the database answered; no, if it takes no connection, breaks one off, or lets one wait too long",
    },
    names=lambda _: None,
    require=["rows >= 1"],
    pass_=["rows >= 1"],
)
async def sql(params: Params, ctx: Context) -> Measured:
    """Ask one query in a transaction that cannot write, and read the first row.

    A database that does not answer leaves every other value unknown; `answered == true` is the rule that makes it a fail.

    Why: Orders per hour, free connections, the age of the last row: what matters most is often one query away.
    Fix: Run the query by hand; the evidence has what it gave.
    """
    try:
        # A little less than there is, so that a database that keeps us waiting is found out before nobody waits any more.
        return await asyncio.to_thread(_ask, params, ctx.left() * 0.8)
    except Silent as problem:
        return Measured(
            values={"answered": False}, rows=(Row(subject=params.query, note=str(problem)),), summary=str(problem)
        )


def _ask(params: Params, limit: float) -> Measured:
    with reading(params.dsn, limit) as connection:
        result = connection.execute(text(params.query))
        rows = [dict(row) for row in result.mappings().fetchmany(1000)] if result.returns_rows else []
    values = {name: value for name, one in (rows[0] if rows else {}).items() if (value := _value(one)) is not None}
    told = ", ".join(named(name, value) for name, value in list(values.items())[:4])
    return Measured(
        values={"answered": True, **values, "rows": len(rows)},
        rows=(Row(subject=params.query, values=values),),
        summary=told or f"{len(rows)} rows",
    )


def _value(found: object) -> Value | None:
    if isinstance(found, Decimal):
        return float(found)
    if isinstance(found, datetime | date):
        return found.isoformat()
    return found if isinstance(found, str | int | float) else None
