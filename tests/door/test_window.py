"""The deployment window: when it may begin, and what is said before it opens and after it has closed."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from world import World

from bot.errors import Refused
from bot.store import tables
from bot.views.home import home


async def submits(w: World, **hours: float) -> dict[str, str]:
    """The modal, with a window that lies so many hours ahead."""
    await w.types("U000MARA", "start shop")
    window: dict[str, Any] = {
        name: int((w.clock.now() + timedelta(hours=ahead)).timestamp()) for name, ahead in hours.items()
    }
    return await w.submits(
        "U000MARA", choose_service="shop", choose_environment="production", version="1.4.2", **window
    )


async def clear(w: World, opens: float, closes: float) -> None:
    assert await submits(w, window_from=opens, window_to=closes) == {}
    await w.measured()
    await w.clears()


async def shown(w: World, key: str) -> str:
    """What is wanted of Slack of this message, as it was saved last."""
    async with w.store._database.engine.connect() as connection:
        it = tables.message.c
        return str((await connection.execute(select(it.wanted_hash).where(it.key == key))).scalar_one())


@pytest.mark.parametrize(
    ("window", "mistake"),
    [
        ({"window_from": -28, "window_to": -27}, {"window_to": "This window is over; give an end that lies ahead."}),
        (
            {"window_from": 2, "window_to": 1},
            {"window_to": "“Window closes” has to be later than “Window opens”."},
        ),
        ({"window_from": 2}, {"window_to": "A window needs both its beginning and its end, or neither."}),
        ({"window_to": 2}, {"window_from": "A window needs both its beginning and its end, or neither."}),
    ],
)
async def test_what_is_wrong_with_a_window_is_said_at_the_field_that_mends_it(
    w: World, window: dict[str, Any], mistake: dict[str, str]
):
    assert await submits(w, **window) == mistake
    assert await w.store.find() == []


async def test_a_window_is_shown_with_its_day(w: World):
    await submits(w, window_from=24, window_to=25)

    assert "window 24 Nov 2026 14:00 UTC – 15:00 UTC" in await w.reads("card")


async def test_nothing_starts_before_its_window_opens_and_then_it_is_clear_by_itself(w: World):
    await clear(w, opens=24, closes=25)
    said = "The window has not begun, and a sign-off runs out before: it has to be given anew. It opens 24 Nov 2026 14:00 UTC"
    assert f"1. {said}   → by itself" in await w.reads("card")
    assert f"1. {said}" in await w.types("U000MARA", "why")
    assert "Start" not in await w.buttons()
    assert "ready" not in await w.keys()

    await w.types("U000ANA", "hold look")
    await w.types("U000ANA", "resume")
    with pytest.raises(Refused, match=rf"Not yet: {said}\."):
        await w.engine.start("shop-1", by=await w.slack.person("U000MARA"))

    await w.passes(hours=8)
    assert "DevOps Lead signed, and that ran out" in await w.reads("card")
    await w.passes(hours=16)
    await w.measured()
    await w.types("U000ANA", "go")
    await w.types("U000CHLOE", "go")

    assert await w.buttons("ready") == ["Start"]
    await w.presses("U000MARA", "Start")
    assert await w.phase() == "preparing"


async def test_an_hour_before_it_opens_the_alarm_clock_knows_it(w: World):
    await clear(w, opens=1, closes=2)
    assert "The window has not begun. It opens 23 Nov 2026 15:00 UTC   → by itself" in await w.reads("card")

    await w.passes(minutes=59)
    assert "ready" not in await w.keys()
    await w.passes(minutes=1)

    assert await w.buttons("ready") == ["Start"]


async def test_a_window_that_has_closed_is_in_the_way_and_says_what_to_do(w: World):
    await clear(w, opens=-1, closes=1)
    assert await w.buttons("ready") == ["Start"]
    before = await shown(w, "card")

    await w.passes(hours=1)

    said = (
        "Its window is over; abort this (Abort… on the card, or /deploy abort), and start again with another one. "
        "It closed 23 Nov 2026 15:00 UTC"
    )
    assert said in await w.reads("card")
    assert said in await w.types("U000MARA", "why")
    assert await w.buttons("ready") == []
    assert await shown(w, "card") != before, "the card in Slack says so without anybody doing anything"
    assert await w.store.due(w.clock.now()) == []


async def test_a_deployment_that_began_within_its_window_goes_on_after_it(w: World):
    await clear(w, opens=-1, closes=1)
    await w.presses("U000MARA", "Start")

    await w.passes(hours=2)
    await w.script_ends("freeze")

    assert "window" not in (await w.types("U000MARA", "why")).lower()
    assert "goes to production 23 Nov 2026 13:00 UTC – 15:00 UTC" in await w.reads("announce:C0RELEASES")


async def test_once_its_window_is_over_that_is_told_and_nobody_is_asked_for_their_go_any_more(w: World):
    assert await submits(w, window_from=-1, window_to=1 / 12) == {}
    await w.measured()
    await w.passes(minutes=5)

    (told,) = [one for one in await w.messages() if one.key == "window-over"]
    assert told.in_thread
    assert told.urgent
    assert told.text.endswith(
        ", before it was started. Nobody is asked for their go any more: press *Abort…*, and start again with another "
        "window. <@U000MARA>"
    )
    await w.passes(days=1)
    assert not [key for key in await w.keys() if key.startswith("remind:") or key == "ask:dba:U000DMITRI"]
    assert await w.buttons("ask:dba:U000CHLOE") == []
    assert "The window of shop-1 is over; nothing is asked of you any more." in await w.reads("ask:dba:U000CHLOE")
    assert "window" not in str(home("U000CHLOE", await w.store.find(), w.clock.now()))

    assert await w.buttons() == ["Abort…"]
    await w.presses_at_home("U000MARA", "Abort…")
    await w.presses("U000MARA", "Abort…", message="card")
    await w.submits("U000MARA", reason="tomorrow then")
    assert (await w.reads("window-over")).endswith("before it was started. shop-1 is aborted.")


async def test_a_window_that_closes_on_what_has_started_is_told_to_nobody(w: World):
    await clear(w, opens=-1, closes=1)
    await w.presses("U000MARA", "Start")

    await w.passes(hours=2)

    assert "window-over" not in await w.keys()
