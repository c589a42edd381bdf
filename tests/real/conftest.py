"""One small company for each test, on a database of its own."""

import uuid

import psycopg
import pytest

from tests.real.world import company
from tests.store.conftest import postgres

__all__ = ["postgres"]

# What it asserts is told in full, as in a test.
pytest.register_assert_rewrite("tests.real.kills")


@pytest.fixture
async def w(tmp_path):
    async with company(tmp_path) as world:
        yield world


@pytest.fixture
def database(postgres):
    """A database of its own on a real PostgreSQL, for tests of several bots."""
    name = f"t_{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.replace("/postgres?", f"/{name}?", 1).replace("postgresql://", "postgresql+psycopg://", 1)
