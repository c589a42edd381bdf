"""A deployment from its first word to its last follow-up, by what people type, press and read."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from world import World

from bot.model import RunState, Verdict
from bot.views.home import home


async def test_a_command_opens_the_thread_and_says_where(w: World):
    said = await w.types("U000MARA", "start shop 1.4.2")

    assert said == "Opened shop-1; its thread is in C0SHOP."
    assert await w.keys() == ["card", "section:before"]
    assert "shop 1.4.2 → production" in await w.reads("card")


async def test_a_start_without_a_version_asks_for_it(w: World):
    await w.types("U000MARA", "start shop")

    assert w.view()["title"]["text"] == "Start a deployment"
    assert await w.submits(
        "U000MARA", choose_service="shop", choose_environment="production", version="one point four"
    ) == {"version": "“one point four” is not a version of shop; write one like 1.4.2."}
    assert await w.submits("U000MARA", choose_service="shop", choose_environment="production", version="v1.4.2") == {}
    assert (await w.store.get("shop-1")).version == "1.4.2"


@pytest.mark.parametrize(("channel", "service"), [("shop", "shop"), ("depot", "depot"), ("releases", None)])
async def test_a_start_without_a_word_means_the_service_of_the_channel(w: World, channel: str, service: str | None):
    await w.types("U000MARA", "start", channel=channel)

    chosen = {
        block["block_id"]: block["element"]["initial_option"]["value"]
        for block in w.view()["blocks"]
        if "initial_option" in block.get("element", {})
    }
    assert chosen["choose_environment"] == "production"
    assert chosen.get("choose_service") == service


async def test_a_second_deployment_of_the_same_service_is_refused_with_who_holds_it(w: World):
    await w.opened()

    said = await w.types("U000IVY", "start shop 1.5.0")

    assert "shop-1" in said
    assert "Mara Lind" in said
    assert len(await w.store.find()) == 1


async def test_another_service_runs_beside_it(w: World):
    await w.opened()
    await w.types("U000MARA", "start depot 2.0.0", channel="depot")

    assert {one.id for one in await w.engine.under_way()} == {"shop-1", "depot-1"}


async def test_sign_offs_are_asked_for_once_the_first_numbers_are_in(w: World):
    await w.opened()
    assert "ask:lead:U000ANA" not in await w.keys()

    await w.measured()

    assert {"ask:lead:U000ANA", "ask:dba:U000CHLOE"} <= set(await w.keys())
    assert "Go" in await w.buttons("ask:lead:U000ANA")


async def test_everything_in_the_way_is_named_with_who_clears_it(w: World):
    await w.opened()
    await w.measured(verdict=Verdict.FAIL, summary="5 days left, at least 21 are needed")

    why = await w.types("U000MARA", "why")

    assert why.splitlines() == [
        "shop 1.4.2 → production (shop-1): 5 things in the way",
        "1. Certificates valid: 5 days left, at least 21 are needed   → DevOps Lead",
        "2. Plan verified: to be ticked   → DevOps Lead",
        "3. Capacity looked at: to be ticked   → Database Admin",
        "4. DevOps Lead has not signed   → DevOps Lead",
        "5. Database Admin has not signed   → Database Admin",
    ]


async def test_nobody_is_offered_a_go_that_is_given_already(w: World):
    await w.opened()
    await w.measured()
    assert "Go" in await w.buttons()
    await w.clears()

    shown = await w.buttons()
    assert "Go" not in shown
    assert "No-go…" in shown, "whoever signed may change their mind"


async def test_the_message_that_somebody_pressed_in_is_the_one_they_look_at(w: World):
    await w.opened()

    await w.ticks("U000CHLOE", "Capacity looked at")

    assert w.slack.pressed_in == [("C0SHOP", "section:before")]


async def test_the_start_button_appears_with_the_last_go(w: World):
    await w.clear()

    assert (await w.buttons())[0] == "Start"
    assert "All clear." in await w.reads("card")


async def test_the_whole_way_to_live_and_closed(w: World):
    await w.clear()
    await w.presses("U000MARA", "Start")
    assert await w.phase() == "preparing"
    await w.script_ends("freeze")
    await w.announced("notify")
    assert await w.phase() == "preparing", "the baseline is still missing"
    await w.watch_sees()
    assert await w.phase() == "deploying"
    await w.script_ends("deploy")
    assert await w.phase() == "verifying"
    await w.script_ends("health")
    await w.watch_sees(since=400)
    assert "verification" in await w.keys()
    await w.ticks("U000ANA", "Answers well")
    assert await w.phase() == "live"
    assert "is live in production" in await w.reads("announce:C0RELEASES")

    await w.passes(hours=1, minutes=59)
    assert "followup:immediate" not in await w.keys()
    await w.passes(minutes=1)
    assert "followup:immediate" in await w.keys()
    await w.ticks("U000BEN", "User flows verified")
    await w.passes(days=7)
    await w.ticks("U000DMITRI", "Lessons learned")

    assert await w.phase() == "closed"
    assert await w.store.verify("shop-1") is None


async def test_a_script_that_fails_before_production_changed_can_be_retried(w: World):
    await w.clear()
    await w.presses("U000MARA", "Start")
    await w.script_ends("freeze", code=1)

    assert await w.phase() == "preparing"
    assert "exited 1" in await w.reads("steps:preparing")
    await w.presses("U000MARA", "Retry")
    await w.script_ends("freeze")

    assert "2 of 2 steps" in await w.reads("steps:preparing") or "1 of 2 steps" in await w.reads("steps:preparing")
    assert [run.id for run in (await w.store.get("shop-1")).runs] == ["shop-1.freeze.1", "shop-1.freeze.2"]


async def test_a_deploy_that_fails_asks_whether_to_roll_back(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)

    assert await w.phase() == "deciding"
    assert "Roll back?" in await w.reads("alarm:0")
    await w.presses("U000CHLOE", "Roll back", message="alarm:0")
    assert await w.phase() == "rolling_back"
    await w.script_ends("rollback")
    assert "asks:restore" in await w.keys()
    refused = await w.presses("U000ANA", "Go ahead")
    assert (
        refused
        == "Only Database Admin (Chloé Martin, backup Dmitri Volkov) can give the go-ahead for “Restore database”."
    )
    await w.presses("U000DMITRI", "Go ahead")
    await w.script_ends("restore")
    await w.announced("notify-rollback")

    assert await w.phase() == "rolled_back"
    assert "Rolled back" in await w.reads("card")


async def test_a_failed_step_can_be_accepted_with_a_reason_and_the_journey_goes_on(w: World):
    await w.verifying()
    await w.script_ends("health", code=2)
    assert await w.phase() == "deciding"

    await w.presses("U000ANA", "Accept, because…", message="alarm:0")
    assert await w.submits("U000ANA", reason="  ") == {"reason": "Say why this may be accepted."}
    await w.submits("U000ANA", reason="a known flake, INC-12")

    assert await w.phase() == "verifying"
    assert "Ana Ruiz accepted" in await w.reads("alarm:0")


async def test_a_lost_script_is_never_started_again_by_a_machine(w: World):
    await w.deploying()
    run = (await w.store.get("shop-1")).runs[-1]
    await w.engine.run_reported(replace(run.report, state=RunState.LOST))

    assert await w.phase() == "deciding"
    assert "nobody restarts it but you" in await w.reads("alarm:0")
    assert len((await w.store.get("shop-1")).runs) == 2


async def test_an_abort_undoes_what_was_prepared_and_skips_what_was_not(w: World):
    await w.clear()
    await w.presses("U000MARA", "Start")
    await w.script_ends("freeze", code=1)

    said = await w.types("U000MARA", "abort the supplier is down")

    assert "called off" in said
    assert await w.phase() == "aborting"
    await w.script_ends("unfreeze")
    assert await w.phase() == "aborted"
    assert "had not begun" in await w.reads("steps:aborting")


async def test_a_trigger_proposes_a_rollback_after_enough_samples(w: World):
    await w.verifying()
    w.clock.advance(timedelta(seconds=2))
    await w.watch_sees(since=50, down=4.0)
    assert await w.phase() == "verifying", "one sample is not enough"
    w.clock.advance(timedelta(seconds=2))
    await w.watch_sees(since=60, down=5.0)

    assert await w.phase() == "deciding"
    assert "Application not responding" in await w.reads("alarm:0")


async def test_a_newer_version_going_live_closes_the_older(w: World):
    await w.live()
    await w.types("U000MARA", "start shop 1.5.0")
    newer = await w.store.get("shop-2")
    assert newer.phase == "preflight"

    refused = await w.types("U000ANA", "rollback shop-1")

    assert "shop-2" in refused, "while a newer one is under way the older cannot become active again"


async def test_what_was_good_when_it_started_stays_good_in_the_thread(w: World):
    await w.live()

    await w.passes(days=2)

    assert "Checklist 3 of 3 when it started" in await w.reads("card")
    assert "✅ pass   Certificates valid" in await w.reads("section:before")
    assert "measuring" not in await w.reads("section:before") + await w.reads("criteria")


async def test_an_edited_script_voids_what_was_signed_and_everybody_is_asked_anew(w: World):
    script = Path(w.engine.world.root, "deploy.sh")
    script.write_text("#!/bin/sh\necho as it was reviewed\n")
    await w.clear()
    assert (await w.buttons())[0] == "Start"

    script.write_text("#!/bin/sh\necho something else\n")
    said = await w.presses("U000MARA", "Start")

    assert said.startswith("Not yet: DevOps Lead has not signed")
    assert await w.phase() == "preflight"
    assert "the script deploy was edited. Earlier sign-offs no longer hold. U000ANA U000CHLOE" in await w.reads(
        "void:0"
    )
    await w.presses("U000ANA", "Go", message="ask:lead:U000ANA")
    await w.presses("U000CHLOE", "Go", message="ask:dba:U000CHLOE")
    assert (await w.buttons())[0] == "Start"


async def test_a_restore_that_is_not_needed_is_skipped_by_the_database_admin_alone(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    await w.presses("U000BEN", "Roll back", message="alarm:0")
    await w.script_ends("rollback")

    await w.presses("U000ANA", "Skip, because…")
    assert await w.submits("U000ANA", reason="nothing was migrated") == {
        "reason": "Only Database Admin (Chloé Martin, backup Dmitri Volkov) can skip “Restore database”."
    }
    await w.submits("U000CHLOE", reason="nothing was migrated")

    assert "nothing was migrated" in await w.reads("steps:rolling_back")
    await w.announced("notify-rollback")
    assert await w.phase() == "rolled_back"


async def test_who_is_called_for_a_word_gives_it_in_the_message_that_calls_them(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    await w.presses("U000BEN", "Roll back", message="alarm:0")
    await w.script_ends("rollback")

    assert "U000CHLOE U000DMITRI" in await w.reads("asks:restore")
    assert await w.buttons("asks:restore") == ["Go ahead", "Skip, because…"]
    await w.presses("U000DMITRI", "Go ahead", message="asks:restore")

    assert await w.buttons("asks:restore") == []
    assert any(run.script == "restore" for run in (await w.store.get("shop-1")).runs)


async def test_whoever_has_to_verify_is_told_and_finds_it_at_home(w: World):
    await w.verifying()
    await w.script_ends("health")
    await w.watch_sees(since=400)
    ana = home("U000ANA", [await w.store.get("shop-1")], w.clock.now())

    assert "Verification · shop 1.4.2 → production: 1 task for you" in await w.reads("verify:lead")
    assert "1 item to tick" in str(ana)
    assert "Answers well" in str(ana)
    assert "Nothing waits for you" in str(home("U000IVY", [await w.store.get("shop-1")], w.clock.now()))


async def test_a_question_that_nobody_answers_is_asked_again_once(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    assert "alarm:0:again" not in await w.keys()

    await w.passes(minutes=10)
    assert "Still undecided: roll back, or accept?" in await w.reads("alarm:0:again")
    await w.presses("U000BEN", "Roll back", message="alarm:0")
    await w.script_ends("rollback")
    await w.passes(minutes=10)

    assert "Still waiting: Restore database waits for a go-ahead" in await w.reads("asks:restore:again")
    assert await w.buttons("asks:restore:again") == ["Go ahead", "Skip, because…"]
    assert sum("reminded of" in line for line in await w.story()) == 2
    assert "This was a reminder: roll back, or accept?" in await w.reads("alarm:0:again")
    assert "Ben Okafor rolled back." in await w.reads("alarm:0:again")
    await w.presses("U000DMITRI", "Go ahead")
    answered = "Restore database waited for Database Admin; Dmitri Volkov said: go ahead."
    assert await w.reads("asks:restore") == answered
    assert await w.reads("asks:restore:again") == f"This was a reminder: {answered}"
    assert await w.buttons("asks:restore:again") == []


async def test_a_script_that_was_edited_after_it_was_signed_never_runs(w: World):
    script = Path(w.engine.world.root, "deploy.sh")
    script.write_text("#!/bin/sh\necho as it was reviewed\n")
    await w.clear()
    await w.presses("U000MARA", "Start")
    await w.script_ends("freeze")
    await w.announced("notify")
    script.write_text("#!/bin/sh\necho something else\n")
    await w.watch_sees()

    wanted = await w.looks()

    assert wanted == [], "nothing is handed to the supervisor"
    assert await w.phase() == "deciding"
    assert "deploy.sh was edited since it was signed" in await w.reads("alarm:0")


async def test_who_may_not_accept_is_told_before_they_write_a_reason(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)

    await w.presses("U000IVY", "Accept, because…", message="alarm:0")

    view = w.view()
    assert "Only somebody of the roster can accept this. `/deploy contacts` shows who that is." in str(view)
    assert "submit" not in view
