"""What is on record, and how does it change?"""

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Refused
from bot.machine import doing
from bot.model import MACHINE, Change, Clock, Deployment, Finding, Line, Person, Phase, Projection, StoryLine, Verdict
from bot.plan import Plan
from bot.store import chain, exported, forgetting, rows, snapshot, tables
from bot.store.around import Memory, first_time, made_by, upsert
from bot.store.counted import Counted, counted
from bot.store.database import Database, Work
from bot.store.messages import Messages, want
from bot.store.pings import Pings

Decide = Callable[[Deployment], Change | None]
#: Given the new record and the LIVE ones of the same service and environment (the newest first): what becomes of those.
Others = Callable[[Deployment, list[Deployment]], list[Change]]

_row = tables.deployment.c
#: What was not called off or taken back is a measure for what comes after it.
STAYED = (Phase.LIVE, Phase.CLOSED, Phase.SUPERSEDED)
#: How many records are kept in memory as they were read last.
RECOGNISED = 200


class Taken(Refused):
    """There is an active deployment of this service and environment already."""

    def __init__(self, active: Deployment) -> None:
        self.active = active
        super().__init__(
            f"{active.environment} is taken by {active.service} {active.version} ({active.id}, {active.captain.name}), "
            f"which is {doing(active.phase)}. That one has to end first."
        )


class Store(Memory):
    """The record, and what is remembered beside it. Every method is one transaction; what it returns is committed."""

    def __init__(self, database: Database, clock: Clock, project: Callable[[Deployment], Projection]) -> None:
        super().__init__(database, clock)
        self._project = project
        self._plans: dict[str, Plan] = {}
        self._known: dict[str, tuple[str, Plan, Deployment]] = {}
        self.outbox = Messages(database, clock)
        self.pings = Pings(database, clock)

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
            if once and (made := await made_by(connection, once)):
                return await self._one(connection, made)
            # The counter's row is also the lock: two drafts of one service wait for each other here.
            counter = tables.service
            counted = (
                upsert(connection)(counter)
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
                await first_time(connection, once, deployment=change.deployment.id)
            return await self._save(connection, None, change)

        return await self._write(work)

    async def change(
        self, deployment_id: str, decide: Decide, *, others: Others | None = None, once: str = ""
    ) -> Deployment:
        """Decide on the fresh record, locked, and save what was decided with everything that follows from it.

        The record stays as it is when `decide` returns None, or the same record without a line. What it raises undoes all.
        With `once`, the delivery of this name changes the record only the first time.
        """

        async def work(connection: AsyncConnection) -> Deployment:
            old, live = await self._locked(connection, deployment_id, with_live=others is not None)
            if once and not await first_time(connection, once, deployment=old.id):
                return old
            change = decide(old)
            if change is None or (change.deployment == old and not change.lines):
                await self._see_anew(connection, old)
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

    async def counted(self) -> Counted:
        return await self._database.read(counted)

    async def due(self, now: datetime) -> list[str]:
        async def work(connection: AsyncConnection) -> list[str]:
            found = await connection.execute(select(_row.id).where(_row.wake_at <= now).order_by(_row.wake_at, _row.id))
            return list(found.scalars())

        return await self._database.read(work)

    async def next_due(self) -> tuple[datetime, str] | None:
        async def work(connection: AsyncConnection) -> tuple[datetime, str] | None:
            found = await connection.execute(
                select(_row.wake_at, _row.id).where(_row.wake_at.is_not(None)).order_by(_row.wake_at, _row.id).limit(1)
            )
            row = found.one_or_none()
            return (row.wake_at, row.id) if row else None

        return await self._database.read(work)

    async def wake_times(self) -> dict[str, datetime]:
        """Every deployment that waits for a moment, for the alarm clock when the program starts."""

        async def work(connection: AsyncConnection) -> dict[str, datetime]:
            found = await connection.execute(select(_row.id, _row.wake_at).where(_row.wake_at.is_not(None)))
            return {row.id: row.wake_at for row in found}

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
                for row in await rows.story(connection, known.id)
            ]

        return await self._database.read(work)

    async def verify(self, deployment_id: str) -> str | None:
        """None when the history is as it was written; otherwise the sentence that says which line is not."""

        async def work(connection: AsyncConnection) -> str | None:
            known = await self._one(connection, deployment_id)
            return chain.broken(await rows.story(connection, known.id), head=known.head)

        return await self._database.read(work)

    async def export(self, deployment_id: str) -> str:
        """The whole record as one document that can be verified without us: `exported.verified`."""

        async def work(connection: AsyncConnection) -> str:
            known = await self._one(connection, deployment_id)
            return exported.document(known, await rows.story(connection, known.id))

        return await self._database.read(work)

    async def findings(
        self, service: str, environment: str, check: str, *, passed: bool, n: int, except_of: str = ""
    ) -> list[Finding]:
        """The newest first, of deployments that stayed live; those that passed, or all. `except_of` leaves one deployment out."""
        it = tables.finding.c
        wanted = (
            select(it.body)
            .where(it.service == service, it.environment == environment, it.check == check, it.deployment != except_of)
            .where(it.deployment.in_(select(_row.id).where(_row.phase.in_(STAYED))))
            .where(*([it.verdict == Verdict.PASS] if passed else []))
            .order_by(it.measured_at.desc(), it.number.desc())
            .limit(n)
        )

        async def work(connection: AsyncConnection) -> list[Finding]:
            return [snapshot.read_finding(body) for body in (await connection.execute(wanted)).scalars()]

        return await self._database.read(work)

    async def forget(self, person_id: str, *, by: Person) -> list[str]:
        """Take a person out of every deployment that is over, and out of what is remembered. Returns the deployments."""

        async def work(connection: AsyncConnection) -> list[str]:
            them = await forgetting.look_up(connection, person_id)
            touched: list[Deployment] = []
            for one in await self._read(connection, forgetting.where_named(them).with_for_update()):
                numbers = await forgetting.blank(connection, one.id, them)
                new = snapshot.rewritten(one, them.value)
                if not numbers and new == one:
                    continue
                touched.append(one)
                line = Line(
                    what="took out what a person said and is called",
                    by=MACHINE if by.id == person_id else by,
                    facts={chain.FORGOTTEN: numbers},
                )
                await self._save(connection, one, Change(deployment=new, lines=(line,)))
            if unfinished := [one.id for one in touched if not one.over]:
                raise Refused(f"They have a part in {', '.join(unfinished)}. Forget them when that is over.")
            await forgetting.sweep(connection, them)
            return [one.id for one in touched]

        return await self._database.write(work)

    # ── Within a transaction ─────────────────────────────────────────────────────────────────────────────────────────

    async def _write(self, work: Work[Deployment]) -> Deployment:
        try:
            return await self._database.write(work)
        except IntegrityError:
            # Another replica was first. Looking again finds what it did, and says so.
            return await self._database.write(work)

    async def _read(self, connection: AsyncConnection, wanted: Select[Any]) -> list[Deployment]:
        found = (await connection.execute(wanted)).all()
        if missing := {row.plan for row in found} - self._plans.keys():
            bodies = await connection.execute(select(tables.plan).where(tables.plan.c.hash.in_(missing)))
            self._plans.update({row.hash: snapshot.read_plan(row.body) for row in bodies})
        return [self._record(row.id, row.snapshot, self._plans[row.plan]) for row in found]

    def _record(self, deployment_id: str, written: str, plan: Plan) -> Deployment:
        """Read it, or recognise it: the engine looks at everything unsettled every second, and most of it stays as it was."""
        text_, plan_, known = self._known.pop(deployment_id, ("", None, None))
        if known is None or text_ != written or plan_ is not plan:
            known = snapshot.read_deployment(written, plan)
        self._known[deployment_id] = written, plan, known
        if len(self._known) > RECOGNISED:
            del self._known[next(iter(self._known))]
        return known

    async def _one(self, connection: AsyncConnection, deployment_id: str) -> Deployment:
        found = await self._read(connection, select(tables.deployment).where(_row.folded == rows.folded(deployment_id)))
        if not found:
            raise Refused(f"There is no deployment {deployment_id}. `/deploy status` shows those that there are.")
        return found[0]

    async def _locked(
        self, connection: AsyncConnection, deployment_id: str, *, with_live: bool
    ) -> tuple[Deployment, list[Deployment]]:
        mine = _row.folded == rows.folded(deployment_id)
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
        locked = {rows.folded(one.id): one for one in found}
        old = locked.pop(rows.folded(deployment_id), None)
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
            after=await rows.last_number(connection, given.id) if old else 0,
            head=old.head if old else "",
            at=at,
        )
        new = replace(given, revision=before + 1, head=head)
        projection = self._project(new)
        columns = rows.current(new, at=at, wake_at=projection.wake_at, plan=await self._plan(connection, new.plan))
        if old is None:
            await connection.execute(insert(tables.deployment).values(**rows.fixed(new), **columns))
        else:
            saved = await connection.execute(
                update(tables.deployment).where(_row.id == new.id, _row.revision == before).values(**columns)
            )
            if saved.rowcount != 1:
                raise RuntimeError(f"{new.id} changed although it was locked")
        if lines:
            await connection.execute(insert(tables.history), lines)
        if measured := rows.new_findings(old, new):
            await connection.execute(insert(tables.finding), measured)
        await want(connection, new.id, projection.messages, at=at)
        return new

    async def _see_anew(self, connection: AsyncConnection, one: Deployment) -> None:
        """Time alone can change what is to be seen of a record (a window closes, a waiver ends), and when to look again."""
        now = self._clock.now()
        due = select(_row.id).where(_row.id == one.id, _row.revision == one.revision, _row.wake_at <= now)
        if (await connection.execute(due)).first() is None:
            return
        projection = self._project(one)
        again = update(tables.deployment).where(_row.id == one.id).values(wake_at=projection.wake_at)
        await connection.execute(again)
        await want(connection, one.id, projection.messages, at=now)

    async def _plan(self, connection: AsyncConnection, plan: Plan) -> str:
        known = next((hash_ for hash_, one in self._plans.items() if one is plan), None)
        if known:
            return known
        body = snapshot.write_plan(plan)
        hash_ = chain.sha256(body)
        row = {"hash": hash_, "body": body}
        await connection.execute(upsert(connection)(tables.plan).values(**row).on_conflict_do_nothing())
        return hash_
