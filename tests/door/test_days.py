"""What stays in Slack for days says of each moment which day it was; Slack writes today, yesterday or the date."""

import re
from datetime import timedelta
from pathlib import Path

from world import APP, World, world

#: A time without its day.
BARE = re.compile(r"<!date\^\d+\^\{time\}\|[^>]*>")


async def test_no_message_that_stays_tells_a_time_without_its_day(w: World):
    await w.live()
    await w.passes(days=7)

    told = {one.key: BARE.findall(f"{one.text} {one.blocks}") for one in await w.messages()}

    assert {key: times for key, times in told.items() if times} == {}
    assert "Mara Lind started this 23 Nov 2026 14:00 UTC" in await w.reads("card")


async def test_a_follow_up_says_when_its_numbers_were_measured(tmp_path: Path):
    asked = "{flows: {title: User flows verified, owner: lead}}"
    assert asked in APP
    async with world(tmp_path, app=APP.replace(asked, "{flows: {title: User flows verified, check: tls}}")) as w:
        await w.live()
        await w.passes(hours=2)
        await w.measured(summary="71 days left")

        assert "measured 23 Nov 2026 16:00 UTC" in await w.reads("followup:immediate")


async def test_what_waits_for_people_tells_the_day_too_since_nobody_edits_it_at_midnight(w: World):
    await w.clear()
    await w.types("U000ANA", "hold the queue is draining")

    assert not BARE.findall(str(await w.messages()))


async def test_while_what_ran_out_is_measured_again_something_is_still_due(w: World):
    await w.opened()
    await w.measured()
    await w.passes(hours=1)

    await w.passes(hours=10)
    assert "being measured" in await w.reads("card")
    due = await w.store.next_due()
    assert due is not None

    await w.measured()
    again = await w.store.next_due()
    assert again is not None
    assert again[0] > due[0] + timedelta(hours=9)
