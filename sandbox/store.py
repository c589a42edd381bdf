"""Where does the workspace live, so that a kill at any moment loses nothing that was answered?"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists doc (kind text, key text, body text not null, primary key (kind, key)) without rowid;
create table if not exists log (n integer primary key autoincrement, findings integer not null, body text not null);
create index if not exists log_findings on log (n) where findings > 0;
"""
KEPT_LOG = 20_000
TRIMMED_EVERY = 1000


class Store:
    """Documents by kind and key, and the log, written through at once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._db = sqlite3.connect(folder / "workspace.sqlite3", isolation_level=None, check_same_thread=False)
        # A killed process loses nothing in this mode; only a power cut may take the last moments.
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(SCHEMA)

    def put(self, kind: str, key: str, body: Any) -> None:
        self._db.execute("insert or replace into doc values (?, ?, ?)", (kind, key, json.dumps(body)))

    def get(self, kind: str, key: str, default: Any = None) -> Any:
        row = self._db.execute("select body from doc where kind = ? and key = ?", (kind, key)).fetchone()
        return default if row is None else json.loads(row[0])

    def all(self, kind: str) -> Iterator[tuple[str, Any]]:
        for key, body in self._db.execute("select key, body from doc where kind = ? order by key", (kind,)):
            yield key, json.loads(body)

    def drop(self, kind: str, key: str) -> None:
        self._db.execute("delete from doc where kind = ? and key = ?", (kind, key))

    def log(self, entry: dict[str, Any]) -> int:
        body = json.dumps(entry, default=str)
        row = self._db.execute("insert into log (findings, body) values (?, ?)", (len(entry["findings"]), body))
        number = int(row.lastrowid or 0)
        if number % TRIMMED_EVERY == 0:
            self._db.execute("delete from log where n <= ?", (number - KEPT_LOG,))
        return number

    def entries(self, *, after: int | None, limit: int, findings: bool) -> list[dict[str, Any]]:
        """The log after a number, oldest first; without a number, the newest."""
        only = "and findings > 0" if findings else ""
        order = "desc" if after is None else "asc"
        rows = self._db.execute(
            f"select n, body from log where n > ? {only} order by n {order} limit ?",  # noqa: S608 (both words are ours)
            (after or 0, limit),
        ).fetchall()
        rows = rows[::-1] if after is None else rows
        return [{"n": number} | json.loads(body) for number, body in rows]

    def last_entry(self) -> int:
        return int(self._db.execute("select coalesce(max(n), 0) from log").fetchone()[0])

    def count_findings(self) -> int:
        return int(self._db.execute("select coalesce(sum(findings), 0) from log where findings > 0").fetchone()[0])

    def wipe(self) -> None:
        self._db.execute("delete from doc")
        self._db.execute("delete from log")

    def close(self) -> None:
        self._db.close()
