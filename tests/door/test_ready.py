"""Nothing is in the way any more: now it waits for the captain, and the captain hears of it."""

import json
from dataclasses import replace
from typing import Any

from world import World

from bot.views import home


async def _home(w: World, user: str) -> str:
    view: dict[str, Any] = home.home(user, await w.store.find(), w.clock.now())
    return json.dumps(view, ensure_ascii=False)


async def test_the_captain_is_told_once_with_the_button_to_start(w: World):
    await w.opened()
    assert "ready" not in await w.keys()

    await w.clear()

    assert "is all clear. It waits for you to start it." in await w.reads("ready")
    assert await w.buttons("ready") == ["Start"]
    assert "is all clear" in await _home(w, "U000MARA")
    assert "is all clear" not in await _home(w, "U000IVY")


async def test_when_something_comes_into_the_way_again_the_message_says_so(w: World):
    await w.clear()

    await w.types("U000ANA", "hold the queue is draining")

    assert "is not clear any more: 1 thing in the way" in await w.reads("ready")
    assert await w.buttons("ready") == []


async def test_once_started_there_is_nothing_to_press(w: World):
    await w.clear()

    await w.presses("U000MARA", "Start", message="ready")

    assert await w.phase() == "preparing"
    assert "is preparing now." in await w.reads("ready")
    assert await w.buttons("ready") == []


async def test_who_signed_as_a_backup_reads_it_where_they_were_asked(w: World):
    await w.opened()
    await w.measured()
    await w.types("U000BEN", "go")

    assert "as backup for Ana Ruiz" in await w.reads("ask:lead:U000ANA")


async def test_home_tells_how_deployments_go(w: World):
    assert "No deployment yet." in await _home(w, "U000MARA")
    await w.live()

    assert "Live now" in await _home(w, "U000MARA")
    assert "Under way" not in await _home(w, "U000MARA")
    shown = await _home(w, "U000MARA")
    assert "*Deployments*  1 that changed production" in shown
    assert "*Went back*  0 of 1 (0 %)" in shown
    await w.passes(days=31)
    assert "No deployment has changed production in the last 30 days." in await _home(w, "U000MARA")


async def test_home_says_of_how_many_it_tells_how_they_go(w: World):
    await w.live()
    one = await w.store.get("shop-1")
    many = [replace(one, id=f"shop-{number}") for number in range(40)]

    blocks = str(home.home("U000MARA", many, w.clock.now())["blocks"])

    assert "The newest 30 deployments" in blocks
    assert "*Deployments*  30 that changed production" in blocks
