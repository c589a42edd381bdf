"""Random kill -9 while people deploy and Slack is unkind: looked at from outside, nothing is lost and nothing doubled."""

import asyncio
import random

import pytest

from tests.real.world import World

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = 12

#: What Slack does on a bad day, all at once.
UNKIND = (
    {"fault": "lost_answer", "method": "chat.postMessage", "probability": 0.15},
    {"fault": "lost_answer", "method": "chat.update", "probability": 0.1},
    {"fault": "lost_answer", "method": "files.completeUploadExternal", "probability": 0.5},
    {"fault": "late_visibility", "probability": 0.5, "seconds": 0.5},
    {"fault": "duplicate_delivery", "probability": 0.3},
)


async def test_random_kills_while_people_deploy_and_slack_is_unkind(w: World):
    chance = random.Random(20261123)  # noqa: S311 - to be repeated
    await w.unkind(*UNKIND, seed=7)
    number, kills = 0, 0
    working: asyncio.Task[None] | None = None
    while kills < KILLS:
        if working is None or working.done():
            if working is not None:
                await working
            number += 1
            working = asyncio.create_task(_deploys(w, number, chance))
        bot = await w.bot()
        # From before it is ready to the middle of its work.
        await asyncio.sleep(chance.uniform(1.5, 5.0))
        await bot.kill()
        kills += 1
    assert working is not None
    bot = await w.ready()
    await working
    await w.unkind()
    await w.all_is_said()
    await bot.stop()

    print(f"\n{kills} kills, {number} deployments, {sum((await w.keys()).values())} messages")
    assert await w.doubts() == []
    assert await w.faults_of_the_bot() == []
    async with w.store() as store:
        for one in await store.find():
            for key, follow_up in one.follow_ups.items():
                if follow_up.opened_at is not None:
                    assert await w.stood_at(f"{one.id}/followup:{key}") >= follow_up.due_at


async def _deploys(w: World, number: int, chance: random.Random) -> None:
    """One deployment from its first word to its last follow-up."""
    name = f"shop-{number}"
    w.lets_scripts_end(end=False)
    await w.opens(number)
    await w.goes_on_until(lambda: w.runs("deploy", name), "the deploy script to run")
    await asyncio.sleep(chance.uniform(0, 3))
    w.lets_scripts_end()
    await w.goes_on_until(lambda: w.says("live", number), "the deployment to be live")
    for key, hours in (("immediate", 2), ("weekly", 7 * 24)):
        await w.advance(hours=hours - 1 if key == "immediate" else hours - 3)
        assert (await w.keys())[f"{name}/followup:{key}"] == 0
        await w.advance(hours=1)
        await w.goes_on_until(lambda key=key: w.stands(f"{name}/followup:{key}"), f"{key} to be due")
        await w.goes_on_until(lambda key=key: w.has_no_box(f"{name}/followup:{key}"), f"{key} to be done")
    await w.goes_on_until(lambda: w.says("closed", number), "the deployment to be closed")
