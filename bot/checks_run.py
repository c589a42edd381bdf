"""What do the checks of a service say now, when there is no deployment and no Slack?"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import app, check, release
from bot.check.plugin import completed
from bot.config import Settings
from bot.config.mistakes import offer
from bot.engine.measuring import Turns, context
from bot.errors import Refused
from bot.model import Clock, Finding, Value
from bot.plan import SIGNOFF, CheckPlan, Plan
from bot.recorded import KINDS
from bot.schedule import FollowedClock, SystemClock


def meant(settings: Settings, service: str, environment: str) -> Plan:
    """The plan of this service and environment; the only service and the first environment when none is named."""
    if not service and len(settings.services) > 1:
        raise Refused(
            f"Say of which service: --service {settings.services[0]}. There are: {', '.join(settings.services)}."
        )
    service = service or next(iter(settings.services))
    return settings.plan(service, environment or settings.environments(service)[0])


def chosen(plan: Plan, only: Collection[str]) -> dict[str, CheckPlan]:
    """The checks to measure, with the rules and the help of their plugins, in the order of the checklist."""
    helped = {name: item for item in plan.items for name in item.checks}
    wanted = [name for one in only for name in _named(plan, one)] if only else _always(plan)
    plans = [completed(plan.checks[name]) for name in dict.fromkeys(wanted) if _is_measured_anywhere(plan.checks[name])]
    if not plans:
        what = "those are" if only else "each check is"
        raise Refused(f"There is nothing to measure: {what} worked out from the record of a deployment.")
    return {
        one.name: one if one.name not in helped else _with_help(one, helped[one.name].why, helped[one.name].fix)
        for one in plans
    }


def _always(plan: Plan) -> list[str]:
    """All but what only says whether a script did what it reports: while none has run, there is nothing to say."""
    after = {name for step in plan.steps if step.script for name in step.checks}
    others = {name for step in plan.steps if not step.script for name in step.checks}
    others |= {name for item in plan.items for name in item.checks} | {one.check for one in plan.triggers}
    return [name for name in plan.checks if name in others or name not in after]


def _is_measured_anywhere(plan: CheckPlan) -> bool:
    """Without a deployment nothing is recorded and nobody signs, and without Slack nobody is looked up."""
    return plan.uses not in {*KINDS, SIGNOFF} and "slack" not in check.plugins()[plan.uses].needs


def _with_help(plan: CheckPlan, why: str, fix: str) -> CheckPlan:
    """The line of the checklist says it better than the plugin, which knows nothing of the service."""
    return replace(plan, why=why or plan.why, fix=fix or plan.fix)


def _named(plan: Plan, wanted: str) -> tuple[str, ...]:
    """A check by its name, or those of an item by its key or title."""
    said = wanted.strip().casefold()
    for item in plan.items:
        if item.checks and said in {item.key.casefold(), item.title.casefold()}:
            return item.checks
    if said not in plan.checks:
        raise Refused(f"{plan.service} has no check {wanted}; {offer(wanted, plan.checks)}.")
    return (said,)


async def facts(plan: Plan, root: Path, *, version: str, commit: str, previous: str) -> dict[str, str]:
    """What the checks may name of the release; the commit of a version stands in the repository."""
    if version and not commit:
        commit = (await release.look_up(plan, version, previous, root)).commit
    return {
        "service": plan.service,
        "environment": plan.environment,
        "version": version,
        "commit": commit,
        "previous": previous,
        "deployment": "",
    }


async def _baseline(plan: CheckPlan, ctx: check.Context) -> Mapping[str, Value]:
    """The time before now, where the check can look back. What earlier deployments measured is known to the bot only."""
    if plan.baseline is None or plan.baseline.of != "window":
        return {}
    before = check.Window(until=ctx.clock.now(), last_s=plan.baseline.last_s, aggregate=plan.baseline.aggregate)
    found, _ = await check.before(plan, ctx, before)
    return found


@asynccontextmanager
async def clock(around: app.Surroundings) -> AsyncGenerator[Clock]:
    if not around.clock_url:
        yield SystemClock()
        return
    followed = FollowedClock(around.clock_url)
    await followed.start()
    try:
        yield followed
    finally:
        await followed.stop()


async def measured(
    plans: Mapping[str, CheckPlan], release: Mapping[str, str], environ: Mapping[str, str], clock: Clock
) -> AsyncGenerator[Finding]:
    """Each finding as it comes. Those that load what they measure run by themselves."""
    turns = Turns()

    async def one(plan: CheckPlan, work: Path) -> Finding:
        async with turns.turn(alone=plan.intrusive):
            ctx = context(plan, release, clock=clock, environ=environ, work=work)
            return await check.measure(plan, ctx, await _baseline(plan, ctx))

    with TemporaryDirectory(prefix="t-minus-", ignore_cleanup_errors=True) as folder:
        # Tasks take turns in the order in which they began, so the intrusive ones wait for the others only.
        tasks = [
            asyncio.create_task(one(plan, Path(folder)))
            for plan in sorted(plans.values(), key=lambda plan: plan.intrusive)
        ]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
