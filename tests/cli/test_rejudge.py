"""Verdicts worked out again: they agree with what was stored, and say where they do not."""

import sqlite3
from dataclasses import replace

import pytest

from bot.check import measure
from bot.engine.measuring import release
from tests.checks.helpers import context, site
from tests.cli.conftest import Type
from tests.door.world import World


@pytest.fixture
async def measured(w: World):
    """A deployment with one finding that was really measured and judged."""
    with site(lambda _: (200, [], "")) as here:
        one = await w.opened()
        with_ = {"urls": [here.url], "addresses": [here.at], "allow_private": True}
        finding = await measure(replace(one.plan.checks["tls"], with_=with_), context(**release(one, one.opened_at)))
        await w.engine.found(one.id, finding)
    return one.id


async def test_stored_verdicts_follow_from_stored_values(measured, w: World, types: Type):
    said = await types("rejudge", measured)

    assert said.code == 0
    assert said.out.splitlines() == [
        "pass     tls  as stored",
        "shop-1: 1 verdicts worked out again, none differ.",
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"failed":0', '"failed":2', "fail     tls  stored as pass: failed 2, none is allowed"),
        ('"verdict":"pass"', '"verdict":"fail"', "pass     tls  stored as fail: every rule holds"),
        (
            '"measured":0',
            '"measured":1',
            "pass     tls  the same verdict by other conditions: failed 0, none is allowed",
        ),
    ],
)
async def test_a_record_that_was_changed_by_hand_is_told(measured, types: Type, tmp_path, old, new, told):
    _changed(tmp_path / "t.db", measured, old, new)

    said = await types("rejudge", measured)

    assert said.code == 1
    assert said.out.splitlines()[0] == told
    assert said.out.endswith("1 verdicts worked out again, 1 differs.")


async def test_no_such_deployment_is_a_sentence(w: World, types: Type):
    said = await types("rejudge", "shop-77")

    assert (said.code, said.out) == (2, "")
    assert "shop-77" in said.err


def _changed(path, deployment, old, new):
    """Change the record where it is stored, as somebody with the database's password could."""
    with sqlite3.connect(path) as db:
        table, column, body = next(_bodies(db, deployment))
        assert old in body, body
        db.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (body.replace(old, new), deployment))  # noqa: S608
    db.close()


def _bodies(db, deployment):
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        if "id" in columns:
            for column in columns:
                for (body,) in db.execute(f"SELECT {column} FROM {table} WHERE id = ?", (deployment,)):  # noqa: S608
                    if isinstance(body, str) and '"findings"' in body:
                        yield table, column, body
