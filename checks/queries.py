"""Which statements take the database's time, and do they take more than before?"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, Field
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from bot.check import Context, check
from bot.errors import Cannot
from bot.judge import duration
from bot.model import Measured, Row, Value
from checks.database import only_postgresql, reading

#: Only in these have literals been replaced; others, such as ALTER ROLE, may hold a password.
_SHOWN = re.compile(
    r"\s*(?:/\*.*?\*/\s*)*(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES)\b", re.IGNORECASE | re.DOTALL
)


class Params(BaseModel, extra="forbid"):
    """Which database, and what to compare it with."""

    dsn: str = Field(
        description="`postgresql+psycopg://…`, of a role that has pg_read_all_stats; a secret: `{env: NAME}`."
    )
    compare_dsn: str = Field(
        default="",
        description="Where the same statements ran before: production, while staging was loaded. A secret, too.",
    )
    min_calls: int = Field(default=100, ge=1, description="Statements that ran less often are left out.")
    slow_s: float = Field(default=1.0, gt=0, description="A mean above so many seconds is slow.")
    top: int = Field(default=5, ge=1, le=50, description="How many statements to show.")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement, with its literals taken out."""

    query: str
    calls: int
    mean_s: float
    rows: int


def _lacks(params: Params) -> Mapping[str, str]:
    return {} if params.compare_dsn else dict.fromkeys(("compared", "slower"), "'compare_dsn'")


@check(
    "queries",
    needs={"net"},
    lacks=_lacks,
    values={
        "statements": "how many statements ran often enough to be looked at",
        "slow": "how many of them take more than 'slow_s' in the mean",
        "worst_mean": "seconds that the slowest of them takes in the mean",
        "compared": "how many of them are in the other database, too; missing without 'compare_dsn'",
        "slower": "by which share the one that lost most is slower than in the other database",
        "covered": "seconds since counting began, in the one that began later",
        "evicted": "how often statements were thrown out of the statistics for lack of room",
    },
    require=["covered >= 10min", "statements >= 1"],
    pass_=["slow == 0"],
)
async def queries(params: Params, ctx: Context) -> Measured:
    """Read the means of pg_stat_statements for this database, and compare them with those of another one by their text.

    What was reset a moment ago knows nothing: `covered` says since when it counts.

    Why: A statement that is slow on staging brings the database down under production's load.
    Fix: Explain the statement that the evidence names; most often an index is missing or a new join is not bounded.
    """
    here = await asyncio.to_thread(_read, params.dsn, params.min_calls, ctx.left())
    there = (
        await asyncio.to_thread(_read, params.compare_dsn, params.min_calls, ctx.left()) if params.compare_dsn else None
    )
    return _measured(params, here, there)


Read = tuple[Sequence[Statement], Mapping[str, Value]]


def _read(dsn: str, min_calls: int, limit: float) -> Read:
    with reading(dsn, limit) as connection:
        only_postgresql(connection)
        where = connection.execute(
            text(
                "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
                " WHERE e.extname = 'pg_stat_statements'"
            )
        ).scalar()
        if where is None:
            raise Cannot("This database has no pg_stat_statements; load it and CREATE EXTENSION pg_stat_statements.")
        try:
            return _statements(connection, str(where), min_calls), _since(connection, str(where))
        except ProgrammingError as error:
            said = " ".join(str(error.orig).split())[:200]
            raise Cannot(f"pg_stat_statements cannot be read; PostgreSQL 14 or newer is needed: {said}.") from error


def _statements(connection: Connection, where: str, min_calls: int) -> list[Statement]:
    asked = connection.execute(
        text(
            "SELECT query, sum(calls)::bigint, sum(total_exec_time) / sum(calls) / 1000, sum(rows)::bigint"  # noqa: S608
            f" FROM {where}.pg_stat_statements"
            " WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " GROUP BY query HAVING sum(calls) >= :least ORDER BY 3 DESC"
        ),
        {"least": min_calls},
    )
    return [
        Statement(query=str(query), calls=calls, mean_s=float(mean), rows=rows) for query, calls, mean, rows in asked
    ]


def _since(connection: Connection, where: str) -> dict[str, Value]:
    covered, evicted = connection.execute(
        text(
            "SELECT extract(epoch FROM now() - stats_reset)::float, dealloc"  # noqa: S608
            f" FROM {where}.pg_stat_statements_info"
        )
    ).one()
    return {"covered": max(0.0, float(covered)), "evicted": int(evicted)}


def _measured(params: Params, here: Read, there: Read | None) -> Measured:
    statements, since = here
    values: dict[str, Value] = {"statements": len(statements), **since}
    if statements:
        values |= {"slow": sum(one.mean_s > params.slow_s for one in statements), "worst_mean": statements[0].mean_s}
    change: dict[str, float] = {}
    if there is not None:
        before = {one.query: one.mean_s for one in there[0]}
        change = {one.query: one.mean_s / before[one.query] - 1 for one in statements if before.get(one.query)}
        values |= {
            "compared": len(change),
            "covered": min(float(since["covered"]), float(there[1]["covered"])),
            "evicted": max(int(since["evicted"]), int(there[1]["evicted"])),
        }
        if change:
            values["slower"] = max(0.0, *change.values())
    # What lost most is what somebody has to look at; without a comparison, what takes longest.
    shown = sorted(statements, key=lambda one: (change.get(one.query, -1.0), one.mean_s), reverse=True)[: params.top]
    return Measured(
        values=values,
        rows=tuple(_row(one, change) for one in shown),
        summary=_summary(values, shown, change),
    )


def _row(one: Statement, change: Mapping[str, float]) -> Row:
    changed = {"change": change[one.query]} if one.query in change else {}
    return Row(subject=_named(one), values={"mean": one.mean_s, "calls": one.calls, "rows": one.rows, **changed})


def _named(one: Statement) -> str:
    if _SHOWN.match(one.query):
        return " ".join(one.query.split())
    return f"{' '.join(one.query.split()[:2])} …"


def _summary(values: Mapping[str, Value], shown: Sequence[Statement], change: Mapping[str, float]) -> str:
    since = f"since {duration(round(float(values['covered'])))}"
    if not shown:
        return f"no statement ran often enough {since}"
    first = shown[0]
    slower = f", {change[first.query]:+.0%} against before" if first.query in change else ""
    return (
        f"{values['statements']} statements {since}, {values['slow']} slow; "
        f"{_named(first)[:100]}: {duration(first.mean_s)} in the mean of {first.calls}{slower}"
    )
