"""A person can be forgotten: their words and names go, the story stays whole."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from bot.errors import Refused
from bot.model import Change, Hold, Line, Phase, Seat
from bot.plan import RolePlan
from tests.store.records import ANA, BEN, NOON, drafted, ticking, to_phase

SAID = "Ben's mother is ill, so Ana does it"


def drafted_with_ben(number, earlier):
    draft = drafted()(number, earlier)
    roles = (RolePlan(key="dba", title="Database Admin", contact="ben@example.com", backup="U_ANA"),)
    seat = Seat(role="dba", title="Database Admin", contact=BEN, backup=ANA)
    plan = replace(draft.deployment.plan, roles=roles)
    return replace(draft, deployment=replace(draft.deployment, plan=plan, roster=(seat,)))


def held(deployment):
    hold = Hold(by=BEN, role="dba", at=NOON, reason=SAID)
    line = Line(what="Ben held it", by=BEN, why=SAID, facts={"role": "dba"})
    return Change(deployment=replace(deployment, hold=hold), lines=(line,))


@pytest.fixture
async def over(store):
    await store.remember_person(BEN, email="ben@example.com")
    await store.home_opened("U_BEN")
    made = await store.create("checkout", "production", drafted_with_ben)
    await store.change(made.id, held)
    await store.change(made.id, ticking("backup", ANA, "Ben told me so, see <@U_BEN>"))
    await store.change(made.id, ticking("bench", ANA, "Benchmarks are fine"))
    return await store.change(made.id, to_phase(Phase.ABORTED, abort_reason=SAID))


async def everything(store):
    """All that the database holds, as text."""
    async with store._database.engine.connect() as connection:
        tables = ("deployment", "plan", "history", "person", "home", "freeze", "finding", "message")
        found = [await connection.execute(text(f'SELECT * FROM "{table}"')) for table in tables]  # noqa: S608
        return "\n".join(str(row) for rows in found for row in rows)


async def test_nothing_of_a_forgotten_person_is_left_and_the_story_can_still_be_verified(store, over):
    await store.freeze(by=BEN, reason=SAID)
    assert "ben@example.com" in await everything(store)

    assert await store.forget("U_BEN", by=ANA) == ["checkout-1"]

    left = await everything(store)
    for word in ("U_BEN", "Ben ", "'Ben'", "ben@example.com", "mother"):
        assert word not in left
    assert await store.verify(over.id) is None
    assert [(line.by, line.what, line.why) for line in await store.history(over.id)] == [
        ("Ana", "opened", ""),
        ("Somebody", "somebody held it", ""),
        ("Ana", "ticked backup", "somebody told me so, see somebody"),
        ("Ana", "ticked bench", "Benchmarks are fine"),
        ("T-Minus", "went to aborted", ""),
        ("Ana", "took out what a person said and is called", ""),
    ]
    after = await store.get(over.id)
    assert (after.hold.by.name, after.hold.reason, after.hold.role) == ("Somebody", "", "dba")
    assert (after.abort_reason, after.roster[0].backup, after.plan.roles[0].contact) == ("", ANA, "somebody")
    assert after.ticks["bench"].note == "Benchmarks are fine"


async def test_what_was_forgotten_covers_for_no_other_alteration(store, over):
    await store.forget("U_BEN", by=ANA)
    async with store._database.engine.begin() as connection:
        await connection.execute(text("UPDATE history SET why = '', why_salt = '' WHERE number = 4"))
    assert await store.verify(over.id) == (
        "Line 4 of the history was altered: words were removed, and no line says so."
    )


async def test_who_has_a_part_in_something_unfinished_is_not_forgotten_yet(store, over):
    second = await store.create("checkout", "production", drafted_with_ben)
    before = await everything(store)

    with pytest.raises(Refused, match=r"They have a part in checkout-2\. Forget them when that is over."):
        await store.forget("U_BEN", by=ANA)
    assert await everything(store) == before

    await store.change(second.id, to_phase(Phase.CLOSED))
    assert await store.forget("U_BEN", by=BEN) == ["checkout-1", "checkout-2"]
    assert (await store.history(second.id))[-1].by == "T-Minus"


async def test_forgetting_somebody_unknown_changes_nothing(store, over):
    before = await everything(store)
    assert await store.forget("U_NOBODY", by=ANA) == []
    assert await everything(store) == before
