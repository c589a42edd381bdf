"""What is forbidden, and the sentence that says who may or what to do; nothing changes."""

import pytest
from world import World

from bot.model import Verdict


async def test_an_unknown_word_gets_the_nearest_one(w: World):
    assert await w.types("U000MARA", "stat") == (
        "I do not know “stat”. Did you mean status? /deploy help lists what I do."
    )


async def test_nothing_under_way_is_said(w: World):
    assert await w.types("U000MARA", "why") == "Nothing is being deployed here. /deploy start opens a deployment."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("start chekout 1.4.2", "There is no service chekout. Known:"),
        ("start shop latest", "“latest” is not a version of shop; write one like 1.4.2."),
        ("start shop 1.4.2 moon", "shop has no environment moon. It has:"),
    ],
)
async def test_a_start_that_names_something_unknown_is_refused(w: World, text: str, sentence: str):
    assert sentence in await w.types("U000MARA", text)
    assert await w.store.find() == []


async def test_a_channel_that_the_bot_is_not_in_is_said_with_what_to_type(w: World):
    w.slack.member_of.clear()

    said = await w.types("U000MARA", "start shop 1.4.2")

    assert said == "I am not in #shop, where shop is deployed. Type /invite @T-Minus there, then start again."


async def test_only_the_role_may_sign(w: World):
    await w.opened()
    await w.measured()

    assert await w.presses("U000IVY", "Go", message="ask:lead:U000ANA") == (
        "Only DevOps Lead (Ana Ruiz, backup Ben Okafor) can sign this."
    )


async def test_the_captain_signs_for_no_role(w: World):
    await w.types("U000ANA", "start shop 1.4.2")
    await w.measured()

    said = await w.types("U000ANA", "go")

    assert said == "You started shop-1; somebody else of the roster has to sign for DevOps Lead."


async def test_a_no_go_needs_a_reason_and_blocks(w: World):
    await w.clear()

    assert await w.types("U000ANA", "no-go") == "A no-go needs a reason; say in a few words what has to change."
    await w.types("U000ANA", "no-go the old key still works")

    assert "Start" not in await w.buttons()
    assert "DevOps Lead says no-go: the old key still works" in await w.reads("card")


async def test_a_press_on_an_old_message_changes_nothing(w: World):
    await w.opened()
    await w.measured()
    card = next(one for one in await w.messages() if one.key == "card")
    await w.clears()
    await w.presses("U000MARA", "Start")
    buttons = [one for block in card.blocks if block["type"] == "actions" for one in block["elements"]]
    go = next(one for one in buttons if one["action_id"] == "go")

    await w.sends_press("U000ANA", card, go)

    assert w.slack.whispers[-1] == ("U000ANA", "shop-1 is preparing; sign-offs are given before it starts.")


async def test_a_measured_fail_can_be_waived_by_its_role_until_a_date(w: World):
    await w.opened()
    await w.measured(verdict=Verdict.FAIL, summary="5 days left")
    tomorrow = int(w.clock.now().timestamp()) + 86_400

    await w.chooses("U000ANA", "Certificates valid", "Waive…")
    assert await w.submits("U000IVY", reason="renewed tomorrow", until=tomorrow) == {
        "reason": "Only DevOps Lead (Ana Ruiz, backup Ben Okafor) can waive “Certificates valid”."
    }
    assert await w.submits("U000ANA", reason="renewed tomorrow", until=tomorrow - 2 * 86_400) == {
        "reason": "The waiver's end is in the past; choose a later date."
    }
    await w.submits("U000ANA", reason="renewed tomorrow", until=tomorrow)

    assert "waived until" in await w.reads("section:before")
    await w.passes(hours=25)
    assert "⚠️ waived" not in await w.reads("section:before")


async def test_evidence_is_asked_for_and_a_closed_dialog_leaves_the_box_unticked(w: World):
    await w.opened()
    before = next(one for one in await w.messages() if one.key == "section:before")

    await w.ticks("U000ANA", "Plan verified")
    await w.closes("U000ANA")

    after = next(one for one in await w.messages() if one.key == "section:before")
    assert [b.get("block_id") for b in before.blocks] != [b.get("block_id") for b in after.blocks]
    await w.ticks("U000ANA", "Plan verified")
    assert await w.submits("U000ANA") == {"link": "“Plan verified” needs evidence: give a link or a note."}
    assert await w.submits("U000ANA", link="javascript:alert(1)") == {
        "link": "The evidence link has to begin with https:// or http://."
    }


async def test_two_presses_are_one_decision(w: World):
    await w.opened()
    await w.ticks("U000CHLOE", "Capacity looked at")
    before = len(await w.story())
    await w.engine.tick("shop-1", "capacity", by=await w.slack.person("U000CHLOE"))

    assert len(await w.story()) == before


async def test_a_hold_stops_the_clock_and_only_a_role_releases_it(w: World):
    await w.clear()
    await w.types("U000CHLOE", "hold the queue is draining")

    assert "On hold by Chloé Martin: the queue is draining" in await w.types("U000MARA", "why")
    assert (
        await w.types("U000IVY", "resume")
        == "Only somebody of the roster can release the hold of Chloé Martin. /deploy contacts shows who that is."
    )
    assert "Only somebody of the roster" in await w.types("U000MARA", "resume"), "the captain neither"
    await w.types("U000BEN", "resume")

    assert (await w.buttons())[0] == "Start"


async def test_a_change_freeze_keeps_everything_from_starting(w: World):
    await w.clear()
    await w.types("U000ANA", "freeze Black Friday")

    assert "a change freeze covers everything, by Ana Ruiz: Black Friday" in await w.reads("card")
    await w.types("U000ANA", "unfreeze")

    assert (await w.buttons())[0] == "Start"


async def test_the_same_mention_delivered_twice_is_one_deployment(w: World):
    await w.mentions("U000MARA", "start shop 1.4.2", event_id="Ev7")
    await w.mentions("U000MARA", "start shop 1.4.2", event_id="Ev7")

    assert [one.id for one in await w.store.find()] == ["shop-1"]
    assert sum("Opened" in words for _, words in w.slack.whispers) == 1


async def test_a_label_cannot_ping_the_company(w: World):
    await w.opened()
    await w.types("U000ANA", "hold <!channel> look at <@U_EVERY>")

    card = next(one for one in await w.messages() if one.key == "card")
    assert "<!channel>" not in str(card.blocks) + card.text


async def test_a_script_that_may_not_be_run_by_hand_is_refused(w: World):
    await w.opened()

    assert await w.types("U000MARA", "run deploy") == "“deploy” cannot be run by hand; what can is: health."
    assert "Running health" in await w.types("U000MARA", "run health")
    assert (await w.store.get("shop-1")).runs[0].spec.argv == ("./health.sh",)


async def test_only_the_roster_begins_and_ends_a_change_freeze(w: World):
    assert await w.types("U000IVY", "freeze Black Friday") == (
        "Only somebody of the roster can begin or end a change freeze. /deploy contacts shows who that is."
    )
    await w.types("U000ANA", "freeze Black Friday")
    assert "Only somebody of the roster" in await w.types("U000IVY", "unfreeze")

    assert "A change freeze covers everything, by Ana Ruiz: Black Friday." in await w.types("U000IVY", "status")


async def test_the_captain_may_hold_and_release_what_they_started(w: World):
    await w.clear()

    await w.types("U000MARA", "hold lunch")
    assert "On hold by Mara Lind: lunch" in await w.types("U000ANA", "why")
    await w.types("U000MARA", "resume")

    assert (await w.buttons())[0] == "Start"


async def test_nobody_replaces_a_colleagues_go_by_saying_the_same(w: World):
    await w.clear()

    assert (
        await w.types("U000BEN", "go") == "DevOps Lead has given its go already, by Ana Ruiz; nothing more is needed."
    )
    assert "GO  Ana Ruiz" in await w.reads("card")


async def test_a_form_does_not_open_for_somebody_who_would_be_refused(w: World):
    await w.opened()

    said = await w.ticks("U000IVY", "Plan verified")

    assert said == "Only DevOps Lead (Ana Ruiz, backup Ben Okafor) can tick “Plan verified”."
    assert w.slack.views == {}


async def test_what_was_waived_is_counted_on_the_card(w: World):
    await w.opened()
    await w.measured(verdict=Verdict.FAIL, summary="5 days left")
    await w.chooses("U000ANA", "Certificates valid", "Waive…")
    await w.submits("U000ANA", reason="renewed tomorrow", until=int(w.clock.now().timestamp()) + 86_400)

    assert "1 of 3, 1 waived" in await w.reads("card")
