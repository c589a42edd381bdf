"""How are the services that are wanted probed without a break, and what did the probers see?"""

import asyncio
import fcntl
import json
import logging
import math
import os
import re
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.model import Clock, WatchReport, WatchSpec
from bot.spawn import ended, last_words, spawn
from bot.text import duration
from bot.views.charting import Chart
from bot.watch import prober
from bot.watch.numbers import Mark, Summary
from bot.watch.picture import paint

__all__ = ["Watches"]

log = logging.getLogger(__name__)

#: The marks between which it is deployed; the first one ends the baseline.
_DEPLOY, _DEPLOYED = "deploy", "deployed"
_MARKS = "marks.jsonl"
_LONG_S = 60.0
_PROBER_LOG = "prober.log"
_PIECE = 1 << 20
_REPORT_EVERY_S = 1.0
#: At a low rate nothing is worth a report until so many probes have come, unless one of them failed.
_REPORT_EVERY_PROBES = 10
_TRY_AGAIN_S = 2.0
_STILL_WANTED_EVERY_S = 60.0
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class Watches:
    """Keeps one prober process alive for each watch that is wanted, and tells what its file says.

    `home` holds one directory for each watch. Can be killed at any instruction; the probers go on, and whoever comes next reads on.
    """

    def __init__(
        self,
        home: Path,
        host: str,
        report: Callable[[WatchReport], Awaitable[None]],
        *,
        python: str = sys.executable,
        environ: Mapping[str, str] = os.environ,
        poll_s: float = 0.25,
        clock: Clock | None = None,
    ) -> None:
        self._home = home
        self._host = host
        self._report = report
        self._python = python
        self._environ = environ
        self._poll_s = poll_s
        self._clock = clock
        self._watched: dict[str, _Watched] = {}

    async def look(self, wanted: Iterable[WatchSpec]) -> None:
        """These should be probing now. Those of other hosts are left alone; all others here are told to stop."""
        specs = {spec.id: spec for spec in wanted if spec.host == self._host and _SAFE_ID.fullmatch(spec.id)}
        for watch_id, watched in self._watched.items():
            watched.wanted = watch_id in specs
        await asyncio.to_thread(self._stop_others, set(specs))
        for spec in specs.values():
            watched = self._watched.get(spec.id)
            if watched is None or watched.task is None or watched.task.done():
                self._watched[spec.id] = watched = _Watched(
                    spec=spec, directory=self._home / spec.id, summary=Summary(len(spec.addresses) or 1)
                )
                watched.task = asyncio.create_task(self._follow(watched), name=f"watch {spec.id}")

    async def deploying(self, watch_id: str, *, still: bool) -> None:
        """It is being deployed from now on, or not any more; written into the watch's own directory when that is news."""
        await asyncio.to_thread(self._deploying, watch_id, still)

    async def rate(self, watch_id: str, rate: float) -> None:
        """Probe so many times a second from now on."""
        await asyncio.to_thread(self._set_rate, watch_id, rate)

    async def picture(self, watch_id: str, key: str, drawn: Chart) -> Path:
        """Where the picture of a watch is, drawn when it is asked for the first time. Not there: neither are its samples."""
        directory = self._home / watch_id
        path = directory / f"{key.partition(':')[2]}.png"
        ahead_s = 0.0 if self._clock is None else (self._clock.now() - datetime.now(UTC)).total_seconds()
        mark = next(iter(await asyncio.to_thread(_marks, directory)), None)
        await paint(path, directory / prober.SAMPLES, drawn, mark, ahead_s, self._python, self._environ)
        return path

    async def close(self) -> None:
        """Let go of everything without ending any prober."""
        tasks = [watched.task for watched in self._watched.values() if watched.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watched.clear()

    async def _follow(self, watched: "_Watched") -> None:
        said: WatchReport | None = None
        said_at = 0.0
        while True:
            wait_s = self._poll_s
            try:
                stopped = await asyncio.to_thread(self._tend, watched)
                report = self._told(watched)
                now = time.monotonic()
                pause_s = _REPORT_EVERY_S
                if said is not None and _as_quiet(said, report):
                    pause_s = max(pause_s, _REPORT_EVERY_PROBES / watched.rate)
                if report != said and (stopped or said is None or now - said_at >= pause_s):
                    await self._report(report)
                    said, said_at = report, now
                if stopped and not watched.wanted:
                    return
            except Exception:
                # One watch that cannot be read, or a record that cannot be written now, must not end the others.
                log.exception("looking at a watch failed", extra={"watch": watched.spec.id})
                wait_s = _TRY_AGAIN_S
            await asyncio.sleep(wait_s)

    def _told(self, watched: "_Watched") -> WatchReport:
        summary = watched.summary
        ahead = timedelta(0) if self._clock is None else self._clock.now() - datetime.now(UTC)
        # So that two reports of the same numbers are the same.
        ahead = timedelta(seconds=round(ahead.total_seconds()))
        # Whether it answers now nobody knows, and that is told as it lasts.
        until = math.floor(time.time()) if watched.wanted and not watched.alive else -math.inf
        return WatchReport(
            id=watched.spec.id,
            alive=watched.alive,
            baseline=summary.baseline.window(ahead),
            since=summary.after(ahead, until),
            during=summary.during(ahead, until),
            recent=summary.recent(prober.now(), ahead),
            lately=summary.lately(prober.now(), ahead),
            down_s=summary.down_s if watched.alive else 0.0,
            last_error=watched.last_error,
            problem=watched.problem,
        )

    # What follows runs in a thread: it reads and writes files.

    def _tend(self, watched: "_Watched") -> bool:
        """Keep the prober as it should be and read on. True when it was to stop, has stopped, and is read to the end."""
        self._set_up(watched)
        watched.alive = _held(watched.directory / prober.LOCK)
        if watched.wanted:
            self._keep_alive(watched)
        else:
            (watched.directory / prober.STOP).touch(mode=0o600)
        # The prober ends its file before it lets go of its lock, so nothing can follow what is read now.
        self._read_on(watched)
        return not watched.wanted and not watched.alive

    def _set_up(self, watched: "_Watched") -> None:
        directory = watched.directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (directory / prober.SPEC).exists():
            _write_whole(directory, prober.SPEC, json.dumps(asdict(watched.spec), indent=1))

    def _keep_alive(self, watched: "_Watched") -> None:
        directory = watched.directory
        (directory / prober.STOP).unlink(missing_ok=True)
        now = time.monotonic()
        if now >= watched.wanted_again_at:
            watched.wanted_again_at = now + _STILL_WANTED_EVERY_S
            (directory / prober.WANTED).touch(mode=0o600)
        if watched.alive:
            watched.trouble = ""
        elif now >= watched.next_try:
            watched.next_try = now + _TRY_AGAIN_S
            if watched.tries:
                watched.trouble = last_words(directory / _PROBER_LOG)
            watched.tries += 1
            self._spawn(watched)
        if watched.pid and ended(watched.pid):
            watched.pid = 0

    def _spawn(self, watched: "_Watched") -> None:
        names = ("PATH", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR")
        environ = {"LANG": "C.UTF-8"} | {name: self._environ[name] for name in names if name in self._environ}
        argv = [self._python, "-I", "-S", prober.__file__, str(watched.directory)]
        try:
            watched.pid = spawn(argv, environ, watched.directory / _PROBER_LOG)
        except OSError as problem:
            watched.trouble = f"{self._python}: {problem.strerror}"

    def _read_on(self, watched: "_Watched") -> None:
        directory = watched.directory
        with suppress(FileNotFoundError):
            # How far the file reaches is asked before the marks are read: what was probed after a mark comes after it.
            with (directory / prober.SAMPLES).open("rb") as samples:
                size = os.fstat(samples.fileno()).st_size
                marks = _marks(directory)
                deploy = next(iter(marks), None)
                deployed = marks[-1] if marks and marks[-1].what == _DEPLOYED else None
                samples.seek(watched.offset)
                while piece := samples.read(min(_PIECE, size - watched.offset)):
                    watched.offset += len(piece)
                    watched.summary.take(piece, deploy, deployed)
            watched.last_error = (directory / prober.LAST_ERROR).read_text(errors="replace")
        with suppress(FileNotFoundError, ValueError):
            watched.rate_now = float((directory / prober.RATE).read_text())

    def _stop_others(self, wanted: set[str]) -> None:
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in self._home.iterdir():
            stop = directory / prober.STOP
            if directory.is_dir() and directory.name not in wanted and not stop.exists():
                stop.touch(mode=0o600)

    def _deploying(self, watch_id: str, still: bool) -> None:
        directory = self._directory(watch_id)
        with (directory / _MARKS).open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            known = [mark.what for mark in _marks(directory)]
            news = [] if known else [_DEPLOY]
            if [*known, *news][-1] != (wanted := _DEPLOY if still else _DEPLOYED):
                news.append(wanted)
            for what in news:
                mark = Mark(what=what, boot=prober.boot(), at=prober.now(), wall=time.time())
                file.write(json.dumps(asdict(mark)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _set_rate(self, watch_id: str, rate: float) -> None:
        directory = self._directory(watch_id)
        path = directory / prober.RATE
        if not path.exists() or path.read_text() != str(rate):
            _write_whole(directory, prober.RATE, str(rate))

    def _directory(self, watch_id: str) -> Path:
        if not _SAFE_ID.fullmatch(watch_id):
            raise ValueError(f"{watch_id!r} cannot name a watch")
        directory = self._home / watch_id
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return directory


@dataclass(kw_only=True)
class _Watched:
    """A watch that is being looked at."""

    spec: WatchSpec
    directory: Path
    summary: Summary
    task: asyncio.Task[None] | None = None
    wanted: bool = True
    alive: bool = False
    offset: int = 0
    rate_now: float = 0.0
    last_error: str = ""
    trouble: str = ""
    pid: int = 0
    tries: int = 0
    next_try: float = 0.0
    wanted_again_at: float = 0.0

    @property
    def rate(self) -> float:
        return self.rate_now or self.spec.rate

    @property
    def problem(self) -> str:
        """What people should know about the measuring itself."""
        if self.wanted and not self.alive and self.tries > 1:
            return f"The prober does not run. {self.trouble}".strip()
        summary = self.summary
        if not summary.restarts and not summary.pauses and not summary.stops:
            return ""
        reasons = [
            f"the watch was stopped and started again{_times(summary.stops)}" if summary.stops else "",
            f"the prober died and was started again{_times(summary.restarts)}" if summary.restarts else "",
            f"the prober stood still{_times(summary.pauses)}" if summary.pauses else "",
        ]
        missed = summary.not_measured_s
        long = f"{missed:.1f} s" if missed < _LONG_S else duration(missed)
        return f"Not measured for {long}: {', '.join(filter(None, reasons))}."


def _times(n: int) -> str:
    return f" {n} times" if n > 1 else ""


def _as_quiet(said: WatchReport, report: WatchReport) -> bool:
    """Whether there is nothing new but more of the same good answers."""

    def news(one: WatchReport) -> tuple[object, ...]:
        windows = (one.baseline, one.since, one.recent)
        return (one.alive, one.problem, one.down_s > 0, *((window.lost, window.errors) for window in windows))

    return news(said) == news(report) and report.down_s == 0


def _held(lock: Path) -> bool:
    """Whether a living process holds the lock; the kernel lets go of it when that process dies."""
    try:
        file = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _marks(directory: Path) -> list[Mark]:
    """Those that were written whole; a power cut may leave half a line, which marks nothing."""
    path = directory / _MARKS
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [Mark(**json.loads(line)) for line in lines]


def _write_whole(directory: Path, name: str, text: str) -> None:
    private = directory / f".{name}.{secrets.token_hex(4)}"
    private.write_text(text)
    private.rename(directory / name)
