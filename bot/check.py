"""What is a check, and how is one measured without letting it hurt the bot?"""

import asyncio
import contextvars
import difflib
import inspect
import logging
import re
import sys
import threading
import time
import typing
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationError

from bot import judge, references
from bot.errors import Cannot, ConfigError, Unreachable
from bot.model import Clock, Condition, Finding, Measured, Row, Value, Verdict
from bot.net import Net, words
from bot.plan import CheckPlan, Json
from bot.text import clip, redact

#: What may stand as `${…}` in a parameter or a rule.
VARIABLES = ("version", "commit", "service", "environment", "previous", "deployment")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")

#: A finding that says nothing is worth another look soon, whatever a good one is worth.
UNKNOWN_VALID_FOR_S = 300.0
#: How much longer than its time limit a check may take to notice that it is over.
GRACE_S = 2.0
MOST_ROWS = 200
LONGEST_TEXT = 500
LONGEST_SUMMARY = 240


def _seconds(value: object) -> object:
    if isinstance(value, str):
        rule = judge.parse(f"x < {value}")
        if rule.kind != "s":
            raise ValueError(f"'{value}' is not a duration such as 30s, 5min, 26h or 30d")
        return rule.value
    return value


#: A parameter that is a duration: `26h`, or seconds as a number.
Seconds = Annotated[float, BeforeValidator(_seconds)]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a check is given of the world."""

    clock: Clock
    net: Net
    #: A folder of its own for whatever it has to write.
    work: Path
    #: Monotonic; after it nobody waits for the answer any more.
    deadline: float
    #: service, environment, version, commit, previous, deployment; what is not known is missing or empty.
    release: Mapping[str, str] = field(default_factory=dict)
    #: Only for resolving references, and for what `exec` passes on by name.
    environ: Mapping[str, str] = field(default_factory=dict)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("checks"))

    def left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.deadline - time.monotonic())


Measure = Callable[[Any, Context], Awaitable[Measured]]
Plug = TypeVar("Plug", bound=Callable[..., Awaitable[Measured]])
#: Names that rules may use besides the plugin's own, given its parameters; None: any.
Names = Callable[[Any], Collection[str] | None]


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A way to measure one thing."""

    name: str
    #: What it answers, in one sentence: the docstring of its module.
    question: str
    doc: str
    why: str
    fix: str
    params: type[BaseModel]
    measure: Measure
    #: Each value that it measures, and what that means.
    values: Mapping[str, str]
    names: Names
    needs: frozenset[str]
    intrusive: bool
    require: tuple[str, ...]
    pass_: tuple[str, ...]
    warn: tuple[str, ...]


_PLUGINS: dict[str, Plugin] = {}


def plugins() -> Mapping[str, Plugin]:
    """Every plugin that has been imported, by name."""
    return dict(sorted(_PLUGINS.items()))


def _no_names(params: Any) -> Collection[str]:  # noqa: ARG001 - a plugin whose values are all known
    return ()


def check(
    name: str,
    *,
    values: Mapping[str, str],
    pass_: Collection[str],
    warn: Collection[str] = (),
    require: Collection[str] = (),
    names: Names = _no_names,
    needs: Collection[str] = (),
    intrusive: bool = False,
) -> Callable[[Plug], Plug]:
    """Register an `async def plugin(params, ctx) -> Measured` under this name, with the rules it has by default."""

    def register(measure_it: Plug) -> Plug:
        if name in _PLUGINS:
            raise ConfigError(f"Two checks are called '{name}': {_PLUGINS[name].measure.__module__} and this one.")
        body, why, fix = _sections(inspect.getdoc(measure_it) or "")
        _PLUGINS[name] = Plugin(
            name=name,
            question=(sys.modules[measure_it.__module__].__doc__ or "").strip().splitlines()[0],
            doc=body,
            why=why,
            fix=fix,
            params=typing.get_type_hints(measure_it)["params"],
            measure=measure_it,
            values=dict(values),
            names=names,
            needs=frozenset(needs),
            intrusive=intrusive,
            require=tuple(require),
            pass_=tuple(pass_),
            warn=tuple(warn),
        )
        return measure_it

    return register


def _sections(doc: str) -> tuple[str, str, str]:
    """The docstring up to `Why:`, and the paragraphs after `Why:` and `Fix:`, each as one line."""
    body, _, rest = doc.partition("\nWhy:")
    why, _, fix = rest.partition("\nFix:")
    return body.strip(), " ".join(why.split()), " ".join(fix.split())


def defaults(name: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The rules (require, pass, warn) of a plugin where app.yaml gives none."""
    plugin = _named(name, name)
    return plugin.require, plugin.pass_, plugin.warn


def completed(plan: CheckPlan) -> CheckPlan:
    """The same plan with the plugin's rules and help where it has none of its own."""
    plugin = _named(plan.uses, plan.name)
    ruled = plan.require or plan.pass_ or plan.warn
    return replace(
        plan,
        require=plan.require if ruled else plugin.require,
        pass_=plan.pass_ if ruled else plugin.pass_,
        warn=plan.warn if ruled else plugin.warn,
        intrusive=plan.intrusive or plugin.intrusive,
        why=plan.why or plugin.why,
        fix=plan.fix or plugin.fix,
    )


# ── Before anything is measured ──────────────────────────────────────────────────────────────────────────────────────


def validate(plan: CheckPlan) -> BaseModel:
    """Refuse a plan that could never be measured or judged; give its parameters otherwise."""
    plugin = _named(plan.uses, plan.name)
    for text in _texts(dict(plan.with_)):
        _variables_known(plan.name, text)
    # What a reference stands for is known on the machine that measures; here any word or number will do.
    params = _params(plugin, plan.name, references.stood_in(dict(plan.with_)))
    extra = plugin.names(params)
    plan = completed(plan)
    for text in (*plan.require, *plan.pass_, *plan.warn):
        _variables_known(plan.name, text)
        try:
            rule = judge.parse(_VARIABLE.sub("x", text))
        except ConfigError as mistake:
            raise ConfigError(f"check '{plan.name}': {mistake}") from mistake
        if extra is not None and rule.name not in plugin.values and rule.name not in extra:
            known = (*plugin.values, *extra)
            raise ConfigError(
                f"check '{plan.name}', rule '{text}': '{plugin.name}' measures no '{rule.name}'"
                f"{_nearest(rule.name, known)}; it measures {', '.join(known)}"
            )
    if not plan.pass_ and not plan.warn:
        raise ConfigError(f"check '{plan.name}': no rule says when it passes; add 'pass:'")
    return params


def _named(uses: str, where: str) -> Plugin:
    if plugin := _PLUGINS.get(uses):
        return plugin
    raise ConfigError(
        f"check '{where}': there is no check called '{uses}'{_nearest(uses, _PLUGINS)}; there are {', '.join(plugins())}"
    )


def _params(plugin: Plugin, where: str, given: Mapping[str, Json]) -> BaseModel:
    try:
        return plugin.params.model_validate(dict(given))
    except ValidationError as error:
        said = "; ".join(_mistake(plugin, one) for one in error.errors())
        raise ConfigError(f"check '{where}' ({plugin.name}): {said}") from error


def _mistake(plugin: Plugin, error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        return f"unknown key '{place}'{_nearest(key, plugin.params.model_fields)}"
    if error["type"] == "missing":
        return f"'{place}' is missing"
    return f"'{place}': {error['msg']}" if place else error["msg"]


def _nearest(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean '{near[0]}'?" if near else ""


def _variables_known(where: str, text: str) -> None:
    for name in _VARIABLE.findall(text):
        if name not in VARIABLES:
            listed = ", ".join(f"${{{one}}}" for one in VARIABLES)
            raise ConfigError(
                f"check '{where}': there is no ${{{name}}}{_nearest(name, VARIABLES)}; there are {listed}"
            )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in typing.cast("Mapping[Any, Any]", value).values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in typing.cast("list[Any]", value):
            yield from _texts(one)


# ── Measuring ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def measure(plan: CheckPlan, ctx: Context, baseline: Mapping[str, Value] | None = None) -> Finding:
    """Measure and judge one plan. Whatever the plugin does, this gives a finding."""
    begun = time.monotonic()
    baseline = baseline or {}
    measured: Measured | None = None
    problem = ""
    hidden: tuple[str, ...] = ()
    told: Collection[str] = ()
    try:
        plan = _filled_rules(completed(plan), ctx.release)
        plugin = _named(plan.uses, plan.name)
        told = plugin.values
        with_, hidden = references.resolved(dict(plan.with_), ctx.environ)
        params = _params(plugin, plan.name, _filled(with_, ctx.release))
        for attempt in range(max(1, plan.attempts)):
            if attempt:
                await asyncio.sleep(plan.retry_after_s)
            measured, problem = await _attempt(plugin, params, plan, ctx)
            if _settled(plan, measured) or ctx.left() < plan.retry_after_s:
                break
    except (Cannot, ConfigError) as known:
        measured, problem = None, str(known)
    seen = measured and _cleaned(measured, hidden)
    verdict, conditions = judge.judge(plan, seen, baseline) if not problem else (Verdict.UNKNOWN, ())
    summary = clip(redact(_summary(verdict, conditions, seen, problem, told), hidden), LONGEST_SUMMARY)
    now = ctx.clock.now()
    valid_for_s = min(plan.valid_for_s, UNKNOWN_VALID_FOR_S) if verdict is Verdict.UNKNOWN else plan.valid_for_s
    return Finding(
        check=plan.name,
        verdict=verdict,
        summary=summary,
        measured_at=now,
        expires_at=now + timedelta(seconds=valid_for_s),
        duration_s=time.monotonic() - begun,
        values=seen.values if seen else {},
        rows=seen.rows if seen else (),
        conditions=conditions,
        links=seen.links if seen else (),
        baseline=baseline if any(one.threshold is not None for one in conditions) else {},
    )


def _settled(plan: CheckPlan, measured: Measured | None) -> bool:
    """Trying again cannot help when every value that a rule asks for is there; a measured fail is never retried."""
    if measured is None:
        return False
    asked = (judge.parse(rule).name for rule in (*plan.require, *plan.pass_, *plan.warn))
    return all(judge.known(measured.values.get(name)) is not None for name in asked)


async def _attempt(plugin: Plugin, params: BaseModel, plan: CheckPlan, ctx: Context) -> tuple[Measured | None, str]:
    limit = min(plan.timeout_s, ctx.left())
    own = replace(ctx, deadline=time.monotonic() + limit, net=replace(ctx.net, timeout_s=min(ctx.net.timeout_s, limit)))
    try:
        return await _isolated(plugin, params, own, limit), ""
    except (Cannot, ConfigError):
        raise
    except TimeoutError:
        return None, f"It did not finish within its limit of {judge.duration(limit)}."
    except Unreachable as error:
        return None, str(error)
    # A plugin is somebody's code: whatever it raises is a finding that blocks, never the end of the bot.
    except Exception as error:
        ctx.log.exception("check failed", extra={"check": plan.name, "uses": plugin.name})
        return None, f"The check itself broke: {type(error).__name__}: {words(error)}."


async def _isolated(plugin: Plugin, params: BaseModel, ctx: Context, limit: float) -> Measured:
    """Run a plugin in a thread and a loop of its own, so that one that blocks keeps nobody else waiting."""
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
    threading.Thread(target=run, args=(live,), name=f"check-{plugin.name}", daemon=True).start()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(outcome), limit + GRACE_S)
    finally:
        if not outcome.done() and inner and not inner[0][0].is_closed():
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


def _filled(value: Any, release: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _fact(match[1], release), value)
    if isinstance(value, Mapping):
        mapping = typing.cast("Mapping[Any, Any]", value)
        return {key: _filled(one, release) for key, one in mapping.items()}
    if isinstance(value, list | tuple):
        return [_filled(one, release) for one in typing.cast("list[Any]", value)]
    return value


def _filled_rules(plan: CheckPlan, release: Mapping[str, str]) -> CheckPlan:
    require, pass_, warn = (tuple(_filled(list(rules), release)) for rules in (plan.require, plan.pass_, plan.warn))
    return replace(plan, require=require, pass_=pass_, warn=warn)


def _fact(name: str, release: Mapping[str, str]) -> str:
    if name in VARIABLES and (value := release.get(name, "")):
        return value
    raise Cannot(f"The {name} of this deployment is not known, and this check needs it.")


# ── What is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _cleaned(measured: Measured, hidden: Collection[str]) -> Measured:
    """What may be stored: no secrets, no novels, no numbers that are none."""

    def text(value: str) -> str:
        return clip(redact(value, hidden), LONGEST_TEXT)

    def values(given: Mapping[str, Value]) -> dict[str, Value]:
        kept = {name: judge.known(value) for name, value in given.items()}
        return {name: text(one) if isinstance(one, str) else one for name, one in kept.items() if one is not None}

    return replace(
        measured,
        values=values(measured.values),
        rows=tuple(
            Row(subject=text(row.subject), values=values(row.values), note=text(row.note))
            for row in measured.rows[:MOST_ROWS]
        ),
        links=tuple(map(text, measured.links)),
    )


def _summary(
    verdict: Verdict,
    conditions: tuple[Condition, ...],
    measured: Measured | None,
    problem: str,
    told: Collection[str],
) -> str:
    """One line: what decided, then what was seen.

    A plugin's own words tell more than `failed 3, 0 is needed` about the values that are either right or wrong (`told`);
    about a number with a limit the limit has to be said.
    """
    seen = " ".join((measured.summary if measured else "").split())
    if problem:
        return " ".join(problem.split())
    if verdict is Verdict.PASS:
        return seen or "; ".join(judge.describe(one) for one in conditions[:2])
    wanted = None if verdict is Verdict.UNKNOWN else False
    deciding = [one for one in conditions if one.held is wanted] or [one for one in conditions if not one.held]
    if seen and verdict is not Verdict.UNKNOWN:
        deciding = [
            one for one in deciding if judge.parse(one.rule).op != "==" or judge.parse(one.rule).name not in told
        ]
    others = {judge.parse(one.rule).name for one in deciding[1:]} - {judge.parse(one.rule).name for one in deciding[:1]}
    more = f" (and {len(others)} more)" if others else ""
    return "; ".join(part for part in (judge.describe(deciding[0]) + more if deciding else "", seen) if part)
