"""The bot is killed with -9 in the middle of the deploy script: the script runs once, and its whole story reaches the thread."""

import hashlib

import pytest

from tests.real.world import World, named

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]

LOG = named("shop-1", "log:shop-1.deploy.1", file=True)


@pytest.mark.parametrize("ends", ["while the bot is away", "after the bot is back"])
async def test_a_deployment_survives_its_director(w: World, ends):
    bot = await w.ready()
    await w.opens()
    await w.goes_on_until(w.runs, "the deploy script to run")

    await bot.kill()
    if ends == "while the bot is away":
        w.lets_scripts_end()
        await w.script_is_over("shop-1.deploy.1")
    bot = await w.ready()
    w.lets_scripts_end()

    await w.goes_on_until(lambda: w.says("live"), "the deployment to be live")
    await w.all_is_said()
    await bot.stop()
    stored = (w.folder / "one" / "runs" / "shop-1.deploy.1" / "log").read_bytes()
    assert w.times_run("deploy") == 1
    assert stored.count(b"\n") == 400
    assert hashlib.sha256(await w.file(LOG)).digest() == hashlib.sha256(stored).digest()
    assert "exited 0" in await w.reads("shop-1/run:shop-1.deploy.1")
    assert await w.doubts() == []
    assert await w.faults_of_the_bot() == []
