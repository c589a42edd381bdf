"""How do signed HTTP requests from Slack reach the app, for those who do not use Socket Mode?"""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext

import uvicorn
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.errors import ConfigError

log = logging.getLogger(__name__)

_LAST_PORT = 65535


def web(app: AsyncApp) -> Starlette:
    """`/slack/events` for Slack, `/healthz` for whoever watches the bot."""
    handler = AsyncSlackRequestHandler(app)

    async def events(request: Request) -> Response:
        # slack_sdk raises for a timestamp that is not a number; to us it is an unsigned request like any other.
        stamp = request.headers.get("x-slack-request-timestamp", "")
        if not (stamp.isascii() and stamp.isdecimal()):
            return PlainTextResponse("not signed", status_code=401)
        return await handler.handle(request)

    return Starlette(routes=[Route("/slack/events", events, methods=["POST"]), Route("/healthz", healthz)])


async def healthz(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


@asynccontextmanager
async def serving(app: AsyncApp, listen: str) -> AsyncGenerator[None]:
    """Listen on HOST:PORT while inside."""
    async with listening(web(app), listen, "--http") as port:
        log.info("listening for Slack", extra={"port": port})
        yield


@asynccontextmanager
async def listening(served: Starlette, listen: str, said: str) -> AsyncGenerator[int]:
    """Serve on HOST:PORT while inside; gives the port. `said`: where a person wrote the address."""
    with _bound(listen, said) as sock:
        server = uvicorn.Server(uvicorn.Config(served, log_level="warning", lifespan="off", access_log=False))
        server.capture_signals = nullcontext  # pyright: ignore[reportAttributeAccessIssue] - the bot stops on its own signals
        task = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            yield sock.getsockname()[1]
        finally:
            server.should_exit = True
            await task


def address(listen: str, said: str = "--http") -> tuple[str, int]:
    """What HOST:PORT says; ConfigError with a sentence when it says something else."""
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()) or int(port) > _LAST_PORT:
        raise ConfigError(f"{said} {listen}: write HOST:PORT, as in 127.0.0.1:3000.")
    return host.strip("[]") or "127.0.0.1", int(port)


def _bound(listen: str, said: str) -> socket.socket:
    """Bound before anything is served, so that an address that cannot be had is a sentence."""
    host, port = address(listen, said)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as problem:
        why = problem.strerror or str(problem)
        raise ConfigError(
            f"{said} {listen} cannot be listened on: {why}. Name another address, or end what holds this one."
        ) from problem
