"""What does the bot's own watch see of a small production, and what do the demonstration's rules say of it?"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from bot import recorded
from bot.config import load
from bot.model import Deployment, Finding, Verdict, WatchReport, WatchSpec
from bot.watch import Watches
from tests.demo.conftest import DONE_WITHIN_S, ROOT, Production

#: How many probes of the version that runs now are known before another one is deployed.
ENOUGH = 100


class Watch:
    """The bot's own prober in front of this production, and the demonstration's own rules for what it sees."""

    def __init__(self, production: Production, home: Path) -> None:
        self._production = production
        self._plan = load(ROOT / "app.yaml", production.env).plan("checkout", "production")
        self._report: WatchReport | None = None
        self._watches = Watches(home, "here", self._hear, poll_s=0.1)

    async def _hear(self, report: WatchReport) -> None:
        self._report = report

    async def begins(self) -> None:
        """As the bot does once everything is signed."""
        plan = self._plan.watch
        assert plan is not None
        spec = WatchSpec(
            id="checkout-1", host="here", url=plan.url, addresses=plan.addresses, ca_file=plan.ca_file,
            rate=plan.rate, timeout_s=plan.timeout_s,
        )  # fmt: skip
        await self._watches.look([spec])
        await self._until(lambda report: report.baseline.probes >= ENOUGH)

    async def deploys(self, version: str) -> None:
        await self._watches.deploying("checkout-1", still=True)
        await asyncio.to_thread(self._production.succeed, "deploy_production.sh", version=version)
        await self._watches.deploying("checkout-1", still=False)

    async def judges(self, check: str, verdict: Verdict) -> Finding:
        """Wait until this check of the demonstration says so.

        What says more of a busy machine than of the version is left out: how late the prober itself is, and the slowest answers,
        for which the median stands.
        """
        plan = self._plan.checks[check]
        plan = replace(plan, require=tuple(rule for rule in plan.require if not rule.startswith("lag")))

        def finding(report: WatchReport) -> Finding:
            median = {
                name: replace(seen, p95_s=seen.p50_s)
                for name in ("baseline", "recent")
                if (seen := getattr(report, name))
            }
            one = SimpleNamespace(watch=replace(report, **median), plan=self._plan, live_at=None)
            return recorded.judged(cast("Deployment", one), plan, datetime.now(UTC))

        return finding(await self._until(lambda report: finding(report).verdict is verdict))

    async def _until(self, holds: Callable[[WatchReport], bool]) -> WatchReport:
        async with asyncio.timeout(DONE_WITHIN_S):
            while self._report is None or not holds(self._report):
                await asyncio.sleep(0.1)
        return self._report

    async def ends(self) -> None:
        await self._watches.look([])
        await self._until(lambda report: not report.alive)
        await self._watches.close()


@asynccontextmanager
async def watched(production: Production, folder: Path) -> AsyncGenerator[Watch]:
    """The watch probes as long as the block goes on, and has seen the version that runs before it."""
    watch = Watch(production, folder / "watches")
    try:
        await watch.begins()
        yield watch
    finally:
        await watch.ends()
