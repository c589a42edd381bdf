"""How do the scripts that are wanted come to run, each at most once, and what became of them?"""

import asyncio
import logging
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.model import Clock, RunReport, RunSpec, RunState
from bot.scripts import rundir, supervisor
from bot.scripts.output import Output
from bot.spawn import ended, last_words, spawn

__all__ = ["Scripts"]

log = logging.getLogger(__name__)

_REPORT_EVERY_S = 1.0
_TRIES = 3
_TRY_AGAIN_S = 1.0
_TRY_AGAIN_AT_MOST_S = 15.0
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_SUPERVISOR_LOG = "supervisor.log"


class Scripts:
    """Makes the world match the wanted runs. Can be killed at any instruction; whoever comes next looks again.

    `home` holds one directory for each run; `home/ID/log` is its output.
    """

    def __init__(
        self,
        home: Path,
        host: str,
        report: Callable[[RunReport], Awaitable[None]],
        *,
        python: str = sys.executable,
        environ: Mapping[str, str] = os.environ,
        poll_s: float = 0.25,
        grace_s: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        self._home = home
        self._host = host
        self._report = report
        self._python = python
        self._environ = environ
        self._poll_s = poll_s
        self._grace_s = grace_s
        self._clock = clock
        self._followed: dict[str, _Followed] = {}

    async def look(
        self, wanted: Iterable[RunSpec], cancelled: Collection[str] = (), begun: Collection[str] = ()
    ) -> None:
        """Start what was never started, attach to what runs, give the verdict on what ended, end what is cancelled.

        `begun`: ids that the record knows to have run; should their directory be gone, they are lost, never started again.
        """
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for spec in wanted:
            if spec.host != self._host:
                continue
            run = self._followed.get(spec.id)
            if run is None:
                run = self._followed[spec.id] = _Followed(spec=spec, output=Output(self.log(spec.id)))
            run.cancelled |= spec.id in cancelled
            run.begun |= spec.id in begun
            if run.task is None:
                run.task = asyncio.create_task(self._follow(run), name=f"run {spec.id}")

    def log(self, run_id: str) -> Path:
        """Where the output of a run is stored."""
        return self._home / run_id / supervisor.LOG

    async def close(self) -> None:
        """Let go of everything without ending any script."""
        tasks = [run.task for run in self._followed.values() if run.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._followed.clear()

    async def _follow(self, run: "_Followed") -> None:
        said: RunReport | None = None
        said_at = 0.0
        wait_s = self._poll_s
        while said is None or not said.over:
            try:
                report = await asyncio.to_thread(self._observe, run)
                now = time.monotonic()
                due = report.over or said is None or now - said_at >= _REPORT_EVERY_S
                if report.state is not RunState.WANTED and report != said and due:
                    await self._report(report)
                    said, said_at = report, now
                    continue
                wait_s = self._poll_s
            except Exception:
                # One run that cannot be looked at, or a record that cannot be written now, must not end the others.
                log.exception("looking at a run failed", extra={"run": run.spec.id})
                wait_s = min(max(2 * wait_s, _TRY_AGAIN_S), _TRY_AGAIN_AT_MOST_S)
            await asyncio.sleep(wait_s)
        await asyncio.to_thread(run.wait_for_supervisor)
        del self._followed[run.spec.id]
        log.info("run over", extra={"run": run.spec.id, "state": said.state, "exit_code": said.exit_code})

    # What follows runs in a thread: it reads and writes files.

    def _observe(self, run: "_Followed") -> RunReport:
        spec = run.spec
        if not _SAFE_ID.fullmatch(spec.id) or not spec.argv:
            return RunReport(id=spec.id, state=RunState.NEVER_RAN, why="It has no usable name, or no program to run.")
        known = (self._home / spec.id).exists()
        directory = rundir.prepare(self._home, spec, grace_s=self._grace_s)
        written = rundir.read(directory, supervisor.SPEC)
        if written.get("argv") != list(spec.argv) or written.get("given") != dict(spec.given):
            why = f"The directory {directory.name} belongs to another run, so this one was not started. Start it again."
            return RunReport(id=spec.id, state=RunState.NEVER_RAN, why=why)
        state, facts = rundir.verdict(directory)
        if state is RunState.WANTED:
            self._bring_up(run, directory, known=known)
            state, facts = rundir.verdict(directory)
        elif run.cancelled and state is RunState.RUNNING:
            rundir.ask_to_end(directory)
        run.output.read(last=state is not RunState.RUNNING)
        return self._told(run, state, facts)

    def _bring_up(self, run: "_Followed", directory: Path, *, known: bool) -> None:
        if run.begun:
            missing = "lock" if known else "directory"
            why = f"It had begun, and its run {missing} is gone from this machine; how it ended is not known."
            rundir.give_up(directory, {"state": RunState.LOST, "why": why})
        elif run.cancelled:
            why = "It was cancelled before it began."
            rundir.give_up(directory, {"state": RunState.NEVER_RAN, "ended_by": "cancel", "why": why})
        elif run.supervisor_lives():
            return
        elif run.tries >= _TRIES:
            why = (
                f"The supervisor could not be started. {run.trouble or last_words(directory / _SUPERVISOR_LOG)}".strip()
            )
            rundir.give_up(directory, {"state": RunState.NEVER_RAN, "why": why})
        elif time.monotonic() >= run.next_try:
            run.tries += 1
            run.next_try = time.monotonic() + _TRY_AGAIN_S
            try:
                run.pid = self._spawn(run.spec, directory)
            except OSError as problem:
                run.trouble = f"{self._python}: {problem.strerror}."

    def _spawn(self, spec: RunSpec, directory: Path) -> int:
        supervisor.crash("supervisor.wanted")
        argv = [self._python, "-I", "-S", supervisor.__file__, str(directory)]
        pid = spawn(argv, self._environment(spec), directory / _SUPERVISOR_LOG)
        supervisor.crash("supervisor.spawned")
        return pid

    def _environment(self, spec: RunSpec) -> dict[str, str]:
        """What the script may see, and nothing else of the bot's own environment."""
        path = self._environ.get("PATH", os.defpath)
        base = {
            "PATH": f"{Path(self._python).parent}{os.pathsep}{path}",
            "HOME": self._environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            # Otherwise the lines of a Python script come all at once, when it ends.
            "PYTHONUNBUFFERED": "1",
        }
        names = ("TZ", *spec.passed, *spec.secrets, supervisor.CRASH)
        return base | {name: self._environ[name] for name in names if name in self._environ} | dict(spec.given)

    def _told(self, run: "_Followed", state: RunState, facts: Mapping[str, Any]) -> RunReport:
        output = run.output
        return RunReport(
            id=run.spec.id,
            state=state,
            tail=output.tail,
            progress=output.progress,
            warnings=tuple(output.warnings),
            errors=tuple(output.errors),
            warning_count=output.warning_count,
            error_count=output.error_count,
            log_bytes=facts.get("log_bytes", output.size),
            log_sha256=facts.get("log_sha256", ""),
            truncated=facts.get("truncated", False),
            exit_code=facts.get("exit_code"),
            signal=facts.get("signal"),
            ended_by=facts.get("ended_by", ""),
            why=facts.get("why", ""),
            started_at=self._moment(run, facts.get("started_at", facts.get("at"))),
            finished_at=self._moment(run, facts.get("finished_at")),
            duration_s=facts.get("duration_s"),
        )

    def _moment(self, run: "_Followed", stamp: float | None) -> datetime | None:
        """By the clock that people live by, which a sandbox may have advanced; once said, it stays."""
        if stamp is None:
            return None
        if stamp not in run.moments:
            ahead = timedelta(0) if self._clock is None else self._clock.now() - datetime.now(UTC)
            run.moments[stamp] = datetime.fromtimestamp(stamp, UTC) + ahead
        return run.moments[stamp]


@dataclass(kw_only=True)
class _Followed:
    """A run that is being looked at."""

    spec: RunSpec
    output: Output
    cancelled: bool = False
    begun: bool = False
    task: asyncio.Task[None] | None = None
    pid: int = 0
    tries: int = 0
    next_try: float = 0.0
    trouble: str = ""
    moments: dict[float, datetime] = field(default_factory=dict[float, datetime])

    def supervisor_lives(self) -> bool:
        """Whether the supervisor that we started is still there; one that ended is taken off the process table."""
        if self.pid and ended(self.pid):
            self.pid = 0
        return self.pid != 0

    def wait_for_supervisor(self) -> None:
        """It has written its result and is about to end."""
        until = time.monotonic() + 5.0
        while self.supervisor_lives() and time.monotonic() < until:
            time.sleep(0.01)
