"""How are the hosts of the service switched on and off?"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

from demo import host
from demo.ports import HOSTS, Ports

STOPPED_WITHIN_S = 15
LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Runs in the child before it becomes the program: the kernel ends it when this process ends, even by kill -9."""
    LIBC.prctl(host.DIE_WITH_PARENT, signal.SIGTERM)


async def switch_on(name: str, home: Path, ports: Ports, token: str) -> asyncio.subprocess.Process:
    """Start a host. It goes when this process goes, however that happens."""
    numbers = [str(ports.numbers[f"{name}-{role}"]) for role in ("agent", "member")]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-S",
        host.__file__,
        home / "hosts" / name,
        HOSTS[name],
        *numbers,
        env={"PATH": os.environ.get("PATH", ""), "HOST_TOKEN": token},
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )


async def switch_off(hosts: dict[str, asyncio.subprocess.Process]) -> None:
    for process in hosts.values():
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    try:
        async with asyncio.timeout(STOPPED_WITHIN_S):
            await asyncio.gather(*(process.wait() for process in hosts.values()))
    except TimeoutError:
        for process in hosts.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
