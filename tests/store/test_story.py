"""The story can be added to and read; whoever alters it is found out."""

import re

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.model import Change, Line, Phase
from tests.store.records import BEN, NOON, ticking, to_phase


@pytest.fixture
async def told(store, checkout, clock):
    """A deployment with a few lines in its story."""
    clock.advance(minutes=3)
    await store.change(checkout.id, ticking("backup", BEN, "restored it to staging"))
    await store.change(
        checkout.id,
        lambda it: Change(deployment=it, lines=(Line(what="measured"), Line(what="asked", facts={"roles": ["dba"]}))),
    )
    return await store.change(checkout.id, to_phase(Phase.ABORTED))


async def alter(store, statement, *, guarded=False):
    """As somebody would who has the database in their hands and, unless guarded, has removed its triggers."""
    engine = store._database.engine
    async with engine.begin() as connection:
        if not guarded:
            postgres = connection.dialect.name == "postgresql"
            for trigger in ("history_kept", "history_whole"):
                await connection.execute(text(f"DROP TRIGGER {trigger}{' ON history' if postgres else ''}"))
        await connection.execute(text(statement))


async def test_a_story_says_who_did_what_when_and_why(store, told):
    lines = await store.history(told.id)

    assert [(line.number, line.by, line.what, line.why) for line in lines] == [
        (1, "Ana", "opened", ""),
        (2, "Ben", "ticked backup", "restored it to staging"),
        (3, "T-Minus", "measured", ""),
        (4, "T-Minus", "asked", ""),
        (5, "T-Minus", "went to aborted", ""),
    ]
    assert lines[0].facts == {"version": "1.1.0"}
    assert lines[3].facts == {"roles": ["dba"]}
    assert [(line.at - NOON).total_seconds() for line in lines] == [0, 180, 180, 180, 180]
    assert lines[-1].hash == told.head
    assert await store.verify(told.id) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history SET why = 'nobody asked' WHERE number = 2",
        "UPDATE history SET facts = '{}' WHERE number = 1",
        "UPDATE history SET hash = '' WHERE number = 1",
        "UPDATE history SET what_salt = 'another' WHERE number = 2",
        "DELETE FROM history WHERE number = 5",
        "DELETE FROM history",
    ],
)
async def test_the_database_itself_refuses_to_alter_the_story(store, told, statement):
    with pytest.raises(DBAPIError, match="only added to"):
        await alter(store, statement, guarded=True)
    assert await store.verify(told.id) is None
    assert len(await store.history(told.id)) == 5


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE history SET why = 'it was fine' WHERE number = 2", "Line 2 .* the reason is not what was written"),
        ("UPDATE history SET by_name = 'Eve' WHERE number = 2", "Line 2 .* who did it is not what was written"),
        ("UPDATE history SET what = 'approved' WHERE number = 3", "Line 3 .* what happened is not what was written"),
        ("UPDATE history SET facts = '{\"roles\":[]}' WHERE number = 4", "Line 4 .* its hash does not follow"),
        ("UPDATE history SET what_digest = why_digest WHERE number = 3", "Line 3 "),
        (
            "UPDATE history SET why = '', why_salt = '' WHERE number = 2",
            "Line 2 .* words were removed, and no line says",
        ),
        ("DELETE FROM history WHERE number = 3", "Line 3 of the history is missing"),
        ("DELETE FROM history WHERE number = 1", "Line 1 of the history is missing"),
        ("DELETE FROM history WHERE number > 3", "The end of the history is missing"),
        ("DELETE FROM history", "The end of the history is missing"),
    ],
)
async def test_what_was_altered_behind_its_back_is_named(store, told, statement, sentence):
    await alter(store, statement)
    assert re.search(sentence, await store.verify(told.id) or "nothing was found")


async def test_a_moved_time_is_found_out(store, told):
    moved = "at + interval '1 second'" if not store._database.embedded else "datetime(at, '+1 second')"
    await alter(store, f"UPDATE history SET at = {moved} WHERE number = 2")  # noqa: S608
    assert await store.verify(told.id) == (
        "Line 2 of the history was altered: its hash does not follow from the line before."
    )


async def test_equal_words_have_different_digests_so_that_nobody_can_guess_them_later(store, checkout):
    for _ in range(2):
        await store.change(checkout.id, ticking("backup", BEN, "yes"))
    async with store._database.engine.connect() as connection:
        rows = await connection.execute(text("SELECT why_digest, by_digest FROM history WHERE number > 1"))
        digests = [digest for row in rows for digest in row]
    assert len(set(digests)) == 4
