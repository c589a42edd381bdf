"""Two bots on two hosts and one PostgreSQL: one of them is killed in the middle, and everything is said and done once."""

import pytest

from tests.real.world import company

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]


async def test_two_bots_on_one_database_do_everything_once(tmp_path, database):
    async with company(tmp_path, database) as w:
        hosts = {host: await w.ready(host=host) for host in ("one", "two")}
        await w.opens()
        await w.goes_on_until(w.runs, "the deploy script to run")
        [directory] = w.folder.glob("*/runs/shop-1.deploy.1")
        runner = directory.parents[1].name
        await hosts[runner].kill()
        w.lets_scripts_end()
        await w.script_is_over("shop-1.deploy.1", runner)
        assert not await w.says("live")
        hosts[runner] = await w.ready(host=runner)

        await w.goes_on_until(lambda: w.says("live"), "the deployment to be live")
        await w.advance(hours=2)
        await w.goes_on_until(lambda: w.stands("shop-1/followup:immediate"), "the follow-up to be due")
        await w.all_is_said()
        for bot in hosts.values():
            await bot.stop()
        assert await w.doubts() == []
        # Each keeps to Slack's rates for itself; of both together one may be told to wait, and then it waits.
        assert [each for each in await w.faults_of_the_bot() if "ratelimited" not in each] == []
