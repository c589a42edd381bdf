"""How is everything built, started, drained and stopped? The one place that knows all parts."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError

import checks
import handlers
from bot import beside, check
from bot.chat import SlackChat, make_client
from bot.chat.answers import Trouble, understand
from bot.config import Settings, load
from bot.decide.runs import World
from bot.engine import Engine, Reconciler, Remembering
from bot.engine.engine import project
from bot.errors import ConfigError, Unreachable
from bot.model import Deployment, Projection, Wanted
from bot.plugins import load_plugins
from bot.schedule import Alarms, FollowedClock, SystemClock
from bot.scripts import Scripts
from bot.store import Store, hash_of
from bot.views import charting, home, messages
from bot.watch import Watches
from handlers.bolt import Bolt

log = logging.getLogger(__name__)

#: How long a stopping bot lets messages and decisions finish.
_DRAIN_S = 8.0
#: How long a starting bot waits for its socket before it goes on without.
_CONNECT_S = 10.0
#: How long scripts that end with the bot may take; they are killed after ten seconds.
_END_S = 15.0

_DAY_S = 86_400.0

#: How often this machine's clock is compared with the database's.
_COMPARE_EVERY_S = 60.0

#: Checks register themselves when they are imported.
CHECKS = checks


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the environment says: where things are, and which tokens."""

    home: Path
    config: Path
    database: str
    host: str
    clock_url: str
    slack_url: str
    bot_token: str
    app_token: str
    signing_secret: str
    #: HOST:PORT to listen on for pings; empty: nothing listens.
    ping: str
    #: HOST:PORT to listen on for whoever watches the bot; empty: nothing listens.
    metrics: str
    #: Scripts and watches end with the bot (for a demonstration; in production they survive it).
    ends_all: bool
    #: How long a message whose fate is unknown rests before it is looked up in Slack; longer than any call can last.
    grace_s: float
    environ: Mapping[str, str]

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> "Surroundings":
        folder = Path(environ.get("TMINUS_HOME", "var/bot")).absolute()
        return cls(
            home=folder,
            config=Path(environ.get("TMINUS_CONFIG", "app.yaml")).absolute(),
            database=environ.get("TMINUS_DATABASE", f"sqlite+aiosqlite:///{folder / 't-minus.db'}"),
            host=environ.get("TMINUS_HOST", socket.gethostname()),
            clock_url=environ.get("TMINUS_CLOCK_URL", ""),
            slack_url=environ.get("SLACK_API_URL", "https://slack.com/api/"),
            bot_token=environ.get("SLACK_BOT_TOKEN", ""),
            app_token=environ.get("SLACK_APP_TOKEN", ""),
            signing_secret=environ.get("SLACK_SIGNING_SECRET", ""),
            ends_all=environ.get("TMINUS_ENDS_ALL", "") == "1",
            grace_s=_seconds(environ, "TMINUS_GRACE_S", 30.0),
            ping=environ.get("TMINUS_PING", ""),
            metrics=environ.get("TMINUS_METRICS", ""),
            environ=environ,
        )

    @classmethod
    def beside_the_bot(cls, environ: Mapping[str, str] = os.environ) -> "Surroundings":
        """For the terminal: what nobody set here is as the bot of this home has it, its clock and its name among it."""
        return cls.of({**beside.told(cls.of(environ).home), **environ})

    def tell(self) -> None:
        """Leave word for the terminal of what has no secret in it."""
        known = {"TMINUS_CLOCK_URL": self.clock_url, "TMINUS_CONFIG": str(self.config), "TMINUS_HOST": self.host}
        if self.database.startswith("sqlite"):
            known["TMINUS_DATABASE"] = self.database
        beside.tell(self.home, known)

    def check_tokens(self, *, http: bool) -> None:
        """Refuse to start with a token that is missing or is another one."""
        for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET" if http else "SLACK_APP_TOKEN"):
            self.check_token(name)

    def check_token(self, name: str) -> None:
        token, prefix, where = {
            "SLACK_BOT_TOKEN": (self.bot_token, "xoxb-", "OAuth & Permissions, Bot User OAuth Token"),
            "SLACK_APP_TOKEN": (self.app_token, "xapp-", "Basic Information, App-Level Tokens (connections:write)"),
            "SLACK_SIGNING_SECRET": (self.signing_secret, "", "Basic Information, App Credentials"),
        }[name]
        if not token:
            raise ConfigError(f"{name} is not set. You find it in your Slack app's settings under {where}.")
        if not token.startswith(prefix):
            raise ConfigError(f"{name} does not begin with {prefix}. You find the right one under {where}.")


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    said = environ.get(name, "")
    try:
        seconds = float(said or default)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < _DAY_S:
        raise ConfigError(f"{name} is {said!r}. Set it to a number of seconds, or leave it out for {default:g}.")
    return seconds


def load_settings(around: Surroundings) -> Settings:
    load_plugins(around.config)
    return load(around.config, around.environ, validate_check=check.validate)


@asynccontextmanager
async def at_the_machine(around: Surroundings) -> AsyncGenerator[Engine]:
    """The same engine without Slack, for the terminal: it decides and saves; the running bot makes it true.

    A deployment carries the plan that it was started with, so nothing of the configuration has to be read, nor every
    variable set that it names: in an outage somebody signs in from wherever they are.
    """
    if not around.config.exists():
        raise ConfigError(
            f"There is no {around.config.name} in {around.config.parent}. Go to the folder that the bot runs in."
        )
    settings = Settings(folder=around.config.parent, plans={}, left_out={})
    clock = await _clock(around)
    store = await Store.open(around.database, clock, project=_projection(clock))
    try:
        clock.calibrate(await store.ahead())
        yield _engine(around, settings, store, clock, Remembering(store))
    finally:
        await store.close()
        if isinstance(clock, FollowedClock):
            await clock.stop()


async def run(around: Surroundings, *, http: str = "") -> None:
    """Until SIGTERM or SIGINT. `http`: HOST:PORT to listen on for signed requests; empty: Socket Mode."""
    around.check_tokens(http=bool(http))
    settings = load_settings(around)
    async with AsyncExitStack() as stack:
        bot = await _build(stack, around, settings)
        # Before anybody is told that it is ready: from then on a signal ends it in order.
        stopped = _stopped_by_signals()
        if http:
            await stack.enter_async_context(_http(bot.app, http))
        else:
            await stack.enter_async_context(_socket(bot.app, around))
        around.tell()
        log.info("t-minus is ready", extra={"services": list(settings.services)})
        await _until_stopped(stopped, bot.loops)
        log.info("t-minus is stopping")
        await bot.bolt.drain()
        if around.ends_all:
            await bot.reconciler.end_all(_END_S)
        await bot.chat.drain(_DRAIN_S)


@dataclass(frozen=True, kw_only=True)
class _Running:
    app: AsyncApp
    bolt: Bolt
    chat: SlackChat
    reconciler: Reconciler
    loops: "list[asyncio.Task[None]]"


async def _build(stack: AsyncExitStack, around: Surroundings, settings: Settings) -> _Running:
    clock = await _clock(around)
    if isinstance(clock, FollowedClock):
        stack.push_async_callback(clock.stop)
    store = await Store.open(around.database, clock, project=_projection(clock))
    stack.push_async_callback(store.close)
    clock.calibrate(await store.ahead())

    async def render(deployment_id: str, key: str) -> Wanted | None:
        one = await store.get(deployment_id)
        wanted = messages.one(one, key, clock.now())
        if wanted is None or not wanted.file:
            return wanted
        if (drawn := charting.chart(one, key)) is not None:
            return charting.with_picture(wanted, await watches.picture(one.id, key, drawn), drawn)
        return replace(wanted, file=str(scripts.log(wanted.file)))

    async def render_home(user: str) -> dict[str, Any]:
        newest = await store.find(limit=home.NEWEST)
        older = [one for one in reversed(await store.unsettled()) if one.id not in {each.id for each in newest}]
        return home.home(user, [*newest, *older], clock.now())

    def hash_as_projected(wanted: Wanted) -> str:
        # The store's hash is of the record's view of a file: the run, not where this host keeps its log.
        return hash_of(charting.as_projected(wanted))

    client = make_client(around.bot_token, around.slack_url)
    chat = SlackChat(client, store.outbox, render, render_home, grace_s=around.grace_s, hash_of=hash_as_projected)
    engine = _engine(around, settings, store, clock, Remembering(store, chat))
    await _listen_for_pings(stack, around, settings, store)
    if around.metrics:
        # Only this needs a web server in Socket Mode.
        from bot import metrics  # noqa: PLC0415

        telling = metrics.serving(lambda: metrics.text(store, chat.outcomes, clock.now()), around.metrics)
        log.info("listening for metrics", extra={"port": await stack.enter_async_context(telling)})
    scripts = Scripts(around.home / "runs", around.host, engine.run_reported, environ=around.environ, clock=clock)
    watches = Watches(around.home / "watches", around.host, engine.watch_reported, clock=clock)
    alarms = Alarms(clock, lambda deployment: reconciler.wake(deployment))  # noqa: PLW0108 - it is made below
    reconciler = Reconciler(engine, scripts=scripts, watches=watches, alarms=alarms, host=around.host)

    def nudge() -> None:
        reconciler.nudge()
        chat.nudge()

    engine.nudge = nudge
    await _introduce(chat)
    app = AsyncApp(
        authorize=_authorize(around.bot_token, chat),
        signing_secret=around.signing_secret or "not used in Socket Mode",
        client=client,
        process_before_response=True,
    )
    bolt = Bolt(app, chat, engine.directory)
    handlers.register(bolt, engine)
    alarms.start()
    stack.push_async_callback(alarms.stop)
    stack.push_async_callback(scripts.close)
    stack.push_async_callback(watches.close)
    stack.push_async_callback(engine.measuring.close)
    stack.push_async_callback(reconciler.close)
    loops = [
        asyncio.create_task(chat.run(), name="chat"),
        asyncio.create_task(reconciler.run(), name="reconciler"),
        asyncio.create_task(_keep_time(clock, store), name="clock"),
    ]
    for loop in loops:
        stack.push_async_callback(_end, loop)
    return _Running(app=app, bolt=bolt, chat=chat, reconciler=reconciler, loops=loops)


def _engine(
    around: Surroundings, settings: Settings, store: Store, clock: SystemClock, directory: Remembering
) -> Engine:
    return Engine(
        store=store,
        settings=settings,
        clock=clock,
        directory=directory,
        world=World(host=around.host, root=str(around.config.parent)),
        environ=around.environ,
        work=around.home / "work",
    )


async def _listen_for_pings(stack: AsyncExitStack, around: Surroundings, settings: Settings, store: Store) -> None:
    """Where `TMINUS_PING` says so; most bots are told nothing from outside."""
    if not (listen := around.ping):
        return
    # Only this needs a web server in Socket Mode.
    from bot import ping  # noqa: PLC0415

    known = ping.keys(settings.plans.values(), around.environ)
    port = await stack.enter_async_context(ping.serving(store.pings, lambda: known, listen))
    log.info("listening for pings", extra={"port": port, "keys": len(known)})


def _projection(clock: SystemClock):  # noqa: ANN202 - a function of the record
    def projected(deployment: Deployment) -> Projection:
        return project(deployment, clock.now())

    return projected


async def _clock(around: Surroundings) -> SystemClock:
    if not around.clock_url:
        return SystemClock()
    clock = FollowedClock(around.clock_url)
    await clock.start()
    return clock


async def _introduce(chat: SlackChat) -> None:
    """Refuse to start with a token that Slack refuses; while Slack is silent the bot still runs what it has to run."""
    try:
        await chat.who_am_i()
    except Unreachable as problem:
        if not (isinstance(problem.__cause__, Trouble) and problem.__cause__.passes):
            raise
        log.warning("slack is away", extra={"why": str(problem)})


async def _keep_time(clock: SystemClock, store: Store) -> None:
    """Replicas go by the time of their database, however their machines' clocks drift."""
    while True:
        await asyncio.sleep(_COMPARE_EVERY_S)
        try:
            clock.calibrate(await store.ahead())
        except Unreachable as problem:
            log.warning("the clock was not compared: %s", problem)


def _authorize(token: str, chat: SlackChat):  # noqa: ANN202 - what Bolt calls for each request
    """The token was tested at the start and the answer is remembered, so no request waits for another auth.test."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        me = await chat.who_am_i()
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id or me.team, bot_token=token, bot_user_id=me.bot_user_id
        )

    return authorize


@asynccontextmanager
async def _socket(app: AsyncApp, around: Surroundings) -> AsyncGenerator[None]:
    await _check_app_token(around)
    handler = AsyncSocketModeHandler(app, around.app_token, web_client=make_client(around.bot_token, around.slack_url))
    connecting = asyncio.create_task(handler.connect_async(), name="socket")
    try:
        # It goes on trying by itself; until then the terminal and whatever is under way are served without Slack.
        await asyncio.wait({connecting}, timeout=_CONNECT_S)
        if not connecting.done():
            log.warning("slack is away", extra={"why": "no socket yet"})
        yield
    finally:
        await _end(connecting)
        await handler.close_async()


async def _check_app_token(around: Surroundings) -> None:
    """The Socket Mode client would try a wrong token for ever, and say so only in the log."""
    try:
        await make_client(around.app_token, around.slack_url).apps_connections_open(app_token=around.app_token)
    except SlackApiError as problem:
        trouble = understand("apps.connections.open", problem)
        if not trouble.passes:
            raise Unreachable(f"Slack does not let T-Minus in ({trouble}); see python -m bot doctor.") from problem
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        log.warning("slack is away", extra={"why": str(problem) or type(problem).__name__})


@asynccontextmanager
async def _http(app: AsyncApp, listen: str) -> AsyncGenerator[None]:
    # Only HTTP mode needs a web server.
    from bot.web import serving  # noqa: PLC0415

    async with serving(app, listen):
        yield


def _stopped_by_signals() -> asyncio.Event:
    """Set by SIGTERM and SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


async def _until_stopped(stopped: asyncio.Event, loops: "list[asyncio.Task[None]]") -> None:
    """Wait for a signal; a loop that ends by itself is a bug, and ends the program with its error."""
    waiting = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait({waiting, *loops}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done - {waiting}:
        task.result()


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
