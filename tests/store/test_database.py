"""A database is made, brought up to date and refused with a sentence."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from datetime import timedelta

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import InternalError, ProgrammingError

from bot.errors import ConfigError, Unreachable
from bot.store import Store, database, tables
from bot.store.migrating import MIGRATIONS, newest
from tests.store.records import Hands, drafted, project, ticking


async def run(store, statement):
    async with store._database.engine.begin() as connection:
        return (await connection.execute(text(statement))).all()


async def test_the_migrations_make_the_tables_that_the_program_uses(store):
    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), tables.metadata)

    async with store._database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_migrations_make_the_same_indexes_with_the_same_conditions(tmp_path):
    """What alembic does not compare by itself: one active deployment per service and environment hangs on it."""
    migrated = tmp_path / "migrated.db"
    await (await Store.open(f"sqlite:///{migrated}", Hands(), project=project)).close()
    made = tmp_path / "made.db"
    engine = create_engine(f"sqlite:///{made}")
    tables.metadata.create_all(engine)
    engine.dispose()

    def indexes(path):
        with closing(sqlite3.connect(path)) as connection:
            return set(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''"))

    assert ("deployment_one_active",) in {(name,) for name, _ in indexes(made)}
    assert indexes(migrated) == indexes(made)


def test_the_newest_migration_is_the_one_that_alembic_leads_to():
    assert newest() == ScriptDirectory(MIGRATIONS).get_current_head()


async def test_a_database_that_is_up_to_date_is_opened_without_alembic(opened, url, monkeypatch):
    async with opened():
        pass
    monkeypatch.setitem(sys.modules, "alembic", None)
    async with opened() as store:
        assert await store.find() == []


async def test_many_replicas_that_start_at_once_migrate_once(url):
    stores = await asyncio.gather(*(Store.open(url, Hands(), project=project) for _ in range(5)))
    await stores[0].create("checkout", "production", drafted())
    assert [len(await store.find()) for store in stores] == [1] * 5
    for store in stores:
        await store.close()


async def test_a_database_of_a_newer_version_is_left_alone(opened, url):
    async with opened() as store, store._database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="written by a newer T-Minus"):
        await Store.open(url, Hands(), project=project)


async def test_sqlite_is_set_up_so_that_what_is_committed_survives(tmp_path):
    store = await Store.open(f"sqlite:///{tmp_path}/new/folder/t.db", Hands(), project=project)
    for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("busy_timeout", 10000), ("foreign_keys", 1)):
        assert await run(store, f"PRAGMA {pragma}") == [(value,)]
    await store.close()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("what is this", "The database's address is not one"),
        ("mysql://localhost/x", "mysql is not a database that T-Minus knows"),
        ("sqlite+aiosqlite://", "A record has to outlive the program"),
        ("sqlite+aiosqlite:///:memory:", "A record has to outlive the program"),
        ("sqlite+aiosqlite:////proc/nowhere/t.db", "The folder /proc/nowhere of the database cannot be made"),
        (
            "postgresql+psycopg://ana:secret@127.0.0.1:9/x",
            r"postgresql\+psycopg://ana:\*\*\*@127.0.0.1:9/x cannot be used",
        ),
    ],
)
async def test_a_database_that_cannot_be_used_is_refused_with_a_sentence(given, sentence):
    with pytest.raises(ConfigError, match=sentence) as refusal:
        await Store.open(given, Hands(), project=project)
    assert "secret" not in str(refusal.value)


async def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "t.db").write_text("Dear diary, today we deployed checkout, and nothing happened at all. " * 20)
    with pytest.raises(ConfigError, match=r"t\.db cannot be used: file is not a database"):
        await Store.open(f"sqlite:///{tmp_path}/t.db", Hands(), project=project)


async def test_readers_are_not_held_up_by_a_writer(tmp_path):
    path = tmp_path / "t.db"
    store = await Store.open(f"sqlite:///{path}", Hands(), project=project)
    made = await store.create("checkout", "production", drafted())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    writing = asyncio.create_task(store.change(made.id, ticking("backup")))
    assert (await store.get(made.id)).revision == 1
    other.execute("COMMIT")
    other.close()
    assert (await writing).revision == 2
    await store.close()


async def test_a_database_that_goes_away_says_that_nothing_was_changed_and_is_used_again_when_it_is_back(postgres):
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("CREATE DATABASE going")
        url = postgres.replace("/postgres?", "/going?", 1)
        store = await Store.open(url, Hands(), project=project)
        made = await store.create("checkout", "production", drafted())

        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'going'"

        def decide(deployment):
            # Somebody pulls the plug in the middle of the transaction.
            admin.execute(cut)
            return ticking("backup")(deployment)

        with pytest.raises(Unreachable, match="nothing was changed"):
            await store.change(made.id, decide)
        assert (await store.get(made.id)).ticks == {}
        assert (await store.change(made.id, ticking("backup"))).revision == 2
        await store.close()


async def test_a_database_that_goes_away_while_it_commits_is_not_said_to_have_changed_nothing(postgres):
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("CREATE DATABASE fading")
        url = postgres.replace("/postgres?", "/fading?", 1)
        store = await Store.open(url, Hands(), project=project)
        made = await store.create("checkout", "production", drafted())
        async with store._database.engine.begin() as connection:
            # What is deferred runs when the commit does: this one ends the connection there.
            await connection.execute(
                text(
                    "CREATE FUNCTION fade() RETURNS trigger LANGUAGE plpgsql AS "
                    "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
                )
            )
            await connection.execute(
                text(
                    "CREATE CONSTRAINT TRIGGER fading AFTER UPDATE ON deployment "
                    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fade()"
                )
            )

        with pytest.raises(Unreachable, match=r"may have saved it .* Look before you try again"):
            await store.change(made.id, ticking("backup"))

        async with store._database.engine.begin() as connection:
            await connection.execute(text("DROP TRIGGER fading ON deployment"))
        assert (await store.change(made.id, ticking("monitoring"))).ticks.keys() == {"monitoring"}
        await store.close()


async def test_a_replica_that_stands_still_in_the_middle_of_a_decision_holds_the_others_up_only_for_a_while(
    postgres, monkeypatch
):
    """Its machine was suspended, or it was stopped by SIGSTOP: the lock that it holds is the record's."""
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("CREATE DATABASE standing")
    url = postgres.replace("/postgres?", "/standing?", 1)
    other = await Store.open(url, Hands(), project=project)
    made = await other.create("checkout", "production", drafted())
    # Only of this one, which stands still on purpose: the others may be slow.
    monkeypatch.setattr(database, "STANDS_STILL_S", 1)
    still = await Store.open(url, Hands(), project=project)
    locked, goes_on = asyncio.Event(), asyncio.Event()

    async def work(connection):
        locking = text("SELECT id FROM deployment FOR UPDATE")
        await connection.execute(locking)
        locked.set()
        await goes_on.wait()
        await connection.execute(locking)

    deciding = asyncio.create_task(still._database.write(work))
    await locked.wait()
    assert (await other.change(made.id, ticking("backup"))).revision == 2

    goes_on.set()
    with pytest.raises(Unreachable, match="nothing was changed"):
        await deciding
    assert (await other.change(made.id, ticking("monitoring"))).revision == 3

    async def working(connection):
        await connection.execute(text("UPDATE deployment SET revision = 99"))

    # It stood still when all was done but the commit: that is known to be undone as well.
    monkeypatch.setattr(database, "crash", lambda point: time.sleep(3) if point == "store.worked" else None)
    with pytest.raises(Unreachable, match="nothing was changed"):
        await still._database.write(working)
    monkeypatch.undo()
    assert (await other.get(made.id)).revision == 3
    await still.close()
    await other.close()


async def test_a_mistake_of_ours_is_no_database_that_went_away(postgres):
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("CREATE DATABASE mistaken")
    store = await Store.open(postgres.replace("/postgres?", "/mistaken?", 1), Hands(), project=project)

    async def work(connection):
        with suppress(ProgrammingError):
            await connection.execute(text("SELECT nothing"))
        await connection.execute(text("SELECT 1"))

    with pytest.raises(InternalError, match="transaction is aborted"):
        await store._database.write(work)
    await store.close()


async def test_the_databases_time_is_compared_with_ours(store):
    # Both run on this machine, so they agree but for what asking takes.
    assert abs(await store.ahead()) < timedelta(seconds=5)


CHILD = """
import asyncio, sys
from bot.store import Store
from tests.store.records import Hands, project, ticking

async def main(url, name):
    store = await Store.open(url, Hands(), project=project)
    for n in range(15):
        await store.change("checkout-1", ticking(f"{name}-{n}"))
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.real
async def test_processes_that_share_a_database_lose_no_change(store, url, checkout):
    children = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, url, name, stderr=subprocess.PIPE)
        for name in ("one", "two", "three")
    ]
    for child in children:
        _, complaints = await child.communicate()
        assert child.returncode == 0, complaints.decode()
    after = await store.get(checkout.id)
    assert (len(after.ticks), after.revision) == (45, 46)
    assert await store.verify(checkout.id) is None


async def test_what_is_owed_and_what_is_unsettled_is_found_by_index(tmp_path):
    store = await Store.open(f"sqlite:///{tmp_path}/t.db", Hands(), project=project)
    for statement, index in (
        (f"SELECT * FROM message WHERE ({tables.OWED}) AND urgent", "message_owed"),  # noqa: S608
        ("SELECT * FROM deployment WHERE unsettled", "deployment_unsettled"),
        ("SELECT sum(revision) FROM deployment", "deployment_revision"),
    ):
        plan = await run(store, f"EXPLAIN QUERY PLAN {statement}")
        assert index in str(plan)
    await store.close()
