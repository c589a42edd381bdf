"""How does a chart come to be drawn, once, beside a bot that has other things to do?"""

import asyncio
import json
import secrets
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from pathlib import Path

import bot
from bot.errors import Refused
from bot.text import duration
from bot.views.charting import Chart
from bot.watch.course import course, first
from bot.watch.numbers import Mark

#: Longer than a drawing takes on a machine that has better things to do.
_DRAW_S = 120.0


async def paint(
    path: Path, samples: Path, drawn: Chart, mark: Mark | None, ahead_s: float, python: str, environ: Mapping[str, str]
) -> None:
    """Unless it is there, or nothing was measured here. `ahead_s`: how far people's clock is ahead of the machine's."""
    if await asyncio.to_thread(path.exists):
        return
    drawing = await asyncio.to_thread(_drawing, path, samples, drawn, mark, ahead_s)
    if drawing is not None:
        await _draw(drawing, path, python, environ)


def _drawing(path: Path, samples: Path, drawn: Chart, mark: Mark | None, ahead_s: float) -> str | None:
    """What the program that draws is told."""
    if not samples.exists():
        return None
    content = samples.read_bytes()
    began = first(content)
    # People's clock may have been moved since; when the deploy script began is known by both.
    known = [] if mark is None else [drawn.deploy_at.timestamp() - mark.wall]
    for apart_s in (*known, ahead_s) if drawn.from_at is None else (ahead_s, *known):
        begins = began if drawn.from_at is None else drawn.from_at.timestamp() - apart_s
        ends = drawn.to_at.timestamp() - apart_s
        if begins is not None and begins < ends and course(content, begins, ends).probes:
            told = {"samples": str(samples), "out": str(path), "half": secrets.token_hex(4)}
            return json.dumps(told | {"begins": begins, "ends": ends} | _shown(drawn, apart_s))
    return None


def _shown(drawn: Chart, apart_s: float) -> dict[str, object]:
    """By the wall clock of the prober, as everything in the samples."""
    bands = [
        {
            "title": band.title,
            "began": band.began_at.timestamp() - apart_s,
            "ended": band.ended_at.timestamp() - apart_s,
            "failed": band.failed,
        }
        for band in drawn.bands
    ]
    return {
        "title": drawn.title,
        "numbers": drawn.numbers,
        "zero": drawn.zero_at.timestamp() - apart_s,
        "zero_is": drawn.zero,
        "bands": bands,
        "baseline_p95_s": drawn.baseline_p95_s,
    }


async def _draw(drawing: str, path: Path, python: str, environ: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        python,
        "-m",
        "bot.watch.chart",
        env={
            **{name: environ[name] for name in ("PATH", "HOME") if name in environ},
            "LANG": "C.UTF-8",
            # Where the library remembers which fonts there are.
            "MPLCONFIGDIR": str(path.parents[2] / "drawing"),
            "PYTHONPATH": str(Path(bot.__file__).parents[1]),
        },
        stdin=PIPE,
        stdout=DEVNULL,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(_DRAW_S):
            _, said = await process.communicate(drawing.encode())
    except TimeoutError:
        raise Refused(f"The chart {path} was not drawn within {duration(_DRAW_S)}.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise Refused(f"The chart {path} could not be drawn: {''.join(last) or process.returncode}.")
