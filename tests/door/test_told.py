"""What people hear of by a message of its own, since Slack tells nobody that a message was edited; and what stays of it."""

from datetime import timedelta

from world import World

from bot.model import Verdict


async def said(w: World, key: str) -> str:
    return next(one.text for one in await w.messages() if one.key == key)


async def test_a_no_go_is_told_in_the_thread_and_calls_the_captain_once(w: World):
    await w.clear()
    assert not [key for key in await w.keys() if key.startswith("no-go:")]

    await w.types("U000CHLOE", "no-go the restore was never tried")
    await w.types("U000CHLOE", "no-go the restore was never tried")

    (told,) = [one for one in await w.messages() if one.key.startswith("no-go:")]
    assert told.in_thread
    assert told.urgent
    assert told.text == (
        "🔴 NO-GO from Database Admin, by Chloé Martin: “the restore was never tried”. It cannot start until "
        "Database Admin says go (Chloé Martin, backup Dmitri Volkov); `/deploy abort` calls it off. <@U000MARA>"
    )


async def test_when_the_mind_is_changed_the_message_says_so(w: World):
    await w.clear()
    await w.types("U000CHLOE", "no-go the restore was never tried")
    await w.types("U000CHLOE", "no-go it failed")
    first, second = [key for key in await w.keys() if key.startswith("no-go:")]
    assert "said again since, below" in await said(w, first)

    await w.types("U000DMITRI", "go")

    assert (await said(w, second)).startswith(
        "NO-GO from Database Admin, by Chloé Martin: “it failed”. Since then it is 🟢 GO  Dmitri Volkov, as"
    )
    assert "<@" not in await said(w, second)


async def test_what_a_no_go_led_to_is_said_once_it_is_over(w: World):
    await w.clear()
    await w.types("U000CHLOE", "no-go the restore was never tried")
    await w.types("U000MARA", "abort the restore was never tried")

    (key,) = [key for key in await w.keys() if key.startswith("no-go:")]
    assert (await said(w, key)).endswith("shop-1 is aborted.")


async def test_a_no_go_of_what_has_changed_since_says_that_it_does_not_hold_any_more(w: World):
    await w.clear()
    await w.types("U000CHLOE", "no-go the restore was never tried")
    await w.passes(hours=9)

    (key,) = [key for key in await w.keys() if key.startswith("no-go:")]
    assert (await said(w, key)).endswith("It does not hold any more; Database Admin has to say go or no-go anew.")


async def test_a_reminder_says_in_the_past_tense_what_was_answered(w: World):
    await w.opened()
    await w.measured()
    await w.passes(minutes=10)
    assert (await said(w, "remind:lead")).startswith("Still waiting: shop 1.4.2")

    await w.types("U000ANA", "go")
    assert (await said(w, "remind:lead")).startswith(
        "You were reminded: shop 1.4.2 → production wanted your go as DevOps Lead. 🟢 GO  Ana Ruiz,"
    )
    await w.types("U000MARA", "abort the supplier is down")

    assert (await said(w, "remind:lead")).startswith("You were reminded: ")
    assert await said(w, "remind:dba") == (
        "You were reminded: shop 1.4.2 → production wanted your go as Database Admin. "
        "shop-1 is aborted; nothing is asked of you any more."
    )


async def test_who_gave_their_go_reads_days_later_what_they_gave_it_to(w: World):
    await w.opened()
    await w.measured(verdict=Verdict.FAIL, summary="5 days left")
    await w.chooses("U000ANA", "Certificates valid", "Waive…")
    tomorrow = int((w.clock.now() + timedelta(days=1)).timestamp())
    await w.submits("U000ANA", reason="renewed tomorrow", until=tomorrow)
    await w.clears()
    before = await w.reads("ask:lead:U000ANA")
    assert "all else that is measured passes, 1 waived (Certificates valid)" in before

    await w.presses("U000MARA", "Start")
    await w.passes(days=2)

    after = await w.reads("ask:lead:U000ANA")
    assert "1 waived (Certificates valid)" in after
    assert "🟢 GO  Ana Ruiz" in after


async def test_a_go_that_was_given_says_how_it_ended_where_it_was_given(w: World):
    await w.opened()
    await w.measured()
    await w.types("U000ANA", "go")
    assert (await said(w, "ask:lead:U000ANA")).startswith("shop 1.4.2 → production wants your go")

    await w.types("U000MARA", "abort the supplier is down")

    for key in ("ask:lead:U000ANA", "ask:dba:U000CHLOE"):
        assert (await said(w, key)).startswith("shop 1.4.2 → production wanted your go")
    assert (await w.reads("ask:lead:U000ANA")).endswith("shop-1 is aborted.")
    assert "shop-1 is aborted; nothing is asked of you any more." in await w.reads("ask:dba:U000CHLOE")


async def test_a_step_that_was_skipped_says_so_with_the_reason_where_it_was_asked_for(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    await w.presses("U000BEN", "Roll back", message="alarm:0")
    await w.script_ends("rollback")

    await w.presses("U000CHLOE", "Skip, because…")
    await w.submits("U000CHLOE", reason="nothing was migrated")

    answered = "Restore database waited for Database Admin; Chloé Martin skipped it: “nothing was migrated”."
    assert await w.reads("asks:restore") == answered


async def test_notes_of_several_lines_stand_in_one_line_of_the_card_with_every_word(w: World):
    last = "and Chloé is at the phone " + "until late " * 20 + "tonight"
    await w.types("U000MARA", "start shop")
    notes = f"First the queue.\n\n  Then   the rest,\r\n{last}"
    wrong = await w.submits(
        "U000MARA", choose_service="shop", choose_environment="production", version="1.4.2", notes=notes
    )
    assert not wrong

    (line,) = [one for one in (await w.reads("card")).splitlines() if "started this" in one]
    assert f"“First the queue. / Then the rest, / {last}”" in line
