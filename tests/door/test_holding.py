"""A hold stops the clock, also of a rollback that goes by itself; wherever it is shown it can be released."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from world import APP, World, world

from bot.terminal import plain
from bot.views import home


@pytest.fixture
async def auto(tmp_path: Path) -> AsyncIterator[World]:
    """The application does not answer, and that rolls back by itself."""
    app = APP.replace("fail_after: 2, of: 3}", "fail_after: 2, of: 3, auto: true}", 1)
    async with world(tmp_path, app) as one:
        await one.verifying()
        for down in (4.0, 6.0):
            one.clock.advance(timedelta(seconds=2))
            await one.watch_sees(since=50, down=down)
        assert await one.phase() == "deciding"
        yield one


async def held(w: World) -> None:
    await w.presses("U000ANA", "Hold and look…", message="alarm:0")
    assert await w.submits("U000ANA", reason=" ") == {
        "reason": "A hold needs a reason: /deploy hold the queue is draining."
    }
    await w.submits("U000ANA", reason="reading the log")


async def test_whoever_holds_to_look_finds_resume_where_the_hold_is_shown(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)

    await held(w)

    for message in ("card", "alarm:0"):
        assert "by Ana Ruiz: “reading the log”" in await w.reads(message)
        assert "Resume" in await w.buttons(message)
    assert "Hold and look…" not in await w.buttons("alarm:0")
    assert await w.presses("U000MARA", "Resume", message="alarm:0") == (
        "Only somebody of the roster can release the hold of Ana Ruiz. /deploy contacts shows who that is."
    )
    await w.presses("U000BEN", "Resume", message="alarm:0")
    assert "Hold and look…" in await w.buttons("alarm:0")
    assert "Resume" not in await w.buttons()


async def test_a_hold_on_what_is_live_can_be_released_on_the_card(w: World):
    await w.live()
    await w.types("U000ANA", "hold the numbers look odd")

    await w.presses("U000ANA", "Resume")

    assert (await w.store.get("shop-1")).hold is None


async def test_a_rollback_by_itself_says_when_and_how_it_is_stopped_and_goes(auto: World):
    told = await auto.reads("alarm:0")
    assert "Rolling back by itself at " in told
    assert "unless somebody decides. Let people decide stops that." in told

    await auto.passes(minutes=1, seconds=59)
    assert await auto.phase() == "deciding"
    await auto.passes(seconds=2)

    assert await auto.phase() == "rolling_back"
    await auto.script_ends("health", code=143, ended_by="cancel")
    assert await auto.looks() == ["shop-1.rollback.1"]
    assert "nobody decided in time" in await auto.reads("card")
    assert "T-Minus rolled back" in await auto.reads("alarm:0")


async def test_whoever_works_on_the_card_or_from_home_reads_that_it_goes_by_itself_and_stops_it_there(auto: World):
    goes = "unless somebody decides. Let people decide stops that."
    assert goes in await auto.reads("card")
    assert goes in await at_home(auto)
    assert "Let people decide" in await auto.buttons("card")

    await auto.presses_at_home("U000MARA", "Let people decide")
    await auto.passes(hours=1)

    assert await auto.phase() == "deciding"
    stopped = "It no longer rolls back by itself: Mara Lind stopped that "
    assert stopped in await auto.reads("card")
    assert stopped in await at_home(auto)
    assert "Let people decide" not in await auto.buttons("card")


async def test_a_hold_stops_it_and_afterwards_it_waits_as_long_as_was_left(auto: World):
    await auto.passes(minutes=1)
    await held(auto)
    assert "Nothing rolls back by itself until somebody resumes it." in await auto.reads("alarm:0")

    await auto.passes(minutes=30)
    assert await auto.phase() == "deciding"
    await auto.presses("U000BEN", "Resume", message="card")
    assert await auto.phase() == "deciding", "going on is not yet going back"
    await auto.passes(seconds=55)
    assert await auto.phase() == "deciding"
    await auto.passes(seconds=10)

    assert await auto.phase() == "rolling_back"


async def test_whoever_stops_it_leaves_it_to_people_for_as_long_as_they_take(auto: World):
    told = await auto.presses("U000IVY", "Let people decide", message="alarm:0")
    assert told == "Only Mara Lind, who started this, or somebody of the roster can stop that."

    await auto.presses("U000MARA", "Let people decide", message="alarm:0")
    await auto.passes(hours=1)

    assert await auto.phase() == "deciding"
    told = await auto.reads("alarm:0")
    assert "It no longer rolls back by itself: Mara Lind stopped that 23 Nov 2026 " in told
    assert "UTC. It waits for somebody to decide." in told
    assert await auto.buttons("alarm:0") == ["Roll back", "Hold and look…", "Accept, because…"]
    assert "nothing rolls back by itself: people decide" in await auto.story()


async def test_a_second_press_of_let_people_decide_changes_nothing_and_after_a_decision_it_is_refused(auto: World):
    wanted, stop = await auto._find("Let people decide", "alarm:0", "shop-1")
    await auto.presses("U000BEN", "Let people decide", message="alarm:0")
    before = await auto.story()

    await auto.sends_press("U000ANA", wanted, stop)
    assert await auto.story() == before

    await auto.presses("U000CHLOE", "Roll back", message="alarm:0")
    await auto.sends_press("U000ANA", wanted, stop)
    assert auto.slack.whispers[-1] == ("U000ANA", "shop-1 is rolling back; there is nothing to stop any more.")


async def test_whoever_accepts_in_time_stops_it_for_good(auto: World):
    await auto.presses("U000CHLOE", "Accept, because…", message="alarm:0")
    await auto.submits("U000CHLOE", reason="the prober's network")

    await auto.passes(minutes=10)

    assert await auto.phase() == "verifying"


async def at_home(w: World) -> str:
    view = home.home("U000MARA", await w.store.find(), w.clock.now())
    return plain("\n".join(one["text"]["text"] for one in view["blocks"] if one["type"] == "section"))


async def said(w: World, key: str) -> str:
    return next(one.text for one in await w.messages() if one.key == key)


async def test_a_hold_and_its_end_are_told_in_the_thread_once_each(w: World):
    await w.clear()
    await w.types("U000ANA", "hold the queue is draining")
    again = await w.types("U000BEN", "hold me too")

    assert again == "shop-1 is on hold already, by Ana Ruiz: the queue is draining."
    (told,) = [one for one in await w.messages() if one.key.startswith("hold:")]
    assert told.in_thread
    assert told.urgent
    assert await w.buttons("hold:0") == ["Resume"]
    assert told.text.startswith("⏸️ shop 1.4.2 → production is on hold by Ana Ruiz since <!date^")
    assert told.text.endswith(
        ": “the queue is draining”. No step begins and nobody is reminded until somebody of the roster presses *Resume*. "
        "<@U000MARA>"
    )

    await w.passes(minutes=18)
    await w.presses("U000BEN", "Resume", message="hold:0")
    assert await w.types("U000BEN", "resume") == "shop-1 is not on hold."

    assert [key for key in await w.keys() if key.startswith("resumed:")] == ["resumed:0"]
    goes_on = await said(w, "resumed:0")
    assert goes_on.startswith("▶️ shop 1.4.2 → production goes on: Ben Okafor resumed it ")
    assert goes_on.endswith(" on hold by Ana Ruiz. <@U000MARA> <@U000ANA>")
    was = await w.reads("hold:0")
    assert was.startswith("⏸️ It was on hold by Ana Ruiz from ")
    assert was.endswith("“the queue is draining”. Ben Okafor resumed it.")
    assert await w.buttons("hold:0") == []

    await w.types("U000CHLOE", "hold another look")
    assert "hold:1" in await w.keys()
    assert "Ben Okafor resumed it" in await w.reads("hold:0")


async def test_a_hold_of_an_open_question_is_told_to_everybody_who_was_asked_and_the_question_still_stands(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    await w.presses("U000MARA", "Hold and look…", message="alarm:0")
    await w.submits("U000MARA", reason="reading the log")

    told = await said(w, "hold:0")
    until = "Nobody is reminded of the decision until Mara Lind or somebody of the roster presses *Resume*."
    assert told.endswith(f"{until} <@U000ANA>"), "nothing here would have rolled back by itself"
    card = await w.reads("card")
    assert "On hold" in card
    assert "Roll back, or accept? Since" in card
    assert "→ Mara Lind or somebody of the roster" in card, "as the thread says"

    await w.presses("U000MARA", "Resume", message="hold:0")
    assert (await said(w, "resumed:0")).endswith(" on hold by Mara Lind. <@U000ANA>")
    assert (await said(w, "hold:0")).startswith("⏸️ It was on hold by Mara Lind for "), "within a minute"


async def test_a_hold_after_a_reminder_of_the_question_is_told_to_the_whole_roster(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    await w.passes(hours=1)
    assert "alarm:0:again" in await w.keys()

    await w.types("U000BEN", "hold reading the log")

    assert (await said(w, "hold:0")).endswith("<@U000MARA> <@U000ANA> <@U000CHLOE> <@U000DMITRI>")


async def test_a_hold_that_an_abort_ends_says_so_and_calls_nobody(w: World):
    await w.clear()
    await w.types("U000ANA", "hold the queue is draining")

    await w.types("U000MARA", "abort the supplier is down")

    assert (await said(w, "hold:0")).endswith("Mara Lind called it off.")
    assert "resumed:0" not in await w.keys()


async def test_nobody_is_reminded_of_their_go_while_it_is_on_hold_and_afterwards_there_is_as_much_time_as_was_left(
    w: World,
):
    await w.opened()
    await w.measured()
    await w.passes(minutes=4)
    await w.types("U000MARA", "hold the queue is draining")
    await w.passes(hours=2)
    assert "Dmitri Volkov is not asked before it is resumed" in await w.reads("ask:dba:U000CHLOE")
    assert not [key for key in await w.keys() if key.startswith("remind:") or key == "ask:dba:U000DMITRI"]

    await w.types("U000MARA", "resume")
    assert "remind:dba" not in await w.keys()
    await w.passes(minutes=3)
    assert "remind:dba" not in await w.keys()
    await w.passes(minutes=3)
    assert "remind:dba" in await w.keys()
    assert "ask:dba:U000DMITRI" not in await w.keys()
    await w.passes(minutes=5)
    assert "ask:dba:U000DMITRI" in await w.keys()


async def test_nobody_is_reminded_of_a_follow_up_while_it_is_on_hold(w: World):
    await w.live()
    await w.passes(hours=2)
    assert "due:immediate:lead" in await w.keys()
    await w.types("U000ANA", "hold the numbers look odd")
    await w.passes(hours=3)
    assert "due:immediate:lead:again" not in await w.keys()

    await w.types("U000ANA", "resume")
    await w.passes(minutes=20)
    assert "due:immediate:lead:again" not in await w.keys()
    await w.passes(minutes=10)

    assert "due:immediate:lead:again" in await w.keys()
    assert "due:immediate:lead:backup" not in await w.keys()
