"""An Outbox in memory, for every test that needs one: a full implementation, and readable from outside."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.model import MessageState, Owed, Wanted

START = datetime.now(UTC)


def hash_of(wanted: Wanted) -> str:
    return hashlib.sha256(json.dumps(asdict(wanted), sort_keys=True).encode()).hexdigest()


@dataclass
class Row:
    owed: Owed
    wanted: Wanted | None
    refused: str = ""
    why: str = ""


class FakeOutbox:
    """What is wanted goes in by `want`; the rest is the port. `log` says in which order the port was used."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        self.log: list[tuple[str, str]] = []
        self.homes: dict[str, str] = {}
        self.clock = START
        self.broken: Exception | None = None

    # ── What a test wants and sees ───────────────────────────────────────────────────────────────────────────────────

    def want(self, deployment: str, wanted: Wanted) -> None:
        self.clock += timedelta(milliseconds=1)
        form = hash_of(wanted)
        known = self.rows.get((deployment, wanted.key))
        if known is None:
            owed = Owed(
                deployment=deployment,
                key=wanted.key,
                to=wanted.to,
                in_thread=wanted.in_thread,
                file=bool(wanted.file),
                urgent=wanted.urgent,
                state=MessageState.WANTED,
                wanted_hash=form,
                dirty_at=self.clock,
            )
            self.rows[deployment, wanted.key] = Row(owed, wanted)
        else:
            known.wanted = wanted
            since = None if form == known.owed.shown_hash else known.owed.dirty_at or self.clock
            known.owed = replace(known.owed, wanted_hash=form, urgent=wanted.urgent, dirty_at=since)

    def want_home(self, user: str, version: str) -> None:
        self.homes[user] = version
        shown = self.rows[key].owed.shown_hash if (key := ("", f"home:{user}")) in self.rows else ""
        owed = Owed(
            deployment="",
            key=f"home:{user}",
            to=user,
            in_thread=False,
            file=False,
            urgent=not shown,
            state=MessageState.SHOWN if shown else MessageState.WANTED,
            wanted_hash=version,
            shown_hash=shown,
            dirty_at=self.clock,
        )
        self.rows["", owed.key] = Row(owed, None)

    def found_sending(self, deployment: str, key: str) -> None:
        """As after a kill between the commit and the answer."""
        row = self.rows[deployment, key]
        row.owed = replace(row.owed, state=MessageState.SENDING)

    async def render(self, deployment: str, key: str) -> Wanted | None:
        return self.rows[deployment, key].wanted

    async def render_home(self, user: str) -> dict:
        text = {"type": "mrkdwn", "text": f"{user} {self.homes.get(user, '')}"}
        return {"type": "home", "blocks": [{"type": "section", "text": text}]}

    def state(self, deployment: str, key: str) -> MessageState:
        return self.rows[deployment, key].owed.state

    @property
    def settled(self) -> bool:
        return not any(self._is_owed(row) for row in self.rows.values())

    def why(self, deployment: str, key: str) -> str:
        return self.rows[deployment, key].why

    # ── The port ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def owed(self) -> list[Owed]:
        if self.broken is not None:
            raise self.broken
        rows = [row.owed for row in self.rows.values() if self._is_owed(row)]
        return sorted(rows, key=lambda one: (not one.urgent, one.dirty_at or START))

    def _is_owed(self, row: Row) -> bool:
        one = row.owed
        differs = one.wanted_hash not in {one.shown_hash, row.refused}
        sent_once = one.file and one.state is MessageState.SHOWN
        return one.state is MessageState.SENDING or (differs and not sent_once)

    async def thread(self, deployment: str) -> tuple[str, str] | None:
        card = self.rows.get((deployment, "card"))
        if card is None or card.owed.state is not MessageState.SHOWN:
            return None
        return card.owed.channel, card.owed.ts

    async def sending(self, owed: Owed) -> bool:
        row = self.rows[owed.deployment, owed.key]
        if row.owed.state is not MessageState.WANTED or row.owed.claim != owed.claim:
            return False
        self._set("sending", owed, state=MessageState.SENDING, claim=owed.claim + 1)
        return True

    async def shown(self, owed: Owed, *, channel: str, ts: str, shown_hash: str) -> None:
        row = self.rows[owed.deployment, owed.key]
        dirty = None if row.owed.wanted_hash == shown_hash else self.clock
        self._set(
            "shown", owed, state=MessageState.SHOWN, channel=channel, ts=ts, shown_hash=shown_hash, dirty_at=dirty
        )

    async def wanted_again(self, owed: Owed) -> None:
        known = self.rows[owed.deployment, owed.key].owed
        if (known.state, known.claim) == (owed.state, owed.claim):
            self._set("wanted_again", owed, state=MessageState.WANTED, channel="", ts="", shown_hash="")

    async def undeliverable(self, owed: Owed, why: str) -> None:
        row = self.rows[owed.deployment, owed.key]
        row.refused, row.why = owed.wanted_hash, why
        state = MessageState.WANTED if row.owed.state is MessageState.SENDING else row.owed.state
        self._set("undeliverable", owed, state=state)

    def _set(self, what: str, owed: Owed, **changes) -> None:
        self.log.append((what, owed.key))
        row = self.rows[owed.deployment, owed.key]
        row.owed = replace(row.owed, **changes)
