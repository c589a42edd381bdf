#!/usr/bin/env python3
"""Is the database safely copied, and can it be put back?

database.py schema DATABASE                       print the schema's number
database.py backup DATABASE FOLDER                copy, check, restore into a scratch file, write FOLDER/manifest.json
database.py try DATABASE MIGRATIONS REPORT COMMIT  apply the numbered SQL files to a copy, and write what came of it
database.py restore FOLDER DATABASE SAFETY        put the copy back; what is lost by it is kept in the folder SAFETY
"""

import hashlib
import json
import os
import sqlite3
import sys
import tempfile
import time
import urllib.request
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class RefusedError(Exception):
    """Its sentence is for the person who ran the script."""


def opened(path: Path, *, write: bool = False) -> sqlite3.Connection:
    if not path.exists():
        raise RefusedError(f"There is no database at {path}.")
    return sqlite3.connect(f"file:{path}?mode={'rw' if write else 'ro'}", uri=True, timeout=10)


def schema(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def rows(db: sqlite3.Connection) -> dict[str, int]:
    names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    return {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names.fetchall()}  # noqa: S608


def integrity(db: sqlite3.Connection) -> str:
    found = db.execute("PRAGMA integrity_check").fetchone()[0]
    broken = db.execute("PRAGMA foreign_key_check").fetchall()
    return found if found != "ok" or not broken else f"{len(broken)} rows refer to rows that are not there"


def copy(source: Path, target: Path) -> None:
    """SQLite's own online copy: one consistent state, while the service goes on writing."""
    with closing(opened(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        # One file, not three: a copy has no writers, and its log would have to travel with it.
        new.execute("PRAGMA journal_mode = DELETE")


def now() -> str:
    """The time; a rehearsal that has a clock of its own names it in CHECKOUT_CLOCK_URL."""
    if url := os.environ.get("CHECKOUT_CLOCK_URL"):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(json.load(answer)["now"])
        except (OSError, ValueError, KeyError) as error:
            print(f"::warning::The clock at {url} does not answer ({error}); using this machine's.")
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def restore_test(file: Path, expected: dict[str, int]) -> dict[str, Any]:
    """A backup that has never been restored is a hope."""
    began, at = time.monotonic(), now()
    with tempfile.TemporaryDirectory() as scratch:
        again = Path(scratch) / "restored.sqlite3"
        copy(file, again)
        with closing(opened(again)) as db:
            counted, state = rows(db), integrity(db)
    return {
        "at": at,
        "ok": counted == expected and state == "ok",
        "rows": counted,
        "integrity": state,
        "duration_s": round(time.monotonic() - began, 3),
    }


def backup(database: Path, folder: Path) -> dict[str, Any]:
    began, started_at = time.monotonic(), now()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "checkout.sqlite3"
    with closing(opened(database)) as db:
        before = rows(db)
    copy(database, file)
    with closing(opened(file)) as db:
        counted, state, number = rows(db), integrity(db), schema(db)
    fewer = [table for table, count in before.items() if counted.get(table, 0) < count]
    if state != "ok" or fewer:
        raise RefusedError(f"The copy is not sound: {state}; {'fewer rows in ' + ', '.join(fewer) if fewer else ''}")
    tested = restore_test(file, counted)
    if not tested["ok"]:
        raise RefusedError(f"The copy could not be restored: {tested['integrity']}.")
    manifest = {
        "service": os.environ.get("TMINUS_SERVICE", "checkout"),
        "deployment": os.environ.get("TMINUS_DEPLOYMENT", ""),
        "started_at": started_at,
        "finished_at": now(),
        "duration_s": round(time.monotonic() - began, 3),
        "file": str(file),
        "size_bytes": file.stat().st_size,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "schema": number,
        "rows": counted,
        "total_rows": sum(counted.values()),
        "integrity": state,
        "restore_test": tested,
    }
    fresh = folder / "manifest.json.new"
    fresh.write_text(json.dumps(manifest, indent=2) + "\n")
    fresh.replace(folder / "manifest.json")
    return manifest


def tried(database: Path, migrations: Path, commit: str) -> dict[str, Any]:
    """The release's migrations on a copy of real data, each file in a transaction of its own, as the release applies them."""
    began = time.monotonic()
    files = {int(file.name.split("_")[0]): file for file in sorted(migrations.glob("*.sql"))}
    with tempfile.TemporaryDirectory() as scratch:
        copied = Path(scratch) / "copy.sqlite3"
        copy(database, copied)
        with closing(sqlite3.connect(copied, isolation_level=None)) as db:
            before, at = rows(db), schema(db)
            for number in sorted(files):
                if number > at:
                    text = files[number].read_text()
                    db.executescript(f"BEGIN IMMEDIATE;\n{text}\nPRAGMA user_version = {number};\nCOMMIT;")
            after, state, to = rows(db), integrity(db), schema(db)
    return {
        "commit": commit,
        "from": at,
        "to": to,
        "applied": sum(number > at for number in files),
        "pending": sum(number > to for number in files),
        "unknown": int(at > max(files, default=0)),
        "lost": sum(max(0, count - after.get(table, 0)) for table, count in before.items()),
        "rows": sum(after.values()),
        "integrity": state,
        "duration_s": round(time.monotonic() - began, 3),
    }


def lost_orders(live: Path, file: Path) -> list[dict[str, Any]]:
    """Orders that the live database has and the backup has not."""
    with closing(opened(live)) as db:
        db.row_factory = sqlite3.Row
        db.execute("ATTACH DATABASE ? AS kept", (str(file),))
        found = db.execute("SELECT * FROM main.orders WHERE id NOT IN (SELECT id FROM kept.orders) ORDER BY placed_at")
        orders = [dict(row) for row in found.fetchall()]
        for order in orders:
            lines = db.execute("SELECT * FROM main.order_lines WHERE order_id = ?", (order["id"],))
            order["lines"] = [dict(line) for line in lines.fetchall()]
    return orders


def restore(folder: Path, database: Path, safety: Path) -> str:
    manifest = json.loads((folder / "manifest.json").read_text())
    file = folder / "checkout.sqlite3"
    if hashlib.sha256(file.read_bytes()).hexdigest() != manifest["sha256"]:
        raise RefusedError(f"{file} is not what was backed up: its checksum differs. Nothing was changed.")
    safety.mkdir(parents=True)
    copy(database, safety / "checkout.sqlite3")
    orders = lost_orders(database, file)
    (safety / "orders_since_backup.json").write_text(json.dumps(orders, indent=2) + "\n")
    with closing(opened(file)) as kept, closing(opened(database, write=True)) as live:
        # One transaction into the file that the members have open: they see the state before or the one after.
        kept.backup(live)
    with closing(opened(database)) as db:
        counted, state, number = rows(db), integrity(db), schema(db)
    if (
        number != manifest["schema"]
        or state != "ok"
        or any(counted[table] < manifest["rows"][table] for table in manifest["rows"])
    ):
        raise RefusedError(
            f"After restoring, the database is not what was backed up ({state}); the state before is in {safety}."
        )
    if orders:
        kept = "1 order" if len(orders) == 1 else f"{len(orders)} orders"
        print(f"::warning::{kept} placed since the backup: kept in {safety / 'orders_since_backup.json'}")
    return f"schema {number}, {sum(counted.values())} rows, integrity {state}"


def main() -> int:
    try:
        match sys.argv[1:]:
            case ["schema", database]:
                with closing(opened(Path(database))) as db:
                    print(schema(db))
            case ["backup", database, folder]:
                made = backup(Path(database), Path(folder))
                print(
                    f"{made['total_rows']} rows in {len(made['rows'])} tables, {made['size_bytes']} bytes, schema"
                    f" {made['schema']}; restored into a scratch file in {made['restore_test']['duration_s']} s, all rows there"
                )
            case ["try", database, migrations, report, commit]:
                found = tried(Path(database), Path(migrations), commit)
                Path(report).write_text(json.dumps(found, indent=2) + "\n")
                print(
                    f"from schema {found['from']} to {found['to']}, {found['applied']} applied,"
                    f" {found['lost']} of {found['rows']} rows lost, integrity {found['integrity']}"
                )
                return int(bool(found["pending"] or found["unknown"] or found["lost"] or found["integrity"] != "ok"))
            case ["restore", folder, database, safety]:
                print(restore(Path(folder), Path(database), Path(safety)))
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (RefusedError, OSError, sqlite3.Error, ValueError, KeyError) as error:
        print(f"::error::{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
