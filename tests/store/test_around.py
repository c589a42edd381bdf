"""What else is remembered: deliveries, people, change freezes, findings."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.errors import Refused
from bot.model import Change, Finding, Phase, Verdict
from tests.store.records import ANA, BEN, NOON, drafted, to_phase


async def test_a_delivery_is_new_once(store):
    assert await store.seen("Ev01") is False
    assert await store.seen("Ev01") is True
    assert sorted(await asyncio.gather(*(store.seen("Ev02") for _ in range(8)))) == [False] + [True] * 7


async def test_deliveries_of_yesterday_are_forgotten_by_real_time(store, clock):
    await store.seen("Ev01")
    clock.advance(days=3)
    store._prune_at = 0.0
    assert await store.seen("Ev01") is True

    yesterday = "now() - interval '25 hours'" if not store._database.embedded else "datetime('now', '-25 hours')"
    async with store._database.engine.begin() as connection:
        await connection.execute(text(f"UPDATE inbox SET at = {yesterday}"))  # noqa: S608
    store._prune_at = 0.0
    assert await store.seen("Ev02") is False
    assert await store.seen("Ev01") is False


async def test_people_are_known_by_id_and_by_address_as_slack_described_them_last(store, clock):
    assert await store.person("U_BEN") is None
    await store.remember_person(BEN, email="Ben@Example.com")
    clock.advance(days=2)
    await store.remember_person(ANA)

    assert await store.person("U_BEN") == BEN
    assert await store.person("ben@example.COM") == BEN
    assert await store.person("") is None
    assert await store.person("U_BEN", younger_than=timedelta(days=1)) is None
    await store.remember_person(replace(BEN, name="Benedita"), email="ben@example.com")
    assert (await store.person("U_BEN", younger_than=timedelta(days=1))).name == "Benedita"


async def test_a_change_freeze_is_in_force_until_it_ends_or_is_lifted(store, clock):
    year_end = await store.freeze(by=ANA, reason="Year's end", until=NOON + timedelta(days=2))
    payments = await store.freeze(by=BEN, reason="Audit", service="payments", environment="production")

    assert await store.freezes() == [year_end, payments]
    assert year_end.covers("checkout", "production")
    assert payments.covers("payments", "production")
    assert not payments.covers("payments", "staging")
    assert not payments.covers("checkout", "production")

    lifted = await store.unfreeze(payments.number, by=ANA)
    assert (lifted.ended_at, lifted.ended_by) == (NOON, "Ana")
    assert await store.freezes() == [year_end]
    with pytest.raises(Refused, match="has ended already"):
        await store.unfreeze(payments.number, by=ANA)

    clock.advance(days=2)
    assert await store.freezes() == []
    assert [one.number for one in await store.freezes(ended=True)] == [year_end.number, payments.number]


async def test_a_freeze_that_would_end_before_it_begins_is_refused(store):
    with pytest.raises(Refused, match="end after it begins"):
        await store.freeze(by=ANA, reason="Year's end", until=NOON)


def measured(minutes, verdict=Verdict.PASS, check="tls"):
    at = NOON + timedelta(minutes=minutes)
    return Finding(
        check=check, verdict=verdict, summary=f"after {minutes} min", measured_at=at, expires_at=at + timedelta(hours=1)
    )


def finding(*found):
    def decide(deployment):
        return Change(
            deployment=replace(deployment, findings={**deployment.findings, **{one.check: one for one in found}})
        )

    return decide


async def test_baselines_are_made_of_earlier_findings_the_newest_first(store, checkout):
    await store.change(checkout.id, finding(measured(1), measured(1, check="dns")))
    await store.change(checkout.id, finding(measured(2, Verdict.FAIL)))
    await store.change(checkout.id, finding(measured(3)))
    # Saved again for another reason: it is still the same finding.
    await store.change(checkout.id, to_phase(Phase.CLOSED))
    newer = await store.create("checkout", "production", drafted())
    await store.change(newer.id, finding(measured(4)))
    await store.change(newer.id, to_phase(Phase.LIVE))

    async def minutes(**asked):
        found = await store.findings("checkout", "production", "tls", **{"passed": True, "n": 10, **asked})
        return [int((one.measured_at - NOON).total_seconds() // 60) for one in found]

    assert await minutes() == [4, 3, 1]
    assert await minutes(passed=False) == [4, 3, 2, 1]
    assert await minutes(n=2) == [4, 3]
    assert await minutes(except_of=newer.id) == [3, 1]
    assert await store.findings("checkout", "staging", "tls", passed=True, n=9) == []

    await store.change(newer.id, to_phase(Phase.DECIDING))
    assert await minutes() == [3, 1], "nobody knows yet whether it stays"
    await store.change(newer.id, to_phase(Phase.ROLLED_BACK))
    assert await minutes() == [3, 1], "what was taken back is no measure"
