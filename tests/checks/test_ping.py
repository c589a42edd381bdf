"""The check `ping` and the URLs that it reads, over real HTTP and a real database; and a round trip that ends there."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot import ping
from bot.check import measure
from bot.model import Projection, Verdict
from bot.plan import CheckPlan
from bot.store import Store
from tests.checks.helpers import context
from tests.checks.monitoring import alertmanager
from tests.checks.postgres import a_server

KEY = "drill-4711-4711-4711"


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.at = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)

    def now(self):
        return self.at

    def move(self, **how):
        self.at += timedelta(**how)


class Place:
    """The bot's URL for pings, its clock, and the check that looks at what was told."""

    def __init__(self, store, clock, port):
        self.store, self.clock = store, clock
        self.base = f"http://127.0.0.1:{port}/ping"

    async def call(self, *path, method="GET", body=b""):
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.request(method, "/".join([self.base, *path]), content=body or None)

    async def look(self, *, uses="ping", limit_s=20.0, rules=None, **with_):
        given = {"key": {"env": "DRILL_KEY"}, **with_} if uses == "ping" else with_
        plan = CheckPlan(name="drill", uses=uses, with_=given, attempts=1, timeout_s=limit_s, **(rules or {}))
        here = asyncio.get_running_loop()

        async def last(key):
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.store.pings.last(key), here))

        ctx = context(environ={"DRILL_KEY": KEY}, limit=limit_s + 10)
        return await measure(plan, replace(ctx, clock=self.clock, pings=last))


@asynccontextmanager
async def place_at(url):
    clock = Hands()
    store = await Store.open(url, clock, project=lambda _: Projection(wanted=()))
    try:
        async with ping.serving(store.pings, lambda: {ping.digest(KEY)}, "127.0.0.1:0") as port:
            yield Place(store, clock, port)
    finally:
        await store.close()


@pytest.fixture
async def place(tmp_path):
    async with place_at(f"sqlite+aiosqlite:///{tmp_path}/pings.db") as one:
        yield one


async def test_a_drill_that_reports_in_time_passes_with_what_it_said(place):
    await place.call(KEY, "start")
    place.clock.move(minutes=4)
    await place.call(KEY, method="POST", body=b'{"rows": 12000, "rto_s": 240}')
    place.clock.move(hours=3)
    rules = {"pass_": ("ok == true", "late == 0", "rows >= 10000", "rto <= 5min")}
    finding = await place.look(values={"rows": "rows", "rto": "rto_s"}, rules=rules)
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["took"] == 240
    assert finding.values["age"] == 3 * 3600
    assert finding.summary == "last went well 3 h ago, took 4 min"
    assert '"rows": 12000' in finding.rows[0].note


async def test_late_is_a_warning_and_later_a_fail(place):
    await place.call(KEY)
    told = {}
    for hours in (23, 24.5, 26):
        place.clock.at = datetime(2026, 11, 23, 3, 0, tzinfo=UTC) + timedelta(hours=hours)
        told[hours] = (await place.look(period="1 d", grace="1 h")).verdict
    assert told == {23: Verdict.PASS, 24.5: Verdict.WARN, 26: Verdict.FAIL}


@pytest.mark.parametrize("path", ["fail", "3"])
async def test_a_run_that_failed_fails_though_an_earlier_one_went_well(place, path):
    await place.call(KEY, "0")
    place.clock.move(hours=1)
    await place.call(KEY, path, method="POST", body=b"restoring\ntwo tables are missing")
    finding = await place.look()
    assert finding.verdict is Verdict.FAIL
    assert "the last run failed" in finding.summary
    assert "two tables are missing" in finding.summary
    assert finding.values.get("exit") == (3 if path == "3" else None)


async def test_a_run_that_began_says_nothing_until_it_should_have_ended(place):
    await place.call(KEY)
    place.clock.move(hours=1)
    await place.call(KEY, "start")
    place.clock.move(minutes=30)
    assert (await place.look(grace="1 h")).verdict is Verdict.PASS
    place.clock.move(minutes=31)
    stuck = await place.look(grace="1 h")
    assert stuck.verdict is Verdict.FAIL
    assert "it began and did not end" in stuck.summary


async def test_nothing_told_is_unknown(place):
    finding = await place.look()
    assert finding.verdict is Verdict.UNKNOWN
    assert "Nobody has ever called the URL" in finding.summary
    await place.call(KEY, "start")
    assert (await place.look()).verdict is Verdict.UNKNOWN
    await place.call(KEY, "1")
    assert (await place.look()).verdict is Verdict.FAIL


async def test_a_key_that_is_not_known_looks_like_a_page_that_is_not_there(place):
    answers = [await place.call("another-key-4711"), await place.call(KEY, "256"), await place.call(KEY, "stop")]
    answers += [await place.call(KEY, "-1"), await place.call(KEY, "٣")]
    assert {(one.status_code, one.text) for one in answers} == {(404, "not found")}
    assert await place.store.pings.last(ping.digest("another-key-4711")) == []
    assert (await place.call(KEY, method="PUT")).status_code == 405
    assert (await place.call(KEY, method="HEAD")).status_code == 200


async def test_neither_the_database_nor_the_finding_knows_the_key(place, tmp_path):
    await place.call(KEY, method="POST", body=f"called with {KEY}".encode())
    finding = await place.look()
    assert KEY not in repr(finding)
    told = await place.store.pings.last(ping.digest(KEY))
    assert len(told) == 1
    await place.store.close()
    stored = (tmp_path / "pings.db").read_bytes()
    assert ping.digest(KEY).encode() in stored


async def test_a_long_log_is_cut_and_old_ones_are_forgotten(place):
    await place.call(KEY, method="POST", body=b"x" * 1_000_000 + b"\xff\0")
    await place.call(KEY, method="POST", body=b"\xff\0a")
    told = await place.store.pings.last(ping.digest(KEY))
    assert len(told[1].body) == ping.LONGEST_BODY
    assert told[0].body == "\ufffd\ufffda"
    for _ in range(105):
        await place.store.pings.keep(ping.digest(KEY), "success")
    assert len(await place.store.pings.last(ping.digest(KEY))) == 100


async def test_without_the_bot_it_is_unknown():
    plan = CheckPlan(name="drill", uses="ping", with_={"key": KEY})
    finding = await measure(plan, context())
    assert finding.verdict is Verdict.UNKNOWN
    assert "kept by the running bot" in finding.summary


async def test_a_key_that_can_be_guessed_is_not_listened_to(place):
    finding = await place.look(key="short")
    assert finding.verdict is Verdict.UNKNOWN
    assert "shorter than 16 characters" in finding.summary


def test_the_keys_are_those_that_checks_ask_about():
    plans = [
        type(
            "Plan",
            (),
            {
                "checks": {
                    "a": CheckPlan(name="a", uses="ping", with_={"key": {"env": "A"}}),
                    "b": CheckPlan(name="b", uses="ping", with_={"key": {"env": "NOT_SET"}}),
                    "c": CheckPlan(name="c", uses="alerts", with_={"ping_key": {"env": "C"}}),
                    "d": CheckPlan(name="d", uses="http", with_={"key": "4" * 20}),
                    "e": CheckPlan(name="e", uses="ping", with_={"key": "short"}),
                }
            },
        )
    ]
    assert ping.keys(plans, {"A": "1" * 16, "C": "3" * 16}) == {ping.digest("1" * 16), ping.digest("3" * 16)}


async def test_an_alert_makes_the_round_trip_to_the_url_for_pings(place, tmp_path):
    with alertmanager(tmp_path, f"{place.base}/{KEY}") as am:
        finding = await place.look(
            uses="alerts", alertmanager=f"http://{am}", ping_key={"env": "DRILL_KEY"}, allow_private=True, limit_s=60.0
        )
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["round_trip"] > 0


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
async def test_pings_are_kept_in_postgresql_too():
    with a_server() as server:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        async with place_at(url) as place:
            await place.call(KEY, "0", method="POST", body=b"a\0b")
            finding = await place.look()
    assert finding.verdict is Verdict.PASS, finding.summary
