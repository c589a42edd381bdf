"""How is a process started that lives on when we do not?"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def spawn(argv: list[str], environ: Mapping[str, str], errors: Path) -> int:
    """Start it in a session of its own, with nothing of ours open, and keep only its number: it is not ours to end."""
    return os.posix_spawn(
        argv[0],
        argv,
        environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(errors), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        ],
        setsid=True,
    )


def ended(pid: int) -> bool:
    """Whether a process that we started is gone; then it is also taken off the process table."""
    with suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    return True


def last_words(errors: Path) -> str:
    """The last line of what it complained about."""
    lines = errors.read_text(errors="replace").split("\n") if errors.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
