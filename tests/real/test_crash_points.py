"""The bot dies at each named point, one after the other along one journey; whoever comes back loses nothing and doubles nothing."""

import contextlib
import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from bot.scripts.supervisor import STARTED
from tests.real.world import World, left_over, until

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]

#: In the order in which a deployment passes them. What was posted by the one before is what the next one finds.
OPENING = ("store.worked:4", "store.committed:4", "outbox.sending", "outbox.posted", "outbox.found", "outbox.shown")
#: The first script is prepared by one, named by the next, and so on: it is the same run all the way.
STARTING = (
    "directory.made",
    "spec.json.renamed",
    "directory.named",
    "supervisor.wanted",
    "supervisor.spawned",
    "outbox.updated",
)


async def test_a_kill_at_every_named_point_of_one_deployment(w: World):
    for point in OPENING:
        await _dies_at(w, point, start=False)
    bot = await w.ready()
    await w.goes_on_until(lambda: w.offers("Start"), "everything to be ticked and signed", start=False)
    await bot.kill()
    for point in STARTING:
        await _dies_at(w, point)
    w.lets_scripts_end()
    bot = await w.ready()

    await w.goes_on_until(lambda: w.says("live"), "the deployment to be live")
    await w.all_is_said()
    await bot.stop()
    assert await w.doubts() == []
    assert await w.faults_of_the_bot() == []


async def _dies_at(w: World, point: str, *, start: bool = True) -> None:
    """Start the bot with this crash point, and do what is asked until it is hit; the deployment is started only if `start`."""
    bot = await w.bot(crash=point)

    async def dead() -> bool:
        return not bot.alive

    await w.goes_on_until(dead, f"{point} to be hit", opening=True, start=start)
    await bot.dies()


async def test_a_machine_never_runs_a_script_again_whose_end_is_not_known(w: World):
    await w.ready()
    await w.opens()
    await w.goes_on_until(w.runs, "the deploy script to run")
    await w.bots[-1].kill()
    await _supervisor_dies(w.folder / "one" / "runs" / "shop-1.deploy.1")

    await (await w.bot(crash="verdict.held")).dies()
    await w.ready()
    await w.reads_somewhere("lost: it may have run", key="shop-1/run:shop-1.deploy.1")
    assert w.times_run("deploy") == 1

    # A person decides; then the directory itself is gone when the bot comes back.
    await w.presses("U0ANA", "Retry")
    await until(lambda: w.times_run("deploy") == 2, "the second try")
    # The record knows that it began: its output is in the thread.
    await w.reads_somewhere("deploy line 200", key="shop-1/run:shop-1.deploy.2")
    await w.bots[-1].kill()
    directory = w.folder / "one" / "runs" / "shop-1.deploy.2"
    await _supervisor_dies(directory)
    shutil.rmtree(directory)

    await (await w.bot(crash="abandoned.taken")).dies()
    bot = await w.ready()
    await w.reads_somewhere("lost: it may have run", key="shop-1/run:shop-1.deploy.2")
    await w.all_is_said()
    await bot.stop()
    assert w.times_run("deploy") == 2
    assert await w.doubts() == []


async def _supervisor_dies(directory: Path) -> None:
    """And its script with it, as when a machine loses its power."""
    await until((directory / STARTED).exists, "the script to be started")
    script = json.loads((directory / STARTED).read_text())["pid"]
    for pid in left_over(str(directory), but="nothing is spared"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await until(lambda: not left_over(str(directory), but="nothing is spared"), "the supervisor to be gone")
    with contextlib.suppress(ProcessLookupError):
        os.killpg(script, signal.SIGKILL)
