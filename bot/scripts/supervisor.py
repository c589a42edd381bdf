"""How does one script run exactly once, and leave behind what became of it, whether or not the bot lives?

A program of its own, for the standard library alone: `python -I -S supervisor.py RUN_DIRECTORY`. Its environment is the script's;
the values to redact come from there too, by name. The files of the run directory are the protocol:

`spec.json`      what is to be done; no secret values
`lock`           the right to start, once, for ever; its flock is held while the supervisor lives
`starting.json`  from here on the script may have run
`started.json`   process number, start time, boot of the machine
`log`            append-only, redacted before it is written
`exit.json`      the last word: how it ended, that it never ran, or that nobody knows
`cancel`         asks for TERM, and KILL after the grace
"""

import base64
import ctypes
import errno
import fcntl
import hashlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

SPEC, LOCK, STARTING, STARTED, LOG, EXIT, CANCEL = (
    "spec.json",
    "lock",
    "starting.json",
    "started.json",
    "log",
    "exit.json",
    "cancel",
)
#: Names of the points at which a test wants this process to die, separated by commas.
CRASH: Final = "TMINUS_CRASH"
HIDDEN: Final = "•••".encode()
#: Shorter values would redact common words.
SHORTEST_SECRET: Final = 4
_TELLING_LINE: Final = 8
_MASK: Final = b"::add-mask::"
_MASK_LINE: Final = re.compile(rb"^[ \t]*::add-mask::([^\r\n]*)\r?\n", re.MULTILINE)
_LONGEST_MASK: Final = 65_536
_READ: Final = 262_144
#: What is kept of the end of a log that was cut short: the end says why it failed.
_LAST_WORDS: Final = 65_536
_LOOK_EVERY_S: Final = 0.1
#: A script that has ended may leave a process behind that holds its output open.
_DRAIN_S: Final = 2.0
_GIVE_UP_KILLING_S: Final = 30.0
_PR_SET_CHILD_SUBREAPER: Final = 36

Json = dict[str, Any]


def crash(point: str) -> None:
    """Die here, without a trace, when a test asks for it."""
    if point in os.environ.get(CRASH, "").split(","):
        os.kill(os.getpid(), signal.SIGKILL)


# ── The protocol, shared with `rundir` ───────────────────────────────────────────────────────────────────────────────


def claim(directory: Path) -> int | None:
    """Take the right to start, once, for ever; the open file holds it. None: somebody else was first.

    The file is locked before it has its name, so nobody can ever see a lock that is not held yet.
    """
    private = directory / f".{LOCK}.{os.getpid()}.{time.monotonic_ns()}"
    held = os.open(private, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    crash("lock.private")
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    crash("lock.held")
    try:
        os.link(private, directory / LOCK)
    except FileExistsError:
        os.close(held)
        return None
    finally:
        crash("lock.linked")
        private.unlink()
    crash("lock.taken")
    return held


def write_whole(directory: Path, name: str, content: Mapping[str, Any]) -> None:
    """Put a file there as a whole or not at all, also across a power cut."""
    private = directory / f".{name}.{os.getpid()}.{time.monotonic_ns()}"
    file = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    crash(f"{name}.created")
    try:
        os.write(file, json.dumps(content, indent=1).encode())
        crash(f"{name}.written")
        os.fsync(file)
        crash(f"{name}.synced")
        private.rename(directory / name)
    except OSError:
        private.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)
    crash(f"{name}.renamed")
    sync(directory)
    crash(f"{name}.done")


def sync(directory: Path) -> None:
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# ── Redaction ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Redactor:
    """Takes output as it comes and gives back what may be stored.

    It keeps back only what could be the beginning of a secret, or of an `::add-mask::` line.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets: set[bytes] = set()
        self._line = b""
        self._at_line_start = True
        self._rest = b""
        #: So many bytes at the start of the rest belong to a secret that is hidden already.
        self._hidden = 0
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        lines = [line for line in secret.split() if len(line) >= _TELLING_LINE]
        raw = os.fsencode(secret.strip())
        if len(raw) < SHORTEST_SECRET:
            return
        encoded = (
            quote(raw, safe="").encode(),
            base64.b64encode(raw).rstrip(b"="),
            os.fsencode(json.dumps(secret)[1:-1]),
        )
        self._secrets.update((raw, *encoded, *map(os.fsencode, lines)))

    def feed(self, data: bytes) -> bytes:
        data = self._line + data
        for line in _MASK_LINE.finditer(data) if _MASK in data else ():
            if line.start() or self._at_line_start:
                self.add(os.fsdecode(line[1]))
        cut = data.rfind(b"\n") + 1
        end = data[cut:].lstrip(b" \t")
        may_mask = (cut > 0 or self._at_line_start) and (end.startswith(_MASK) or _MASK.startswith(end))
        self._line = b""
        if may_mask and len(data) - cut < _LONGEST_MASK:
            data, self._line = data[:cut], data[cut:]
        if data:
            self._at_line_start = data.endswith(b"\n")
        return self._hide(data, last=False)

    def close(self) -> bytes:
        if self._line.lstrip(b" \t").startswith(_MASK):
            self.add(os.fsdecode(self._line.lstrip(b" \t")[len(_MASK) :]))
        return self._hide(self._line, last=True)

    def _hide(self, data: bytes, *, last: bool) -> bytes:
        data = self._rest + data
        keep = len(data) if last else self._open_end(data)
        out: list[bytes] = []
        at = self._hidden
        # Every byte of every occurrence goes, also where occurrences overlap.
        for start, end in sorted(self._found(data)):
            if start >= keep:
                break
            if start > at or (start == at and not (at and at == self._hidden)):
                out += (data[at:start], HIDDEN)
            at = max(at, end)
        if at < keep:
            out.append(data[at:keep])
        self._hidden = max(at - keep, 0)
        self._rest = data[keep:]
        return b"".join(out)

    def _found(self, data: bytes) -> Iterable[tuple[int, int]]:
        for secret in self._secrets:
            at = data.find(secret)
            while at >= 0:
                yield at, at + len(secret)
                at = data.find(secret, at + 1)

    def _open_end(self, data: bytes) -> int:
        """Where the first secret may begin that is not complete yet."""
        first = len(data)
        for secret in self._secrets:
            at = max(len(data) - len(secret) + 1, 0)
            while 0 <= (at := data.find(secret[0], at, first)) < first:
                if secret.startswith(data[at:]):
                    first = at
                    break
                at += 1
        return first


# ── The log ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Log:
    """The output as stored: append-only, hashed as it grows, cut short at a limit. A full disk never stops the script."""

    def __init__(self, path: Path, limit: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._limit = limit
        self._hash = hashlib.sha256()
        self._end = b""
        self._left_out = 0
        self.size = 0
        self.truncated = False
        self.why = ""

    def add(self, data: bytes) -> None:
        room = self._limit - self.size
        if not self.truncated and len(data) > room:
            self._write(data[:room])
            data = data[room:]
            self._cut_short(f"the log reached its limit of {self._limit:,} bytes; the script goes on")
        if not self.truncated:
            self._write(data)
        else:
            self._left_out += len(data)
            self._end = (self._end + data)[-_LAST_WORDS:]

    def close(self) -> None:
        if self._end:
            lost = self._left_out - len(self._end)
            self._write(
                f"\n── {lost:,} bytes are left out here; this is the end of the output ──\n".encode() + self._end
            )
        with suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)

    def _cut_short(self, why: str) -> None:
        self.truncated = True
        self._write(f"\n── Cut short: {why}. ──\n".encode())

    def _write(self, data: bytes) -> None:
        while data:
            try:
                written = os.write(self._file, data)
            except OSError as problem:
                self.truncated = True
                self.why = f"The log is not complete: {problem.strerror}."
                return
            self._hash.update(data[:written])
            self.size += written
            data = data[written:]

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


# ── Processes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def status_of(pid: int) -> tuple[str, int, str] | None:
    """State, parent and start time of a process; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name in brackets may itself hold brackets and blanks.
    fields = stat[stat.rfind(b")") + 2 :].split()
    return fields[0].decode(), int(fields[1]), fields[19].decode()


def descendants(ancestor: int) -> list[int]:
    """Every living process below this one; zombies are dead."""
    children: dict[int, list[int]] = {}
    dead: set[int] = set()
    for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        if status := status_of(pid):
            children.setdefault(status[1], []).append(pid)
            if status[0] in "ZX":
                dead.add(pid)
    found: list[int] = []
    below = list(children.get(ancestor, ()))
    while below:
        pid = below.pop()
        below += children.get(pid, ())
        if pid not in dead:
            found.append(pid)
    return found


def send(number: int, pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def find_program(name: str, folder: str, path: str) -> tuple[str, str]:
    """The file to execute, or a sentence that says why there is none."""
    if not Path(folder).is_dir():
        return "", f"The directory {folder} does not exist."
    if name in {"python", "python3"}:
        return sys.executable, ""
    here = str(Path(folder) / name)
    places = [here] if "/" in name else [*(str(Path(place) / name) for place in path.split(":") if place), here]
    for place in places:
        if os.access(place, os.X_OK) and not Path(place).is_dir():
            return place, ""
    if Path(here).exists():
        what = "a directory, not a program." if Path(here).is_dir() else "not executable; `chmod +x` makes it so."
        return "", f"{here} is {what}"
    return (
        "",
        f"{here} does not exist." if "/" in name else f"There is no program {name}: not on the PATH, not in {folder}.",
    )


def why_not(problem: OSError, program: str) -> str:
    if problem.errno == errno.ENOEXEC:
        return f"{program} is not a program; a script begins with a line such as #!/bin/sh."
    if problem.errno == errno.ENOENT:
        return f"{program} names an interpreter in its first line that does not exist here."
    return f"{program} could not be started: {problem.strerror}."


class Script:
    """The script's processes, from the first to the last."""

    def __init__(self, child: "subprocess.Popen[bytes]", grace_s: float) -> None:
        self.pid = child.pid
        self.ended_by = ""
        self.why = ""
        #: Exit code, or minus the number of the signal.
        self.code: int | None = None
        self._child = child
        self._grace_s = grace_s
        self._told_at = 0.0
        self._gone = False

    def reap(self) -> None:
        """Take note of every child that ended, also those that were handed down to us."""
        while not self._gone:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._gone = True
                return
            if pid == 0:
                return
            if pid == self.pid:
                self.code = self._child.returncode = os.waitstatus_to_exitcode(status)

    def end(self, by: str) -> None:
        """Ask everything below us to end; `over` insists after the grace."""
        if not self.ended_by and self.code is None:
            self.ended_by = by
            self._told_at = time.monotonic()
            send(signal.SIGTERM, descendants(os.getpid()))

    def over(self) -> bool:
        """Whether nothing is left to wait for. What an ordinary end leaves running is left alone."""
        if not self.ended_by:
            return self.code is not None
        left = descendants(os.getpid())
        waited = time.monotonic() - self._told_at
        if left and waited >= self._grace_s:
            send(signal.SIGKILL, left)
        if left and waited >= self._grace_s + _GIVE_UP_KILLING_S:
            self.why = f"Processes that do not end: {', '.join(map(str, left))}."
            return True
        return not left and self.code is not None


# ── One run ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def run(directory: Path, spec: Json, told: Callable[[], bool]) -> Json:
    """Everything between the lock and exit.json."""
    if (directory / CANCEL).exists():
        return {"state": "never_ran", "ended_by": "cancel", "why": "It was cancelled before it began."}
    environment = {name: value for name, value in os.environ.items() if name != CRASH}
    program, why = find_program(spec["argv"][0], spec["cwd"], environment.get("PATH", os.defpath))
    if why:
        return {"state": "never_ran", "why": why}
    redactor = Redactor(environment[name] for name in spec["secrets"] if name in environment)
    log = Log(directory / LOG, spec["log_limit"])
    crash("log.opened")
    # Children whose parent dies come to us, also those with a session of their own.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    output, inlet = os.pipe()
    with suppress(OSError):
        fcntl.fcntl(inlet, fcntl.F_SETPIPE_SZ, 1_048_576)
    write_whole(directory, STARTING, {"supervisor": os.getpid(), "at": time.time()})
    started_at, started = time.time(), time.monotonic()
    try:
        child = subprocess.Popen(
            [program, *spec["argv"][1:]],
            cwd=spec["cwd"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=inlet,
            stderr=inlet,
            start_new_session=True,
        )
    except OSError as problem:
        log.close()
        return {"state": "never_ran", "why": why_not(problem, program)}
    crash("script.started")
    os.close(inlet)
    _, _, pid_started = status_of(child.pid) or ("", 0, "")
    with suppress(OSError):
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        facts = {"pid": child.pid, "pid_started": pid_started, "boot_id": boot_id, "at": started_at}
        write_whole(directory, STARTED, facts)
    script = Script(child, spec.get("grace_s", 10.0))

    def look() -> str:
        if time.monotonic() - started >= spec["deadline_s"]:
            return "deadline"
        return "cancel" if told() or (directory / CANCEL).exists() else ""

    follow(script, output, lambda data: log.add(redactor.feed(data)), look)
    ended = time.monotonic()
    crash("script.ended")
    log.add(redactor.close())
    log.close()
    crash("log.closed")
    return {
        "state": "finished",
        "exit_code": script.code if script.code is not None and script.code >= 0 else None,
        "signal": -script.code if script.code is not None and script.code < 0 else None,
        "ended_by": script.ended_by,
        "why": " ".join(part for part in (script.why, log.why) if part),
        "started_at": started_at,
        "finished_at": time.time(),
        "duration_s": ended - started,
        "log_bytes": log.size,
        "log_sha256": log.sha256,
        "truncated": log.truncated,
    }


def follow(script: Script, output: int, store: Callable[[bytes], None], look: Callable[[], str]) -> None:
    """Store what comes out until the script is over; then what is still on its way."""
    sources = [output]
    looked = drained = 0.0
    while True:
        ready, _, _ = select.select(sources, [], [], _LOOK_EVERY_S)
        if ready:
            data = os.read(output, _READ)
            store(data)
            if not data:
                sources.clear()
        now = time.monotonic()
        if drained:
            if not ready or not sources or now >= drained:
                return
        elif now - looked >= _LOOK_EVERY_S or not sources:
            looked = now
            script.reap()
            if by := look():
                script.end(by)
            if script.over():
                drained = now + _DRAIN_S


def main(directory: Path) -> None:
    told: list[int] = []
    # Told to end, it ends the script and still writes down how that went. Handlers, not SIG_IGN: the script would inherit that.
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    for unheard in (signal.SIGINT, signal.SIGHUP):
        signal.signal(unheard, lambda _number, _frame: None)
    os.closerange(3, 65_536)
    spec: Json = json.loads((directory / SPEC).read_bytes())
    crash("spec.read")
    if claim(directory) is None:
        return
    ending = run(directory, spec, lambda: bool(told))
    # The lock is held until the result is on the disk, however long the disk stays full.
    while directory.is_dir():
        try:
            write_whole(directory, EXIT, ending)
        except OSError:
            time.sleep(1.0)
        else:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
