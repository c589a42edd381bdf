"""What is on record, and how does it change?"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import Select, and_, func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Refused
from bot.model import Change, Clock, Deployment, Finding, Person, Phase, Projection, StoryLine, Verdict
from bot.plan import Plan
from bot.store import around, chain, snapshot, tables
from bot.store.around import EVERY, Freeze
from bot.store.database import Database, Work
from bot.store.messages import Messages, want

Decide = Callable[[Deployment], Change | None]
#: Given the new record and the LIVE ones of the same service and environment (the newest first): what becomes of those.
Others = Callable[[Deployment, list[Deployment]], list[Change]]

_row = tables.deployment.c
PRUNE_EVERY_S = 3600.0


class Taken(Refused):
    """There is an active deployment of this service and environment already."""

    def __init__(self, active: Deployment) -> None:
        self.active = active
        super().__init__(
            f"{active.service} is being deployed to {active.environment} already: {active.id}, version {active.version}, "
            f"started by {active.captain.name}. Finish or abort that one first."
        )


class Store:
    """The record. Every method is one transaction; what it returns is committed."""

    def __init__(self, database: Database, clock: Clock, project: Callable[[Deployment], Projection]) -> None:
        self._database = database
        self._clock = clock
        self._project = project
        self._plans: dict[str, Plan] = {}
        self._prune_at = 0.0
        self.outbox = Messages(database, clock)

    @classmethod
    async def open(cls, url: str, clock: Clock, *, project: Callable[[Deployment], Projection]) -> "Store":
        return cls(await Database.open(url), clock, project)

    async def close(self) -> None:
        await self._database.close()

    # ── Deployments ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def create(
        self,
        service: str,
        environment: str,
        draft: Callable[[int, Deployment | None], Change],
        *,
        once: str = "",
    ) -> Deployment:
        """Open the next deployment of a service; `once` names the delivery that asked for it."""

        async def work(connection: AsyncConnection) -> Deployment:
            if once and (made := await around.made_by(connection, once)):
                return await self._one(connection, made)
            # The counter's row is also the lock: two drafts of one service wait for each other here.
            counter = tables.service
            counted = (
                around.upsert(connection)(counter)
                .values(name=service, last_number=1)
                .on_conflict_do_update(index_elements=["name"], set_={"last_number": counter.c.last_number + 1})
                .returning(counter.c.last_number)
            )
            number = (await connection.execute(counted)).scalar_one()
            here = and_(_row.service == service, _row.environment == environment)
            earlier = await self._read(
                connection, select(tables.deployment).where(here).order_by(_row.number.desc()).limit(1)
            )
            await self._refuse_second(connection, service, environment)
            change = draft(number, earlier[0] if earlier else None)
            if once:
                await around.first_time(connection, once, deployment=change.deployment.id)
            return await self._save(connection, None, change)

        return await self._write(work)

    async def change(
        self, deployment_id: str, decide: Decide, *, others: Others | None = None, once: str = ""
    ) -> Deployment:
        """Decide on the fresh record, locked, and save what was decided with everything that follows from it.

        Nothing is written when `decide` returns None, or the same record without a line. What it raises undoes all.
        With `once`, the delivery of this name changes the record only the first time.
        """

        async def work(connection: AsyncConnection) -> Deployment:
            old, live = await self._locked(connection, deployment_id, with_live=others is not None)
            if once and not await around.first_time(connection, once, deployment=old.id):
                return old
            change = decide(old)
            if change is None or (change.deployment == old and not change.lines):
                return old
            for another in others(change.deployment, live) if others else []:
                before = next(one for one in live if one.id == another.deployment.id)
                await self._save(connection, before, another)
            return await self._save(connection, old, change)

        return await self._write(work)

    async def get(self, deployment_id: str) -> Deployment:
        return await self._database.read(lambda connection: self._one(connection, deployment_id))

    async def find(
        self,
        *,
        active: bool | None = None,
        phases: Collection[Phase] | None = None,
        service: str | None = None,
        environment: str | None = None,
        channel: str | None = None,
        limit: int = 50,
    ) -> list[Deployment]:
        """The newest first."""
        wanted = select(tables.deployment).order_by(_row.opened_at.desc(), _row.number.desc()).limit(limit)
        if active is not None:
            wanted = wanted.where(_row.active.is_(active))
        if phases is not None:
            wanted = wanted.where(_row.phase.in_(list(phases)))
        for column, value in ((_row.service, service), (_row.environment, environment), (_row.channel, channel)):
            if value is not None:
                wanted = wanted.where(column == value)
        return await self._database.read(lambda connection: self._read(connection, wanted))

    async def unsettled(self) -> list[Deployment]:
        """Those that the engine's loop looks at: not over, or with a run or a watch that is still alive."""
        wanted = select(tables.deployment).where(text("unsettled")).order_by(_row.opened_at, _row.id)
        return await self._database.read(lambda connection: self._read(connection, wanted))

    async def due(self, now: datetime) -> list[str]:
        async def work(connection: AsyncConnection) -> list[str]:
            rows = await connection.execute(select(_row.id).where(_row.wake_at <= now).order_by(_row.wake_at, _row.id))
            return list(rows.scalars())

        return await self._database.read(work)

    async def next_due(self) -> tuple[datetime, str] | None:
        async def work(connection: AsyncConnection) -> tuple[datetime, str] | None:
            rows = await connection.execute(
                select(_row.wake_at, _row.id).where(_row.wake_at.is_not(None)).order_by(_row.wake_at, _row.id).limit(1)
            )
            row = rows.one_or_none()
            return (row.wake_at, row.id) if row else None

        return await self._database.read(work)

    async def wake_times(self) -> dict[str, datetime]:
        """Every deployment that waits for a moment, for the alarm clock when the program starts."""

        async def work(connection: AsyncConnection) -> dict[str, datetime]:
            rows = await connection.execute(select(_row.id, _row.wake_at).where(_row.wake_at.is_not(None)))
            return {row.id: row.wake_at for row in rows}

        return await self._database.read(work)

    async def ahead(self) -> timedelta:
        """How far the database's clock is ahead of this machine's, for `clock.calibrate`; nothing where the database is a file."""
        return await self._database.ahead()

    # ── The story ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def history(self, deployment_id: str) -> list[StoryLine]:
        async def work(connection: AsyncConnection) -> list[StoryLine]:
            known = await self._one(connection, deployment_id)
            return [
                StoryLine(
                    number=row["number"],
                    at=row["at"],
                    by=row["by_name"],
                    what=row["what"],
                    why=row["why"],
                    facts=json.loads(row["facts"]),
                    hash=row["hash"],
                )
                for row in await _story(connection, known.id)
            ]

        return await self._database.read(work)

    async def verify(self, deployment_id: str) -> str | None:
        """None when the history is as it was written; otherwise the sentence that says which line is not."""

        async def work(connection: AsyncConnection) -> str | None:
            known = await self._one(connection, deployment_id)
            return chain.broken(await _story(connection, known.id), head=known.head)

        return await self._database.read(work)

    async def findings(
        self, service: str, environment: str, check: str, *, passed: bool, n: int, except_of: str = ""
    ) -> list[Finding]:
        """The newest first; those that passed, or all. `except_of` leaves one deployment out."""
        it = tables.finding.c
        wanted = (
            select(it.body)
            .where(it.service == service, it.environment == environment, it.check == check, it.deployment != except_of)
            .where(*([it.verdict == Verdict.PASS] if passed else []))
            .order_by(it.measured_at.desc(), it.number.desc())
            .limit(n)
        )

        async def work(connection: AsyncConnection) -> list[Finding]:
            return [snapshot.read_finding(body) for body in (await connection.execute(wanted)).scalars()]

        return await self._database.read(work)

    # ── What else is remembered ──────────────────────────────────────────────────────────────────────────────────────

    async def seen(self, key: str) -> bool:
        """Whether this delivery was handled already; from now on it is."""

        async def work(connection: AsyncConnection) -> bool:
            if monotonic() >= self._prune_at:
                self._prune_at = monotonic() + PRUNE_EVERY_S
                await around.prune(connection)
            return not await around.first_time(connection, key)

        return await self._database.write(work)

    async def remember_person(self, person: Person, *, email: str = "") -> None:
        at = self._clock.now()
        await self._database.write(lambda connection: around.remember_person(connection, person, email=email, at=at))

    async def person(self, id_or_email: str, *, younger_than: timedelta | None = None) -> Person | None:
        """Somebody as Slack described them last; None when they are not known, or not known recently enough."""
        since = self._clock.now() - younger_than if younger_than else None
        return await self._database.read(lambda connection: around.known_person(connection, id_or_email, since=since))

    async def freezes(self, *, ended: bool = False) -> list[Freeze]:
        """The change freezes in force and to come; with `ended`, all that there ever were."""
        now = None if ended else self._clock.now()
        return await self._database.read(lambda connection: around.freezes(connection, now=now))

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
        new = Freeze(
            number=0,
            service=service,
            environment=environment,
            by=by,
            reason=reason,
            from_at=from_at or self._clock.now(),
            until=until,
        )
        if until is not None and until <= new.from_at:
            raise Refused("A change freeze has to end after it begins. Give a later end.")
        return await self._database.write(lambda connection: around.begin_freeze(connection, new))

    async def unfreeze(self, number: int, *, by: Person) -> Freeze:
        at = self._clock.now()
        ended = await self._database.write(lambda connection: around.end_freeze(connection, number, by=by, at=at))
        if ended is None:
            raise Refused("That change freeze has ended already.")
        return ended

    async def home_opened(self, user: str) -> None:
        at = self._clock.now()
        await self._database.write(lambda connection: around.home_opened(connection, user, at=at))

    async def homes(self) -> list[str]:
        return await self._database.read(around.homes)

    # ── Within a transaction ─────────────────────────────────────────────────────────────────────────────────────────

    async def _write(self, work: Work[Deployment]) -> Deployment:
        try:
            return await self._database.write(work)
        except IntegrityError:
            # Another replica was first. Looking again finds what it did, and says so.
            return await self._database.write(work)

    async def _read(self, connection: AsyncConnection, wanted: Select[Any]) -> list[Deployment]:
        rows = (await connection.execute(wanted)).all()
        if missing := {row.plan for row in rows} - self._plans.keys():
            bodies = await connection.execute(select(tables.plan).where(tables.plan.c.hash.in_(missing)))
            self._plans.update({row.hash: snapshot.read_plan(row.body) for row in bodies})
        return [snapshot.read_deployment(row.snapshot, self._plans[row.plan]) for row in rows]

    async def _one(self, connection: AsyncConnection, deployment_id: str) -> Deployment:
        found = await self._read(connection, select(tables.deployment).where(_row.folded == _folded(deployment_id)))
        if not found:
            raise Refused(f"There is no deployment {deployment_id}. `/deploy status` shows those that there are.")
        return found[0]

    async def _locked(
        self, connection: AsyncConnection, deployment_id: str, *, with_live: bool
    ) -> tuple[Deployment, list[Deployment]]:
        mine = _row.folded == _folded(deployment_id)
        if with_live:
            known = await self._one(connection, deployment_id)
            beside = and_(
                _row.service == known.service, _row.environment == known.environment, _row.phase == Phase.LIVE
            )
            mine = or_(mine, beside)
        # In the order of their numbers, so that two that lock the same rows wait for each other and not in a circle.
        found = await self._read(
            connection, select(tables.deployment).where(mine).order_by(_row.number).with_for_update()
        )
        locked = {_folded(one.id): one for one in found}
        old = locked.pop(_folded(deployment_id), None)
        return old or await self._one(connection, deployment_id), list(reversed(locked.values()))

    async def _refuse_second(self, connection: AsyncConnection, service: str, environment: str) -> None:
        here = and_(_row.service == service, _row.environment == environment, text("active"))
        if active := await self._read(connection, select(tables.deployment).where(here)):
            raise Taken(active[0])

    async def _save(self, connection: AsyncConnection, old: Deployment | None, change: Change) -> Deployment:
        """The record, its story, its findings and what is wanted of the world: all or nothing."""
        at = self._clock.now()
        given = change.deployment
        before = old.revision if old else 0
        if given.revision != before or (old and (given.id, given.number) != (old.id, old.number)):
            raise ValueError(f"{given.id} was decided on another record than the one that is locked")
        if given.active and old and not old.active:
            await self._refuse_second(connection, given.service, given.environment)
        lines, head = chain.chained(
            change.lines,
            deployment=given.id,
            after=await _last_number(connection, given.id) if old else 0,
            head=old.head if old else "",
            at=at,
        )
        new = replace(given, revision=before + 1, head=head)
        projection = self._project(new)
        columns = {
            "channel": new.channel,
            "phase": new.phase,
            "active": new.active,
            "unsettled": _unsettled(new),
            "changed_at": at,
            "wake_at": projection.wake_at,
            "revision": new.revision,
            "plan": await self._plan(connection, new.plan),
            "snapshot": snapshot.write_deployment(new),
        }
        if old is None:
            fixed = {
                "id": new.id,
                "folded": _folded(new.id),
                "number": new.number,
                "service": new.service,
                "environment": new.environment,
                "opened_at": new.opened_at,
            }
            await connection.execute(insert(tables.deployment).values(**fixed, **columns))
        else:
            saved = await connection.execute(
                update(tables.deployment).where(_row.id == new.id, _row.revision == before).values(**columns)
            )
            if saved.rowcount != 1:
                raise RuntimeError(f"{new.id} changed although it was locked")
        if lines:
            await connection.execute(insert(tables.history), lines)
        if measured := _new_findings(old, new):
            await connection.execute(insert(tables.finding), measured)
        await want(connection, new.id, projection.messages, at=at)
        return new

    async def _plan(self, connection: AsyncConnection, plan: Plan) -> str:
        known = next((hash_ for hash_, one in self._plans.items() if one is plan), None)
        if known:
            return known
        body = snapshot.write_plan(plan)
        hash_ = chain.sha256(body)
        row = {"hash": hash_, "body": body}
        await connection.execute(around.upsert(connection)(tables.plan).values(**row).on_conflict_do_nothing())
        return hash_


def _folded(deployment_id: str) -> str:
    return deployment_id.strip().casefold()


def _unsettled(one: Deployment) -> bool:
    return not one.over or any(not run.report.over for run in one.runs) or bool(one.watch and one.watch.alive)


def _new_findings(old: Deployment | None, new: Deployment) -> list[dict[str, Any]]:
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


async def _story(connection: AsyncConnection, deployment_id: str) -> Sequence[Mapping[str, Any]]:
    it = tables.history.c
    rows = await connection.execute(select(tables.history).where(it.deployment == deployment_id).order_by(it.number))
    return [dict(row) for row in rows.mappings()]


async def _last_number(connection: AsyncConnection, deployment_id: str) -> int:
    it = tables.history.c
    found = await connection.execute(select(func.max(it.number)).where(it.deployment == deployment_id))
    return found.scalar_one() or 0
