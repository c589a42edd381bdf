"""Which messages are owed to Slack, and what is known of those that stand there?"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, insert, literal, not_, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Clock, MessageState, Owed, Wanted
from bot.store.database import Database
from bot.store.snapshot import hash_of
from bot.store.tables import OWED, Moment, deployment, freeze, home, message

CARD = "card"
HOME = "home:"

_row = message.c
#: It was never sent, so it can still be taken back.
_unsent: ColumnElement[bool] = _row.state == MessageState.WANTED
_differs: ColumnElement[bool] = and_(
    _row.wanted_hash != "",
    _row.wanted_hash != _row.shown_hash,
    _row.wanted_hash != _row.refused_hash,
    # A file is sent once; what stands in Slack is the log as it was.
    not_(and_(_row.file, _row.state == MessageState.SHOWN)),
)


async def want(connection: AsyncConnection, deployment_id: str, wanted: Iterable[Wanted], *, at: datetime) -> None:
    """Write down what the messages of a deployment should be from now on."""
    known = {
        row.key: row.wanted_hash
        for row in await connection.execute(select(_row.key, _row.wanted_hash).where(_row.deployment == deployment_id))
    }
    asked: set[str] = set()
    for place, one in enumerate(wanted):
        asked.add(one.key)
        hash_ = hash_of(one)
        if one.key not in known:
            # What is wanted first is posted first, although all of it is wanted at the same time.
            await connection.execute(
                insert(message).values(**_new(deployment_id, one, hash_, at + timedelta(microseconds=place)))
            )
        elif known[one.key] != hash_:
            await connection.execute(
                update(message)
                .where(_row.deployment == deployment_id, _row.key == one.key)
                .values(
                    to=one.to,
                    in_thread=one.in_thread,
                    file=bool(one.file),
                    urgent=one.urgent,
                    wanted_hash=hash_,
                    dirty_at=case(
                        (_row.shown_hash == hash_, None), else_=func.coalesce(_row.dirty_at, literal(at, Moment()))
                    ),
                )
            )
    dropped = [key for key, hash_ in known.items() if hash_ and key not in asked]
    if dropped:
        these = and_(_row.deployment == deployment_id, _row.key.in_(dropped))
        await connection.execute(delete(message).where(these, _unsent))
        await connection.execute(update(message).where(these).values(wanted_hash="", dirty_at=None))


def _new(deployment_id: str, one: Wanted, hash_: str, at: datetime) -> dict[str, Any]:
    return {
        "deployment": deployment_id,
        "key": one.key,
        "to": one.to,
        "in_thread": one.in_thread,
        "file": bool(one.file),
        "urgent": one.urgent,
        "state": MessageState.WANTED,
        "channel": "",
        "ts": "",
        "claim": 0,
        "wanted_hash": hash_,
        "shown_hash": "",
        "refused_hash": "",
        "refused_why": "",
        "dirty_at": at,
    }


class Messages:
    """The Outbox: what `bot.chat` asks and reports. Each call is one committed transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def owed(self) -> list[Owed]:
        async def work(connection: AsyncConnection) -> list[Owed]:
            rows = await connection.execute(
                select(message)
                .where(text(f"({OWED})"), or_(_differs, _row.state == MessageState.SENDING))
                .order_by(_row.urgent.desc(), _row.dirty_at.asc().nulls_last(), _row.deployment, _row.key)
            )
            return [_owed(row) for row in rows.mappings()] + await _homes(connection)

        return await self._database.read(work)

    async def thread(self, deployment: str) -> tuple[str, str] | None:
        async def work(connection: AsyncConnection) -> tuple[str, str] | None:
            found = await connection.execute(
                select(_row.channel, _row.ts).where(
                    _row.deployment == deployment, _row.key == CARD, _row.state == MessageState.SHOWN
                )
            )
            row = found.one_or_none()
            return (row.channel, row.ts) if row else None

        return await self._database.read(work)

    async def whose(self, channel: str, ts: str) -> str:
        """The deployment whose thread this is; empty: nobody's."""

        async def work(connection: AsyncConnection) -> str:
            found = await connection.execute(
                select(_row.deployment).where(_row.key == CARD, _row.channel == channel, _row.ts == ts)
            )
            return found.scalar_one_or_none() or ""

        return await self._database.read(work)

    async def standing(self, deployment: str, prefix: str) -> dict[str, tuple[bool, str]]:
        """Of the messages whose keys begin like this: do they stand as wanted, and why will they never?"""

        async def work(connection: AsyncConnection) -> dict[str, tuple[bool, str]]:
            rows = await connection.execute(
                select(_row.key, _row.wanted_hash, _row.shown_hash, _row.refused_hash, _row.refused_why).where(
                    _row.deployment == deployment, _row.key.startswith(prefix, autoescape=True), _row.wanted_hash != ""
                )
            )
            return {
                row.key: (
                    row.shown_hash == row.wanted_hash,
                    row.refused_why if row.refused_hash == row.wanted_hash else "",
                )
                for row in rows
            }

        return await self._database.read(work)

    async def sending(self, owed: Owed) -> bool:
        if _is_home(owed):
            # Publishing a view twice is publishing it once: there is nothing to claim.
            return True

        async def work(connection: AsyncConnection) -> bool:
            claimed = await connection.execute(
                update(message)
                .where(_this(owed), _unsent, _differs, _row.claim == owed.claim)
                .values(state=MessageState.SENDING, claim=owed.claim + 1)
            )
            return claimed.rowcount == 1

        return await self._database.write(work)

    async def shown(self, owed: Owed, *, channel: str, ts: str, shown_hash: str) -> None:
        async def work(connection: AsyncConnection) -> None:
            if _is_home(owed):
                # What was wanted when it was read: if the world went on since, the difference remains.
                await connection.execute(update(home).where(home.c.person == owed.to).values(shown=owed.wanted_hash))
                return
            settled = or_(_row.wanted_hash == "", _row.wanted_hash == shown_hash)
            await connection.execute(
                update(message)
                .where(_this(owed))
                .values(
                    state=MessageState.SHOWN,
                    channel=channel,
                    ts=ts,
                    shown_hash=shown_hash,
                    dirty_at=case((settled, None), else_=literal(self._clock.now(), Moment())),
                )
            )

        await self._database.write(work)

    async def wanted_again(self, owed: Owed) -> None:
        async def work(connection: AsyncConnection) -> None:
            if owed.state is MessageState.SHOWN:
                same = and_(_this(owed), _row.state == MessageState.SHOWN, _row.ts == owed.ts)
            else:
                same = and_(_this(owed), _row.state == MessageState.SENDING, _row.claim == owed.claim)
            await connection.execute(delete(message).where(same, _row.wanted_hash == ""))
            await connection.execute(
                update(message).where(same).values(state=MessageState.WANTED, channel="", ts="", shown_hash="")
            )

        await self._database.write(work)

    async def undeliverable(self, owed: Owed, why: str) -> None:
        async def work(connection: AsyncConnection) -> None:
            if _is_home(owed):
                # Whoever opens App Home again is asked for again.
                await connection.execute(delete(home).where(home.c.person == owed.to))
                return
            refused = and_(_this(owed), _row.state != MessageState.SHOWN)
            await connection.execute(delete(message).where(refused, _row.wanted_hash == ""))
            await connection.execute(update(message).where(refused).values(state=MessageState.WANTED))
            await connection.execute(
                update(message).where(_this(owed)).values(refused_hash=owed.wanted_hash, refused_why=why)
            )

        await self._database.write(work)


def _is_home(owed: Owed) -> bool:
    return not owed.deployment and owed.key.startswith(HOME)


def _this(owed: Owed) -> ColumnElement[bool]:
    return and_(_row.deployment == owed.deployment, _row.key == owed.key)


def _owed(row: Any) -> Owed:
    return Owed(
        deployment=row["deployment"],
        key=row["key"],
        to=row["to"],
        in_thread=row["in_thread"],
        file=row["file"],
        urgent=row["urgent"],
        state=MessageState(row["state"]),
        claim=row["claim"],
        channel=row["channel"],
        ts=row["ts"],
        wanted_hash=row["wanted_hash"],
        shown_hash=row["shown_hash"],
        dirty_at=row["dirty_at"],
    )


async def _homes(connection: AsyncConnection) -> list[Owed]:
    """The App Homes that show an older state of the world."""
    changes = await connection.execute(
        select(func.coalesce(func.sum(deployment.c.revision), 0), func.max(deployment.c.changed_at))
    )
    revisions, changed_at = changes.one()
    frozen = await connection.execute(select(func.count(freeze.c.number), func.count(freeze.c.ended_at)))
    now = ".".join(str(count) for count in (revisions, *frozen.one()))
    rows = await connection.execute(select(home).where(home.c.shown != now).order_by(home.c.person))
    return [
        Owed(
            deployment="",
            key=f"{HOME}{row.person}",
            to=row.person,
            in_thread=False,
            file=False,
            urgent=not row.shown,
            state=MessageState.SHOWN if row.shown else MessageState.WANTED,
            wanted_hash=now,
            shown_hash=row.shown,
            dirty_at=changed_at or row.opened_at,
        )
        for row in rows
    ]
