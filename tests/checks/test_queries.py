"""The check `queries`, on a real PostgreSQL: Debian's, which brings pg_stat_statements."""

import psycopg
import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check
from tests.checks.postgres import debians, packaged

EXTENSION = "CREATE EXTENSION pg_stat_statements"
RULES = {"require": ["statements >= 1"], "pass_": ["slow == 0"], "warn": ["slow <= 1"]}


@pytest.fixture(scope="module")
def made():
    with debians("shared_preload_libraries=pg_stat_statements") as make:
        yield make


def load(dsn, **seconds):
    """Each statement runs twelve times and takes so long. PostgreSQL tells them apart by their form, not by their names."""
    with psycopg.connect(dsn.replace("+psycopg", ""), autocommit=True) as connection:
        for name, wait in seconds.items():
            for number in range(12):
                connection.execute(f"SELECT '{name}-{number}' AS {name}, pg_sleep({wait}){', 1' * len(name)}")


async def test_means_are_read_per_statement_and_the_slowest_is_named(made):
    dsn = made(EXTENSION)
    load(dsn, catalogue=0, basket=0.1)
    finding = await run_check("queries", dsn=dsn, min_calls=10, rules=RULES)
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["worst_mean"] >= 0.1
    assert finding.rows[0].subject.startswith("SELECT $1 AS basket")
    assert finding.rows[0].values["calls"] == 12
    assert "basket-1" not in repr(finding), "what was asked for is not evidence"

    slow = await run_check("queries", dsn=dsn, min_calls=10, slow_s=0.1, rules=RULES)
    assert (slow.verdict, slow.values["slow"]) == (Verdict.WARN, 1)
    assert "SELECT $1 AS basket" in slow.summary


async def test_the_same_statements_are_compared_with_another_database(made):
    production, staging = made(EXTENSION), made(EXTENSION)
    load(production, catalogue=0.01, gone=0.001)
    load(staging, catalogue=0.2, new=0.001)
    rules = {"require": ["compared >= 1"], "pass_": ["slower <= 20%"], "warn": ["slower <= 50%"]}
    finding = await run_check("queries", dsn=staging, compare_dsn=production, min_calls=10, rules=rules)

    assert finding.verdict is Verdict.FAIL
    assert finding.values["slower"] > 1
    assert finding.rows[0].subject.startswith("SELECT $1 AS catalogue")
    same = await run_check("queries", dsn=production, compare_dsn=production, min_calls=10, rules=rules)
    assert (same.verdict, same.values["slower"]) == (Verdict.PASS, 0)


async def test_what_was_reset_a_moment_ago_is_unknown(made):
    dsn = made(EXTENSION)
    load(dsn, catalogue=0)
    with psycopg.connect(dsn.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SELECT pg_stat_statements_reset()")
    load(dsn, catalogue=0)
    finding = await run_check("queries", dsn=dsn, min_calls=10)

    assert finding.verdict is Verdict.UNKNOWN
    assert finding.values["covered"] < 600
    assert "covered" in finding.summary


async def test_a_statement_that_may_hold_a_password_is_not_shown(made):
    dsn = made(EXTENSION)
    with psycopg.connect(dsn.replace("+psycopg", ""), autocommit=True) as connection:
        for _ in range(12):
            connection.execute("DROP ROLE IF EXISTS temp")
            connection.execute("CREATE ROLE temp PASSWORD 'hunter2-hunter2'")
    finding = await run_check("queries", dsn=dsn, min_calls=1, top=50, rules=RULES)

    assert finding.values["statements"] >= 1
    assert "hunter2" not in repr(finding)
    assert "CREATE ROLE …" in {row.subject for row in finding.rows}


@pytest.mark.real
async def test_without_the_extension_nothing_is_known():
    with packaged() as make:
        finding = await run_check("queries", dsn=make())

    assert finding.verdict is Verdict.UNKNOWN
    assert finding.summary.startswith("This database has no pg_stat_statements; load it and CREATE EXTENSION")


async def test_an_extension_that_is_not_loaded_is_unknown(made):
    """Created, and not preloaded: PostgreSQL itself says so."""
    with debians() as make:
        finding = await run_check("queries", dsn=make(EXTENSION))

    assert finding.verdict is Verdict.UNKNOWN
    assert "pg_stat_statements" in finding.summary
