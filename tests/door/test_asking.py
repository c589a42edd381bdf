"""What somebody reads who is asked for their go: how much changes, how it looks, and how the way back is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from world import APP, World, world

from bot.model import Verdict

_TICKED = "        plan: {title: Plan verified, evidence: true}\n"
_SAVED = "        saved: {title: Database backed up, check: nightly}\n"
_NIGHTLY = "    nightly: {uses: backup, with: {manifest: backup.json}, valid_for: 10 h}\n  scripts:\n"


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    app = APP.replace(_TICKED, _TICKED + _SAVED).replace("  scripts:\n", _NIGHTLY)
    async with world(tmp_path, app=app) as one:
        yield one


async def back_on_the_version_before(w: World) -> None:
    await w.opened()
    await w.measured("tls")
    await w.measured("nightly")
    await w.ticks("U000ANA", "Plan verified")
    await w.submits("U000ANA", link="https://wiki.example/plan")
    await w.ticks("U000CHLOE", "Capacity looked at")
    await w.presses("U000ANA", "Go", message="ask:lead:U000ANA")
    await w.presses("U000CHLOE", "Go", message="ask:dba:U000CHLOE")
    await w.presses("U000MARA", "Start")
    await w.script_ends("freeze")
    await w.announced("notify")
    await w.watch_sees()
    await w.script_ends("deploy", code=3)
    await w.presses("U000CHLOE", "Roll back", message="alarm:0")
    w.clock.advance(timedelta(hours=2))
    await w.script_ends("rollback")
    await w.presses("U000DMITRI", "Go ahead")
    await w.script_ends("restore")
    await w.announced("notify-rollback")
    assert await w.phase() == "rolled_back"


async def test_a_request_says_how_far_the_checklist_is_and_how_the_way_back_is(w: World):
    await back_on_the_version_before(w)

    await w.types("U000MARA", "start shop 1.4.3")
    for check, summary in (("tls", "71 days left"), ("nightly", "last backup 38 min ago, restore tested 6 days ago")):
        await w.measured(check, summary=summary, deployment="shop-2")

    asked = (await w.reads("ask:dba:U000CHLOE", "shop-2")).splitlines()
    assert asked[0] == "shop 1.4.3 → production wants your go as Database Admin"
    assert "checklist 2 of 4, all that is measured passes" in asked[1]
    one = await w.store.get("shop-2")
    measured = one.findings["nightly"].measured_at.strftime("%-d %b %Y %H:%M UTC")
    way_back = f"last backup 38 min ago, restore tested 6 days ago (measured {measured}), last rollback took 2 h"
    assert way_back in asked[2], "it is read later, too, when 38 minutes have long been more"
    at = (one.asks["dba"].at + timedelta(minutes=15)).strftime("%-d %b %Y %H:%M UTC")
    assert f"If nobody answers by {at}, Dmitri Volkov is asked." in asked


async def test_the_first_time_nobody_has_rolled_back_yet_and_what_fails_is_counted(w: World):
    await w.opened()
    await w.measured("tls", verdict=Verdict.FAIL, summary="5 days left")
    await w.measured("nightly", verdict=Verdict.UNKNOWN, summary="no manifest")

    asked = await w.reads("ask:lead:U000ANA")

    assert "checklist 0 of 4, 1 fails, 1 unknown" in asked
    assert "no manifest (measured 23 Nov 2026 14:00 UTC), nobody has rolled back here yet" in asked


async def test_whoever_has_answered_is_not_shown_each_tick_of_others(w: World):
    await w.opened()
    await w.measured("tls")
    await w.measured("nightly")
    await w.presses("U000ANA", "Go", message="ask:lead:U000ANA")
    before = await w.reads("ask:lead:U000ANA")

    await w.ticks("U000CHLOE", "Capacity looked at")

    assert await w.reads("ask:lead:U000ANA") == before
    assert "checklist 3 of 4" in await w.reads("ask:dba:U000CHLOE")
