"""What a press comes to, who may press, and what is said to whoever may not."""

from pathlib import Path

from world import APP, World, world

NOT_THEIRS = "Only Database Admin (Chloé Martin, backup Dmitri Volkov) can call “Capacity looked at” not applicable."


async def test_a_line_is_not_applicable_with_a_reason_of_its_role_and_can_be_taken_back(w: World):
    await w.opened()

    await w.presses("U000CHLOE", "Not applicable…", message="section:before")
    assert await w.submits("U000CHLOE", item="capacity", reason=" ") == {"reason": "Say why it is not applicable."}
    assert await w.submits("U000ANA", item="capacity", reason="no load is added") == {"reason": NOT_THEIRS}
    assert "not applicable" not in await w.reads("section:before")
    await w.submits("U000DMITRI", item="capacity", reason="no load is added")

    told = await w.reads("section:before")
    assert "⏭️ not applicable   Capacity looked at\n“no load is added” Dmitri Volkov" in told
    assert "1 of 3, 1 not applicable" in await w.reads("card")
    refused = await w.chooses("U000ANA", "Capacity looked at", "Take back")
    assert refused == ("Only Database Admin (Chloé Martin, backup Dmitri Volkov) can take back “Capacity looked at”.")
    await w.chooses("U000CHLOE", "Capacity looked at", "Take back")
    assert "☐ to do   Capacity looked at" in await w.reads("section:before")


async def test_everything_is_measured_again_from_the_card(w: World):
    await w.opened()
    await w.measured()

    assert await w.presses("U000IVY", "Measure again", message="card") == (
        "Measuring 1 check; the thread shows what it finds."
    )

    assert "⏳ measuring   Certificates valid" in await w.reads("section:before")


async def test_whoever_cannot_sign_passes_it_on_to_the_backup_at_once(w: World):
    await w.opened()
    await w.measured()

    assert await w.presses("U000IVY", "Not me, ask Ben Okafor", message="ask:lead:U000ANA") == (
        "Only Ana Ruiz can pass this on; Ben Okafor is asked when nobody answers."
    )
    assert "ask:lead:U000BEN" not in await w.keys()
    await w.presses("U000ANA", "Not me, ask Ben Okafor", message="ask:lead:U000ANA")

    assert "wants your go as DevOps Lead" in await w.reads("ask:lead:U000BEN")
    await w.presses("U000BEN", "Go", message="ask:lead:U000BEN")
    assert "GO  Ben Okafor, as backup for Ana Ruiz" in await w.reads("card")


async def test_whoever_signed_changes_their_mind_and_changes_it_back(w: World):
    await w.clear()

    await w.presses("U000ANA", "Change my mind: no-go…", message="ask:lead:U000ANA")
    await w.submits("U000ANA", reason="the old key still works")
    assert "NO-GO  “the old key still works” Ana Ruiz" in await w.reads("card")
    assert "Start" not in await w.buttons()
    await w.presses("U000ANA", "Change my mind: go", message="ask:lead:U000ANA")

    assert (await w.buttons())[0] == "Start"


async def test_one_person_does_not_sign_for_two_roles(tmp_path: Path):
    app = APP.replace("contact: U000CHLOE, backup: U000DMITRI", "contact: U000CHLOE, backup: U000ANA", 1)
    async with world(tmp_path, app) as w:
        await w.opened()
        await w.measured()
        await w.presses("U000ANA", "Go", message="ask:lead:U000ANA")

        said = await w.types("U000ANA", "go Database Admin")

        assert said == "You already signed as DevOps Lead; Database Admin needs another person."
        assert "Database Admin has not signed" in await w.types("U000MARA", "why")
        await w.types("U000CHLOE", "go")
        assert "Database Admin has not signed" not in await w.types("U000MARA", "why")


async def test_a_running_script_is_cancelled_by_the_captain_or_the_roster(w: World):
    await w.deploying()
    run = "run:shop-1.deploy.1"

    assert await w.presses("U000IVY", "Cancel…", message=run) == (
        "Only Mara Lind, who started this, or somebody of the roster can cancel “Deploy script”."
    )
    await w.script_runs("deploy")
    await w.presses("U000MARA", "Cancel…", message=run)

    assert "cancelled by Mara Lind, ending" in await w.reads(run)
    assert "Cancel…" not in await w.buttons(run)
    await w.script_ends("deploy", code=143, ended_by="cancel")
    assert "cancelled by Mara Lind" in await w.reads(run)
    assert await w.phase() == "deciding", "what a script had done when it was stopped, people look at"


async def test_the_captain_asks_whether_to_go_back_and_the_roster_is_called(w: World):
    await w.verifying()

    assert await w.presses("U000IVY", "Roll back?") == (
        "Only Mara Lind, who started this, or somebody of the roster can ask for a rollback."
    )
    assert await w.phase() == "verifying"
    await w.presses("U000MARA", "Roll back?")

    assert await w.phase() == "deciding"
    asked = await w.reads("alarm:0")
    assert "Roll back? Mara Lind asks: asked for by hand" in asked
    assert "U000MARA U000ANA" in asked, "both are called"


async def test_a_follow_up_is_snoozed_for_four_hours_and_reminds_only_then(w: World):
    await w.live()
    await w.passes(hours=2)

    assert await w.presses("U000IVY", "Snooze 4 h") == (
        "Only Mara Lind, who started this, or somebody of the roster can snooze a follow-up."
    )
    await w.presses("U000ANA", "Snooze 4 h")

    assert "snoozed until" in await w.reads("followup:immediate")
    await w.passes(hours=4)
    assert "due:immediate:lead:again" not in await w.keys()
    await w.passes(minutes=30)
    assert (await reminded(w)).startswith("Reminder. Immediate")

    await w.ticks("U000ANA", "User flows verified")
    assert (await reminded(w)).endswith(": nothing is left for DevOps Lead")


async def reminded(w: World) -> str:
    return next(one.text for one in await w.messages() if one.key == "due:immediate:lead:again")
