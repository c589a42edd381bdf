"""Two clocks wake the engine: one on time, one come what may."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.schedule import Alarms, OffsetClock

HOUR = timedelta(hours=1)
SOON = timedelta(milliseconds=200)
NEVER = 3600.0


async def until(holds, *, within=30.0):
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.01)


class Engine:
    """Remembers what it was woken for, and when by the clock that people live by."""

    def __init__(self, clock):
        self.clock = clock
        self.woken = []
        self.trouble = None

    async def wake(self, deployment_id):
        self.woken.append((deployment_id, self.clock.now()))
        if self.trouble:
            raise self.trouble

    def called(self):
        return [deployment_id for deployment_id, _ in self.woken]

    def by_name(self):
        return [one for one in self.called() if one]


@pytest.fixture
def clock():
    return OffsetClock()


@pytest.fixture
def engine(clock):
    return Engine(clock)


@pytest.fixture
async def alarms(clock, engine):
    alarms = Alarms(clock, engine.wake, sweep_s=NEVER)
    alarms.start()
    yield alarms
    await alarms.stop()


async def test_a_deployment_is_woken_for_when_its_moment_has_come_and_not_before(alarms, clock, engine):
    at = clock.now() + SOON
    alarms.arm("checkout-1", at)

    await until(engine.by_name)

    assert engine.by_name() == ["checkout-1"]
    assert engine.woken[-1][1] >= at
    assert alarms.armed() == {}


async def test_what_came_due_while_nobody_was_there_is_looked_for_at_once(alarms, engine):
    await until(engine.called)
    assert engine.called() == [None]


async def test_a_moment_that_is_past_already_wakes_at_once(alarms, clock, engine):
    alarms.arm("checkout-1", clock.now() - HOUR)
    await until(lambda: engine.by_name() == ["checkout-1"])


async def test_a_later_wish_replaces_the_earlier_one_and_a_wish_can_be_taken_back(alarms, clock, engine):
    alarms.arm("checkout-1", clock.now() + SOON)
    alarms.arm("checkout-1", clock.now() + HOUR)
    alarms.arm("checkout-2", clock.now() + SOON)
    alarms.disarm("checkout-2")
    alarms.arm("checkout-3", clock.now() + SOON)
    alarms.arm("checkout-3", None)
    alarms.arm("checkout-4", clock.now() + 2 * SOON)

    await until(lambda: "checkout-4" in engine.called())

    assert engine.by_name() == ["checkout-4"]
    assert alarms.armed().keys() == {"checkout-1"}


async def test_advancing_the_clock_sweeps_and_rings_what_is_due_by_then(alarms, clock, engine):
    alarms.arm("checkout-1", clock.now() + HOUR)
    alarms.arm("checkout-2", clock.now() + 48 * HOUR)
    await until(engine.called)
    engine.woken.clear()

    clock.advance(2 * HOUR)
    await until(lambda: len(engine.called()) >= 2)

    assert sorted(engine.called(), key=str) == [None, "checkout-1"]
    assert alarms.armed().keys() == {"checkout-2"}


async def test_setting_the_clock_back_puts_an_alarm_off(alarms, clock, engine):
    clock.set(HOUR)
    await until(lambda: len(engine.called()) >= 2)
    alarms.arm("checkout-1", clock.now() + SOON)
    clock.set(timedelta())
    alarms.arm("checkout-2", clock.now() + 3 * SOON)

    await until(lambda: "checkout-2" in engine.called())

    assert engine.by_name() == ["checkout-2"]
    assert alarms.armed().keys() == {"checkout-1"}


async def test_the_sweep_goes_on_whatever_is_raised_and_whatever_the_wall_clock_does(clock, engine, caplog):
    alarms = Alarms(clock, engine.wake, sweep_s=0.05)
    engine.trouble = RuntimeError("the database is away")
    alarms.start()
    alarms.arm("checkout-1", clock.now())
    await until(lambda: len(engine.called()) > 4 and engine.by_name())
    await alarms.stop()

    assert "waking failed" in caplog.text
    assert engine.called().count(None) >= 4


async def test_an_alarm_that_rang_in_vain_is_left_to_the_sweep_and_does_not_ring_in_a_circle(alarms, clock, engine):
    at = clock.now() - HOUR
    alarms.arm("checkout-1", at)
    await until(engine.by_name)
    for _ in range(20):
        alarms.arm_all({"checkout-1": at})
        await asyncio.sleep(0.01)

    assert engine.by_name() == ["checkout-1"]


async def test_arming_all_forgets_those_that_no_longer_wait(alarms, clock):
    alarms.arm("checkout-1", clock.now() + HOUR)
    later = clock.now() + 2 * HOUR
    alarms.arm_all({"checkout-2": later})
    assert alarms.armed() == {"checkout-2": later}


async def test_stopping_waits_for_the_call_under_way_and_makes_no_other(clock):
    begun, ended = asyncio.Event(), []

    async def wake(deployment_id):
        begun.set()
        await asyncio.sleep(0.2)
        ended.append(deployment_id)

    alarms = Alarms(clock, wake, sweep_s=0.01)
    alarms.start()
    await begun.wait()
    alarms.arm("checkout-1", datetime.now(UTC) + timedelta(milliseconds=300))
    await alarms.stop()
    assert ended == [None]
    await asyncio.sleep(0.5)
    assert ended == [None]


async def test_an_alarm_a_century_away_is_no_trouble(alarms, clock):
    alarms.arm("checkout-1", clock.now() + timedelta(days=36_500))
    await asyncio.sleep(0.05)
    assert alarms.armed().keys() == {"checkout-1"}
