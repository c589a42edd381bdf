"""Run a program and kill it just before its n-th system call, by the kernel's own tracing."""

import ctypes
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.scripts import supervisor

_TRACE_ME, _SYSCALL, _SET_OPTIONS = 0, 24, 0x4200
#: Tell system calls from other traps; do not outlive us.
_OPTIONS = 1 | 0x100000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, pid: int, data: int = 0) -> None:
    if _libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


@contextmanager
def orphans_come_here() -> Iterator[Callable[[], None]]:
    """Gives a function that waits until every process that lost its parent meanwhile has ended.

    What was a child of ours before (a database that other tests of this process use) is nobody's orphan and lives on.
    """
    before = _children()
    _libc.prctl(supervisor._PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield lambda: _wait_for_all_but(before)
    finally:
        _libc.prctl(supervisor._PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _wait_for_all_but(spared: set[int]) -> None:
    while orphans := _children() - spared:
        for pid in orphans:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> set[int]:
    return {int(pid) for listed in Path("/proc/self/task").glob("*/children") for pid in listed.read_text().split()}


def kill_before(
    n: int, argv: Sequence[str], environ: Mapping[str, str], seen: Callable[[int], None] = lambda _: None
) -> bool:
    """True when it was killed before its n-th system call; False when it ended by itself before that."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            _ptrace(_TRACE_ME, 0)
            os.execve(argv[0], list(argv), dict(environ))  # noqa: S606 - it has to be this process
        finally:
            os._exit(127)
    calls = 0
    entering = True
    deliver = 0
    _, status = os.waitpid(pid, 0)
    _ptrace(_SET_OPTIONS, pid, _OPTIONS)
    while True:
        _ptrace(_SYSCALL, pid, deliver)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            if os.waitstatus_to_exitcode(status) != 0:
                raise RuntimeError(f"the traced program failed: {status}")
            return False
        deliver = 0
        if os.WSTOPSIG(status) != signal.SIGTRAP | 0x80:
            deliver = os.WSTOPSIG(status) if os.WSTOPSIG(status) != signal.SIGTRAP else 0
            continue
        if entering:
            seen(calls)
            if calls == n:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return True
            calls += 1
        entering = not entering
