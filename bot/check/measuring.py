"""How is a check measured without letting it hurt the bot?"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from bot import judge
from bot.check.filling import Lent, filled, filled_rules, resolved
from bot.check.keeping import cleaned, summary
from bot.check.plugin import Context, Intrusive, Plugin, Window, completed, named
from bot.check.valid import read_params
from bot.errors import Cannot, ConfigError, Unreachable
from bot.logs import SECRETS
from bot.model import Condition, Finding, Measured, Value, Verdict
from bot.net import words
from bot.plan import CheckPlan
from bot.text import redact

#: A finding that says nothing is worth another look soon, whatever a good one is worth.
UNKNOWN_VALID_FOR_S = 60.0
#: How much longer than its time limit a check may take to notice that it is over.
GRACE_S = 2.0
#: More than is kept of an exception's words: a secret that is cut in two is not found any more.
_WORDS = 2000

Key = tuple[str, ...]
#: Which check was given up and has not noticed yet.
_HANGING: dict[Key, threading.Thread] = {}


async def measure(plan: CheckPlan, ctx: Context, baseline: Mapping[str, Value] | None = None) -> Finding:
    """Measure and judge one plan. Whatever the plugin does, this gives a finding."""
    begun = time.monotonic()
    baseline = baseline or {}
    seen: Measured | None = None
    problem = ""
    verdict, conditions = Verdict.UNKNOWN, ()
    hidden: list[str] = []
    told: Collection[str] = ()
    try:
        plan = filled_rules(completed(plan), ctx.release)
        plugin = named(plan.uses, plan.name)
        told = plugin.values
        params, ctx = _given(plugin, plan, ctx, hidden)
        for attempt in range(max(1, plan.attempts)):
            if attempt:
                await asyncio.sleep(plan.retry_after_s)
            measured, problem = await _attempt(plugin, params, plan, ctx, hidden)
            seen = measured and cleaned(measured, hidden)
            verdict, conditions = judge.judge(plan, seen, baseline) if seen else (Verdict.UNKNOWN, ())
            if _settled(verdict, conditions) or ctx.left() < plan.retry_after_s:
                break
    except (Cannot, ConfigError) as known:
        seen, problem = None, str(known)
        verdict, conditions = Verdict.UNKNOWN, ()
    line = summary(verdict, conditions, seen, problem, told=told, hidden=hidden)
    now = ctx.clock.now()
    valid_for_s = min(plan.valid_for_s, UNKNOWN_VALID_FOR_S) if verdict is Verdict.UNKNOWN else plan.valid_for_s
    return Finding(
        check=plan.name,
        verdict=verdict,
        summary=line,
        measured_at=now,
        expires_at=now + timedelta(seconds=valid_for_s),
        duration_s=time.monotonic() - begun,
        values=seen.values if seen else {},
        rows=seen.rows if seen else (),
        conditions=conditions,
        links=seen.links if seen else (),
        baseline=baseline if any(one.threshold is not None for one in conditions) else {},
    )


async def before(plan: CheckPlan, ctx: Context, window: Window) -> tuple[Mapping[str, Value], str]:
    """What the plan would have measured over a time that is past, and else why that is not known."""
    hidden: list[str] = []
    try:
        plugin = named(plan.uses, plan.name)
        look = plugin.before
        if look is None:
            return {}, f"'{plugin.name}' cannot look back."
        params, ctx = _given(plugin, plan, ctx, hidden)

        async def look_back(params: BaseModel, ctx: Context) -> Measured:
            return Measured(values=await look(params, ctx, window))

        seen, problem = await _attempt(replace(plugin, measure=look_back), params, plan, ctx, hidden)
    except (Cannot, ConfigError) as known:
        seen, problem = None, str(known)
    return (cleaned(seen, hidden).values if seen else {}), redact(problem, hidden)


def _given(plugin: Plugin, plan: CheckPlan, ctx: Context, hidden: list[str]) -> tuple[BaseModel, Context]:
    """What the plugin is handed. Each secret that is in it, or that the plugin looks up, is added to what is hidden."""
    with_ = resolved(dict(plan.with_), ctx.environ, hidden)
    params = read_params(plugin, plan.name, filled(with_, ctx.release))
    if isinstance(params, Intrusive):
        params.permitted(ctx.release.get("environment", ""))
    return params, replace(ctx, environ=Lent(ctx.environ, hidden, told=ctx.release.values()))


def _settled(verdict: Verdict, conditions: Collection[Condition]) -> bool:
    """What was judged is never tried again: another look at a fail would hide the one member that is broken.

    Nor does it help where every value that a rule asks for is there, and a baseline or enough samples are missing.
    """
    measured = bool(conditions) and all(one.measured is not None for one in conditions)
    return verdict is not Verdict.UNKNOWN or measured


async def _attempt(
    plugin: Plugin, params: BaseModel, plan: CheckPlan, ctx: Context, hidden: list[str]
) -> tuple[Measured | None, str]:
    limit = min(plan.timeout_s, ctx.left())
    own = replace(ctx, deadline=time.monotonic() + limit, net=replace(ctx.net, timeout_s=min(ctx.net.timeout_s, limit)))
    # What the plugin logs is logged in this context, too.
    secrets = SECRETS.set(hidden)
    try:
        key = (plan.uses, plan.name, ctx.release.get("service", ""), ctx.release.get("environment", ""))
        return await _isolated(plugin, params, own, limit, key), ""
    except (Cannot, ConfigError):
        raise
    except TimeoutError:
        return None, f"It did not finish within its limit of {judge.duration(limit)}."
    except Unreachable as error:
        return None, str(error)
    # A plugin is somebody's code: whatever it raises is a finding that blocks, never the end of the bot.
    except Exception as error:
        ctx.log.exception("check failed", extra={"check": plan.name, "uses": plugin.name})
        return None, f"The check itself broke: {type(error).__name__}: {words(error, _WORDS)}."
    finally:
        SECRETS.reset(secrets)


async def _isolated(plugin: Plugin, params: BaseModel, ctx: Context, limit: float, key: Key) -> Measured:
    """Run a plugin in a thread and a loop of its own, so that one that blocks keeps nobody else waiting.

    A thread cannot be ended from outside: one that hangs is left, and no second one is begun beside it.
    """
    left = _HANGING.get(key)
    if left is not None and left.is_alive():
        raise Unreachable("The last try still hangs, and it is not begun again before that ends.")
    outcome: Future[Measured] = Future()
    outcome.set_running_or_notify_cancel()
    inner: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def main() -> Measured:
        if (task := asyncio.current_task()) is not None:
            inner.append((asyncio.get_running_loop(), task))
        async with asyncio.timeout(limit):
            return _sound(await plugin.measure(params, ctx))

    def live() -> None:
        try:
            outcome.set_result(asyncio.run(main()))
        except Exception as error:  # noqa: BLE001 - it is raised again where somebody waits
            outcome.set_exception(error)
        except BaseException as error:  # noqa: BLE001 - sys.exit() in a plugin ends the plugin, not the wait for it
            outcome.set_exception(RuntimeError(f"it raised {type(error).__name__}"))

    run = contextvars.copy_context().run
    thread = threading.Thread(target=run, args=(live,), name=f"check-{plugin.name}", daemon=True)
    thread.start()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(outcome), limit + GRACE_S)
    finally:
        _HANGING.pop(key, None)
        if not outcome.done():
            _HANGING[key] = thread
            if inner and not inner[0][0].is_closed():
                inner[0][0].call_soon_threadsafe(inner[0][1].cancel)


def _sound(measured: object) -> Measured:
    """What a plugin returned, if it is what plugins return."""
    if not isinstance(measured, Measured):
        raise TypeError(f"it returned {type(measured).__name__}, not Measured")
    for values in (measured.values, *(row.values for row in measured.rows)):
        for name, value in values.items():
            if not isinstance(value, str | int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"its value {name} is {type(value).__name__}, not a number, a word or a truth value")
    return measured
