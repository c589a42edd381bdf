"""Somebody who looks at a deployment that was rolled back or called off sees where that was, and what is not well."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from world import APP, World, world

from bot.model import WatchReport, Window
from bot.terminal import plain
from bot.text import moment
from bot.views.home import home


async def goes_back(w: World) -> None:
    """The deploy script failed, and all that brings back the version before has run."""
    await w.deploying()
    await w.script_ends("deploy", code=3)
    await w.presses("U000CHLOE", "Roll back", message="alarm:0")
    await w.script_ends("rollback")
    await w.presses("U000DMITRI", "Go ahead")
    await w.script_ends("restore")


async def test_a_rollback_after_which_probes_still_fail_says_so_and_calls_whoever_has_to_look(tmp_path: Path):
    app = APP.replace("run: [./rollback.sh]", "run: [./rollback.sh], warning_codes: [1]")
    async with world(tmp_path, app) as w:
        await w.deploying()
        await w.script_ends("deploy", code=3)
        await w.presses("U000CHLOE", "Roll back", message="alarm:0")
        line = (
            "WARNING - 8 of 11 checks pass: gateway /: slow, 3 s; gateway /version: slow, 2 s; and so on | checks_ok=8"
        )
        tail = (line, "OK: member a")
        await w.script_ends("rollback", code=1, tail=tail)
        await w.presses("U000DMITRI", "Skip, because…")
        await w.submits("U000DMITRI", reason="nothing to restore")
        seen = Window(probes=83, lost=80, errors=3, to_at=datetime(2026, 11, 23, 14, 21, tzinfo=UTC))
        report = WatchReport(id="shop-1", alive=True, baseline=Window(), since=seen, recent=seen)
        await w.engine.watch_reported(report)
        assert "unwell" not in await w.keys(), "it is not over"
        await w.announced("notify-rollback")

        said = (
            "at 14:21 UTC the watch saw 100 % failing, 83 of the last 83 probes; "
            "Execute rollback script warned: 8 of 11 checks pass: gateway /: slow, 3 s, and 2 more."
        )
        assert f"⚠️ Not well: {said}\n" in await w.reads("card")
        (told,) = [one for one in await w.messages() if one.key == "unwell"]
        assert told.in_thread
        assert told.text.endswith("Nothing watches it from here on; look yourselves. <@U000MARA> <@U000ANA>")
        assert said in await w.reads("unwell")
        assert "⚠️ Rolled back, not well · shop 1.4.2" in await at_home(w)
        assert "It is not well: all of our test requests failed then." in await w.reads("announce:C0RELEASES:back")


async def test_a_rollback_after_which_all_is_well_says_no_more_than_that(w: World):
    await goes_back(w)
    await w.watch_sees(since=40)
    await w.announced("notify-rollback")

    assert "Rolled back" in await w.reads("card")
    assert "ot well" not in await w.reads("card") + await w.reads("announce:C0RELEASES:back") + await at_home(w)
    assert "unwell" not in await w.keys()


async def test_whoever_read_that_it_goes_out_reads_once_it_is_decided_that_it_goes_back_and_hears_how_that_ended(
    w: World,
):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    w.clock.advance(timedelta(minutes=3))
    await w.presses("U000CHLOE", "Roll back", message="alarm:0")

    told = await w.reads("announce:C0RELEASES")
    one = await w.store.get("shop-1")
    assert f"shop 1.4.2 is being rolled back in production since {at(one.rollback_at)}." in told
    assert f"What happened {at(one.alarms[0].at)}: “Execute deploy script” failed." in told
    assert "announce:C0RELEASES:back" not in await w.keys()

    await w.script_ends("rollback")
    await w.presses("U000DMITRI", "Go ahead")
    w.clock.advance(timedelta(minutes=4))
    await w.script_ends("restore")
    assert "was rolled back in production; how that ended is told below." in await w.reads("announce:C0RELEASES")
    new = await w.reads("announce:C0RELEASES:back")
    await channels_are_told(w)
    one = await w.store.get("shop-1")
    assert one.steps["notify-rollback"].note == "told 1 channel"
    assert f"shop is back on the version before in production since {at(one.steps['notify-rollback'].at)}, " in new
    assert await w.reads("announce:C0RELEASES:back") == new, "it is not edited at once"


async def test_where_nobody_was_to_be_told_that_it_is_back_the_first_announcement_says_it(w: World):
    await goes_back(w)
    await w.engine.announced("shop-1", "notify-rollback", note="the channel is archived", ok=False)
    await w.presses("U000ANA", "Skip, because…")
    await w.submits("U000ANA", reason="it is archived")

    assert "shop is back on the version before in production" in await w.reads("announce:C0RELEASES")
    assert "announce:C0RELEASES:back" not in await w.keys()
    assert "● Prepare ─ ⏪ Deploy ─ ○ Verify" in await way(w)


async def test_the_journey_marks_the_stage_that_it_went_back_from(w: World):
    await w.verifying()
    await w.script_ends("health", code=2)
    assert "● Deploy ─ ◉ Verify ─ ○ Live" in await way(w), "nothing is decided yet"

    await w.presses("U000CHLOE", "Roll back", message="alarm:0")

    assert "● Deploy ─ ⏪ Verify ─ ○ Live" in await way(w)


async def test_the_journey_marks_the_stage_that_was_called_off(w: World):
    await w.clear()
    await w.presses("U000MARA", "Start")

    await w.types("U000MARA", "abort the supplier is down")

    assert "● Preflight ─ ⏹️ Prepare ─ ○ Deploy" in await way(w)


async def test_the_journey_marks_a_checklist_that_was_called_off(w: World):
    await w.opened()

    await w.types("U000MARA", "abort the supplier is down")

    assert "⏹️ Preflight ─ ○ Prepare" in await way(w)


async def test_what_a_script_said_while_it_failed_is_told_with_its_time_once_all_is_back(w: World):
    await w.deploying()
    w.clock.advance(timedelta(minutes=3))
    await w.script_ends("deploy", code=3, errors=("Member a gets no requests.",), error_count=1)
    w.clock.advance(timedelta(minutes=1))
    await w.presses("U000CHLOE", "Roll back", message="alarm:0")
    w.clock.advance(timedelta(minutes=5))
    await w.script_ends("rollback")
    await w.presses("U000DMITRI", "Go ahead")
    await w.script_ends("restore")
    await w.announced("notify-rollback")

    then = "What happened 23 Nov 2026 14:03 UTC:"
    card = await w.reads("card")
    assert f"Chloé Martin decided it. {then} Execute deploy script: exited 3: Member a gets no requests." in card
    assert f"{then} “Execute deploy script” failed." in await w.reads("announce:C0RELEASES:back"), "in plain words"
    assert "to the previous version, 5 min" in card
    assert "after that was decided." in card


async def test_a_step_that_was_under_way_or_waited_does_so_no_more_once_the_deployment_went_back(w: World):
    await w.verifying()
    await w.types("U000BEN", "rollback it is slow")
    assert "⏳ running   Run health checks" in await w.reads("steps:verifying"), "nothing is decided yet"

    await w.presses("U000BEN", "Roll back", message="alarm:0")
    assert "⏹️ ending   Run health checks\nshop-1 is rolling back" in await w.reads("steps:verifying")
    await w.script_ends("health", code=1)
    assert "⏹️ ended   Run health checks\nexited 1 · shop-1 is rolling back" in await w.reads("steps:verifying")


async def test_what_was_not_begun_before_it_was_called_off_says_that_it_never_will(w: World):
    await w.clear()
    await w.presses("U000MARA", "Start")
    await w.types("U000MARA", "abort the supplier is down")

    assert "⏹️ not begun   Notify stakeholders\nshop-1 is aborting" in await w.reads("steps:preparing")


def at(then: datetime | None) -> str:
    assert then is not None
    return plain(moment(then))


async def channels_are_told(w: World) -> None:
    """Slack has every announcement as it is wanted, and the bot looks."""
    outbox = w.store.outbox
    for one in await outbox.owed():
        if one.key.startswith("announce:"):
            await outbox.sending(one)
            await outbox.shown(one, channel=one.to, ts=one.key, shown_hash=one.wanted_hash)
    await w.looks()


async def at_home(w: World) -> str:
    return str(home("U000MARA", await w.store.find(), w.clock.now()))


async def way(w: World) -> str:
    """The card, with spaces as people type them."""
    return (await w.reads("card")).replace("\u00a0", " ")
