"""A small company for tests that kill: the sandbox and the bot as processes, quick scripts, and people who carry on."""

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from sqlalchemy import text

from bot.chat.files import stem_of
from bot.engine.engine import project
from bot.manifest import manifest as made_from_the_code
from bot.model import Deployment, RunState
from bot.schedule import SystemClock
from bot.scripts import supervisor
from bot.store import Store

ROOT = Path(__file__).parents[2]

#: What is waited for comes, or the test fails; a busy machine takes its time.
GENEROUS_S = 240.0

APP = """
include: services/*.yaml
defaults:
  roles:
    lead: {title: DevOps Lead, contact: U0ANA, backup: U0BEN}
  announce_to: [releases]
  sections:
    before: {title: Before, owner: lead, items: {plan: {title: Plan looked at}}}
  steps:
    preparing:
      freeze: {title: Freeze code changes, script: freeze}
      notify: {title: Notify stakeholders, announce: planned}
    deploying:
      deploy: {title: Execute deploy script, script: deploy}
    verifying:
      health: {title: Run health checks, script: health}
      tell: {title: Tell that it is done, announce: done}
  verification: {title: Verification, owner: lead, items: {answers: {title: Answers well}}}
  criteria: {title: Criteria, owner: lead, items: {}}
  follow_ups:
    immediate:
      title: Immediate
      after: 2 h
      remind_after: 30 min
      escalate_after: 1 h
      tasks: {flows: {title: User flows verified, owner: lead}}
    weekly:
      title: Long-term
      after: 7 d
      tasks: {lessons: {title: Lessons learned, owner: lead}}
  scripts:
    freeze: {title: Code freeze, run: [./run.sh, freeze]}
    deploy: {title: Deploy script, run: [./run.sh, deploy, wait], deadline: 10 min}
    health: {title: Health checks, run: [./run.sh, health]}
"""

SERVICE = "service: shop\nchannel: checkout\nenvironments: {production: {}}\n"

#: It says that it ran, where only the test looks; then it prints; and it waits if it is asked to, for as long as the test likes.
SCRIPT = """#!/bin/bash
echo "$TMINUS_DEPLOYMENT $1" >> ran
for n in $(seq 200); do echo "$1 line $n of $TMINUS_DEPLOYMENT"; done
while [ "$2" = wait ] && [ ! -e go ]; do sleep 0.05; done
for n in $(seq 200); do echo "$1 afterwards $n"; done
"""

#: Those whom the bot may write to.
PEOPLE = ("U0MARA", "U0ANA", "U0BEN")
CHANNELS = ("C0CHECKOUT", "C0RELEASES")


class Bot:
    """`python -m bot run`, its log in a file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.still = False
        self._log = log

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def ready(self) -> None:
        await until(lambda: "t-minus is ready" in self.log() or not self.alive, "the bot to be ready")
        assert self.alive, self.log()[-3000:]

    async def dies(self) -> None:
        """Wait until it was killed, by itself at a crash point."""
        async with asyncio.timeout(GENEROUS_S):
            assert await self.process.wait() == -signal.SIGKILL, self.log()[-3000:]

    async def stands_still(self, seconds: float) -> None:
        """As on a machine that stops for a while, whatever it was doing; it may be killed meanwhile."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGSTOP)
            self.still = True
            await asyncio.sleep(seconds)
            self.process.send_signal(signal.SIGCONT)
            self.still = False

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        async with asyncio.timeout(GENEROUS_S):
            assert await self.process.wait() == 0, self.log()[-3000:]


class World:
    """What people do and see, and what is looked at from outside when all is over."""

    def __init__(self, folder: Path, url: str, database: str, client: httpx.AsyncClient, http: str = "") -> None:
        self.folder = folder
        self.url = url
        self.database = database
        #: Where the bot listens for Slack; empty: Socket Mode.
        self.http = http
        self.bots: list[Bot] = []
        self._client = client

    # ── The bot ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def bot(self, *, crash: str = "", host: str = "one", grace_s: float = 2.5) -> Bot:
        environ = {
            **os.environ,
            "SLACK_API_URL": f"{self.url}api/",
            "SLACK_BOT_TOKEN": "xoxb-sandbox-bot-token",
            "SLACK_APP_TOKEN": "" if self.http else "xapp-sandbox-app-token",
            "SLACK_SIGNING_SECRET": "sandbox-signing-secret" if self.http else "",
            "TMINUS_CLOCK_URL": f"{self.url}clock",
            "TMINUS_CONFIG": str(self.folder / "app.yaml"),
            "TMINUS_HOME": str(self.folder / host),
            "TMINUS_HOST": host,
            "TMINUS_DATABASE": self.database,
            "TMINUS_GRACE_S": str(grace_s),
            "TMINUS_CRASH": crash,
        }
        log = self.folder / f"bot-{len(self.bots)}.log"
        listening = ("--http", self.http) if self.http else ()
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", *listening, cwd=ROOT, env=environ, stdout=out, stderr=out
            )
        self.bots.append(Bot(process, log))
        return self.bots[-1]

    async def ready(self, **how: Any) -> Bot:
        bot = await self.bot(**how)
        await bot.ready()
        return bot

    # ── What people do ───────────────────────────────────────────────────────────────────────────────────────────────

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self._client.post(f"{self.url}{path}", json=body)
        return answer.json()

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = await self._client.get(f"{self.url}{path}", params=query)
        answer.raise_for_status()
        return answer.json()

    async def types(self, user: str, words: str) -> dict[str, Any]:
        return await self.post("control/command", **{"as": user}, channel="C0CHECKOUT", text=f"/deploy {words}")

    async def fills_in(self, user: str, title: str, **fields: str) -> None:
        """The modal that this person has open, with these texts in its fields."""

        async def opened() -> bool:
            return bool(await self._opened(user))

        await until_async(opened, f"the modal {title!r}")
        [view] = await self._opened(user)
        assert view["title"]["text"] == title
        state = {key: {key: {"value": words}} for key, words in fields.items()}
        await self.post("control/submit", **{"as": user}, view_id=view["id"], state=state)
        assert await self._opened(user) == []

    async def _opened(self, user: str) -> list[dict[str, Any]]:
        return (await self.get("control/views", **{"as": user}))["stack"]

    async def mentions(self, user: str, words: str) -> None:
        await self.post("control/post", **{"as": user}, channel="C0CHECKOUT", text=f"<@U0TMINUS> {words}")

    async def opens(self, number: int = 1) -> None:
        """`/deploy start`, again and again until the thread is there, as somebody does whose bot was away."""
        async with asyncio.timeout(GENEROUS_S):
            while not await self.card(number):
                await self.types("U0MARA", f"start shop 1.4.{number}")
                for _ in range(10):
                    if not await self.card(number):
                        await asyncio.sleep(0.3)

    async def does_what_is_asked(self, *, opening: bool = False, start: bool = True) -> None:
        """One round: tick each open box, say go, start. Whatever did not work is done again in the next round."""
        if opening and not await self.card():
            await self.types("U0MARA", "start shop 1.4.1")
        for message in await self.messages("U0ANA"):
            for block in message.get("blocks") or []:
                accessory = block.get("accessory") or {}
                if accessory.get("action_id") == "tick" and not accessory.get("initial_options"):
                    chosen = {"selected_options": [accessory["options"][0]["value"]]}
                    await self._press("U0ANA", message, block["block_id"], "tick", chosen)
        if found := self._button(await self._direct("U0ANA"), "Go"):
            await self._press("U0ANA", *found)
        if start and (found := self._button(await self.messages("U0MARA"), "Start")):
            await self._press("U0MARA", *found)

    async def goes_on_until(self, holds: Callable[[], Awaitable[bool]], what: str, **how: bool) -> None:
        """Everybody does what is asked of them, until this holds."""
        try:
            async with asyncio.timeout(GENEROUS_S):
                while not await holds():
                    await self.does_what_is_asked(**how)
                    await asyncio.sleep(0.3)
        except TimeoutError:
            seen = "\n".join(message["text"] for message in await self.everything())
            raise AssertionError(f"waited {GENEROUS_S:.0f} s for {what}, and people read:\n{seen}") from None

    async def presses(self, user: str, label: str) -> None:
        await until_async(lambda: self.offers(label), f"a button {label!r}")
        found = self._button(await self.messages(user), label)
        assert found, f"there is no button {label!r} any more"
        await self._press(user, *found)

    async def _press(
        self, user: str, message: dict[str, Any], block: str, action: str, value: dict[str, Any] | None = None
    ) -> None:
        container = {"type": "message", "channel": message["channel"], "ts": message["ts"]}
        asked = {"as": user, "container": container, "block_id": block, "action_id": action}
        await self.post("control/action", **asked, value=value or {})

    def _button(self, messages: Sequence[dict[str, Any]], label: str) -> tuple[dict[str, Any], str, str] | None:
        for message in messages:
            for block in message.get("blocks") or []:
                for element in block.get("elements") or []:
                    if element.get("type") == "button" and element["text"]["text"] == label:
                        return message, block["block_id"], element["action_id"]
        return None

    async def advance(self, **by: float) -> None:
        seconds = sum({"days": 86400, "hours": 3600, "minutes": 60}[unit] * count for unit, count in by.items())
        await self.post("clock", advance_s=seconds)

    async def unkind(self, *rules: dict[str, Any], seed: int = 1) -> None:
        await self.post("control/faults", seed=seed, rules=list(rules))

    # ── What people see ──────────────────────────────────────────────────────────────────────────────────────────────

    async def messages(self, user: str = "U0MARA") -> list[dict[str, Any]]:
        """Everything that the bot has said in the channels and in their threads, and to this person."""
        found: list[dict[str, Any]] = []
        for channel in CHANNELS:
            roots = await self.get("control/messages", **{"as": user}, channel=channel, limit=1000)
            found += roots["messages"]
            for root in roots["messages"]:
                if root.get("reply_count"):
                    asked = {"as": user, "channel": channel, "thread": root["ts"], "limit": 1000}
                    found += (await self.get("control/messages", **asked))["messages"][1:]
        return [message for message in found if message["user"] == "U0TMINUS" and not message.get("ephemeral")]

    async def _direct(self, user: str) -> list[dict[str, Any]]:
        state = await self.get("control/state", **{"as": user})
        rooms = [one["id"] for one in state["channels"] if one.get("partner") == "U0TMINUS"]
        found: list[dict[str, Any]] = []
        for room in rooms:
            found += (await self.get("control/messages", **{"as": user}, channel=room, limit=1000))["messages"]
        return [message for message in found if message["user"] == "U0TMINUS" and not message.get("ephemeral")]

    async def everything(self) -> list[dict[str, Any]]:
        return [
            *await self.messages(),
            *[one for user in PEOPLE for one in await self._direct(user)],
        ]

    async def keys(self) -> Counter[str]:
        """How often each message stands in the workspace, by the name that it carries."""
        return Counter(_name(message) for message in await self.everything())

    async def card(self, number: int = 1) -> str:
        """The card in one line; empty when it is not there yet."""
        return next((one["text"] for one in await self.messages() if _name(one) == f"shop-{number}/card"), "")

    async def says(self, words: str, number: int = 1) -> bool:
        return words in (await self.card(number)).lower()

    async def stands(self, key: str) -> bool:
        return (await self.keys())[key] > 0

    async def offers(self, label: str) -> bool:
        return self._button(await self.messages(), label) is not None

    async def has_no_box(self, key: str) -> bool:
        """No box of this message is left to tick."""
        return "checkboxes" not in await self.reads(key) or "initial_options" in await self.reads(key)

    async def reads_somewhere(self, words: str, *, key: str) -> None:
        """Wait until this message says so."""

        async def says() -> bool:
            return await self.stands(key) and words in await self.reads(key)

        await until_async(says, f"{words!r} in {key}")

    async def stood_at(self, key: str) -> datetime:
        """When this message came."""
        [message] = [one for one in await self.everything() if _name(one) == key]
        return datetime.fromtimestamp(float(message["ts"]), UTC)

    async def reads(self, key: str) -> str:
        """All that one message says, with its marks."""
        [message] = [one for one in await self.everything() if _name(one) == key]
        return json.dumps([message["text"], message.get("blocks")], ensure_ascii=False)

    async def file(self, key: str) -> bytes:
        """The file that this message brought into the thread."""
        [message] = [one for one in await self.messages() if _name(one) == key]
        [file] = message["files"]
        answer = await self._client.get(file["url"] if "://" in file["url"] else f"{self.url.rstrip('/')}{file['url']}")
        answer.raise_for_status()
        return answer.content

    def times_run(self, script: str, deployment: str = "shop-1") -> int:
        ran = self.folder / "ran"
        return ran.read_text().splitlines().count(f"{deployment} {script}") if ran.exists() else 0

    async def script_is_over(self, run: str, host: str = "one") -> None:
        """Its supervisor has written down how it ended."""
        await until((self.folder / host / "runs" / run / "exit.json").exists, f"{run} to end")

    def lets_scripts_end(self, *, end: bool = True) -> None:
        """A deploy script waits for this."""
        if end:
            (self.folder / "go").touch()
        else:
            (self.folder / "go").unlink(missing_ok=True)

    async def runs(self, script: str = "deploy", deployment: str = "shop-1", *, times: int = 1) -> bool:
        return self.times_run(script, deployment) == times

    # ── What is looked at from outside ───────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        clock = SystemClock()
        store = await Store.open(self.database, clock, project=lambda one: project(one, clock.now()))
        try:
            yield store
        finally:
            await store.close()

    async def all_is_said(self) -> None:
        """Nothing is owed to Slack any more."""
        async with self.store() as store:
            await until_async(lambda: _nothing_owed(store), "everything to be said")

    async def doubts(self) -> list[str]:
        """Everything that is lost, doubled or broken; the bots have to be stopped."""
        found: list[str] = []
        async with self.store() as store:
            records = await store.find()
            for one in records:
                if broken := await store.verify(one.id):
                    found.append(f"the story of {one.id}: {broken}")
                found += self._doubts_of_runs(one)
            shown = await _shown(store)
            wanted = [
                named(one.id, message.key, file=bool(message.file))
                for one in records
                for message in project(one, one.phase_at).messages
            ]
            if store._database.embedded:
                async with store._database.engine.connect() as connection:
                    whole = (await connection.execute(text("PRAGMA integrity_check"))).scalar_one()
                    found += [] if whole == "ok" else [f"the database: {whole}"]
        stands = await self.keys()
        found += [f"{key} stands {stands[key]} times" for key in {*wanted, *shown} if stands[key] != 1]
        found += [f"{key} stands but is not on record" for key in stands if key not in shown]
        found += [f"process {pid} is left" for pid in left_over(str(self.folder), but=str(self.folder / "sandbox"))]
        return found

    def _doubts_of_runs(self, one: Deployment) -> list[str]:
        found = [f"{run.id} is not over" for run in one.runs if not run.report.over]
        wished = Counter(run.script for run in one.runs)
        ran = {script: self.times_run(script, one.id) for script in wished}
        found += [f"{script} of {one.id} ran {ran[script]} times" for script in wished if ran[script] != wished[script]]
        for run in one.runs:
            here = self.folder / run.spec.host / "runs" / run.id
            if (
                run.report.state is RunState.FINISHED
                and run.report.log_sha256 != hashlib.sha256((here / "log").read_bytes()).hexdigest()
            ):
                found.append(f"the log of {run.id} is not the one on record")
        made = sorted(here.name for here in self.folder.glob(f"*/runs/{one.id}.*"))
        known = sorted(run.id for run in one.runs)
        return found + ([f"run directories {made} for runs {known}"] if made != known else [])

    async def faults_of_the_bot(self) -> list[str]:
        """What Slack would refuse or tell people about, from the sandbox's own log; a bot that was killed takes nothing."""
        log = await self.get("control/log", findings=1, limit=1000)
        return [str(one["findings"]) for one in log["entries"] if not _nobody_was_there(one)]


def _nobody_was_there(entry: dict[str, Any]) -> bool:
    """What a person did, or an event, came to no bot: it was dead, it died over it, or this machine had no time for it."""
    error = (entry["response"] or {}).get("error")
    late = error in {"dispatch_failed", "operation_timeout"} or entry["name"] == "late acknowledgement"
    return entry["kind"] != "api" and late


def _name(message: dict[str, Any]) -> str:
    """The key of a message; a file carries it in its name."""
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    if "key" in payload:
        return str(payload["key"])
    for file in message.get("files") or []:
        return f"file {Path(file['name']).stem}"
    return f"nameless {message['ts']}"


def named(deployment: str, key: str, *, file: bool) -> str:
    """The same name, from the record's side."""
    owed: Any = SimpleNamespace(deployment=deployment, key=key)
    return f"file {stem_of(owed)}" if file else f"{deployment}/{key}"


async def _shown(store: Store) -> list[str]:
    async with store._database.engine.connect() as connection:
        rows = await connection.execute(text("SELECT deployment, key, file, state, channel FROM message"))
        found = rows.all()
    assert all(row.state == "shown" for row in found), found
    return [named(row.deployment, row.key, file=bool(row.file)) for row in found]


async def _nothing_owed(store: Store) -> bool:
    return not [one for one in await store.outbox.owed() if one.deployment]


async def until(holds: Callable[[], object], what: str) -> None:
    async def asked() -> bool:
        return bool(holds())

    await until_async(asked, what)


async def until_async(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    with _patience(what):
        async with asyncio.timeout(GENEROUS_S):
            while not await holds():
                await asyncio.sleep(0.1)


@contextlib.contextmanager
def _patience(what: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise AssertionError(f"waited {GENEROUS_S:.0f} s for {what}") from None


def left_over(mark: str, *, but: str) -> list[int]:
    """Living processes that were started for this folder, but the sandbox."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                command, environ = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
                status = supervisor.status_of(int(entry.name))
                mine = mark.encode() in command + environ and but.encode() not in command
                if mine and status and status[0] not in "ZX":
                    found.append(int(entry.name))
    return found


@asynccontextmanager
async def company(folder: Path, database: str = "", http: str = "") -> AsyncIterator[World]:
    """The sandbox runs; bots are started by the test, and killed when it is over. `http`: they listen here, in HTTP mode."""
    (folder / "services").mkdir()
    (folder / "app.yaml").write_text(APP)
    (folder / "services" / "shop.yaml").write_text(SERVICE)
    (folder / "run.sh").write_text(SCRIPT)
    (folder / "run.sh").chmod(0o755)
    manifest = folder / "manifest.json"
    # Slack calls https alone; what ends it before the bot is not of this test.
    made = json.dumps(made_from_the_code(f"https://{http}" if http else ""))
    manifest.write_text(made.replace(f"https://{http}", f"http://{http}") if http else made)
    log = folder / "sandbox.log"
    with log.open("wb") as out:
        sandbox = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox", "--data", str(folder / "sandbox"), "--manifest", str(manifest),
            cwd=ROOT, stdout=out, stderr=out,
        )  # fmt: skip
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        try:
            await until(lambda: "sandbox ready" in log.read_text(), "the sandbox")
            url = log.read_text().partition("sandbox ready ")[2].split()[0]
            world = World(folder, url, database or f"sqlite+aiosqlite:///{folder}/t-minus.db", client, http)
            try:
                yield world
            finally:
                for bot in world.bots:
                    await bot.kill()
                await _end_what_is_left(folder)
        finally:
            sandbox.terminate()
            await sandbox.wait()


async def _end_what_is_left(folder: Path) -> None:
    """What a failed test left running ends with it."""
    for pid in left_over(str(folder), but=str(folder / "sandbox")):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
