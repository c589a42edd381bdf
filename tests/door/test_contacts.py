"""Whether the people of the roster are there is measured, and looked at again until the start."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from world import APP, World, world

from bot.model import Presence

SECTION = """    emergency:
      title: Emergency Contacts
      items:
        contacts-lead: {title: DevOps Lead, owner: lead, check: contacts-lead}
        contacts-dba: {title: Database Admin, owner: dba, check: contacts-dba}
  steps:
"""
CHECKS = """  checks:
    contacts-lead: {uses: contacts, with: {role: lead}, valid_for: 10 min}
    contacts-dba: {uses: contacts, with: {role: dba}, valid_for: 10 min}
"""


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    app = APP.replace("  steps:\n", SECTION, 1).replace("  checks:\n", CHECKS, 1)
    async with world(tmp_path, app) as one:
        await one.opened()
        yield one


async def test_each_role_has_its_row_with_both_people(w: World):
    assert await w.measures("contacts") == ["contacts-dba", "contacts-lead"]

    told = await w.reads("section:emergency")
    assert "2 of 2" in told
    assert "✅ pass   DevOps Lead\nAna Ruiz, backup Ben Okafor" in told
    assert "✅ pass   Database Admin\nChloé Martin, backup Dmitri Volkov" in told


@pytest.mark.parametrize(
    ("of_ben", "said"),
    [
        (Presence(name="Ben", away=True, quiet=(0, 0)), "⚠️ warn   DevOps Lead\nAna Ruiz, backup Ben Okafor (away)"),
        (Presence(name="Ben", away=False, quiet=(0, 9e9)), "Ben Okafor (not to be disturbed)"),
        (Presence(name="Ben"), "⚠️ warn   DevOps Lead"),
        (Presence(name="Ben", deactivated=True), "❌ fail   DevOps Lead\nAna Ruiz, backup Ben Okafor (deactivated)"),
    ],
)
async def test_somebody_who_is_not_there_is_named(w: World, of_ben: Presence, said: str):
    w.slack.presences["U000BEN"] = of_ben

    await w.measures("contacts")

    assert said in await w.reads("section:emergency")


async def test_a_person_whom_slack_does_not_know_and_one_who_fills_both_places_fail(w: World):
    w.slack.presences["U000BEN"] = None
    one = await w.store.get("shop-1")
    lead, dba = one.roster
    twice = replace(one, roster=(lead, replace(dba, backup=dba.contact)))

    missing = await w.engine.measuring.measure(one.plan.checks["contacts-lead"], one)
    same = await w.engine.measuring.measure(one.plan.checks["contacts-dba"], twice)

    assert (missing.verdict, missing.summary) == ("fail", "Ana Ruiz, backup Ben Okafor (not in Slack)")
    assert (same.verdict, same.values["same"]) == ("fail", True)
    assert "the same person twice" in same.summary


async def test_they_are_looked_up_again_until_the_start(w: World):
    await w.measures("contacts")
    assert await w.measures("contacts") == []

    await w.passes(minutes=11)

    assert await w.measures("contacts") == ["contacts-dba", "contacts-lead"]
