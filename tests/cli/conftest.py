"""How does a test type a command at the machine, beside a bot that runs on the same database?"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.commands import cli
from bot.schedule import OffsetClock
from tests.door.world import World, world

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


Type = Callable[..., Awaitable[Said]]


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    """A bot on a database, at the time that it really is: the terminal has no other clock."""
    async with world(tmp_path, clock=OffsetClock()) as one:
        yield one


@pytest.fixture
def types(tmp_path: Path) -> Type:
    """Type `python -m bot …`, as the person olga; keywords are environment variables."""

    async def run(*words: str, stdin: str = "", **environ: str) -> Said:
        given = {
            "TMINUS_CONFIG": str(tmp_path / "app.yaml"),
            "TMINUS_DATABASE": f"sqlite+aiosqlite:///{tmp_path / 't.db'}",
            "TMINUS_HOME": str(tmp_path / "home"),
            "LOGNAME": "olga",
        }
        # In a thread, since each command has a loop of its own.
        result = await asyncio.to_thread(CliRunner().invoke, cli, list(words), input=stdin, env=given | environ)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(code=result.exit_code, out=result.stdout.strip(), err=result.stderr.strip())

    return run


async def program(*words: str, cwd: Path = ROOT, **environ: str) -> Said:
    """The real program, in a process of its own, with nothing in its environment but this."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *words,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(120):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Said(code=process.returncode or 0, out=out.decode().strip(), err=err.decode().strip())
