"""The whole bot behind its front door: real Bolt, handlers, engine and store; Slack, scripts and checks are spoken for."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult

import checks
import handlers
from bot.chat import Whisper
from bot.check import validate
from bot.config import load
from bot.decide.runs import World as Place
from bot.decide.settle import checks_wanted
from bot.engine import Engine, Reconciler
from bot.engine.engine import project
from bot.engine.measuring import plan_of
from bot.errors import Refused
from bot.model import Deployment, Finding, Person, Presence, RunReport, RunState, Verdict, Wanted, WatchReport, Window
from bot.schedule import OffsetClock
from bot.store import Store
from bot.terminal import plain
from bot.views import home, messages
from handlers.bolt import Bolt
from tests.slack_rules import accepted_message

CHECKS = checks

APP = """
include: services/*.yaml
defaults:
  roles:
    lead: {title: DevOps Lead, contact: U000ANA, backup: U000BEN}
    dba: {title: Database Admin, contact: U000CHLOE, backup: U000DMITRI}
  sign_off: {remind_after: 10 min, escalate_after: 15 min, valid_for: 8 h}
  announce_to: [releases]
  sections:
    before:
      title: Before
      owner: lead
      items:
        certificates: {title: Certificates valid, check: tls, why: They expire., fix: Renew them.}
        plan: {title: Plan verified, evidence: true}
        capacity: {title: Capacity looked at, owner: dba}
  steps:
    preparing:
      freeze: {title: Freeze code changes, script: freeze, undo: unfreeze}
      notify: {title: Notify stakeholders, announce: planned, undo: call-off}
    deploying:
      deploy: {title: Execute deploy script, script: deploy}
    verifying:
      health: {title: Run health checks, script: health}
    rolling_back:
      rollback: {title: Execute rollback script, script: rollback}
      restore: {title: Restore database, script: restore, approved_by: dba}
      notify-rollback: {title: Tell that it was rolled back, announce: rolled_back}
    aborting:
      unfreeze: {title: Unfreeze code changes, script: unfreeze}
      call-off: {title: Tell that it is called off, announce: called_off}
  verification: {title: Verification, owner: lead, items: {answers: {title: Answers well}}}
  criteria: {title: Criteria, owner: lead, items: {zero: {title: Zero downtime, check: zero}}}
  watch: {url: "https://shop.example/healthz", rate: 10/s, baseline: 10 s}
  triggers:
    down: {title: Application not responding, check: down, every: 1 s, fail_after: 2, of: 3}
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
      tasks: {lessons: {title: Lessons learned, owner: dba}}
  checks:
    tls: {uses: http, with: {urls: ["https://shop.example"]}, pass: ["failed == 0"], valid_for: 10 h}
    zero: {uses: watch, require: ["probes >= 10"], pass: ["longest_gap == 0s"]}
    down: {uses: watch, with: {window: recent}, pass: ["down < 3s"]}
  scripts:
    freeze: {title: Code freeze, run: [./freeze.sh]}
    unfreeze: {title: End of the code freeze, run: [./unfreeze.sh]}
    deploy: {title: Deploy script, run: [./deploy.sh, "${version}"]}
    health: {title: Health checks, run: [./health.sh], by_hand: true}
    rollback: {title: Rollback script, run: [./rollback.sh]}
    restore: {title: Database restore, run: [./restore.sh]}
"""

SERVICES = {
    "shop": "service: shop\nchannel: shop\nenvironments: {production: {}, staging: {}}\n",
    "depot": "service: depot\nchannel: depot\nenvironments: {production: {}}\n",
}

NAMES = {
    "U000MARA": "Mara Lind",
    "U000ANA": "Ana Ruiz",
    "U000BEN": "Ben Okafor",
    "U000CHLOE": "Chloé Martin",
    "U000DMITRI": "Dmitri Volkov",
    "U000IVY": "Ivy Chen",
}
CHANNELS = {"shop": "C0SHOP", "depot": "C0DEPOT", "releases": "C0RELEASES"}


#: What somebody is told to type, without the marks that let it stand out.
_BARE = re.compile(r"(?<!`)/deploy [a-z]")


@dataclass
class Slack:
    """What the handlers and the engine ask of Slack, recorded."""

    whispers: list[tuple[str, str]] = field(default_factory=list)
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    given: list[tuple[str, str, str]] = field(default_factory=list)
    pressed_in: list[tuple[str, str]] = field(default_factory=list)
    presences: dict[str, Presence | None] = field(default_factory=dict)
    member_of: set[str] = field(default_factory=lambda: set(CHANNELS.values()))

    def whisper(self, to: Whisper, text: str, blocks: Any = ()) -> None:
        accepted_message(text, blocks)
        assert not _BARE.search(f"{text} {blocks}"), "what to type stands out, as code"
        self.whispers.append((to.user, plain(text)))

    def pressed(self, channel: str, ts: str) -> None:
        self.pressed_in.append((channel, ts))

    async def open_view(self, trigger_id: str, view: dict[str, Any], to: Whisper | None = None) -> str | None:  # noqa: ARG002
        name = f"V{len(self.views) + 1}"
        self.views[name] = view
        return name

    async def update_view(self, view_id: str, view: dict[str, Any]) -> None:
        self.views[view_id] = view

    async def give(self, user: str, name: str, content: bytes, comment: str) -> None:  # noqa: ARG002 - as in Slack
        self.given.append((user, name, content.decode()))

    async def person(self, who: str) -> Person:
        if who not in NAMES:
            raise Refused(f"There is nobody {who} in Slack.")
        return Person(id=who, name=NAMES[who])

    async def channel(self, name_or_id: str) -> str:
        return CHANNELS[name_or_id]

    async def is_member(self, channel: str) -> bool:
        return channel in self.member_of

    async def presence(self, who: str) -> Presence:
        known = self.presences.get(who, Presence(name=NAMES[who], away=False, quiet=(0, 0)))
        if known is None:
            raise Refused(f"Slack knows nobody as {who}.")
        return known

    async def permalink(self, channel: str, ts: str) -> str:
        return f"https://acme.slack.example/{channel}/{ts}"


class World:
    """What a person can do, and what they would see."""

    def __init__(
        self, app: AsyncApp, bolt: Bolt, engine: Engine, store: Store, clock: OffsetClock, slack: Slack
    ) -> None:
        self.app = app
        self._bolt = bolt
        self.engine = engine
        self.store = store
        self.clock = clock
        self.slack = slack
        #: The words that were typed, and the ids of what was pressed and submitted.
        self.used: set[str] = set()
        #: What the watch was last told: whether what it sees belongs to the deployment.
        self.still_deploying: bool | None = None

    # ── What people do ───────────────────────────────────────────────────────────────────────────────────────────────

    async def types(self, user: str, text: str, channel: str = "shop") -> str:
        """`/deploy TEXT`; what the person is told."""
        said = len(self.slack.whispers)
        body = {
            "command": "/deploy",
            "text": text,
            "user_id": user,
            "channel_id": CHANNELS[channel],
            "trigger_id": "T1",
        }
        await self._send({**body, "team_id": "T", "response_url": "https://respond.example/1"})
        return "\n".join(words for who, words in self.slack.whispers[said:] if who == user)

    async def uses_shortcut(self, user: str, callback_id: str) -> None:
        await self._send({"type": "shortcut", "callback_id": callback_id, "user": {"id": user}, "trigger_id": "T1"})

    async def presses_at_home(self, user: str, label: str) -> None:
        view = home.home(user, await self.store.find(), self.clock.now())
        pressed = next(one for block in view["blocks"] for one in _elements(block) if _says(one, label))
        await self._send(_in_view(user, {**view, "id": "HOME"}, pressed, ""))

    async def presses(self, user: str, label: str, *, message: str = "", deployment: str = "shop-1") -> str:
        """Press what carries this label, in the message of this key (or wherever it stands); what the person is told."""
        said = len(self.slack.whispers)
        where, element = await self._find(label, message, deployment)
        await self._send(_action(user, where, element))
        return "\n".join(words for who, words in self.slack.whispers[said:] if who == user)

    async def sends_press(self, user: str, wanted: Wanted, element: dict[str, Any]) -> None:
        """Press something as a client shows it, however old that is."""
        await self._send(_action(user, wanted, element))

    async def ticks(self, user: str, item: str, *, off: bool = False, deployment: str = "shop-1") -> str:
        """Tick the box that stands beside this title."""
        said = len(self.slack.whispers)
        for wanted in await self.messages(deployment):
            for block in wanted.blocks:
                accessory = block.get("accessory", {})
                if accessory.get("type") == "checkboxes" and item in block["text"]["text"]:
                    element = accessory | {"selected_options": [] if off else accessory["options"]}
                    await self._send(_action(user, wanted, element, block_id=block["block_id"]))
                    return "\n".join(words for who, words in self.slack.whispers[said:] if who == user)
        raise AssertionError(f"no box beside {item!r}")

    async def chooses(self, user: str, item: str, label: str, *, deployment: str = "shop-1") -> str:
        """Choose from the menu beside this title; without a title, from the card's."""
        said = len(self.slack.whispers)
        for wanted in await self.messages(deployment):
            for block in wanted.blocks:
                menu = next((one for one in _elements(block) if one["type"] == "overflow"), None)
                if menu is not None and item in block.get("text", {}).get("text", ""):
                    option = next(one for one in menu["options"] if one["text"]["text"] == label)
                    await self._send(_action(user, wanted, menu | {"selected_option": option}))
                    return "\n".join(words for who, words in self.slack.whispers[said:] if who == user)
        raise AssertionError(f"no menu beside {item!r}")

    async def submits(self, user: str, *, view: dict[str, Any] | None = None, **values: Any) -> dict[str, str]:
        """Fill in the modal that opened last, or an older one that is open still, and submit it; the mistakes that it shows."""
        view = view or self.view()
        kinds = {one["block_id"]: one["element"]["type"] for one in view["blocks"] if "element" in one}
        state = {key: {key: _held(value, kinds.get(key, ""))} for key, value in values.items()}
        body = {"type": "view_submission", "user": {"id": user}, "team": {"id": "T"}}
        answer = await self._send({**body, "view": {**view, "id": "V", "state": {"values": state}}})
        return json.loads(answer).get("errors", {}) if answer else {}

    async def chooses_in_form(self, user: str, key: str, value: str, **written: str) -> None:
        """Choose something in the form that opened last, which is drawn anew for it; beside it stands what was written."""
        name = f"V{len(self.slack.views)}"
        view = self.slack.views[name]
        element = next(one["element"] for one in view["blocks"] if one.get("block_id") == key)
        kinds = {one["block_id"]: one["element"]["type"] for one in view["blocks"] if "element" in one}
        values = {key: value, **written}
        state = {"values": {one: {one: _held(said, kinds[one])} for one, said in values.items()}}
        await self._send(_in_view(user, {**view, "id": name, "state": state}, element, key))

    async def answered(self) -> None:
        """Until whatever was decided after Slack had its answer is told, too."""
        await self._bolt.drain()

    async def closes(self, user: str) -> None:
        view = {**self.view(), "id": "V", "state": {"values": {}}}
        await self._send({"type": "view_closed", "user": {"id": user}, "team": {"id": "T"}, "view": view})

    async def mentions(self, user: str, text: str, *, event_id: str = "Ev1", channel: str = "shop") -> None:
        event = {
            "type": "app_mention",
            "user": user,
            "text": f"<@U000BOT> {text}",
            "channel": CHANNELS[channel],
            "ts": "1.1",
        }
        await self._send({"type": "event_callback", "event_id": event_id, "team_id": "T", "event": event})

    # ── What the world does ──────────────────────────────────────────────────────────────────────────────────────────

    async def measured(
        self,
        check: str = "tls",
        verdict: Verdict = Verdict.PASS,
        summary: str = "71 days left",
        deployment: str = "shop-1",
    ) -> None:
        now = self.clock.now()
        finding = Finding(
            check=check, verdict=verdict, summary=summary, measured_at=now, expires_at=now + timedelta(hours=10)
        )
        await self.engine.found(deployment, finding)

    async def script_runs(self, step: str, deployment: str = "shop-1") -> None:
        runs = reversed((await self.store.get(deployment)).runs)
        run = next(run for run in runs if step in {run.step, run.script} and not run.report.over)
        await self.engine.run_reported(RunReport(id=run.id, state=RunState.RUNNING, started_at=self.clock.now()))

    async def script_ends(self, step: str, code: int = 0, deployment: str = "shop-1", **more: Any) -> None:
        one = await self.store.get(deployment)
        run = next(run for run in reversed(one.runs) if step in {run.step, run.script} and not run.report.over)
        now = self.clock.now()
        report = RunReport(
            id=run.id, state=RunState.FINISHED, exit_code=code, started_at=now, finished_at=now, duration_s=2.0
        )
        await self.engine.run_reported(replace(report, **more))

    async def watch_sees(self, *, baseline: int = 100, since: int = 0, gap: float = 0.0, down: float = 0.0) -> None:
        before = Window(probes=baseline, p50_s=0.01, p95_s=0.02, p99_s=0.03)
        after = Window(probes=since, longest_gap_s=gap, p50_s=0.01, p95_s=0.02, p99_s=0.03)
        await self.engine.watch_reported(
            WatchReport(id="shop-1", alive=True, baseline=before, since=after, recent=after, down_s=down)
        )

    async def looks(self) -> list[str]:
        """The reconciler looks once; the ids of the runs that it hands to the supervisor."""
        handed: list[str] = []
        world = self

        class Quiet:
            async def look(self, wanted: Any, **_: Any) -> None:
                handed.extend(one.id for one in wanted if hasattr(one, "argv"))

            def log(self, run_id: str) -> Path:
                return Path("/nowhere") / run_id / "log"

            async def deploying(self, _: str, *, still: bool) -> None:
                world.still_deploying = still

            async def rate(self, *_: Any) -> None: ...

            def arm_all(self, times: Any) -> None: ...

        quiet: Any = Quiet()
        reconciler = Reconciler(self.engine, scripts=quiet, watches=quiet, alarms=quiet, host="here")
        await reconciler._look()
        await reconciler.close()
        await self.engine.measuring.close()
        return handed

    async def measures(self, start: str) -> list[str]:
        """What has to be measured now, of the checks whose names start so, is measured outside; their names."""
        one = await self.store.get("shop-1")
        names = sorted(name for name in checks_wanted(one, self.clock.now()) if name.startswith(start))
        for name in names:
            plan = plan_of(one, name)
            assert plan is not None, name
            await self.engine.found(one.id, await self.engine.measuring.measure(plan, one))
        return names

    async def announced(self, step: str) -> None:
        await self.engine.announced("shop-1", step, note="told 1 channel", ok=True)

    async def passes(self, **by: float) -> None:
        """Time passes, and the alarm clock rings."""
        self.clock.advance(timedelta(**by))
        for due in await self.store.due(self.clock.now()):
            await self.engine.look(due)

    # ── Whole stretches of the journey ───────────────────────────────────────────────────────────────────────────────

    async def opened(self, version: str = "1.4.2") -> Deployment:
        await self.types("U000MARA", f"start shop {version}")
        return await self.store.get("shop-1")

    async def clear(self) -> Deployment:
        """Opened, measured, ticked and signed."""
        await self.opened()
        await self.measured()
        return await self.clears()

    async def clears(self) -> Deployment:
        """Ticked and signed, by everybody who has to."""
        await self.ticks("U000ANA", "Plan verified")
        await self.submits("U000ANA", link="https://wiki.example/plan")
        await self.ticks("U000CHLOE", "Capacity looked at")
        await self.presses("U000ANA", "Go", message="ask:lead:U000ANA")
        await self.presses("U000CHLOE", "Go", message="ask:dba:U000CHLOE")
        return await self.store.get("shop-1")

    async def deploying(self) -> Deployment:
        await self.clear()
        await self.presses("U000MARA", "Start")
        await self.script_ends("freeze")
        await self.announced("notify")
        await self.watch_sees()
        return await self.store.get("shop-1")

    async def verifying(self) -> Deployment:
        await self.deploying()
        await self.script_ends("deploy")
        return await self.store.get("shop-1")

    async def live(self) -> Deployment:
        await self.verifying()
        await self.script_ends("health")
        await self.watch_sees(since=400)
        await self.ticks("U000ANA", "Answers well")
        return await self.store.get("shop-1")

    # ── What people see ──────────────────────────────────────────────────────────────────────────────────────────────

    async def messages(self, deployment: str = "shop-1") -> tuple[Wanted, ...]:
        wanted = messages.wanted(await self.store.get(deployment), self.clock.now())
        for one in wanted:
            assert not _BARE.search(f"{one.text} {one.blocks}"), "what to type stands out, as code"
        return wanted

    async def reads(self, key: str, deployment: str = "shop-1") -> str:
        """All text of one message, marks taken off."""
        found = next(one for one in await self.messages(deployment) if one.key == key)
        return plain(_text(list(found.blocks)) or found.text)

    async def keys(self, deployment: str = "shop-1") -> list[str]:
        return [one.key for one in await self.messages(deployment)]

    async def buttons(self, key: str = "card", deployment: str = "shop-1") -> list[str]:
        found = next(one for one in await self.messages(deployment) if one.key == key)
        return [one["text"]["text"] for block in found.blocks for one in _elements(block) if one["type"] == "button"]

    def view(self) -> dict[str, Any]:
        return self.slack.views[f"V{len(self.slack.views)}"]

    async def story(self) -> list[str]:
        return [line.what for line in await self.store.history("shop-1")]

    async def phase(self) -> str:
        return str((await self.store.get("shop-1")).phase)

    # ── How ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _find(self, label: str, message: str, deployment: str) -> tuple[Wanted, dict[str, Any]]:
        for wanted in await self.messages(deployment):
            for block in wanted.blocks if message in {"", wanted.key} else ():
                for element in _elements(block):
                    if _says(element, label):
                        return wanted, element
        raise AssertionError(f"no button {label!r} in {message or 'any message'}")

    async def _send(self, body: dict[str, Any]) -> str:
        self.used.update(_used(body))
        request = AsyncBoltRequest(body=json.dumps(body), mode="socket_mode")
        response = await self.app.async_dispatch(request)
        assert response.status == 200, response.body
        return response.body


def _elements(block: dict[str, Any]) -> list[dict[str, Any]]:
    return (
        [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]
        if block["type"] in {"actions", "section"}
        else []
    )


def _says(element: dict[str, Any], label: str) -> bool:
    return bool(element["type"] == "button" and element["text"]["text"] == label)


def _used(body: dict[str, Any]) -> Iterator[str]:
    """What somebody uses with this delivery."""
    match body.get("type"):
        case None:
            yield f"/deploy {body['text'].partition(' ')[0]}"
        case "block_actions":
            yield from (one["action_id"] for one in body["actions"])
        case "view_submission":
            yield body["view"]["callback_id"]
        case "shortcut":
            yield body["callback_id"]
        case _:
            return


def _in_view(user: str, view: dict[str, Any], element: dict[str, Any], block_id: str) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": {"id": user},
        "team": {"id": "T"},
        "trigger_id": "T1",
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        "actions": [{**element, "block_id": block_id}],
    }


def _action(user: str, wanted: Wanted, element: dict[str, Any], block_id: str = "") -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": {"id": user},
        "team": {"id": "T"},
        "channel": {"id": "C0SHOP"},
        "trigger_id": "T1",
        "response_url": "https://respond.example/2",
        "container": {"type": "message", "channel_id": "C0SHOP", "message_ts": wanted.key, "thread_ts": "1.0"},
        "message": {"blocks": list(wanted.blocks)},
        "actions": [{**element, "block_id": block_id or "b"}],
    }


def _held(value: Any, kind: str) -> dict[str, Any]:
    """What an input of this kind tells Slack."""
    match kind:
        case "static_select" | "radio_buttons":
            return {"type": kind, "selected_option": {"value": value}}
        case "datetimepicker":
            return {"type": kind, "selected_date_time": value}
        case _:
            return {"type": kind, "value": value}


def _text(node: Any) -> str:
    if isinstance(node, dict):
        if isinstance(node.get("text"), str):
            return str(node["text"])
        return "\n".join(text for value in node.values() if (text := _text(value)))
    if isinstance(node, list):
        return "\n".join(text for value in node if (text := _text(value)))
    return ""


class StillClock(OffsetClock):
    """It stands until a test lets time pass, however busy the machine is; what comes later is a microsecond later."""

    def __init__(self) -> None:
        super().__init__()
        self._at = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self._at += timedelta(microseconds=1)
        return self._at + self.offset


@asynccontextmanager
async def world(
    folder: Path, app: str = APP, services: Mapping[str, str] = SERVICES, clock: OffsetClock | None = None
) -> AsyncIterator[World]:
    clock = clock or StillClock()
    (folder / "services").mkdir()
    (folder / "app.yaml").write_text(app)
    for name, text in services.items():
        (folder / "services" / f"{name}.yaml").write_text(text)
    settings = load(folder / "app.yaml", {}, validate_check=validate)
    slack = Slack()
    store = await Store.open(
        f"sqlite+aiosqlite:///{folder / 't.db'}", clock, project=lambda one: project(one, clock.now())
    )
    engine = Engine(
        store=store,
        settings=settings,
        clock=clock,
        directory=slack,
        world=Place(host="here", root=str(folder)),
        environ={},
        work=folder / "work",
    )

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token="xoxb-1", bot_user_id="U000BOT")

    slack_app = AsyncApp(authorize=authorize, signing_secret="test", process_before_response=True)
    bolt = Bolt(slack_app, slack, slack)
    handlers.register(bolt, engine)
    patch = pytest.MonkeyPatch()
    # However busy the machine is, an answer is there when a test goes on.
    patch.setattr("handlers.bolt.ACK_WITHIN_S", 600.0)
    try:
        yield World(slack_app, bolt, engine, store, clock, slack)
    finally:
        patch.undo()
        await bolt.drain()
        await store.close()
