"""What does a host of the service do when it is told to install, start or stop a release?

It runs alone, with the standard library only, as an agent on a real host would:
    python -I -S host.py HOME ADDRESS AGENT_PORT MEMBER_PORT     (the token is in HOST_TOKEN)
"""

import ctypes
import hmac
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

STOPPED_WITHIN_S = 10
BIGGEST_LOG = 10_000_000
#: How much memory such a host has for the service.
MEMORY = 256_000_000
DIE_WITH_PARENT = 1
VERSION = re.compile(r"\d+\.\d+\.\d+")
LIBC = ctypes.CDLL(None)


class RefusedError(Exception):
    """Its sentence goes back to whoever asked."""


def unpack(tar: bytes, releases: Path, version: str, commit: str) -> None:
    """Put a release beside the others; it is either there completely or not at all."""
    if not VERSION.fullmatch(version):
        raise RefusedError(f"{version!r} is not a version; say one like 1.4.2.")
    fresh = releases / f".{version}.{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(tar)) as content:
        for member in content:
            if (
                member.name.startswith("/")
                or ".." in Path(member.name).parts
                or not (member.isfile() or member.isdir())
            ):
                raise RefusedError(f"The release has an entry that may not be unpacked: {member.name}.")
            content.extract(member, fresh)
    (fresh / "COMMIT").write_text(commit + "\n")
    shutil.rmtree(releases / version, ignore_errors=True)
    fresh.rename(releases / version)


def usage(pid: int) -> dict[str, float]:
    """What the kernel says that a process takes: shares of one processor since it began, of the host's memory, of the files."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    lived = float(Path("/proc/uptime").read_text().split()[0]) - int(stat[19]) / tick
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    files = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - only how many there are is asked.
    return {
        "cpu": round((int(stat[11]) + int(stat[12])) / tick / max(lived, 1.0), 4),
        "memory": round(resident / MEMORY, 4),
        "files": round(files / resource.getrlimit(resource.RLIMIT_NOFILE)[0], 4),
    }


class Host:
    """One machine: the releases it holds, and the one process it runs."""

    def __init__(self, home: Path, address: str, port: int) -> None:
        self.home, self.address, self.port = home, address, port
        self.releases = home / "releases"
        self.releases.mkdir(parents=True, exist_ok=True)
        self.note = home / "state.json"
        self.state: dict[str, Any] = {"current": None, "previous": None, "wanted": False}
        if self.note.exists():
            self.state |= json.loads(self.note.read_text())
        self.process: subprocess.Popen[bytes] | None = None

    def remember(self, **changes: Any) -> None:
        self.state |= changes
        fresh = self.note.with_suffix(".new")
        fresh.write_text(json.dumps(self.state))
        fresh.replace(self.note)

    def environment(self) -> dict[str, str]:
        lines = (self.home / "environment").read_text().splitlines()
        configured = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        own = {"LISTEN_ADDRESS": self.address, "LISTEN_PORT": str(self.port), "PATH": os.environ.get("PATH", "")}
        return {**configured, **own}

    def folder(self, version: str) -> Path:
        if not VERSION.fullmatch(version) or not (self.releases / version).is_dir():
            raise RefusedError(f"Release {version!r} is not installed here; install it first.")
        return self.releases / version

    def command(self, word: str) -> list[str]:
        return [sys.executable, "-S", "-m", "checkout", word]

    def about(self) -> dict[str, Any]:
        exit_code = self.process.poll() if self.process else None
        running = self.process is not None and exit_code is None
        return {
            **self.state,
            "running": running,
            "pid": self.process.pid if running and self.process else None,
            "exit_code": exit_code,
            "installed": sorted(entry.name for entry in self.releases.iterdir() if VERSION.fullmatch(entry.name)),
            "url": f"http://{self.address}:{self.port}",
            "usage": usage(self.process.pid) if running and self.process else {},
        }

    def install(self, tar: bytes, version: str, commit: str) -> dict[str, Any]:
        if self.process and self.process.poll() is None and self.state["current"] == version:
            raise RefusedError(f"Release {version} is running; stop it before it is replaced.")
        unpack(tar, self.releases, version, commit)
        return self.about()

    def migrate(self, version: str) -> dict[str, Any]:
        done = subprocess.run(
            self.command("migrate"),
            cwd=self.folder(version),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return {"exit_code": done.returncode, "output": (done.stdout + done.stderr).strip()}

    def start(self, version: str) -> dict[str, Any]:
        folder = self.folder(version)
        if self.process and self.process.poll() is None:
            raise RefusedError(f"Release {self.state['current']} is running; stop it first.")
        if self.state["current"] != version:
            self.remember(previous=self.state["current"], current=version)
        self.remember(wanted=True)
        log = self.home / "checkout.log"
        if log.exists() and log.stat().st_size > BIGGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as out:
            # A host that is switched off takes its processes with it; the kernel sees to that even after kill -9.
            self.process = subprocess.Popen(
                self.command("serve"),
                cwd=folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                preexec_fn=lambda: LIBC.prctl(DIE_WITH_PARENT, signal.SIGTERM),  # noqa: PLW1509 - there is one thread.
            )
        return self.about()

    def stop(self, *, wanted: bool = False) -> dict[str, Any]:
        """Let it finish what it has begun; nobody waits for ever."""
        self.remember(wanted=wanted)
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.about()

    def log(self, lines: int) -> dict[str, Any]:
        path = self.home / "checkout.log"
        if not path.exists():
            return {"lines": []}
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64_000))
            return {"lines": file.read().decode(errors="replace").splitlines()[-lines:]}


def handler(host: Host, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def answer(self) -> None:
            if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()):
                return self.say(401, {"error": "This needs the token of the hosts."})
            try:
                action = self.find()
                return self.say(200, action()) if action else self.say(404, {"error": "This host cannot do that."})
            except RefusedError as refusal:
                return self.say(409, {"error": str(refusal)})
            except (OSError, ValueError, tarfile.TarError, subprocess.TimeoutExpired) as error:
                return self.say(500, {"error": f"That did not work: {error}"})

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names are the standard library's.

        def find(self) -> Callable[[], dict[str, Any]] | None:
            url = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            version = asked.get("version", "")
            return {
                ("GET", "/state"): host.about,
                ("GET", "/log"): lambda: host.log(int(asked.get("lines", "20"))),
                ("PUT", "/release"): lambda: host.install(body, version, asked.get("commit", "unknown")),
                ("POST", "/migrate"): lambda: host.migrate(version),
                ("POST", "/start"): lambda: host.start(version),
                ("POST", "/stop"): host.stop,
            }.get((self.command, url.path))

        def say(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's.
            """What was asked of a host stands in the log of whoever asked."""

    return Handler


def end(*_: object) -> None:
    sys.exit(0)


def main() -> None:
    home, address, agent_port, member_port = sys.argv[1:]
    host = Host(Path(home), address, int(member_port))
    # One thread: the kernel ties the member's life to the thread that started it.
    server = HTTPServer((address, int(agent_port)), handler(host, os.environ.pop("HOST_TOKEN")))
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The parent may have died before the signal that tells of its death was arranged.
    LIBC.prctl(DIE_WITH_PARENT, signal.SIGTERM)
    try:
        if host.state["wanted"] and host.state["current"]:
            host.start(host.state["current"])
        server.serve_forever(poll_interval=0.05)
    finally:
        server.server_close()
        host.stop(wanted=bool(host.state["wanted"]))


if __name__ == "__main__":
    main()
