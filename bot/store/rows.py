"""How does a record become rows?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Deployment
from bot.store import snapshot, tables


def folded(deployment_id: str) -> str:
    """The id as people may type it, in any case."""
    return deployment_id.strip().casefold()


def fixed(one: Deployment) -> dict[str, Any]:
    """What never changes."""
    return {
        "id": one.id,
        "folded": folded(one.id),
        "number": one.number,
        "service": one.service,
        "environment": one.environment,
        "opened_at": one.opened_at,
    }


def current(one: Deployment, *, at: datetime, wake_at: datetime | None, plan: str) -> dict[str, Any]:
    return {
        "channel": one.channel,
        "phase": one.phase,
        "active": one.active,
        "unsettled": unsettled(one),
        "changed_at": at,
        "wake_at": wake_at,
        "revision": one.revision,
        "plan": plan,
        "snapshot": snapshot.write_deployment(one),
    }


def unsettled(one: Deployment) -> bool:
    return not one.over or any(not run.report.over for run in one.runs) or bool(one.watch and one.watch.alive)


def new_findings(old: Deployment | None, new: Deployment) -> list[dict[str, Any]]:
    known = old.findings if old else {}
    return [
        {
            "deployment": new.id,
            "service": new.service,
            "environment": new.environment,
            "check": name,
            "verdict": finding.verdict,
            "measured_at": finding.measured_at,
            "body": snapshot.write_finding(finding),
        }
        for name, finding in new.findings.items()
        if known.get(name) != finding
    ]


async def story(connection: AsyncConnection, deployment_id: str) -> Sequence[Mapping[str, Any]]:
    it = tables.history.c
    rows = await connection.execute(select(tables.history).where(it.deployment == deployment_id).order_by(it.number))
    return [dict(row) for row in rows.mappings()]


async def last_number(connection: AsyncConnection, deployment_id: str) -> int:
    it = tables.history.c
    found = await connection.execute(select(func.max(it.number)).where(it.deployment == deployment_id))
    return found.scalar_one() or 0
