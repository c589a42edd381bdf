"""What do the files of a run directory say about a run, and how is one made, given up, or asked to end?"""

import fcntl
import json
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.model import RunSpec, RunState
from bot.scripts import supervisor
from bot.scripts.supervisor import CANCEL, EXIT, LOCK, SPEC, STARTED, STARTING, crash

Facts = dict[str, Any]


def prepare(home: Path, spec: RunSpec, *, grace_s: float) -> Path:
    """Make the run's directory, whole or not at all. That somebody else has made it meanwhile is as good."""
    directory = home / spec.id
    if not directory.exists():
        private = home / f".{spec.id}.{secrets.token_hex(4)}"
        private.mkdir(mode=0o700)
        crash("directory.made")
        content = {
            "id": spec.id,
            "host": spec.host,
            "argv": list(spec.argv),
            "cwd": str(Path(spec.cwd).absolute()),
            "given": dict(spec.given),
            "passed": list(spec.passed),
            "secrets": list(spec.secrets),
            "deadline_s": spec.deadline_s,
            "log_limit": spec.log_limit,
            "grace_s": grace_s,
        }
        supervisor.write_whole(private, SPEC, content)
        try:
            private.rename(directory)
        except OSError:
            shutil.rmtree(private)
            if not directory.exists():
                raise
        crash("directory.named")
    # Before anything runs: a directory that a power cut takes away would be made, and run, again.
    supervisor.sync(home)
    return directory


def verdict(directory: Path) -> tuple[RunState, Facts]:
    """How far the run is. A verdict is given only while holding the lock, and is written down."""
    if ending := read(directory, EXIT):
        return RunState(ending["state"]), ending
    try:
        lock = os.open(directory / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return RunState.WANTED, {}
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return RunState.RUNNING, read(directory, STARTED)
    else:
        # From here on the supervisor is dead, and what it has not written it never will.
        if not (ending := read(directory, EXIT)):
            crash("verdict.held")
            ending = _ending(directory)
            supervisor.write_whole(directory, EXIT, ending)
        return RunState(ending["state"]), ending
    finally:
        os.close(lock)


def give_up(directory: Path, ending: Facts) -> None:
    """Make sure that this run never starts any more; nothing when somebody has the right to start it already."""
    if ending["state"] is RunState.LOST:
        # It may have run. Should we die before that is written, whoever comes next has to read it from what is there.
        supervisor.write_whole(directory, STARTING, {})
    lock = supervisor.claim(directory)
    if lock is None:
        return
    try:
        crash("abandoned.taken")
        supervisor.write_whole(directory, EXIT, ending)
    finally:
        os.close(lock)


def ask_to_end(directory: Path) -> None:
    (directory / CANCEL).touch(mode=0o600)


def read(directory: Path, name: str) -> Facts:
    """Empty when it is not there. Nothing else can be wrong with it: these files appear as a whole."""
    with suppress(FileNotFoundError):
        facts: Facts = json.loads((directory / name).read_bytes())
        return facts
    return {}


def _ending(directory: Path) -> Facts:
    if not (directory / STARTING).exists():
        return {"state": RunState.NEVER_RAN, "why": "The supervisor ended before it started the script."}
    started = read(directory, STARTED)
    if not started:
        return {
            "state": RunState.LOST,
            "why": "The supervisor ended while it was starting the script; it may have run.",
        }
    if _alive(started):
        now = f"The script was still running as process {started['pid']} when this was noticed."
    else:
        now = "The script is not running any more; how it ended is not known."
    why = f"The supervisor ended without a result. {now}"
    return {"state": RunState.LOST, "started_at": started["at"], "why": why}


def _alive(started: Facts) -> bool:
    """A process number is used again after a while and after a restart of the machine, and a zombie still has one."""
    status = supervisor.status_of(started["pid"])
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return (
        boot_id == started["boot_id"]
        and status is not None
        and status[0] not in "ZX"
        and status[2] == started["pid_started"]
    )
