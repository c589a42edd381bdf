"""What does this program, or this Nagios plugin, say?"""

import asyncio
import os
import re
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot, Unreachable
from bot.judge import duration
from bot.model import Measured, Row, Value
from bot.net import words
from checks.pick import checked, pick, read

State = Literal["ok", "warning", "critical", "unknown"]
STATES: Mapping[int, State] = {0: "ok", 1: "warning", 2: "critical", 3: "unknown"}
#: What is kept of a program's output; the rest is read and thrown away so that the program does not wait.
KEPT = 200_000


class Params(BaseModel, extra="forbid"):
    """Which program, and what it may see."""

    command: list[str] = Field(min_length=1, description="Program and arguments; never through a shell.")
    cwd: str = Field(default=".", description="Where it runs.")
    environment: list[str] = Field(
        default=[],
        description="Names of environment variables that it may see; their values are hidden in what is kept.",
    )
    given: dict[str, str] = Field(default={}, description="Variables given outright, or as `{env: NAME}`.")
    remap: dict[int, State] = Field(
        default={}, description="What an exit code means, where it is not Nagios's meaning: `{1: critical}`."
    )
    values: dict[str, Annotated[str, AfterValidator(checked)]] = Field(
        default={}, description="Values to take from JSON on its output, by path."
    )


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended."""

    code: int
    out: str
    err: str
    seconds: float


@check(
    "exec",
    needs={"programs"},
    values={
        "exit": "the exit code",
        "state": "ok, warning or critical, as exit codes 0, 1 and 2 say; missing for any other",
        "duration": "seconds it took",
    },
    names=lambda _: None,
    pass_=["state == ok"],
    warn=["state == warning"],
)
async def exec_(params: Params, ctx: Context) -> Measured:
    """Run a program once and read its exit code, its first line and its performance data.

    Every label of the performance data is a value, in base units. The program and all that it started are ended
    at the time limit.

    Why: Whatever your team already checks by script goes on counting, with the same exit codes.
    Fix: Run the command by hand on the machine of the bot; the evidence has its output.
    """
    ended = await run(params.command, cwd=params.cwd, environment=_environment(params, ctx), limit=ctx.left())
    state = params.remap.get(ended.code) or STATES.get(ended.code, "unknown")
    text, performance = output(ended.out)
    values: dict[str, Value] = {"exit": ended.code, "duration": ended.seconds, **performance}
    if state != "unknown":
        values["state"] = state
    if params.values:
        document = read(ended.out)
        found = {name: pick(document, path, ctx.clock.now()) for name, path in params.values.items()}
        values |= {name: value for name, value in found.items() if value is not None}
    said = text or next(iter(ended.err.strip().splitlines()), "")
    how = f"was ended by signal {-ended.code}" if ended.code < 0 else f"exited {ended.code}"
    return Measured(
        values=values,
        rows=(Row(subject=" ".join(params.command), values={"exit": ended.code}, note=_tail(ended)),),
        summary=f"{said} ({how}, {duration(ended.seconds)})" if said else f"{how} after {duration(ended.seconds)}",
    )


def _tail(ended: Ended) -> str:
    return "\n".join(f"{ended.out}\n{ended.err}".strip().splitlines()[-10:])


def _environment(params: Params, ctx: Context) -> dict[str, str]:
    base = {name: ctx.environ[name] for name in ("PATH", "HOME") if name in ctx.environ}
    named = {name: ctx.environ[name] for name in params.environment if name in ctx.environ}
    return {**base, "LC_ALL": "C", **named, **params.given}


async def run(
    command: list[str], *, cwd: str | Path = ".", environment: Mapping[str, str], limit: float, keep: int = KEPT
) -> Ended:
    """Run a program in a process group of its own; nothing of it is left when this returns."""
    program = command[0] if "/" in command[0] else shutil.which(command[0], path=environment.get("PATH", os.defpath))
    if program is None:
        raise Cannot(f"There is no program '{command[0]}' on the path.")
    begun = time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *command[1:],
            cwd=cwd,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise Cannot(f"'{command[0]}' could not be started in {cwd}: {words(error)}.") from error
    # A little of the limit is kept back, so that ending the group is still part of the measurement.
    limit = max(0.05, limit - 0.2)
    out, err = bytearray(), bytearray()
    streams = ((process.stdout, out), (process.stderr, err))
    reading = [asyncio.ensure_future(_drained(stream, kept, keep)) for stream, kept in streams]
    try:
        async with asyncio.timeout(limit):
            # Newer Pythons let wait() wait for the pipes too, which a child that was left behind may hold for ever.
            while process.returncode is None:  # noqa: ASYNC110 - asyncio has no event for it
                await asyncio.sleep(0.01)
            await asyncio.wait(reading, timeout=0.5)
    except TimeoutError as error:
        raise Unreachable(f"'{command[0]}' did not end within {duration(limit)} and was killed.") from error
    finally:
        _end(process.pid)
        await asyncio.wait(reading, timeout=0.5)
        # A daemon that left the group may still hold the pipe; what it says later is not this program's output.
        for one in reading:
            one.cancel()
    return Ended(code=process.returncode, out=_text(out), err=_text(err), seconds=time.monotonic() - begun)


def _end(group: int) -> None:
    """What a program leaves behind in its group goes with it."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


async def _drained(stream: asyncio.StreamReader | None, kept: bytearray, limit: int) -> None:
    while stream and (chunk := await stream.read(65536)):
        kept += chunk[: max(0, limit - len(kept))]


def _text(kept: bytearray) -> str:
    return kept.decode("utf-8", "replace")


# ── Nagios's output ──────────────────────────────────────────────────────────────────────────────────────────────────

_PERFORMANCE = re.compile(
    r"(?:'(?P<quoted>(?:[^']|'')+)'|(?P<bare>[^\s='|]+))=(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"(?P<unit>[A-Za-z%]*)(?=;|\s|$)"
)
_SCALE = {
    "": 1.0,
    "c": 1.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "ns": 1e-9,
    "%": 0.01,
    "b": 1.0,
    "kb": 1024.0,
    "mb": 1024.0**2,
    "gb": 1024.0**3,
    "tb": 1024.0**4,
}


def output(text: str) -> tuple[str, dict[str, Value]]:
    """The first line for people, and the performance data: after the first bar of the first line, and after one more."""
    first, _, rest = text.partition("\n")
    said, _, data = first.partition("|")
    _, bar, more = rest.partition("|")
    values: dict[str, Value] = {}
    for match in _PERFORMANCE.finditer(f"{data} {more if bar else ''}"):
        label = (match["quoted"] or match["bare"]).replace("''", "'")
        if (scale := _SCALE.get(match["unit"].lower())) is not None:
            values[label] = float(match["number"]) * scale
    return said.strip(), values
