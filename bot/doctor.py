"""Is everything in place: tokens, scopes, channels, roster, scripts, database, clock? And what to do about what is not."""

import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot import app
from bot.chat import make_client
from bot.chat.budget import Budget
from bot.chat.calls import Calls
from bot.chat.people import People
from bot.config import Settings
from bot.errors import TMinusError
from bot.manifest import SCOPES
from bot.plan import Plan
from bot.release import program

_MOST_AHEAD_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Result:
    good: bool
    what: str
    #: What to do about it.
    advice: str = ""


async def doctor(around: app.Surroundings, say: Callable[[str], object]) -> bool:
    """Look at everything, say each result as it comes; True when all is well."""
    good = True
    async for result in _look(around):
        good = good and result.good
        say(f"{'ok  ' if result.good else 'FAIL'}  {result.what}")
        if result.advice:
            say(f"      {result.advice}")
    say("All is well." if good else "Some things need attention; each line above says what to do.")
    return good


async def _look(around: app.Surroundings) -> AsyncIterator[Result]:
    try:
        settings = app.load_settings(around)
    except TMinusError as problem:
        yield Result(good=False, what="configuration", advice=str(problem))
        return
    yield Result(good=True, what=f"configuration: {', '.join(settings.services)}")
    for result in _scripts(settings):
        yield result
    async for result in _database(around):
        yield result
    try:
        around.check_tokens(http=False)
    except TMinusError as problem:
        yield Result(good=False, what="tokens", advice=str(problem))
        return
    async for result in _slack(around, settings):
        yield result


def _scripts(settings: Settings) -> list[Result]:
    results: list[Result] = []
    for plan in settings.plans.values():
        for script in plan.scripts.values():
            path = program(script, settings.folder)
            if path is None:
                continue
            interpreted = "/" not in script.argv[0]
            if not path.is_file():
                advice = (
                    f"{path} does not exist; correct the script “{script.key}” in the configuration, or add the file."
                )
                results.append(Result(good=False, what=f"script {plan.service}/{script.key}", advice=advice))
            elif not interpreted and not os.access(path, os.X_OK):
                advice = f"{path} is not executable; chmod +x it."
                results.append(Result(good=False, what=f"script {plan.service}/{script.key}", advice=advice))
    good = not results
    return [Result(good=True, what="scripts: each exists and can be run")] if good else results


async def _database(around: app.Surroundings) -> AsyncIterator[Result]:
    try:
        async with app.at_the_machine(around) as engine:
            under_way = await engine.under_way()
            ahead = abs((engine.clock.now() - datetime.now(UTC)).total_seconds())
    except TMinusError as problem:
        yield Result(good=False, what="database", advice=str(problem))
        return
    yield Result(good=True, what=f"database: {len(under_way)} under way")
    moved = ahead > _MOST_AHEAD_S
    advice = f"The clock is {ahead:.0f} s away from this machine's; TMINUS_CLOCK_URL moves it." if moved else ""
    yield Result(good=not moved or bool(around.clock_url), what="clock", advice=advice)


async def _slack(around: app.Surroundings, settings: Settings) -> AsyncIterator[Result]:
    chat = People(Calls(make_client(around.bot_token, around.slack_url), Budget(), time.monotonic))
    try:
        me = await chat.who_am_i()
    except TMinusError as problem:
        advice = f"{problem} Install the app again and take the new Bot User OAuth Token."
        yield Result(good=False, what="Slack: SLACK_BOT_TOKEN", advice=advice)
        return
    missing = sorted(set(SCOPES) - set(me.scopes))
    advice = (
        f"Missing: {', '.join(missing)}. Update the app with python -m bot manifest, and install it again."
        if missing
        else ""
    )
    yield Result(good=not missing, what="Slack: token and scopes", advice=advice)
    for plan in settings.plans.values():
        for name in dict.fromkeys((plan.channel, *plan.announce_to)):
            yield await _channel(chat, name)
        async for result in _roster(chat, plan):
            yield result


async def _channel(chat: People, name: str) -> Result:
    try:
        inside = await chat.is_member(await chat.channel(name))
    except TMinusError as problem:
        return Result(good=False, what=f"channel #{name}", advice=str(problem))
    advice = "" if inside else f"Type /invite @T-Minus in #{name}."
    return Result(good=inside, what=f"channel #{name}", advice=advice)


async def _roster(chat: People, plan: Plan) -> AsyncIterator[Result]:
    for role in plan.roles:
        for who in (role.contact, role.backup):
            try:
                person = await chat.person(who)
            except TMinusError as problem:
                advice = f"{problem} Correct the role “{role.key}” in the configuration."
                yield Result(good=False, what=f"roster: {role.title}", advice=advice)
                continue
            yield Result(good=True, what=f"roster: {role.title}: {person.name}")
