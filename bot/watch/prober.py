"""Does a service answer, probe after probe, and how long does it take, also while nobody of us looks?

A program of its own, for the standard library alone: `python -I -S prober.py WATCH_DIRECTORY`. It lives until the directory
holds a file `stop`, the directory goes away, or nobody has wanted it for a day. What it sees it appends to `samples`. It holds
`lock` while it lives; the others give it `spec.json`, `rate`, and the time stamp of `wanted`.
"""

import asyncio
import fcntl
import json
import logging
import os
import resource
import signal
import socket
import ssl
import struct
import sys
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

SPEC, LOCK, SAMPLES, RATE, STOP, WANTED, LAST_ERROR = (
    "spec.json",
    "lock",
    "samples",
    "rate",
    "stop",
    "wanted",
    "last_error",
)
#: Kind, outcome, address, moment (μs of `now`), latency from the due time (μs), own lag (μs), status, nothing.
RECORD: Final = struct.Struct("<BBHqIIHH")
#: A session begins (latency: which boot of the machine); wall clock minus `now` (as the moment); one probe, in the order of
#: their due times; nothing was measured since the last record, up to the moment; the session ends in good order.
SESSION, CLOCK, PROBE, PAUSE, END = 1, 2, 3, 4, 5
GOOD, ERROR, LOST = 0, 1, 2

_SERVER_ERROR: Final = 500
_BEAT_S: Final = 0.05
#: When we ourselves stood still for longer, what we saw meanwhile says nothing about the service.
_PAUSE_S: Final = 0.5
_STALL_S: Final = 0.002
_WRITE_EVERY_S: Final = 0.2
_CLOCK_EVERY_S: Final = 10.0
_UNWANTED_AFTER_S: Final = 86_400.0
_LAST_WAIT_S: Final = 2.0
_MOST_AT_ONCE: Final = 800
_MOST_U32: Final = 0xFFFF_FFFF
_INFORMATIONAL: Final = range(100, 200)
_WITHOUT_BODY: Final = {204, 304}


def now() -> float:
    """Seconds that go on evenly, also while the machine sleeps, and are the same for all processes."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot() -> int:
    """Tells one start of the machine from another."""
    return zlib.crc32(Path("/proc/sys/kernel/random/boot_id").read_bytes())


def record(
    kind: int, at: float, *, outcome: int = 0, address: int = 0, latency: float = 0, lag: float = 0, status: int = 0
) -> bytes:
    us = [min(max(round(value * 1e6), 0), _MOST_U32) for value in (latency, lag)]
    return RECORD.pack(kind, outcome, address, round(at * 1e6), *us, min(status, 0xFFFF), 0)


class Prober:
    """One watch: its schedule, its probes under way, and what is not written yet."""

    def __init__(self, directory: Path, spec: Mapping[str, Any]) -> None:
        self._directory = directory
        url = urlsplit(spec["url"])
        self._tls = ssl.create_default_context(cafile=spec["ca_file"] or None) if url.scheme == "https" else None
        self._name = url.hostname or ""
        port = url.port or (443 if self._tls else 80)
        self._addresses = [_host_and_port(one, port) for one in spec["addresses"]] or [(self._name, port)]
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {url.netloc.rpartition('@')[2]}\r\nUser-Agent: t-minus-watch\r\n"
            "Accept: */*\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n"
        ).encode()
        self._timeout_s: float = spec["timeout_s"]
        self._rate: float = spec["rate"]
        #: Results in the order of their due times; one that is not there yet holds up those after it.
        self._under_way: dict[int, bytes | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._number = 0
        self._unwritten = b""
        self._last_error = ""
        self._beat_at = now()
        self._worked_s = time.process_time()
        self._stalled_s = 0.0
        self._pauses = 0
        self.told_to_end = False

    async def run(self, samples: int, lock: int) -> None:
        """Probe at the rate, whatever becomes of the probes before: what is slow must not slow down the asking."""
        started = self._beat_at = due = now()
        self._unwritten += record(SESSION, started, latency=boot() / 1e6)
        write_at = clock_at = started
        offset, pauses = 0.0, 0
        while not self.told_to_end:
            at = now()
            self._beat(at)
            if pauses != self._pauses:
                pauses, due = self._pauses, at
            while due <= at and not self._busy:
                self._start(due)
                due += 1 / self._rate
            if at >= clock_at:
                clock_at = at + _CLOCK_EVERY_S
                if abs(time.time() - at - offset) > _STALL_S:
                    offset = time.time() - at
                    self._unwritten += record(CLOCK, offset)
            if at >= write_at:
                write_at = at + _WRITE_EVERY_S
                self._write(samples)
                if not self._wanted(lock, at - started):
                    break
                if (rate := self._rate_wanted()) != self._rate:
                    self._rate, due = rate, at + 1 / rate
            await asyncio.sleep(max(min(due - now(), _BEAT_S), 0))
        # What has been asked is still waited for, within reason.
        until = now() + min(self._timeout_s, _LAST_WAIT_S)
        while self._tasks and now() < until:
            self._beat(now())
            await asyncio.sleep(_BEAT_S)
        for task in self._tasks:
            task.cancel()
        self._unwritten += record(END, now())
        self._write(samples)

    @property
    def _busy(self) -> bool:
        return len(self._tasks) >= _MOST_AT_ONCE

    def _beat(self, at: float) -> None:
        """Notice that we ourselves were late, and by how much."""
        late = at - self._beat_at - _BEAT_S
        worked_s = time.process_time() - self._worked_s
        # Too much work shows as lag; asleep or stopped we do no work at all.
        if late > _PAUSE_S and worked_s < late / 2:
            # What was under way says nothing any more: it is not measured, neither good nor lost.
            self._pauses += 1
            self._unwritten += b"".join(filter(None, self._under_way.values())) + record(PAUSE, at)
            self._under_way.clear()
        elif late > _STALL_S:
            self._stalled_s += late
        self._beat_at, self._worked_s = at, time.process_time()

    def _start(self, due: float) -> None:
        self._number += 1
        self._under_way[self._number] = None
        task = asyncio.create_task(self._probe(self._number, due))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _probe(self, number: int, due: float) -> None:
        address = number % len(self._addresses)
        began, stalled_s, pauses = now(), self._stalled_s, self._pauses
        status, outcome, why = 0, LOST, ""
        try:
            async with asyncio.timeout(self._timeout_s):
                status = await self._ask(*self._addresses[address])
            outcome = ERROR if status >= _SERVER_ERROR else GOOD
            why = f"status {status}" if outcome == ERROR else ""
        except TimeoutError:
            why = f"no complete answer within {self._timeout_s:g} s"
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as problem:
            why = _why(problem)
        at = now()
        if at - self._beat_at > _BEAT_S + _PAUSE_S:
            self._beat(at)
        if pauses != self._pauses or number not in self._under_way:
            return
        self._under_way[number] = record(
            PROBE,
            due,
            outcome=outcome,
            address=address,
            latency=at - due,
            lag=began - due + self._stalled_s - stalled_s,
            status=status,
        )
        if why:
            host, port = self._addresses[address]
            self._last_error = f"{host}:{port}: {why}"
        self._settle()

    async def _ask(self, host: str, port: int) -> int:
        """The status of a complete answer over a connection of its own."""
        reader, writer = await asyncio.open_connection(
            host, port, ssl=self._tls, server_hostname=self._name if self._tls else None
        )
        try:
            writer.write(self._request)
            status, fields = await _head(reader)
            while status in _INFORMATIONAL:
                status, fields = await _head(reader)
            if status not in _WITHOUT_BODY:
                await _body(reader, fields)
        except BaseException:
            writer.transport.abort()
            raise
        writer.close()
        return status

    def _settle(self) -> None:
        for number in list(self._under_way):
            result = self._under_way[number]
            if result is None:
                return
            self._unwritten += result
            del self._under_way[number]

    def _write(self, samples: int) -> None:
        """Append; on a full disk keep what could not be written, and its place within a record."""
        with suppress(OSError):
            self._unwritten = self._unwritten[os.write(samples, self._unwritten) :] if self._unwritten else b""
            if self._last_error:
                private = self._directory / f".{LAST_ERROR}"
                private.write_text(self._last_error)
                private.rename(self._directory / LAST_ERROR)
                self._last_error = ""
        self._unwritten = self._unwritten[: 100_000 * RECORD.size]

    def _wanted(self, lock: int, lived_s: float) -> bool:
        try:
            # A directory that was removed and made again is another prober's.
            ours = os.path.samestat(os.fstat(lock), (self._directory / LOCK).stat())
            wanted_s = time.time() - (self._directory / WANTED).stat().st_mtime
        except OSError:
            return False
        return ours and not (self._directory / STOP).exists() and min(wanted_s, lived_s) < _UNWANTED_AFTER_S

    def _rate_wanted(self) -> float:
        with suppress(OSError, ValueError):
            return max(float((self._directory / RATE).read_text()), 0.01)
        return self._rate


def _host_and_port(address: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{address}")
    return parts.hostname or "", parts.port or port


def _why(problem: Exception) -> str:
    match problem:
        case ssl.SSLCertVerificationError():
            return f"the certificate is not accepted: {problem.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {problem.reason}"
        case socket.gaierror():
            return "the name is not known"
        case OSError():
            return os.strerror(problem.errno).lower() if problem.errno else "the connection was closed"
        case EOFError():
            return "the answer was cut off"
        case _:
            return "the answer is not HTTP"


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    version, status = first.split(" ", 2)[:2]
    if not version.startswith("HTTP/1."):
        raise ValueError(version)
    fields = (line.partition(":") for line in lines if line)
    return int(status), {name.strip().lower(): value.strip() for name, _, value in fields}


async def _body(reader: asyncio.StreamReader, fields: Mapping[str, str]) -> None:
    if "chunked" in fields.get("transfer-encoding", "").lower():
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await _skip(reader, size + 2)
        while await reader.readuntil(b"\r\n") != b"\r\n":
            continue
    elif "content-length" in fields:
        await _skip(reader, int(fields["content-length"]))
    else:
        while await reader.read(65_536):
            continue


async def _skip(reader: asyncio.StreamReader, size: int) -> None:
    while size > 0:
        size -= len(await reader.readexactly(min(size, 65_536)))


async def main(directory: Path) -> None:
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    logging.disable()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    samples = os.open(directory / SAMPLES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    # The one before us may have died in the middle of a record.
    os.ftruncate(samples, os.fstat(samples).st_size // RECORD.size * RECORD.size)
    prober = Prober(directory, json.loads((directory / SPEC).read_bytes()))

    def end() -> None:
        prober.told_to_end = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    await prober.run(samples, lock)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
