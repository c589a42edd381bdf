"""How do checks get measured: all at once, the intrusive ones by themselves, each result as it comes?"""

import asyncio
import logging
import resource
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from bot import check
from bot.decide import vouching
from bot.decide.steps import SEEN
from bot.errors import TMinusError
from bot.model import Clock, Deployment, Finding, Phase, Presence, Value
from bot.net import Net
from bot.numbers import aggregated
from bot.plan import BaselinePlan, CheckPlan
from bot.store import Store

log = logging.getLogger(__name__)

Told = TypeVar("Told")

#: How many checks run at the same time, over all deployments, where the system allows files enough.
_MOST = 256
#: What a check may have open: a loop, a connection or two, a program's output; and the rest of the bot beside them all.
_FILES_EACH, _FILES_BESIDE = 8, 256
#: `${window}` is never shorter: a server that is asked every 15 s needs a few answers before it can tell a rate.
SHORTEST_WINDOW_S = 60.0
#: How many earlier findings are looked through for a first baseline.
_FEW = 20


@cache
def at_once() -> int:
    """How many checks may run at the same time. A process is allowed few open files, and more for the asking."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST * _FILES_EACH + _FILES_BESIDE
    if allowed == resource.RLIM_INFINITY:
        return _MOST
    if allowed < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    return min(_MOST, max(_FILES_EACH, (allowed - _FILES_BESIDE) // _FILES_EACH))


class Turns:
    """Many may go at once, or one alone."""

    def __init__(self) -> None:
        self._most = at_once()
        self._changed = asyncio.Condition()
        self._going = 0
        self._waiting_alone = 0
        self._alone = False

    @asynccontextmanager
    async def turn(self, *, alone: bool) -> AsyncGenerator[None]:
        async with self._changed:
            if alone:
                self._waiting_alone += 1
                await self._changed.wait_for(lambda: not self._alone and self._going == 0)
                self._waiting_alone -= 1
                self._alone = True
            else:
                await self._changed.wait_for(lambda: not self._alone and self._going < self._most)
            self._going += 1
        try:
            yield
        finally:
            async with self._changed:
                self._going -= 1
                self._alone = self._alone and not alone
                self._changed.notify_all()


class Measuring:
    """The checks under way. What is measured is said by the record; who reports is said by `found`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        environ: Mapping[str, str],
        work: Path,
        found: Callable[[str, Finding], Awaitable[object]],
        presence: Callable[[str], Coroutine[Any, Any, Presence]] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._environ = environ
        self._work = work
        self._found = found
        self._presence = presence
        self._turns = Turns()
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}

    def begin(self, deployment: Deployment, names: set[str]) -> None:
        """Measure these, unless they are being measured."""
        for name in names:
            key = (deployment.id, name)
            if key not in self._under_way:
                task = asyncio.create_task(self._one(deployment, name), name=f"check {deployment.id} {name}")
                self._under_way[key] = task
                task.add_done_callback(lambda _, key=key: self._under_way.pop(key, None))

    async def close(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, deployment: Deployment, name: str) -> None:
        plan = plan_of(deployment, name)
        if plan is None:
            return
        try:
            plugin = check.plugins().get(plan.uses)
            async with self._turns.turn(alone=plan.intrusive or (plugin is not None and plugin.intrusive)):
                # What was asked for after this moment is measured again.
                began = self._clock.now()
                finding = await self.measure(plan, deployment)
            await self._found(deployment.id, replace(finding, measured_at=began))
        # The boundary around one check: its siblings and the loop go on, and the next look measures it again.
        except Exception:
            log.exception("a measurement was lost", extra={"deployment": deployment.id, "check": name})
            await asyncio.sleep(1)

    async def measure(self, plan: CheckPlan, deployment: Deployment) -> Finding:
        baseline = await self._baseline(plan, deployment)
        given = self._context(plan, self._facts(deployment))
        ctx = replace(given, roster=deployment.roster, reachable=deployment.reachable)
        return await check.measure(plan, ctx, baseline)

    async def version_seen(self, plan: CheckPlan, facts: Mapping[str, str]) -> tuple[str, str]:
        """Which version all addresses answer with, and else why that is not known."""
        try:
            finding = await check.measure(plan, self._context(plan, facts), {})
        except TMinusError as problem:
            return "", str(problem)
        version = finding.values.get("version")
        return (str(version), "") if version is not None else ("", finding.summary)

    def _context(self, plan: CheckPlan, facts: Mapping[str, str]) -> check.Context:
        given = context(plan, facts, clock=self._clock, environ=self._environ, work=self._work)
        return replace(
            given, pings=_asked_here(self._store.pings.last), presence=self._presence and _asked_here(self._presence)
        )

    async def _baseline(self, plan: CheckPlan, deployment: Deployment) -> dict[str, Value]:
        """What a relative rule compares with, for each number."""
        if plan.baseline is None:
            return {}
        if plan.baseline.of == "window":
            return await self._before(plan, plan.baseline, deployment)
        about = (deployment.service, deployment.environment, plan.name)
        count, this = plan.baseline.n, deployment.id
        earlier = await self._store.findings(*about, passed=True, n=count, except_of=this)
        if not earlier:
            # The first time there is nothing to compare with, so it cannot have passed; it is what the second is compared with.
            known = await self._store.findings(*about, passed=False, n=_FEW, except_of=this)
            earlier = [one for one in known if _lacks_only_a_baseline(one)][:count]
        numbers: dict[str, list[float]] = {}
        for finding in earlier:
            for name, value in finding.values.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    numbers.setdefault(name, []).append(float(value))
        found = {name: aggregated(values, plan.baseline.aggregate) for name, values in numbers.items()}
        return {name: one for name, one in found.items() if one is not None}

    async def _before(self, plan: CheckPlan, baseline: BaselinePlan, deployment: Deployment) -> dict[str, Value]:
        """The time before the deploy script, and until it begins the time before now.

        What the first finding since the deploy script was held against stands in it, and holds for all that follow.
        """
        began = deployment.deploy_at
        known = deployment.findings.get(plan.name)
        if began is not None and known is not None and known.measured_at >= began and known.baseline:
            return dict(known.baseline)
        window = check.Window(until=began or self._clock.now(), last_s=baseline.last_s, aggregate=baseline.aggregate)
        found, why_not = await check.before(plan, self._context(plan, self._facts(deployment)), window)
        if why_not:
            log.warning("no baseline", extra={"deployment": deployment.id, "check": plan.name, "why": why_not})
        return dict(found)

    def _facts(self, deployment: Deployment) -> dict[str, str]:
        began = deployment.deploy_at
        since = max((self._clock.now() - began).total_seconds(), SHORTEST_WINDOW_S) if began is not None else 0
        return {**release(deployment, self._clock.now()), "window": f"{since:.0f}s" if since else ""}


def _asked_here(ask: Callable[[str], Coroutine[Any, Any, Told]]) -> Callable[[str], Awaitable[Told]]:
    """A check runs in a loop of its own; the database and Slack are asked in this one."""
    here = asyncio.get_running_loop()

    async def asked(what: str) -> Told:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ask(what), here))

    return asked


def _lacks_only_a_baseline(finding: Finding) -> bool:
    return bool(finding.conditions) and all(
        one.held or (one.held is None and one.measured is not None and "baseline" in one.rule)
        for one in finding.conditions
    )


def context(
    plan: CheckPlan, facts: Mapping[str, str], *, clock: Clock, environ: Mapping[str, str], work: Path
) -> check.Context:
    """What a check is given of the world, with time enough for all its attempts."""
    folder = work / plan.name
    folder.mkdir(parents=True, exist_ok=True)
    attempts = max(plan.attempts, 1)
    limit = plan.timeout_s * attempts + plan.retry_after_s * (attempts - 1)
    return check.Context(
        clock=clock,
        net=Net(),
        work=folder,
        deadline=time.monotonic() + limit + 1,
        release=facts,
        environ=environ,
    )


def release(deployment: Deployment, at: datetime) -> dict[str, str]:
    """The facts that checks may name. From the rollback on, what has to be there is the version before."""
    facts = deployment.release
    back = deployment.rollback_at is not None and at >= deployment.rollback_at
    return {
        "service": deployment.service,
        "environment": deployment.environment,
        "version": facts.previous if back else facts.version,
        "commit": facts.previous_commit if back else facts.commit,
        "previous": facts.previous,
        "deployment": deployment.id,
    }


def plan_of(deployment: Deployment, name: str) -> CheckPlan | None:
    """How a finding of this name is measured: by a check of the plan, as the version that is seen, or as the page of a tick."""
    if name == SEEN:
        return seen_plan(deployment)
    return deployment.plan.checks.get(name) or vouching.page_of(deployment, name)


def seen_plan(deployment: Deployment) -> CheckPlan | None:
    """The check that looks whether every address answers with the version that it should have now."""
    named = deployment.plan.checks.get(deployment.plan.release.seen)
    if named is None:
        return None
    back = deployment.phase is Phase.ROLLING_BACK
    wanted = deployment.release.previous if back else deployment.version
    return replace(
        named, name=SEEN, require=(), pass_=(f'version == "{wanted}"',), warn=(), attempts=3, retry_after_s=1.0
    )
