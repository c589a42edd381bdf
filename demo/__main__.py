"""`make demo`: a small production, a Slack workspace and the bot, on this machine, until Ctrl-C."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

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


class NotReady(Exception):
    """A part of the demonstration did not start; the message says which and where its log is."""


class Part:
    """One program of the demonstration; its output goes to a file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    @classmethod
    async def begin(cls, name: str, *arguments: str, environ: Mapping[str, str]) -> "Part":
        log = HOME / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            # Its own session: Ctrl-C reaches this program alone, which ends the others in order.
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *arguments, env=dict(environ), stdout=out, stderr=out, start_new_session=True
            )
        return cls(name, process, log)

    async def says(self, words: str) -> str:
        """The rest of the line on which it says these words."""
        try:
            async with asyncio.timeout(_READY_S):
                while True:
                    for line in self.log.read_text("utf-8", "replace").splitlines():
                        if words in line:
                            return line.partition(words)[2].strip()
                    if self.process.returncode is not None:
                        last = self.log.read_text("utf-8", "replace").strip().splitlines()[-1:]
                        raise NotReady(f"{self.name} ended: {''.join(last) or 'it said nothing'} (its log: {self.log})")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise NotReady(f"{self.name} was not ready within {_READY_S:.0f} s (its log: {self.log})") from None

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
            print("\nStopping: scripts are cancelled, everything else is kept for the next time.")
        for part in reversed(parts):
            await part.end()
        for watch in (HOME / "bot" / "watches").glob("*/wanted"):
            # A bot that was killed could not tell its probers; this is how they are told.
            (watch.parent / "stop").touch()


async def _until(stop: asyncio.Event, parts: list[Part]) -> int:
    """0 when somebody stopped it, 1 when a part ended by itself."""
    waiting = [asyncio.create_task(part.process.wait(), name=part.name) for part in parts]
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({*waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in done - {stopping}:
        print(f"{task.get_name()} ended by itself; its log is {HOME / 'logs' / (task.get_name() + '.log')}")
    for task in (*waiting, stopping):
        task.cancel()
    return 0 if stopping in done else 1


async def _start(parts: list[Part], stop: asyncio.Event) -> None:
    production, sandbox = HOME / "production", HOME / "sandbox"
    sandbox.mkdir(parents=True, exist_ok=True)
    print("Starting a small production, a Slack workspace and the bot …", flush=True)
    manifest = sandbox / "manifest.json"
    manifest.write_bytes(await _manifest())
    parts.append(await _sandbox(sandbox, manifest))
    page = await parts[-1].says("sandbox ready")
    clock = f"{page}clock"
    arguments = ("demo.production", "--home", str(production), "--clock", clock)
    parts.append(await Part.begin("production", *arguments, environ=os.environ))
    await parts[-1].says("production ready")
    if stop.is_set():
        return
    environ = {
        **os.environ,
        **read_env(production / "production.env"),
        **TOKENS,
        "SLACK_API_URL": f"{page}api/",
        "TMINUS_CLOCK_URL": clock,
        "CHECKOUT_CLOCK_URL": clock,
        "TMINUS_HOME": str(HOME / "bot"),
        "TMINUS_HOST": "demo",
        "TMINUS_ENDS_ALL": "1",
    }
    (HOME / "bot.env").write_text(
        "".join(f"{name}={value}\n" for name, value in environ.items() if name not in os.environ)
    )
    parts.append(await Part.begin("bot", "bot", "run", environ=environ))
    await parts[-1].says("t-minus is ready")
    print(
        f"\n  {page}\n\n"
        "Open it, and type in #checkout:   /deploy start checkout 1.4.2\n"
        "You act as Mara Lind, the captain. At the top you become Ana, Chloé, Eun-ji or Grace, who tick and sign.\n"
        "Other versions to try: 1.5.1 is slow, 1.5.2 fails now and then, 1.6.0 does not start.\n"
        f"Ctrl-C ends everything and keeps it for the next time; make demo-reset starts afresh. Logs: {HOME / 'logs'}\n",
        flush=True,
    )


async def _manifest() -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "manifest", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, problem = await process.communicate()
    if process.returncode:
        raise NotReady(f"The app's manifest could not be written: {problem.decode('utf-8', 'replace').strip()[-300:]}")
    return out


async def _sandbox(data: Path, manifest: Path) -> Part:
    """On the usual port, so that the page's address stays; on any other when it is taken."""
    for port in (PORT, "0"):
        arguments = ("sandbox", "--port", port, "--data", str(data), "--manifest", str(manifest))
        part = await Part.begin("sandbox", *arguments, environ=os.environ)
        try:
            await part.says("sandbox ready")
        except NotReady:
            if port == "0":
                raise
            with contextlib.suppress(ProcessLookupError):
                await part.end()
            print(f"Port {port} could not be used; taking another.")
            continue
        return part
    raise NotReady("no port")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
