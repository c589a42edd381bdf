"""Who makes the world match the records? One loop that looks at what is wanted and does what is missing."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot import gates
from bot.decide.settle import checks_wanted
from bot.engine.engine import Engine, operator
from bot.errors import Unreachable
from bot.model import Deployment, Phase, Run, RunState, StepState, WatchSpec
from bot.plan import Stage, StepKind
from bot.release import edited
from bot.schedule import Alarms, FollowedClock
from bot.scripts import Scripts
from bot.watch import Watches

log = logging.getLogger(__name__)

#: The phases in which the service is probed.
WATCHED = frozenset({Phase.PREPARING, Phase.DEPLOYING, Phase.VERIFYING, Phase.DECIDING, Phase.LIVE, Phase.ROLLING_BACK})

#: How often the facts of a release are looked up again while people tick and sign.
_RELEASE_EVERY_S = 30.0


class Reconciler:
    """Level-triggered: it may be killed anywhere, and simply looks again."""

    def __init__(
        self, engine: Engine, *, scripts: Scripts, watches: Watches, alarms: Alarms, host: str, poll_s: float = 1.0
    ) -> None:
        self._engine = engine
        self._scripts = scripts
        self._watches = watches
        self._alarms = alarms
        self._host = host
        self._poll_s = poll_s
        self._something = asyncio.Event()
        self._release_at: dict[str, float] = {}
        self._quiet = False
        self._asides: set[asyncio.Task[None]] = set()

    def nudge(self) -> None:
        """Something changed: look now."""
        self._something.set()

    async def wake(self, deployment_id: str | None) -> None:
        """An alarm clock rang."""
        if deployment_id is not None:
            await self._engine.look(deployment_id)
            return
        await self._engine.freezes.tell()
        for due in await self._engine.store.due(self._engine.clock.now()):
            await self._engine.look(due)
        self.nudge()

    async def run(self) -> None:
        """Until cancelled. One item that fails is logged; the others go on."""
        while True:
            self._something.clear()
            try:
                await self._look()
            # The boundary of the loop: whatever goes wrong in one look, the next one comes.
            except Exception:
                log.exception("a look failed")
                await asyncio.sleep(1)
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._something.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        for task in self._asides:
            task.cancel()
        await asyncio.gather(*self._asides, return_exceptions=True)

    async def end_all(self, within_s: float) -> None:
        """Cancel every running script and stop every watch, for a bot that is not to leave anything behind."""
        by = operator("T-Minus, which was stopped")
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            going = [
                (one, run) for one in await self._engine.store.unsettled() for run in one.runs if not run.report.over
            ]
            for one, run in going:
                if run.cancelled_by is None:
                    await self._engine.cancel(one.id, run.id, by=by)
            if not going:
                break
            await asyncio.sleep(0.1)
        self._quiet = True
        await self._watches.look([])

    async def _look(self) -> None:
        deployments = await self._engine.store.unsettled()
        for one in deployments:
            await self._settle(one)
        deployments = await self._engine.store.unsettled()
        await self._watch(deployments)
        await self._run(deployments)
        for one in deployments:
            self._engine.measuring.begin(one, checks_wanted(one, self._engine.clock.now()))
            await self._announce(one)
            await self._thread(one)
            self._look_release_up(one)
        await self._arm()

    async def _settle(self, one: Deployment) -> None:
        try:
            await self._engine.look(one.id)
        # The boundary around one deployment: its siblings go on.
        except Exception:
            log.exception("a deployment could not be settled", extra={"deployment": one.id})

    # ── Scripts and the watch ────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self, deployments: list[Deployment]) -> None:
        open_ = [(one, run) for one in deployments for run in one.runs if not run.report.over]
        runs = [run for one, run in open_ if not await self._refused(one, run)]
        await self._scripts.look(
            [run.spec for run in runs],
            cancelled={run.id for run in runs if run.cancelled_by is not None},
            begun={run.id for run in runs if run.report.state is not RunState.WANTED},
        )

    async def _refused(self, one: Deployment, run: Run) -> bool:
        """A script that changes production runs as it was signed, or not at all. The way back is never barred."""
        stage = next((step.stage for step in one.plan.steps if step.key == run.step), None)
        begun = run.report.state is not RunState.WANTED or self._scripts.log(run.id).parent.exists()
        if begun or run.spec.host != self._host or stage not in {Stage.PREPARING, Stage.DEPLOYING}:
            return False
        signed = one.release.script_hashes.get(run.script, "")
        why = await asyncio.to_thread(edited, one.plan, run.script, Path(self._engine.world.root), signed)
        if why:
            await self._engine.run_reported(replace(run.report, state=RunState.NEVER_RAN, why=why))
        return bool(why)

    async def _watch(self, deployments: list[Deployment]) -> None:
        watched = [one for one in deployments if one.phase in WATCHED and one.plan.watch is not None]
        if self._quiet:
            return
        await self._watches.look([self._spec(one) for one in watched])
        for one in watched:
            if one.deploy_at is not None:
                # Until it is live or goes back, downtime is downtime of the deployment, also while people decide.
                await self._watches.deploying(one.id, still=one.live_at is None and one.rollback_at is None)
            if one.live_at is not None and one.plan.watch is not None:
                await self._watches.rate(one.id, one.plan.watch.live_rate)

    def _spec(self, one: Deployment) -> WatchSpec:
        watch = one.plan.watch
        if watch is None:
            raise ValueError(f"{one.id} has no watch")
        return WatchSpec(
            id=one.id,
            host=self._host,
            url=watch.url,
            addresses=watch.addresses,
            ca_file=watch.ca_file,
            rate=watch.rate,
            timeout_s=watch.timeout_s,
        )

    # ── Slack ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _announce(self, one: Deployment) -> None:
        """A step that announces has passed once its messages stand, and has failed when one never will."""
        if one.phase.value not in {stage.value for stage in Stage}:
            return
        current = gates.current_step(one, Stage(one.phase.value))
        if current is None or current[1] is None or current[1].state is not StepState.RUNNING:
            return
        step = current[0]
        if step.kind is not StepKind.ANNOUNCE:
            return
        states = await self._engine.store.outbox.standing(one.id, "announce:")
        problems = [problem for _, problem in states.values() if problem]
        if problems:
            await self._engine.announced(one.id, step.key, note="; ".join(problems), ok=False)
        elif all(shown for shown, _ in states.values()):
            # A channel may have heard twice: that it goes out, and that it is back.
            count = len({key.split(":")[1] for key in states})
            note = f"told {count} {'channel' if count == 1 else 'channels'}" if count else "no channel is to be told"
            await self._engine.announced(one.id, step.key, note=note, ok=True)

    async def _thread(self, one: Deployment) -> None:
        if one.thread:
            return
        placed = await self._engine.store.outbox.thread(one.id)
        if placed is not None:
            self._aside(self._link(one.id, *placed), f"link {one.id}")

    async def _link(self, deployment_id: str, channel: str, ts: str) -> None:
        await self._engine.thread_opened(deployment_id, await self._engine.directory.permalink(channel, ts))

    # ── Facts and time ───────────────────────────────────────────────────────────────────────────────────────────────

    def _look_release_up(self, one: Deployment) -> None:
        if one.phase is not Phase.PREFLIGHT:
            self._release_at.pop(one.id, None)
            return
        last = self._release_at.setdefault(one.id, time.monotonic())
        if time.monotonic() - last >= _RELEASE_EVERY_S:
            self._release_at[one.id] = time.monotonic()
            self._aside(self._refresh(one.id), f"release {one.id}")

    async def _refresh(self, deployment_id: str) -> None:
        await self._engine.look_release_up(deployment_id)

    async def _arm(self) -> None:
        self._alarms.arm_all(await self._engine.store.wake_times())
        if isinstance(self._engine.clock, FollowedClock):
            due = await self._engine.store.next_due()
            self._engine.clock.announce(due[0] if due else None, due[1] if due else "")

    def _aside(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Something slow beside the loop; at most one of each name at a time."""
        if any(task.get_name() == name for task in self._asides):
            work.close()
            return
        task = asyncio.create_task(self._guarded(work, name), name=name)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except Unreachable as problem:
            log.warning("%s has to wait", name, extra={"why": str(problem)})
        # The boundary around one errand: it is done again at the next look.
        except Exception:
            log.exception("%s failed", name)
