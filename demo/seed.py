"""What is in a production before anybody deploys to it: a release on each host, and a month of orders?"""

import os
import random
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from demo import host, repository

FIRST, ON_STAGING = "1.4.1", "1.4.2"
DAYS, ORDERS_A_DAY = 30, 14
CUSTOMERS = ("wile", "road", "marvin", "tweety", "foghorn", "pepe", "speedy", "taz")


def release(home: Path, checkout: Path, version: str) -> None:
    """Install and start-mark a release on a host that has none."""
    if (home / "state.json").exists():
        return
    home.mkdir(parents=True, exist_ok=True)
    host.unpack(
        repository.archive(checkout, version), home / "releases", version, repository.commit_of(checkout, version)
    )
    host.Host(home, "", 0).remember(current=version, wanted=True)


def database(path: Path, release_folder: Path) -> None:
    """Make the database with the release's own migrations, then let time have passed."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".making")
    fresh.unlink(missing_ok=True)
    subprocess.run(
        [sys.executable, "-S", "-c", "import sys; from checkout import database; database.migrate(sys.argv[1])", fresh],
        cwd=release_folder,
        env={"PATH": os.environ.get("PATH", "")},
        check=True,
        capture_output=True,
    )
    db = sqlite3.connect(fresh)
    with db:
        orders(db, datetime.now(UTC))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    fresh.replace(path)


def orders(db: sqlite3.Connection, now: datetime) -> None:
    """The same customers and carts on every machine, only the days are those before today."""
    dice = random.Random(1954)  # noqa: S311 - nothing here is secret.
    prices: dict[str, float] = dict(db.execute("SELECT sku, price FROM products ORDER BY sku").fetchall())
    for number in range(DAYS * ORDERS_A_DAY):
        placed = (
            now - timedelta(days=DAYS) * (1 - number / (DAYS * ORDERS_A_DAY)) + timedelta(minutes=dice.random() * 40)
        )
        lines = {sku: dice.randint(1, 3) for sku in dice.sample(sorted(prices), dice.randint(1, 3))}
        total = round(sum(prices[sku] * quantity for sku, quantity in lines.items()), 2)
        row = (f"{number:012x}", min(placed, now).isoformat(), f"{dice.choice(CUSTOMERS)}@example.test", total)
        db.execute("INSERT INTO orders (id, placed_at, email, total) VALUES (?, ?, ?, ?)", row)
        db.executemany(
            "INSERT INTO order_lines (order_id, sku, quantity, price) VALUES (?, ?, ?, ?)",
            [(row[0], sku, quantity, prices[sku]) for sku, quantity in lines.items()],
        )
