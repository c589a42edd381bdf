"""A real HTTPS service on loopback that can be stopped, be slow or answer badly, and counts what it answered."""

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from bot.model import WatchReport, WatchSpec
from bot.watch import Watches, prober

GENEROUS_S = 180.0
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Service:
    """One member of the service."""

    def __init__(self, authority: trustme.CA) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("shop.test").configure_cert(self._tls)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.answer = GOOD
        self.delay_s = 0.0
        #: When each complete answer was sent, by the prober's clock.
        self.answered: list[float] = []

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        if self._server:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(OSError, EOFError):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(self.delay_s)
            writer.write(self.answer)
            await writer.drain()
            self.answered.append(prober.now())
        self._open.discard(writer)
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


class World:
    """One host with its watches, and everything that was reported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "watches"
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(folder / "ca.pem")
        self.reports: list[WatchReport] = []
        self.services: list[Service] = []
        self.adapters: list[Watches] = []
        self.watches = self.another()

    def another(self, **options) -> Watches:
        self.adapters.append(Watches(self.home, "here", self._hear, **({"poll_s": 0.05} | options)))
        return self.adapters[-1]

    async def _hear(self, report: WatchReport) -> None:
        self.reports.append(report)

    async def service(self) -> Service:
        service = Service(self.authority)
        await service.start()
        self.services.append(service)
        return service

    def spec(self, **options) -> WatchSpec:
        defaults = {
            "id": "watch-1",
            "host": "here",
            "url": "https://shop.test/healthz?full=1",
            "addresses": tuple(service.address for service in self.services),
            "ca_file": str(self.folder / "ca.pem"),
            "rate": 20.0,
            # So that a busy machine loses nothing.
            "timeout_s": 10.0,
        }
        return WatchSpec(**(defaults | options))

    async def reported(self, holds: Callable[[WatchReport], object]) -> WatchReport:
        """The next report of which this holds."""
        seen = len(self.reports)
        async with asyncio.timeout(GENEROUS_S):
            while True:
                for report in self.reports[seen:]:
                    if holds(report):
                        return report
                seen = len(self.reports)
                await asyncio.sleep(0.02)

    async def stopped(self, watches: Watches | None = None) -> WatchReport:
        """Want nothing any more, and wait for the last report."""
        await (watches or self.watches).look([])
        return await self.reported(lambda report: not report.alive)

    def probers(self) -> list[int]:
        return processes_with(str(self.home))


def processes_with(mark: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    for adapter in world.adapters:
        await adapter.close()
    for service in world.services:
        service.stop()
    async with asyncio.timeout(GENEROUS_S):
        while left := world.probers():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            await asyncio.sleep(0.02)
