"""How long do 200 checks take beside the slowest of them, with how much memory, and how long does one host's TLS take?

`make bench`. What is told are ratios within one run, since machines differ; it is no part of `make test`.
"""

import asyncio
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

import checks
from bot.checks_run import measured
from bot.model import Verdict
from bot.plan import CheckPlan
from bot.schedule import SystemClock
from tests.checks.tls_servers import NAME, authority, tls_server

COUNT, SLOWEST_S, EQUAL_S = 200, 5.0, 2.0
#: That all end in the same moment is the worst there is: what each costs the processor then adds up behind the last.
LIMITS = {"share": 1.2, "together": 1.5, "megabytes": 150, "tls_ms": 100}


async def _answer(request):
    await asyncio.sleep(float(request.path_params["seconds"]))
    return JSONResponse({"status": "ok"})


def serve(door: str) -> None:
    """In a process of its own: what the endpoints cost is not what the checks cost."""
    app = Starlette(routes=[Route("/{seconds}", _answer)])
    uvicorn.run(app, fd=int(door), log_level="error", lifespan="off", ws="none", backlog=512)


@contextmanager
def endpoints():
    with socket.create_server(("127.0.0.1", 0), backlog=512) as door:
        words = [sys.executable, "-m", "tests.bench.checks", "--serve", str(door.fileno())]
        server = subprocess.Popen(words, pass_fds=[door.fileno()])
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.terminate()
            server.wait(30)


def mixed() -> list[float]:
    """Most are quick, as most are; the slowest stands anywhere among them."""
    waits = [round(random.uniform(0.01, 0.3), 3) for _ in range(COUNT - 1)] + [SLOWEST_S]  # noqa: S311 - it only shuffles
    random.shuffle(waits)
    return waits


def plans(url: str, waits: list[float]) -> dict[str, CheckPlan]:
    return {
        f"check-{at}": CheckPlan(
            name=f"check-{at}",
            uses="http",
            with_={"urls": [f"{url}/{wait}"], "allow_private": True, "timeout_s": 30, "values": {"health": "status"}},
            pass_=("failed == 0", "health == ok"),
            timeout_s=30,
            attempts=1,
        )
        for at, wait in enumerate(waits)
    }


async def run(given: dict[str, CheckPlan]) -> tuple[float, float, float]:
    """Seconds until all are there, seconds of the slowest by itself, and until half of them were there."""
    begun = time.monotonic()
    came, durations = [], []
    async for finding in measured(given, {}, os.environ, SystemClock()):
        assert finding.verdict is Verdict.PASS, finding.summary
        came.append(time.monotonic() - begun)
        durations.append(finding.duration_s)
    return came[-1], max(durations), came[len(came) // 2]


async def handshakes(folder: Path) -> list[float]:
    root = authority()
    (folder / "root.pem").write_bytes(root.pem())
    with tls_server(root.issue()) as at:
        with_ = {"hosts": [NAME], "addresses": [at], "ca_file": str(folder / "root.pem"), "allow_private": True}
        plan = CheckPlan(name="tls", uses="tls", with_=with_, attempts=1)
        found = []
        for _ in range(20):
            async for finding in measured({"tls": plan}, {}, os.environ, SystemClock()):
                assert finding.values["verified"] is True, finding.summary
                found.append(finding.duration_s * 1000)
    return found


def best(url: str, waits: Callable[[], list[float]]) -> tuple[float, float, float]:
    """The best of three: what else the machine does can only make it slower."""
    return min((asyncio.run(run(plans(url, waits()))) for _ in range(3)), key=lambda one: one[0] / one[1])


def told(what: str, seconds: tuple[float, float, float], limit: float) -> tuple[str, float, float]:
    whole, slowest, half = seconds
    share = whole / slowest
    words = f"{COUNT} checks{what} took {whole:.2f} s, the slowest of them {slowest:.2f} s, half were there after {half:.2f} s"
    return f"{words}: {share:.2f} times", share, limit


def main() -> int:
    assert checks.MODULES
    # The first request of a server and the first check of a process are slower than all that follow.
    with endpoints() as url:
        _until_ready(url)
        mix, equal = best(url, mixed), best(url, lambda: [EQUAL_S] * COUNT)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory() as folder:
        tls = statistics.median(asyncio.run(handshakes(Path(folder))))
    figures = [
        told("", mix, LIMITS["share"]),
        told(f" that wait for {EQUAL_S:g} s each", equal, LIMITS["together"]),
        (f"the most memory was {megabytes:.0f} MB", megabytes, LIMITS["megabytes"]),
        (f"the TLS check of one host took {tls:.0f} ms in the median of 20", tls, LIMITS["tls_ms"]),
    ]
    for words, value, limit in figures:
        print(f"{'ok  ' if value <= limit else 'OVER'} {words}; at most {limit:g}")
    return 0 if all(value <= limit for _, value, limit in figures) else 1


def _until_ready(url: str) -> None:
    for _ in range(300):
        try:
            httpx.get(f"{url}/0", timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the endpoints did not begin to answer")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        sys.exit(main())
