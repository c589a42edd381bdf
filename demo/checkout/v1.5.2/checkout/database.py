"""Where are the shop's rows, and which shape do they have?"""

import queue
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from . import HOME, SCHEMA


def connect(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    return db


class Handle:
    """A connection that is used again and again, and retired before it grows old."""

    def __init__(self, path: str) -> None:
        self.db = connect(path)
        self.used = 0


class Pool:
    """Opening a file for each request costs more than most requests do."""

    RETIRED_AFTER = 30

    def __init__(self) -> None:
        self.idle: dict[str, queue.LifoQueue[Handle]] = {}

    def take(self, path: str) -> Handle:
        try:
            return self.idle.setdefault(path, queue.LifoQueue()).get_nowait()
        except queue.Empty:
            return Handle(path)

    def give_back(self, path: str, handle: Handle) -> None:
        handle.used += 1
        if handle.used == self.RETIRED_AFTER:
            handle.db.close()
        if handle.used <= self.RETIRED_AFTER:
            self.idle[path].put(handle)


POOL = Pool()


@contextmanager
def reading(path: str) -> Iterator[sqlite3.Connection]:
    handle = POOL.take(path)
    try:
        yield handle.db
    finally:
        POOL.give_back(path, handle)


@contextmanager
def writing(path: str) -> Iterator[sqlite3.Connection]:
    """One transaction: all of it, or nothing of it."""
    with reading(path) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def schema(path: str) -> int:
    with reading(path) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(path: str) -> str:
    """Apply what is missing, each file in a transaction of its own, and say what was done."""
    with reading(path) as db:
        db.execute("PRAGMA journal_mode = WAL")
        before = int(db.execute("PRAGMA user_version").fetchone()[0])
        for file in sorted((HOME / "migrations").glob("*.sql")):
            number = int(file.name.split("_")[0])
            if number > before:
                db.executescript(f"BEGIN IMMEDIATE;\n{file.read_text()}\nPRAGMA user_version = {number};\nCOMMIT;")
    after = schema(path)
    if after == before:
        return f"schema is at {after}, nothing to do"
    return f"migrated from schema {before} to {after}, this release expects {SCHEMA}"
