"""Where does the code of the checkout service come from?"""

import os
import subprocess
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).parent / "checkout"
# Somebody's own git settings (signing, hooks, templates) have no business in a demo.
QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(*words: str | Path, stdin: bytes | None = None) -> bytes:
    return subprocess.run(
        ["git", *map(str, words)], input=stdin, env={**os.environ, **QUIET}, check=True, capture_output=True
    ).stdout


def build(where: Path) -> None:
    """Make the repository, the same commit ids on every machine; keep the one that is there."""
    if (where / "HEAD").exists():
        return
    git("init", "--bare", "--quiet", "--initial-branch=main", where)
    git("-C", where, "fast-import", "--quiet", stdin=stream(yaml.safe_load((SOURCE / "history.yaml").read_text())))


def stream(history: dict[str, Any]) -> bytes:
    """The whole history in git's fast-import format: one process in place of a hundred."""
    out: list[bytes] = []
    taken: set[Path] = set()
    last = {entry["version"]: number for number, entry in enumerate(history["commits"], start=1)}
    for number, entry in enumerate(history["commits"], start=1):
        version = entry["version"]
        who = f"{history['authors'][entry['by']]} {int(datetime.fromisoformat(entry['at']).timestamp())} +0000"
        message = "\n\n".join(filter(None, [entry["subject"], entry.get("body")])) + "\n"
        out.append(f"commit refs/heads/main\nmark :{number}\nauthor {who}\ncommitter {who}\n".encode())
        out.append(data(message.encode()))
        for file in files(SOURCE / f"v{version}", entry["files"]):
            if file not in taken:
                taken.add(file)
                out.append(f"M 100644 inline {file.relative_to(SOURCE / f'v{version}').as_posix()}\n".encode())
                out.append(data(file.read_bytes()))
        out += [f"D {name}\n".encode() for name in entry.get("removed", [])]
        out.append(b"\n")
        if last[version] == number:
            out.append(f"reset refs/tags/v{version}\nfrom :{number}\n\n".encode())
    return b"".join(out)


def data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def files(folder: Path, patterns: list[str]) -> list[Path]:
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and "__pycache__" not in file.parts
        and any(fnmatch(file.relative_to(folder).as_posix(), pattern) for pattern in patterns)
    ]


def commit_of(repository: Path, version: str) -> str:
    return git("-C", repository, "rev-parse", f"v{version}^{{commit}}").decode().strip()


def archive(repository: Path, version: str) -> bytes:
    return git("-C", repository, "archive", "--format=tar", f"v{version}")
