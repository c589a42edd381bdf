"""How do signed HTTP requests from Slack reach the app, for those who do not use Socket Mode?"""

import asyncio
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


def web(app: AsyncApp) -> Starlette:
    """`/slack/events` for Slack, `/healthz` for whoever watches the bot."""
    handler = AsyncSlackRequestHandler(app)

    async def events(request: Request) -> Response:
        # slack_sdk answers 500 to a timestamp that is not a number; it is an unsigned request like any other.
        if not request.headers.get("x-slack-request-timestamp", "").isdecimal():
            return PlainTextResponse("not signed", status_code=401)
        return await handler.handle(request)

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/slack/events", events, methods=["POST"]), Route("/healthz", healthz)])


@asynccontextmanager
async def serving(app: AsyncApp, listen: str) -> AsyncGenerator[None]:
    """Listen on HOST:PORT while inside."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal():
        raise ConfigError(f"--http {listen}: write HOST:PORT, as in 127.0.0.1:3000.")
    server = uvicorn.Server(
        uvicorn.Config(web(app), host=host or "127.0.0.1", port=int(port), log_level="warning", lifespan="off")
    )
    server.capture_signals = nullcontext  # pyright: ignore[reportAttributeAccessIssue] - the bot stops on its own signals
    task = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await task
