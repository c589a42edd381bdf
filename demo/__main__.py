"""`make demo`: a small production, a Slack workspace and the bot, on this machine, until Ctrl-C."""

import asyncio
import fcntl
import json
import os
import shlex
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.manifest import manifest

HOME = Path(os.environ.get("DEMO_HOME", "var"))
PORT = os.environ.get("PORT", "8321")

#: Sandbox values, no secrets: they open nothing but the workspace on this machine.
TOKENS = {
    "SLACK_BOT_TOKEN": "xoxb-sandbox-bot-token",
    "SLACK_APP_TOKEN": "xapp-sandbox-app-token",
    "SLACK_SIGNING_SECRET": "sandbox-signing-secret",
}

#: How long a part may take to get ready, and to end.
_READY_S, _END_S = 60.0, 30.0

#: A bot that ends sooner than this after its start would only end again.
_LIVES_S = 5.0


class NotReady(Exception):
    """A part of the demonstration did not start; the message says which and where its log is."""


class Part:
    """One program of the demonstration; its output goes to a file."""

    def __init__(self, name: str, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self.name = name
        self.log = HOME / "logs" / f"{name}.log"
        self._arguments = arguments
        self._environ = dict(environ)
        self._log_from = 0

    @classmethod
    async def begin(cls, name: str, *arguments: str, environ: Mapping[str, str]) -> "Part":
        part = cls(name, arguments, environ)
        part.log.parent.mkdir(parents=True, exist_ok=True)
        part.log.unlink(missing_ok=True)
        await part.again()
        return part

    async def again(self) -> None:
        """Start it, also after it ended; what it said before stays in its log."""
        with self.log.open("ab") as out:
            self._log_from = out.tell()
            # Its own session: Ctrl-C reaches this program alone, which ends the others in order.
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self._arguments,
                env=self._environ,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.since = time.monotonic()

    async def says(self, words: str) -> str:
        """The rest of the line on which it says these words."""
        try:
            async with asyncio.timeout(_READY_S):
                while True:
                    said = self._said().splitlines()
                    for line in said:
                        if words in line:
                            return line.partition(words)[2].strip()
                    if self.process.returncode is not None:
                        last = said[-1:]
                        raise NotReady(f"{self.name} ended: {''.join(last) or 'it said nothing'} (its log: {self.log})")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise NotReady(f"{self.name} was not ready within {_READY_S:.0f} s (its log: {self.log})") from None

    def _said(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_from)
            return log.read().decode("utf-8", "replace")

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
            try:
                async with asyncio.timeout(_END_S):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


def read_env(path: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {name: value.strip().strip("'\"") for name, value in pairs}


async def main() -> int:
    if shutil.which("git") is None:
        print("git is needed: the demonstration deploys from a git repository. Install it, then make demo again.")
        return 2
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    parts: list[Part] = []
    try:
        await _start(parts, stop)
        return await _until(stop, parts)
    except NotReady as problem:
        print(problem)
        return 1
    finally:
        if parts:
            print("\nStopping: scripts are cancelled, everything else is kept for the next time.", flush=True)
        for part in reversed(parts):
            await part.end()
            if part.name == "bot":
                # Production lives until the last script is over, whatever became of the bot.
                await asyncio.to_thread(_end_what_it_left, HOME / "bot")


async def _until(stop: asyncio.Event, parts: list[Part]) -> int:
    """0 when somebody stopped it, 1 when a part ended by itself. The bot is started again: whoever kills it wants to see that."""
    stopping = asyncio.create_task(stop.wait())
    try:
        while True:
            waiting = {asyncio.create_task(part.process.wait()): part for part in parts}
            await asyncio.wait({*waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            ended = [part for task, part in waiting.items() if task.done()]
            for task in waiting:
                task.cancel()
            if stopping.done():
                return 0
            for part in ended:
                if part.name != "bot" or time.monotonic() - part.since < _LIVES_S:
                    print(f"The {part.name} ended by itself; its log is {part.log}")
                    return 1
                print("The bot ended by itself; it is started again, and goes on where it was.", flush=True)
                await part.again()
                await part.says("t-minus is ready")
    finally:
        stopping.cancel()


def _end_what_it_left(home: Path) -> None:
    """A bot that was killed could tell neither its probers nor its scripts to end; this is how they are told."""
    for watch in home.glob("watches/*/wanted"):
        (watch.parent / "stop").touch()
    running = [run.parent for run in home.glob("runs/*/lock") if _held(run)]
    for run in running:
        (run / "cancel").touch()
    until = time.monotonic() + _END_S
    while time.monotonic() < until and any(_held(run / "lock") for run in running):
        time.sleep(0.05)


def _held(lock: Path) -> bool:
    """Whether the supervisor of this run lives: it holds the lock for as long."""
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


async def _start(parts: list[Part], stop: asyncio.Event) -> None:
    """Each part begins as soon as it has what it needs; the bot, which takes the longest, before production is ready."""
    home, data = HOME / "production", HOME / "sandbox"
    data.mkdir(parents=True, exist_ok=True)
    print("Starting a small production, a Slack workspace and the bot …", flush=True)
    app = data / "manifest.json"
    app.write_text(json.dumps(manifest()), encoding="utf-8")
    with _reserved(PORT) as reserved:
        port = reserved.getsockname()[1]
        page, clock = f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{port}/clock"
        arguments = ("sandbox", "--port", str(port), "--data", str(data), "--manifest", str(app))
        sandbox = await Part.begin("sandbox", *arguments, environ=os.environ)
        parts.append(sandbox)
        arguments = ("demo.production", "--home", str(home), "--clock", clock)
        production = await Part.begin("production", *arguments, environ=os.environ)
        parts.append(production)
        await production.says("production prepared")
        await sandbox.says("sandbox ready")
    if stop.is_set():
        return
    environ = {
        **os.environ,
        **read_env(home / "production.env"),
        **TOKENS,
        "SLACK_API_URL": f"{page}api/",
        "TMINUS_CLOCK_URL": clock,
        "CHECKOUT_CLOCK_URL": clock,
        "TMINUS_HOME": str(HOME / "bot"),
        "TMINUS_HOST": "demo",
        "TMINUS_ENDS_ALL": "1",
    }
    bot = await Part.begin("bot", "bot", "run", environ=environ)
    parts.append(bot)
    await production.says("production ready")
    await bot.says("t-minus is ready")
    beside = "" if str(HOME) == "var" else f"TMINUS_HOME={shlex.quote(str(HOME / 'bot'))} "
    print(
        f"\n  {page}\n\n"
        "Open it, and type in #checkout:   /deploy start checkout 1.4.2\n"
        "You act as Mara Lind, the captain. At the top you become Ana, Chloé, Eun-ji or Grace, who tick and sign.\n"
        "Other versions to try: 1.5.1 is slow, 1.5.2 fails now and then, 1.6.0 does not start.\n"
        f"At the machine, as when Slack is down:   {beside}.venv/bin/python -m bot status\n"
        f"Ctrl-C ends everything and keeps it for the next time; make demo-reset starts afresh. Logs: {HOME / 'logs'}\n",
        flush=True,
    )


def _reserved(port: str) -> socket.socket:
    """The usual port, so that the page's address stays; any other when it is taken. Nobody else gets it until this is closed."""
    for one in (port, "0"):
        sock = socket.socket()
        # Whoever listens there in the end says the same; two that only hold a port do not hinder each other.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", int(one)))
        except (OSError, OverflowError, ValueError):
            sock.close()
            print(f"Port {one} could not be used; taking another.")
            continue
        return sock
    raise NotReady("No port is free on 127.0.0.1.")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
