"""Whether the people of the roster are there is measured and asked, and looked at again until the start."""

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


NEITHER = "neither has said yet “I am reachable”"


async def answered(w: World) -> None:
    """One of each role says that they are there."""
    await w.presses("U000ANA", "I am reachable", message="section:emergency")
    await w.presses("U000DMITRI", "I am reachable", message="section:emergency")
    await w.measures("contacts")


async def asked(w: World) -> None:
    """All is measured, so both roles are asked for their go."""
    await w.measures("contacts")
    await w.measured("tls")


async def test_each_role_has_its_row_with_both_people(w: World):
    assert await w.measures("contacts") == ["contacts-dba", "contacts-lead"]
    assert f"⚠️ warn   DevOps Lead\nAna Ruiz, backup Ben Okafor; {NEITHER}" in await w.reads("section:emergency")

    await answered(w)

    told = await w.reads("section:emergency")
    assert "2 of 2" in told
    assert "✅ pass   DevOps Lead\nAna Ruiz, backup Ben Okafor" in told
    assert "✅ pass   Database Admin\nChloé Martin, backup Dmitri Volkov" in told
    assert NEITHER not in told


async def test_whoever_is_asked_for_their_go_says_there_that_they_are_reachable(w: World):
    await asked(w)
    assert "I am reachable" in await w.buttons("ask:lead:U000ANA")

    said = await w.presses("U000ANA", "I am reachable", message="ask:lead:U000ANA")

    assert said == "Noted: you are reachable for shop-1. It counts for a day."
    assert "I am reachable" not in await w.buttons("ask:lead:U000ANA")
    assert "Go" in await w.buttons("ask:lead:U000ANA")
    assert await w.measures("contacts") == ["contacts-lead"], "what the others said or did not say stays as it was"
    (finding,) = [(await w.store.get("shop-1")).findings["contacts-lead"]]
    at = w.clock.now().strftime("%Y-%m-%d %H:%M UTC")
    assert [row.note for row in finding.rows] == [f"there, reachable, said {at}", "there"]
    assert (finding.values["answered"], finding.values["reachable"]) == (1, True)
    assert "is reachable" in await w.story()


async def test_whoever_gives_their_go_need_not_say_too_that_they_are_there(w: World):
    await asked(w)

    await w.presses("U000ANA", "Go", message="ask:lead:U000ANA")

    await w.measures("contacts")
    told = await w.reads("section:emergency")
    assert "✅ pass   DevOps Lead" in told
    assert "⚠️ warn   Database Admin" in told
    assert "I am reachable" not in await w.buttons("ask:lead:U000ANA")


async def test_an_answer_holds_for_a_day_and_can_be_given_again(w: World):
    await asked(w)
    await answered(w)
    await w.passes(hours=25)
    await w.measures("contacts")
    assert NEITHER in await w.reads("section:emergency")
    assert "I am reachable" in await w.buttons("ask:lead:U000ANA")

    await answered(w)

    assert NEITHER not in await w.reads("section:emergency")


async def test_two_presses_are_one_answer_and_nobody_answers_for_others(w: World):
    await answered(w)
    story = len(await w.story())
    await w.presses("U000ANA", "I am reachable", message="section:emergency")
    assert len(await w.story()) == story

    said = await w.presses("U000IVY", "I am reachable", message="section:emergency")

    assert said == "You are no emergency contact of shop-1. /deploy contacts shows who they are."
    assert [one.by.name for one in (await w.store.get("shop-1")).reachable] == ["Ana Ruiz", "Dmitri Volkov"]


async def test_once_it_has_started_nobody_is_asked_any_more(w: World):
    await asked(w)
    old = next(one for one in await w.messages() if one.key == "ask:lead:U000ANA")
    button = next(
        one for block in old.blocks for one in block.get("elements", []) if one.get("action_id") == "reachable"
    )
    await answered(w)
    await w.clear()
    await w.measures("contacts")
    await w.presses("U000MARA", "Start")

    await w.sends_press("U000BEN", old, button)

    assert "shop-1 is preparing; who can be reached is asked before it starts." in w.slack.whispers[-1][1]
    assert "I am reachable" not in await w.buttons("section:emergency")


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

    await answered(w)

    assert said in await w.reads("section:emergency")


async def test_a_person_whom_slack_does_not_know_and_one_who_fills_both_places_fail(w: World):
    w.slack.presences["U000BEN"] = None
    one = await w.store.get("shop-1")
    lead, dba = one.roster
    twice = replace(one, roster=(lead, replace(dba, backup=dba.contact)))

    missing = await w.engine.measuring.measure(one.plan.checks["contacts-lead"], one)
    same = await w.engine.measuring.measure(one.plan.checks["contacts-dba"], twice)

    assert (missing.verdict, missing.summary) == ("fail", f"Ana Ruiz, backup Ben Okafor (not in Slack); {NEITHER}")
    assert (same.verdict, same.values["same"]) == ("fail", True)
    assert "the same person twice" in same.summary


async def test_they_are_looked_up_again_until_the_start(w: World):
    await w.measures("contacts")
    assert await w.measures("contacts") == []

    await w.passes(minutes=11)

    assert await w.measures("contacts") == ["contacts-dba", "contacts-lead"]
