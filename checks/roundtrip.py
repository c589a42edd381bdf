"""Has this word arrived, at a port that we open or at the bot's own URL for pings?"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bot.errors import Cannot
from bot.model import Ping
from bot.net import split, words

#: A notification is larger than its alert, and never this large.
_LARGEST = 1_000_000
_EVERY_S = 0.25

Heard = AbstractAsyncContextManager[asyncio.Event]


@asynccontextmanager
async def heard_on_a_port(listen: str, word: str) -> AsyncGenerator[asyncio.Event]:
    """Answer every request politely while inside, and notice the one with the word."""
    arrived = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(10):
                if word.encode() in await _request(reader):
                    arrived.set()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    host, port = split(listen, 0)
    try:
        server = await asyncio.start_server(answer, host, port)
    except (OSError, OverflowError) as error:
        raise Cannot(f"The check cannot listen on {listen}: {words(error)}.") from error
    async with server:
        yield arrived


async def _request(reader: asyncio.StreamReader) -> bytes:
    """The body of one request; Alertmanager says how long it is."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = [line.partition(":") for line in head.split("\r\n")[1:]]
    length = next((int(value) for name, _, value in lines if name.lower() == "content-length"), 0)
    return await reader.readexactly(min(length, _LARGEST))


@asynccontextmanager
async def heard_on_a_ping(
    pings: Callable[[str], Awaitable[Collection[Ping]]] | None, key: str, word: str
) -> AsyncGenerator[asyncio.Event]:
    """Look again and again whether the word was told at the URL with this key."""
    if pings is None:
        raise Cannot("Pings are kept by the running bot, and this is not measured by it.")
    arrived = asyncio.Event()
    digest = hashlib.sha256(key.encode()).hexdigest()

    async def look() -> None:
        # It is told to another program, which has no event of ours.
        while not any(word in one.body for one in await pings(digest)):  # noqa: ASYNC110
            await asyncio.sleep(_EVERY_S)
        arrived.set()

    async with asyncio.TaskGroup() as looking:
        task = looking.create_task(look())
        try:
            yield arrived
        finally:
            task.cancel()
