"""The whole bot in HTTP mode: what Slack signs and sends to its address opens a modal, and carries a deployment to its first script."""

import socket

import pytest

from tests.real.world import World, company, until_async

pytestmark = [pytest.mark.real]


@pytest.fixture
async def w(tmp_path):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        free = one.getsockname()[1]
    async with company(tmp_path, http=f"127.0.0.1:{free}") as world:
        yield world


async def answered(w: World) -> bool:
    """Something stands in the channel that is no part of a deployment."""
    return any(key.startswith("nameless") for key in await w.keys())


async def test_a_deployment_begins_where_slack_sends_signed_requests(w: World):
    bot = await w.ready()
    await w.types("U0MARA", "start")
    await w.fills_in("U0MARA", "Start a deployment", version="1.4.1")
    await until_async(lambda: w.stands("shop-1/section:before"), "the thread to be there")
    await w.goes_on_until(w.runs, "the deploy script to run")
    w.lets_scripts_end()
    await w.goes_on_until(lambda: w.says("live"), "the deployment to be live")

    await w.all_is_said()
    await w.mentions("U0BEN", "status")
    await until_async(lambda: answered(w), "an answer to who mentions the bot")
    await bot.stop()
    assert w.times_run("deploy") == 1
    assert await w.faults_of_the_bot() == []
