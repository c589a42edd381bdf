"""Whatever is killed and stopped at random while people deploy and Slack is unkind: is anything lost or doubled?

The same seed kills the same bots after the same waits; what each was doing at that moment is up to the machine.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence

from tests.real.world import World

#: What Slack does on a bad day, all at once.
UNKIND = (
    {"fault": "lost_answer", "method": "chat.postMessage", "probability": 0.15},
    {"fault": "lost_answer", "method": "chat.update", "probability": 0.1},
    {"fault": "lost_answer", "method": "files.completeUploadExternal", "probability": 0.5},
    {"fault": "late_visibility", "probability": 0.5, "seconds": 0.5},
    {"fault": "duplicate_delivery", "probability": 0.3},
)

#: Of replicas, some that are hit are not killed but stand still: for less than the grace after which others look up what it
#: was sending, or for longer than any of its calls may last. (In production the grace is longer than a call, and there is
#: no time between.)
STAND_STILL = 1 / 3
BRIEF_S, LONG_S = 4.0, 20.0

#: Some are hit wherever they are, often before they are ready; the others at work, however slowly this machine starts them.
ANYWHERE = 1 / 4


async def survives(w: World, hosts: Sequence[str], *, kills: int, seed: int, grace_s: float) -> str:
    """Kill so often, then look from outside. The figures as one line."""
    await w.unkind(*UNKIND, seed=seed)
    hit: Counter[str] = Counter()
    people = asyncio.create_task(_deploy_on(w, random.Random(f"people {seed}"), lambda: hit["kills"] >= kills))  # noqa: S311 - to be repeated
    chance = random.Random(f"kills {seed}")  # noqa: S311 - to be repeated
    bots = {host: await w.bot(host=host, grace_s=grace_s) for host in hosts}
    async with asyncio.TaskGroup() as pauses:
        while hit["kills"] < kills and not people.done():
            # All is drawn each time, needed or not: the same seed goes on in the same way.
            host, anywhere, after_s = chance.choice(hosts), chance.random() < ANYWHERE, chance.uniform(0, 5.0)
            stop, still_s = chance.random() < STAND_STILL, chance.choice([BRIEF_S * chance.random(), LONG_S])
            if not anywhere and not bots[host].still:
                await bots[host].ready()
            await asyncio.sleep(after_s)
            if stop and len(hosts) > 1 and not bots[host].still:
                pauses.create_task(bots[host].stands_still(still_s))
                hit["stops"] += 1
            else:
                await bots[host].kill()
                bots[host] = await w.bot(host=host, grace_s=grace_s)
                hit["kills"] += 1
    for bot in bots.values():
        await bot.ready()
    deployments = await people
    await w.unkind()
    await w.all_is_said()
    for bot in bots.values():
        await bot.stop()

    assert await w.doubts() == []
    # Each replica keeps to Slack's limits by itself; what is too much of all of them together, Slack tells them.
    together = [one for one in await w.faults_of_the_bot() if len(hosts) == 1 or "ratelimited" not in one]
    assert together == []
    async with w.store() as store:
        for one in await store.find():
            for key, follow_up in one.follow_ups.items():
                if follow_up.opened_at is not None:
                    assert await w.stood_at(f"{one.id}/followup:{key}") >= follow_up.due_at
    messages = sum((await w.keys()).values())
    return f"{hit['kills']} kills, {hit['stops']} stops, {deployments} deployments, {messages} messages"


async def _deploy_on(w: World, chance: random.Random, enough: Callable[[], bool]) -> int:
    """One deployment after another; how many."""
    number = 0
    while not enough():
        number += 1
        await _deploy(w, number, chance)
    return number


async def _deploy(w: World, number: int, chance: random.Random) -> None:
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
