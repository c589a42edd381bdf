"""Somebody who looks at a deployment that was rolled back or called off sees where that was, and what is not well yet."""

from pathlib import Path

from world import APP, World, world

from bot.model import WatchReport, Window


async def test_a_rollback_after_which_probes_still_fail_says_so_on_the_card_and_to_stakeholders(tmp_path: Path):
    app = APP.replace("run: [./rollback.sh]", "run: [./rollback.sh], warning_codes: [1]")
    async with world(tmp_path, app) as w:
        await w.deploying()
        await w.script_ends("deploy", code=3)
        await w.presses("U000CHLOE", "Roll back", message="alarm:0")
        tail = ("WARNING - 8 of 11 checks pass: gateway /: slow | checks_ok=8", "OK: member a")
        await w.script_ends("rollback", code=1, tail=tail)
        await w.presses("U000DMITRI", "Skip, because…")
        await w.submits("U000DMITRI", reason="nothing to restore")
        seen = Window(probes=83, lost=80, errors=3)
        report = WatchReport(id="shop-1", alive=True, baseline=Window(), since=seen, recent=seen)
        await w.engine.watch_reported(report)
        await w.announced("notify-rollback")

        said = (
            "the watch still sees 100 % failing, 83 of the last 83 probes; "
            "Execute rollback script warned: 8 of 11 checks pass: gateway /: slow."
        )
        assert f"⚠️ Not well yet: {said}" in await w.reads("card")
        assert f"Not well yet: {said}" in await w.reads("announce:C0RELEASES")


async def test_a_rollback_after_which_all_is_well_says_no_more_than_that(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    await w.presses("U000CHLOE", "Roll back", message="alarm:0")
    await w.script_ends("rollback")
    await w.presses("U000DMITRI", "Go ahead")
    await w.script_ends("restore")
    await w.watch_sees(since=40)
    await w.announced("notify-rollback")

    assert "Rolled back" in await w.reads("card")
    assert "Not well yet" not in await w.reads("card") + await w.reads("announce:C0RELEASES")
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


async def way(w: World) -> str:
    """The card, with spaces as people type them."""
    return (await w.reads("card")).replace("\u00a0", " ")
