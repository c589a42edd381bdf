"""A form that is submitted after its deployment has moved on: nothing changes, a sentence says so, and no word is lost."""

import pytest
from world import World

from bot.model import Verdict
from handlers import bolt

OVER = "shop-1 is aborted; its checklist cannot change any more."


async def called_off(w: World) -> int:
    """How many lines its story has then."""
    await w.types("U000MARA", "abort the supplier is down")
    assert await w.phase() == "aborted"
    return len(await w.story())


async def test_a_reason_for_not_applicable_stays_in_its_form(w: World):
    await w.opened()
    await w.presses("U000CHLOE", "Not applicable…", message="section:before")
    before = await called_off(w)

    assert await w.submits("U000CHLOE", item="capacity", reason="no load is added") == {"reason": OVER}
    assert len(await w.story()) == before


async def test_evidence_stays_in_its_form(w: World):
    await w.opened()
    await w.ticks("U000ANA", "Plan verified")
    before = await called_off(w)

    assert await w.submits("U000ANA", link="https://wiki.example/plan", note="read") == {"link": OVER}
    assert len(await w.story()) == before


async def test_a_waiver_stays_in_its_form(w: World):
    await w.opened()
    await w.measured(verdict=Verdict.FAIL, summary="5 days left")
    await w.chooses("U000ANA", "Certificates valid", "Waive…")
    before = await called_off(w)
    tomorrow = int(w.clock.now().timestamp()) + 86_400

    assert await w.submits("U000ANA", reason="renewed tomorrow", until=tomorrow) == {"reason": OVER}
    assert len(await w.story()) == before


async def test_a_no_go_that_comes_after_the_start_says_what_can_be_done(w: World):
    await w.clear()
    await w.presses("U000ANA", "No-go…", message="card")
    await w.presses("U000MARA", "Start")

    assert await w.submits("U000ANA", reason="the old key still works") == {
        "reason": "shop-1 is preparing; sign-offs are given before it starts."
    }
    assert await w.phase() == "preparing"


async def test_a_second_hold_is_told_of_the_first(w: World):
    await w.clear()
    await w.presses("U000ANA", "Hold…")
    await w.types("U000CHLOE", "hold the queue is draining")

    assert await w.submits("U000ANA", reason="a moment") == {
        "reason": "shop-1 is on hold already, by Chloé Martin: the queue is draining."
    }


async def test_an_abort_that_comes_after_the_script_names_the_rollback(w: World):
    await w.clear()
    await w.chooses("U000MARA", "", "Abort…")
    form = w.view()
    await w.presses("U000MARA", "Start")
    await w.script_ends("freeze")
    await w.announced("notify")
    await w.watch_sees()

    assert await w.submits("U000MARA", view=form, reason="it is late") == {
        "reason": "shop-1 is deploying; use /deploy rollback."
    }
    assert await w.phase() == "deploying"


async def test_a_step_that_was_tried_again_meanwhile_is_not_skipped(w: World):
    await w.clear()
    await w.presses("U000MARA", "Start")
    await w.script_ends("freeze", code=1)
    await w.presses("U000ANA", "Skip, because…")
    await w.presses("U000MARA", "Retry")

    assert await w.submits("U000ANA", reason="done by hand") == {
        "reason": "That step has moved on since; the thread shows where it is now."
    }
    assert "Freeze code changes" in await w.reads("steps:preparing")


async def test_what_was_decided_meanwhile_is_not_accepted(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    await w.presses("U000ANA", "Accept, because…", message="alarm:0")
    await w.presses("U000CHLOE", "Roll back", message="alarm:0")

    assert await w.submits("U000ANA", reason="it is up") == {
        "reason": "shop-1 is rolling back; there is nothing to accept."
    }
    assert await w.phase() == "rolling_back"


async def test_a_start_that_somebody_else_was_quicker_with_says_who(w: World):
    await w.types("U000MARA", "start shop")
    await w.types("U000IVY", "start shop 1.5.0")

    mistakes = await w.submits("U000MARA", choose_service="shop", choose_environment="production", version="1.4.2")

    assert "shop-1" in mistakes["version"]
    assert "Ivy Chen" in mistakes["version"]
    assert len(await w.store.find()) == 1


async def test_a_refusal_that_comes_after_the_form_has_closed_gives_the_words_back(
    w: World, monkeypatch: pytest.MonkeyPatch
):
    """Slack waits three seconds and closes the form; what somebody wrote there must not go with it."""
    await w.opened()
    await w.presses("U000CHLOE", "Not applicable…", message="section:before")
    await called_off(w)
    monkeypatch.setattr(bolt, "ACK_WITHIN_S", 0.0)

    assert await w.submits("U000CHLOE", item="capacity", reason="no load <is> added") == {}
    await w.answered()

    assert w.slack.whispers[-1] == ("U000CHLOE", f"{OVER}\nYou wrote: “no load <is> added”")
