"""The check `sql`, on a real SQLite file and a real PostgreSQL."""

import sqlite3

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check
from tests.checks.postgres import a_server

QUERY = "SELECT count(*) AS orders, max(total) AS most FROM orders"


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "shop.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE orders (total REAL)")
        db.executemany("INSERT INTO orders VALUES (?)", [(10.5,), (20.0,)])
    db.close()
    return f"sqlite:///{path}"


async def test_columns_of_the_first_row_are_values(database):
    finding = await run_check("sql", dsn=database, query=QUERY, rules={"pass_": ["orders >= 2", "most < 100"]})
    assert finding.verdict is Verdict.PASS
    assert finding.summary == "orders 2, most 20"
    few = await run_check("sql", dsn=database, query=QUERY, rules={"pass_": ["orders >= 3"]})
    assert few.verdict is Verdict.FAIL


async def test_nothing_can_be_changed(database):
    finding = await run_check("sql", dsn=database, query="DELETE FROM orders")
    assert finding.verdict is Verdict.UNKNOWN
    assert "The database refuses: attempt to write a readonly database." in finding.summary
    assert (await run_check("sql", dsn=database, query=QUERY)).values["orders"] == 2


async def test_no_row_and_no_database_are_unknown(database, tmp_path):
    assert (
        await run_check("sql", dsn=database, query=f"{QUERY} WHERE 1 = 0 GROUP BY total")
    ).verdict is Verdict.UNKNOWN
    missing = tmp_path / "missing.sqlite3"
    assert (await run_check("sql", dsn=f"sqlite:///{missing}", query=QUERY)).verdict is Verdict.UNKNOWN
    assert not missing.exists()
    assert "is not one, as in" in (await run_check("sql", dsn="no dsn", query=QUERY)).summary


ANSWERS = {"pass_": ["answered == true"]}


async def test_a_database_that_does_not_answer_fails_a_rule_that_asks_for_that(database, tmp_path):
    assert (await run_check("sql", dsn=database, query="SELECT 1 AS one", rules=ANSWERS)).verdict is Verdict.PASS
    gone = await run_check("sql", dsn=f"sqlite:///{tmp_path}/gone.sqlite3", query="SELECT 1 AS one", rules=ANSWERS)
    assert gone.verdict is Verdict.FAIL
    assert "The database refuses: unable to open database file" in gone.summary
    refused = "postgresql+psycopg://shop:x@127.0.0.1:1/shop"
    assert (await run_check("sql", dsn=refused, query="SELECT 1 AS one", rules=ANSWERS)).verdict is Verdict.FAIL


async def test_a_mistake_in_the_query_is_no_failure_of_the_database(database):
    finding = await run_check("sql", dsn=database, query="SELECT 1 FROM nowhere", rules=ANSWERS)
    assert finding.verdict is Verdict.UNKNOWN
    assert "no such table" in finding.summary


async def test_the_password_is_not_shown():
    dsn = "postgresql+psycopg://shop:hunter2-hunter2@127.0.0.1:1/shop"
    finding = await run_check("sql", dsn={"env": "DSN"}, query="SELECT 1", environ={"DSN": dsn})
    assert finding.verdict is Verdict.UNKNOWN
    assert "hunter2" not in repr(finding)


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
async def test_postgresql_is_asked_in_a_transaction_that_cannot_write():
    with a_server() as server:
        server.psql("CREATE TABLE orders (total numeric); INSERT INTO orders VALUES (10.5), (20);")
        dsn = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        finding = await run_check("sql", dsn=dsn, query=QUERY, rules={"pass_": ["orders == 2", "most <= 20"]})
        assert finding.verdict is Verdict.PASS, finding.summary
        refused = await run_check("sql", dsn=dsn, query="DELETE FROM orders")
        assert refused.verdict is Verdict.UNKNOWN
        assert "read-only transaction" in refused.summary
