"""Whose time it is: set directly, or followed from a URL."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.schedule import FollowedClock, OffsetClock, SystemClock

HOUR = timedelta(hours=1)


async def until(holds, *, within=30.0):
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.01)


def seconds_off(clock, offset):
    return abs((clock.now() - datetime.now(UTC) - offset).total_seconds())


class Town:
    """A clock that somebody sets, as the sandbox serves it, and what it was told."""

    def __init__(self):
        self.version = 1
        self.offset_s = 0.0
        self.told = []
        self.garbage = False
        self.turned = asyncio.Condition()

    async def turn(self, offset_s):
        async with self.turned:
            self.version += 1
            self.offset_s = offset_s
            self.turned.notify_all()

    async def read(self, request):
        if self.garbage:
            return web.Response(text="<html>", content_type="text/html")
        if "after" in request.query:
            after = int(request.query["after"])
            async with self.turned:
                try:
                    async with asyncio.timeout(float(request.query["timeout"])):
                        await self.turned.wait_for(lambda: self.version != after)
                except TimeoutError:
                    pass
        return web.json_response({"version": self.version, "offset_s": self.offset_s, "now": "", "due": []})

    async def hear(self, request):
        self.told.append((request.match_info["who"], json.loads(await request.text())))
        return web.json_response({})

    @asynccontextmanager
    async def open(self, port=0):
        app = web.Application()
        app.add_routes([web.get("/clock", self.read), web.put("/clock/due/{who}", self.hear)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()


def test_a_clock_answers_in_utc():
    assert SystemClock().now().utcoffset() == timedelta()
    assert seconds_off(SystemClock(), timedelta()) < 5


def test_a_clock_that_is_set_says_so_to_those_who_asked_and_only_when_it_moved():
    clock, heard = OffsetClock(), []
    clock.on_change(lambda: heard.append(clock.offset))

    clock.advance(HOUR)
    clock.set(HOUR)
    clock.advance(-2 * HOUR)

    assert heard == [HOUR, -HOUR]
    assert seconds_off(clock, -HOUR) < 5


def test_a_calibrated_clock_shows_the_databases_time_and_counts_only_a_leap_as_a_change():
    clock, heard = OffsetClock(HOUR), []
    clock.on_change(lambda: heard.append(True))

    clock.calibrate(timedelta(milliseconds=40))
    assert heard == []
    clock.calibrate(timedelta(seconds=90))

    assert heard == [True]
    assert seconds_off(clock, HOUR + timedelta(seconds=90)) < 5


@pytest.mark.real
async def test_a_followed_clock_knows_the_time_when_it_starts_and_follows_every_turn():
    town = Town()
    town.offset_s = 7200.0
    async with town.open() as port:
        clock, heard = FollowedClock(f"http://127.0.0.1:{port}/clock", poll_s=2), []
        clock.on_change(lambda: heard.append(clock.offset))
        await clock.start()
        assert seconds_off(clock, 2 * HOUR) < 5

        await town.turn(86400.0)
        await until(lambda: clock.offset == timedelta(days=1))
        await town.turn(0.0)
        await until(lambda: clock.offset == timedelta())
        await clock.stop()

    assert heard == [2 * HOUR, timedelta(days=1), timedelta()]


@pytest.mark.real
@pytest.mark.parametrize("how", ["away", "talking nonsense"])
async def test_while_the_server_is_away_or_talks_nonsense_the_last_time_stays_and_it_is_found_again(how):
    town = Town()
    town.offset_s = 3600.0
    async with town.open() as port:
        clock = FollowedClock(f"http://127.0.0.1:{port}/clock", poll_s=0.2, retry_s=0.05)
        await clock.start()
        if how == "talking nonsense":
            town.garbage = True
            await asyncio.sleep(0.5)
            assert clock.offset == HOUR
            town.garbage = False
            await town.turn(7200.0)
            await until(lambda: clock.offset == 2 * HOUR)
    if how == "away":
        await asyncio.sleep(0.3)
        assert clock.offset == HOUR
        town.offset_s = 7200.0
        async with town.open(port):
            await until(lambda: clock.offset == 2 * HOUR)
    await clock.stop()


@pytest.mark.real
async def test_a_clock_whose_server_is_away_from_the_start_starts_all_the_same_and_stops_at_once():
    clock = FollowedClock("http://127.0.0.1:9/clock", first_s=0.2)
    await clock.start()
    assert seconds_off(clock, timedelta()) < 5
    await clock.stop()


@pytest.mark.real
async def test_what_is_waited_for_next_is_told_and_told_again_to_a_server_that_was_away():
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    town = Town()
    async with town.open() as port:
        clock = FollowedClock(f"http://127.0.0.1:{port}/clock", poll_s=0.2, retry_s=0.05)
        await clock.start()
        clock.announce(at, "T+2 h of checkout-1")
        await until(lambda: town.told)
        assert town.told == [("t-minus", {"at": at.isoformat(), "what": "T+2 h of checkout-1"})]
        town.told.clear()
    clock.announce(None)
    async with town.open(port):
        await until(lambda: town.told)
        assert town.told[-1] == ("t-minus", {"at": None, "what": ""})
    await clock.stop()
