"""Are there enough database connections for everybody who may want one?"""

import asyncio
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field
from sqlalchemy import Connection, text

from bot.check import Context, check
from bot.errors import Cannot
from bot.judge import duration
from bot.model import Measured, Row, Value
from checks.database import only_postgresql, reading

_RESERVED = ("superuser_reserved_connections", "reserved_connections")


class Params(BaseModel, extra="forbid"):
    """Which database, and how many connections its clients may open."""

    dsn: str = Field(
        description="`postgresql+psycopg://…` of the database itself, not of a pooler; a secret: `{env: NAME}`."
    )
    instances: int = Field(
        default=0, ge=0, description="How many instances of the service run at the same time, at most."
    )
    pool: int = Field(default=5, ge=0, description="Connections that each instance keeps (SQLAlchemy: pool_size).")
    overflow: int = Field(
        default=0, ge=0, description="Connections that it may open on top (SQLAlchemy: max_overflow)."
    )
    others: int = Field(
        default=0, ge=0, description="Connections that everybody else may open: jobs, dashboards, people."
    )
    roles: list[str] = Field(default=[], description="Roles that need a limit of their own; empty: the one that asks.")
    samples: int = Field(default=1, ge=1, le=200, description="How often to look at who is connected.")
    every_s: float = Field(default=1.0, gt=0, description="Seconds between two looks.")


def _lacks(params: Params) -> Mapping[str, str]:
    return {} if params.instances else dict.fromkeys(("planned", "planned_share", "cramped"), "'instances'")


@check(
    "pool",
    needs={"net"},
    lacks=_lacks,
    values={
        "max_connections": "how many connections the server allows",
        "available": "how many of them are left for clients: without those that are reserved, and within the database's own limit",
        "planned": "instances x (pool + overflow) + others; missing without 'instances'",
        "planned_share": "planned, of what is available",
        "used": "how many client connections there were, the most",
        "used_share": "used, of what is available",
        "spread": "between the most and the fewest connections that were seen",
        "idle_in_transaction": "how many held a transaction open and did nothing, the most",
        "idle_in_transaction_age": "seconds that the longest of these had done so",
        "unlimited": "how many roles may take every connection",
        "cramped": "how many roles are limited to fewer connections than are planned; missing without 'instances'",
    },
    pass_=[
        "planned_share <= 80%",
        "used_share <= 80%",
        "idle_in_transaction_age <= 60s",
        "unlimited == 0",
        "cramped == 0",
    ],
    warn=["planned_share <= 95%", "used_share <= 90%", "cramped == 0"],
)
async def pool(params: Params, ctx: Context) -> Measured:
    """Compare what the service's pools may open with what the server allows, and look at who is connected now.

    Why: Pools that add up to more than the server allows refuse connections exactly when traffic is highest.
    Fix: Make the pools smaller, or put a pooler between; give the role a limit above what is planned; end idle transactions.
    """
    async with asyncio.timeout(ctx.left()):
        return await asyncio.to_thread(_look, params, ctx)


def _look(params: Params, ctx: Context) -> Measured:
    looks: list[Mapping[str, int]] = []
    # Looked at in one connection, which is one of those that are counted.
    with reading(params.dsn, ctx.left()) as connection:
        only_postgresql(connection)
        limits = _limits(connection)
        roles = _roles(connection, params.roles)
        for number in range(params.samples):
            if number:
                if ctx.left() <= params.every_s:
                    break
                connection.execute(text("SELECT pg_sleep(:s)"), {"s": params.every_s})
                connection.execute(text("SELECT pg_stat_clear_snapshot()"))
            looks.append(_connected(connection))
    return _measured(params, limits, roles, looks)


def _limits(connection: Connection) -> dict[str, int]:
    asked = connection.execute(
        text("SELECT name, setting::int FROM pg_settings WHERE name = ANY(:names)"),
        {"names": ["max_connections", *_RESERVED]},
    )
    limits = {name: int(setting) for name, setting in asked}
    limits["database"] = int(
        connection.execute(text("SELECT datconnlimit FROM pg_database WHERE datname = current_database()")).scalar_one()
    )
    return limits


def _roles(connection: Connection, named: Sequence[str]) -> dict[str, int]:
    """Each role's limit; -1 is none, and a superuser is held to none."""
    asked = connection.execute(
        text(
            "SELECT rolname, CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END FROM pg_roles WHERE rolname = ANY(:names) OR (:own AND rolname = current_user)"
        ),
        {"names": list(named), "own": not named},
    )
    found = {str(name): int(limit) for name, limit in asked}
    if missing := [name for name in named if name not in found]:
        raise Cannot(f"The database has no role {', '.join(missing)}.")
    return found


def _connected(connection: Connection) -> dict[str, int]:
    """What is hidden from a role without pg_monitor is counted, and its state is not known."""
    row = connection.execute(
        text(
            "SELECT count(*), count(*) FILTER (WHERE state IS NULL),"
            " count(*) FILTER (WHERE state LIKE 'idle in transaction%'),"
            " coalesce(max(extract(epoch FROM clock_timestamp() - state_change))"
            "   FILTER (WHERE state LIKE 'idle in transaction%'), 0)::int"
            " FROM pg_stat_activity WHERE backend_type = 'client backend' OR (backend_type IS NULL AND usename IS NOT NULL)"
        )
    ).one()
    return dict(zip(("used", "hidden", "idle", "idle_s"), map(int, row), strict=True))


def _measured(
    params: Params, limits: Mapping[str, int], roles: Mapping[str, int], looks: Sequence[Mapping[str, int]]
) -> Measured:
    most = limits["max_connections"]
    reserved = sum(limits.get(name, 0) for name in _RESERVED)
    available = most - reserved if limits["database"] < 0 else min(most - reserved, limits["database"])
    used = [one["used"] for one in looks]
    values: dict[str, Value] = {
        "max_connections": most,
        "available": available,
        "used": max(used),
        "spread": max(used) - min(used),
        "unlimited": sum(limit < 0 for limit in roles.values()),
    }
    if not any(one["hidden"] for one in looks):
        values |= {
            "idle_in_transaction": max(one["idle"] for one in looks),
            "idle_in_transaction_age": max(one["idle_s"] for one in looks),
        }
    planned = params.instances * (params.pool + params.overflow) + params.others
    if params.instances:
        values |= {"planned": planned, "cramped": sum(0 <= limit < planned - params.others for limit in roles.values())}
    if available > 0:
        values |= {"used_share": max(used) / available}
        values |= {"planned_share": planned / available} if params.instances else {}
    return Measured(
        values=values,
        rows=(
            Row(subject="the server", values={**limits, "reserved": reserved, "available": available}),
            *(
                Row(subject=f"role {name}", note="no limit" if limit < 0 else f"limit {limit}")
                for name, limit in roles.items()
            ),
            *(Row(subject=f"look {at}", values=dict(one)) for at, one in enumerate(looks, 1)),
        ),
        summary=_summary(params, values, roles, looks),
    )


def _summary(
    params: Params, values: Mapping[str, Value], roles: Mapping[str, int], looks: Sequence[Mapping[str, int]]
) -> str:
    others = f" + {params.others}" if params.others else ""
    hidden = max(one["hidden"] for one in looks)
    idle = values.get("idle_in_transaction")
    facts = [
        f"{params.instances} x ({params.pool} + {params.overflow}){others} = {values['planned']} of {values['available']}"
        if params.instances
        else "",
        f"{values['used']} of {values['available']} in use" + (f" in {len(looks)} looks" if len(looks) > 1 else ""),
        f"{idle} idle in transaction, for up to {duration(float(values['idle_in_transaction_age']))}" if idle else "",
        f"the state of {hidden} is hidden from this role, which needs pg_monitor" if hidden else "",
        *(f"{name} has no limit" for name, limit in roles.items() if limit < 0),
    ]
    return ", ".join(filter(None, facts))
