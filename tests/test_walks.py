"""Whatever people and the world do, in whatever order: a deployment never starts with something in the way."""

import asyncio
import random
import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent / "door"))

from world import World, world

from bot import gates
from bot.errors import Refused
from bot.machine import NEXT
from bot.model import Phase, Verdict

PEOPLE = ["U000MARA", "U000ANA", "U000BEN", "U000CHLOE", "U000DMITRI", "U000IVY"]


async def _one_act(w: World, dice: random.Random) -> None:  # noqa: PLR0912 - one case for each thing that can happen
    who = await w.slack.person(dice.choice(PEOPLE))
    one = await w.store.get("shop-1")
    key = dice.choice(["certificates", "plan", "capacity", "answers", "flows", "lessons"])
    step = dice.choice([step.key for step in one.plan.steps])
    match dice.randrange(16):
        case 0 | 1:
            await w.engine.tick("shop-1", key, by=who, note="seen")
        case 2:
            await w.engine.untick("shop-1", key, by=who)
        case 3 | 4:
            await w.engine.sign("shop-1", go=dice.random() < 0.8, by=who, reason="because")
        case 5 | 6:
            await w.engine.start("shop-1", by=who)
        case 7:
            await w.measured(verdict=dice.choice([Verdict.PASS, Verdict.PASS, Verdict.FAIL]))
        case 8 | 9:
            running = [run for run in one.runs if not run.report.over]
            if running:
                await w.script_ends(running[0].step, code=dice.choice([0, 0, 0, 1]))
        case 10:
            await w.announced(step)
        case 11:
            await w.watch_sees(baseline=100, since=400, down=dice.choice([0.0, 5.0]))
        case 12:
            await w.passes(minutes=dice.choice([1, 30, 500]))
        case 13:
            await dice.choice([w.engine.retry, w.engine.confirm])("shop-1", step, by=who)
        case 14:
            await dice.choice([w.engine.hold, w.engine.accept])("shop-1", reason="hm", by=who)
        case _:
            await w.engine.resume("shop-1", by=who)


async def _walk(seed: int, folder: Path) -> None:
    dice = random.Random(seed)  # noqa: S311 - a repeatable walk
    async with world(folder) as w:
        await w.opened()
        for _ in range(60):
            before = await w.store.get("shop-1")
            in_the_way = list(gates.blockers(before, w.clock.now()))
            try:
                await _one_act(w, dice)
            except Refused as refusal:
                said = str(refusal)
                assert said.endswith((".", "?")), said
                assert await w.store.get("shop-1") == before, "a refusal changes nothing"
                continue
            after = await w.store.get("shop-1")
            if before.phase is Phase.PREFLIGHT and after.phase is Phase.PREPARING:
                assert not in_the_way
            if before.phase is not after.phase:
                assert _reachable(before.phase, after.phase), f"{before.phase} → {after.phase}"
            assert len({run.id for run in after.runs}) == len(after.runs), "a run is never wanted twice"
            await w.messages()
        assert await w.store.verify("shop-1") is None


def _reachable(start: Phase, end: Phase) -> bool:
    """Along the table, in any number of moves: one change may have several consequences."""
    seen, todo = {start}, [start]
    while todo:
        for there in NEXT[todo.pop()].values():
            if there not in seen:
                seen.add(there)
                todo.append(there)
    return end in seen


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_random_walks_never_leave_the_table_nor_start_with_a_blocker(seed: int):
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_walk(seed, Path(folder)))
