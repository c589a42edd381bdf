"""Runs of real scripts under real supervisors, in a directory that goes away."""

import asyncio
import os
import signal
import stat
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bot.model import RunReport, RunSpec
from bot.scripts import Scripts, supervisor

#: Nothing here takes this long; a busy machine may.
GENEROUS_S = 180.0


class World:
    """One host with its run directories, and everything that was reported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "runs"
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        self.reports: list[RunReport] = []
        self.trace = folder / "trace"
        self.scripts = self.another()

    def another(self, **options) -> Scripts:
        """A second adapter over the same directories: a bot that came back, or a replica."""
        defaults = {"environ": self.environ, "poll_s": 0.05, "grace_s": 1.0}
        return Scripts(self.home, "here", self._hear, **(defaults | options))

    async def _hear(self, report: RunReport) -> None:
        self.reports.append(report)

    def script(self, body: str, name: str = "script.sh") -> Path:
        """A shell script that first notes that it ran."""
        path = self.folder / name
        path.write_text(f"#!/bin/bash\necho ran >> {self.trace}\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def spec(self, *argv: str | Path, id: str = "run-1", **options) -> RunSpec:  # noqa: A002 - as in RunSpec.
        defaults = {"host": "here", "cwd": str(self.folder), "given": {}, "deadline_s": GENEROUS_S}
        return RunSpec(id=id, argv=tuple(map(str, argv)), **(defaults | options))

    @property
    def times_run(self) -> int:
        return len(self.trace.read_text().splitlines()) if self.trace.exists() else 0

    def log(self, run_id: str = "run-1") -> bytes:
        return self.scripts.log(run_id).read_bytes()

    def last(self, run_id: str = "run-1") -> RunReport | None:
        return next((report for report in reversed(self.reports) if report.id == run_id), None)

    async def reported(self, holds: Callable[[RunReport], bool], run_id: str = "run-1") -> RunReport:
        async with asyncio.timeout(GENEROUS_S):
            while not (report := self.last(run_id)) or not holds(report):
                await asyncio.sleep(0.02)
        return report

    async def over(self, spec: RunSpec, scripts: Scripts | None = None, **how) -> RunReport:
        await (scripts or self.scripts).look([spec], **how)
        return await self.reported(lambda report: report.over, spec.id)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(GENEROUS_S):
        while not holds():
            await asyncio.sleep(0.02)


def processes_with(mark: str) -> list[int]:
    """Living processes whose command line or environment holds this."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                status = supervisor.status_of(int(entry.name))
                if mark.encode() in text and status and status[0] not in "ZX":
                    found.append(int(entry.name))
    return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.scripts.close()
    # What a test leaves behind on purpose (orphans, stopped supervisors) ends with it.
    deadline = time.monotonic() + GENEROUS_S
    while (left := processes_with(str(tmp_path))) and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.02)
