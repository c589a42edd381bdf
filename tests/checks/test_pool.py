"""The check `pool`, on a real PostgreSQL with real connections."""

import asyncio

import psycopg
import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check
from tests.checks.postgres import packaged


@pytest.fixture(scope="module")
def made():
    with packaged() as make:
        yield make


def plain(dsn):
    return dsn.replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture
def limited(made):
    """A database with a role that is limited to 40 connections, and one that is not; the server allows 100."""
    dsn = made()
    with psycopg.connect(plain(dsn), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS shop, reports")
        connection.execute("CREATE ROLE shop LOGIN CONNECTION LIMIT 40")
        connection.execute("CREATE ROLE reports LOGIN")
        connection.execute("GRANT pg_monitor TO shop")
        ((most, reserved),) = connection.execute(
            "SELECT current_setting('max_connections')::int,"
            " current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true), '0')::int"
        ).fetchall()
    return dsn, most - reserved


async def test_the_sum_is_shown_and_held_against_what_is_left_for_clients(limited):
    dsn, available = limited
    finding = await run_check("pool", dsn=dsn, instances=4, pool=5, overflow=5, others=10, roles=["shop"])

    assert finding.values["available"] == available
    assert finding.values["planned"] == 50
    assert finding.values["planned_share"] == pytest.approx(50 / available)
    assert finding.values["cramped"] == 0
    assert f"4 x (5 + 5) + 10 = 50 of {available}" in finding.summary
    assert finding.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("pools", "roles", "verdict", "deciding"),
    [
        ({"instances": 4, "pool": 10}, ["shop"], Verdict.PASS, ""),
        ({"instances": 5, "pool": 10}, ["shop"], Verdict.FAIL, "cramped"),
        ({"instances": 4, "pool": 10}, ["shop", "reports"], Verdict.WARN, "unlimited"),
        ({"instances": 9, "pool": 10}, ["reports"], Verdict.WARN, "planned_share"),
        ({"instances": 40, "pool": 10}, ["reports"], Verdict.FAIL, "planned_share"),
    ],
)
async def test_what_does_not_fit_does_not_pass(limited, pools, roles, verdict, deciding):
    finding = await run_check("pool", dsn=limited[0], roles=roles, **pools)

    assert finding.verdict is verdict, finding.summary
    assert not deciding or deciding in {one.rule.split()[0] for one in finding.conditions if one.held is not True}


async def test_connections_that_really_are_there_are_counted_over_time(limited):
    dsn, _ = limited
    rules = {"pass_": ["used_share <= 10%", "idle_in_transaction == 0", "spread <= 2"]}
    quiet = await run_check("pool", dsn=dsn, rules=rules)
    assert quiet.verdict is Verdict.PASS
    opened = [psycopg.connect(plain(dsn)) for _ in range(12)]
    try:
        opened[0].execute("SELECT 1")
        measuring = asyncio.create_task(run_check("pool", dsn=dsn, rules=rules, samples=4, every_s=0.3))
        busy = await measuring
    finally:
        for one in opened:
            one.close()

    assert busy.verdict is Verdict.FAIL
    assert busy.values["used"] >= quiet.values["used"] + 12
    assert busy.values["idle_in_transaction"] == 1
    assert sum(row.subject.startswith("look ") for row in busy.rows) == 4


async def test_the_age_of_an_idle_transaction_grows_until_somebody_is_told(limited):
    with psycopg.connect(plain(limited[0])) as idle:
        idle.execute("SELECT 1")
        rules = {"pass_": ["idle_in_transaction_age <= 1s"]}
        for _ in range(100):
            finding = await run_check("pool", dsn=limited[0], rules=rules)
            if finding.verdict is Verdict.FAIL:
                break
            await asyncio.sleep(0.2)
    assert finding.verdict is Verdict.FAIL


async def test_what_is_hidden_from_the_role_is_unknown_and_not_zero(limited):
    dsn = limited[0].replace("postgres:@", "reports:@").replace("//postgres@", "//reports@")
    assert dsn != limited[0]
    with psycopg.connect(plain(limited[0])) as idle:
        idle.execute("SELECT 1")
        finding = await run_check("pool", dsn=dsn, rules={"pass_": ["idle_in_transaction == 0"]})

    assert finding.verdict is Verdict.UNKNOWN
    assert "needs pg_monitor" in finding.summary


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"dsn": "sqlite://"}, "This is about PostgreSQL, and the 'dsn' leads to sqlite."),
        ({"dsn": "postgresql+psycopg://shop:hunter2-hunter2@127.0.0.1:1/shop"}, "The database refuses: "),
        ({"roles": ["shpo"]}, "The database has no role shpo."),
    ],
)
async def test_what_cannot_be_asked_is_unknown_with_a_sentence(limited, given, said):
    finding = await run_check("pool", **{"dsn": limited[0], "instances": 1, **given})

    assert finding.verdict is Verdict.UNKNOWN
    assert finding.summary.startswith(said)
    assert "hunter2" not in repr(finding)
