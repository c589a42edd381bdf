"""A post whose answer was lost, and which Slack shows late: what the grace before the look-up is for."""

import pytest

from tests.real.world import World, until_async

pytestmark = [pytest.mark.real]

LATE_S = 5.0


async def cards(w: World, grace_s: float) -> int:
    """How often the card stands when the answer to its first post was lost and Slack shows it only later."""
    where = {"method": "chat.postMessage", "channel": "C0CHECKOUT", "times": 1}
    await w.unkind({"fault": "lost_answer", **where}, {"fault": "late_visibility", **where, "seconds": LATE_S})
    bot = await w.ready(grace_s=grace_s)
    await w.types("U0MARA", "start shop 1.4.1")
    await until_async(lambda: w.stands("shop-1/section:before"), "the thread to be there")
    await bot.stop()
    return (await w.keys())["shop-1/card"]


async def test_with_the_grace_the_card_stands_once(w: World):
    assert await cards(w, grace_s=LATE_S + 1) == 1


async def test_without_the_grace_these_tests_find_a_double(w: World):
    assert await cards(w, grace_s=0) == 2
    async with w.store() as store:
        assert await store.verify("shop-1") is None
    assert "shop-1/card stands 2 times" in await w.doubts()
