"""Is everything in place: tokens, scopes, channels, roster, scripts, database, clock? And what to do about what is not."""

import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot import app
from bot.chat import make_client
from bot.chat.budget import Budget
from bot.chat.calls import Calls
from bot.chat.people import People
from bot.config import Settings
from bot.errors import TMinusError
from bot.manifest import SCOPES
from bot.plan import Plan, ScriptPlan
from bot.release import program

#: Slack refuses, and is refused, when the clocks are five minutes apart; long before that times look wrong to people.
_MOST_APART_S = 30.0

_BOT_TOKEN = "OAuth & Permissions, Bot User OAuth Token"  # noqa: S105 - where it is found
_APP_TOKEN = "Basic Information, App-Level Tokens (connections:write)"  # noqa: S105 - where it is found


@dataclass(frozen=True, kw_only=True)
class Result:
    good: bool
    what: str
    #: What to do about it.
    advice: str = ""


async def doctor(around: app.Surroundings, say: Callable[[str], object], *, http: bool = False) -> bool:
    """Look at everything, say each result as it comes; True when all is well."""
    good = True
    async for result in _look(around, http=http):
        good = good and result.good
        say(f"{'ok  ' if result.good else 'FAIL'}  {result.what}")
        for line in result.advice.splitlines():
            say(f"      {line}")
    say("All is well." if good else "Some things need attention; the lines under each FAIL say what to do.")
    return good


async def _look(around: app.Surroundings, *, http: bool) -> AsyncIterator[Result]:
    settings: Settings | None = None
    try:
        settings = app.load_settings(around)
        yield Result(good=True, what=f"configuration: {', '.join(settings.services)}")
    except TMinusError as problem:
        yield Result(good=False, what="configuration", advice=str(problem))
    if settings is not None:
        for result in _scripts(settings, around.environ.get("PATH", os.defpath)):
            yield result
        yield await _database(around)
    token_known = False
    async for result, known in _tokens(around, http=http):
        token_known = token_known or known
        yield result
    if settings is not None and token_known:
        async for result in _workspace(around, settings):
            yield result


# ── On this machine ──────────────────────────────────────────────────────────────────────────────────────────────────


def _scripts(settings: Settings, path: str) -> Iterator[Result]:
    """Each script once, however many environments share it."""
    wrong: dict[str, str] = {}
    seen = 0
    for plan in settings.plans.values():
        for script in plan.scripts.values():
            seen += 1
            if problem := _problem_of(script, settings.folder, path):
                wrong.setdefault(f"{plan.service}, {script.key}", problem)
    for what, problem in wrong.items():
        yield Result(good=False, what=f"script of {what}", advice=problem)
    if seen and not wrong:
        yield Result(good=True, what="scripts: each exists and can be run")


def _problem_of(script: ScriptPlan, folder: Path, path: str) -> str:
    place = folder / script.cwd
    if not place.is_dir():
        return f"Its folder {place} does not exist; correct `cwd` in the configuration, or make it."
    file = program(script, folder)
    if file is not None and not file.is_file():
        return f"{file} does not exist; correct `run` in the configuration, or add the file."
    first = script.argv[0]
    if "/" in first and file is not None:
        if not os.access(file, os.X_OK):
            return f"{file} is not executable; type chmod +x {file}."
        with file.open("rb") as content:
            head = content.readline(256)
        interpreter = head[2:].split()[:1] if head.startswith(b"#!") else []
        if interpreter and not Path(os.fsdecode(interpreter[0])).exists():
            return f"{file} begins with #!{os.fsdecode(interpreter[0])}, which is not on this machine; install it."
    elif "/" not in first and shutil.which(first, path=path) is None:
        return f"There is no program {first} in PATH; install it, or write its whole path in `run`."
    return ""


async def _database(around: app.Surroundings) -> Result:
    try:
        async with app.at_the_machine(around) as engine:
            under_way = await engine.under_way()
    except TMinusError as problem:
        return Result(good=False, what="database", advice=str(problem))
    return Result(good=True, what=f"database: {len(under_way)} under way")


# ── Slack ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _tokens(around: app.Surroundings, *, http: bool) -> AsyncIterator[tuple[Result, bool]]:
    """Each token, asked of Slack itself; with it, whether Slack knows the bot token."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET" if http else "SLACK_APP_TOKEN"):
        try:
            around.check_token(name)
        except TMinusError as problem:
            yield Result(good=False, what=name, advice=str(problem)), False
            continue
        if name == "SLACK_SIGNING_SECRET":
            yield (
                Result(good=True, what=f"{name}: set; only a request from Slack can show that it is the right one"),
                False,
            )
        elif name == "SLACK_APP_TOKEN":
            yield await _app_token(around), False
        else:
            async for one in _bot_token(around):
                yield one


async def _bot_token(around: app.Surroundings) -> AsyncIterator[tuple[Result, bool]]:
    client = make_client(around.bot_token, around.slack_url)
    answer, problem = await _asked(client, "auth.test", around)
    if answer is None:
        advice = (
            f"{problem} Install the app again, and take the new token under {_BOT_TOKEN}."
            if "Slack says" in problem
            else problem
        )
        yield Result(good=False, what="SLACK_BOT_TOKEN", advice=advice), False
        return
    yield Result(good=True, what=f"SLACK_BOT_TOKEN: {answer.get('user')} in {answer.get('team')}"), True
    granted = {one.strip() for one in _header(answer, "x-oauth-scopes").split(",")}
    missing = sorted(set(SCOPES) - granted)
    listed = "\n".join(f"{scope}: {SCOPES[scope]}" for scope in missing)
    advice = f"Update the app with python -m bot manifest, and install it again. These are missing:\n{listed}"
    yield (
        Result(
            good=not missing,
            what=f"scopes: {len(SCOPES) - len(missing)} of {len(SCOPES)}",
            advice=advice if missing else "",
        ),
        True,
    )
    yield _clock(around, _header(answer, "date")), True


def _clock(around: app.Surroundings, date: str) -> Result:
    try:
        apart_s = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    except ValueError:
        return Result(good=True, what="clock: Slack did not say what time it is")
    if apart_s > _MOST_APART_S:
        advice = "Times in the record would be wrong, and signed requests are refused; keep it with NTP."
        return Result(good=False, what=f"clock: {apart_s:.0f} s away from Slack's", advice=advice)
    moved = f"; T-Minus follows {around.clock_url}" if around.clock_url else ""
    return Result(good=True, what=f"clock: as Slack's{moved}")


async def _app_token(around: app.Surroundings) -> Result:
    answer, problem = await _asked(make_client(around.app_token, around.slack_url), "apps.connections.open", around)
    if answer is not None:
        return Result(good=True, what="SLACK_APP_TOKEN: Socket Mode may be used")
    advice = f"{problem} Make a new one under {_APP_TOKEN}." if "Slack says" in problem else problem
    return Result(good=False, what="SLACK_APP_TOKEN", advice=advice)


async def _asked(
    client: AsyncWebClient, method: str, around: app.Surroundings
) -> tuple[AsyncSlackResponse | None, str]:
    """Slack's answer; else a sentence about what came instead."""
    try:
        return await client.api_call(method), ""
    except SlackApiError as problem:
        response = problem.response
        code = response.get("error") if isinstance(response, AsyncSlackResponse) else ""
        return None, f"Slack says {code or 'no'} to {method}."
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        reason = str(problem) or type(problem).__name__
        return None, f"{around.slack_url} does not answer ({reason}); look at the network, a proxy, or SLACK_API_URL."


def _header(answer: AsyncSlackResponse, name: str) -> str:
    return next((value for key, value in answer.headers.items() if key.lower() == name), "")


async def _workspace(around: app.Surroundings, settings: Settings) -> AsyncIterator[Result]:
    people = People(Calls(make_client(around.bot_token, around.slack_url), Budget(), time.monotonic))
    channels = [name for plan in settings.plans.values() for name in (plan.channel, *plan.announce_to)]
    for name in dict.fromkeys(channels):
        yield await _channel(people, name)
    told: set[tuple[str, str]] = set()
    for plan in settings.plans.values():
        for title, who in _roster(plan):
            if (title, who) not in told:
                told.add((title, who))
                yield await _person(people, title, who)


async def _channel(people: People, name: str) -> Result:
    try:
        inside = await people.is_member(await people.channel(name))
    except TMinusError as problem:
        return Result(good=False, what=f"channel #{name}", advice=str(problem))
    advice = "" if inside else f"Type /invite @T-Minus in #{name}."
    return Result(good=inside, what=f"channel #{name}", advice=advice)


def _roster(plan: Plan) -> Iterator[tuple[str, str]]:
    for role in plan.roles:
        yield role.title, role.contact
        yield f"{role.title}, backup", role.backup
    for admin in plan.admins:
        yield "admin", admin


async def _person(people: People, title: str, who: str) -> Result:
    try:
        person = await people.person(who)
    except TMinusError as problem:
        return Result(good=False, what=f"roster: {title}: {who}", advice=str(problem))
    return Result(good=True, what=f"roster: {title}: {person.name}")
