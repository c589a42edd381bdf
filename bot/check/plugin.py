"""What is a check, and which ones are there?"""

import difflib
import inspect
import logging
import sys
import time
import typing
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from bot import judge
from bot.errors import Cannot, ConfigError
from bot.model import Clock, Measured, Ping, Presence, Reachable, Seat, Value
from bot.net import Net
from bot.plan import CheckPlan


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
    #: Only for resolving references, and for what `exec` passes on by name; what is read here is hidden in the finding.
    environ: Mapping[str, str] = field(default_factory=dict)
    #: What was told from outside at the URL with this key, the newest first; None where nobody listens.
    pings: "Callable[[str], Awaitable[Collection[Ping]]] | None" = None
    #: The people of the deployment, what they said of themselves, and what Slack says of one of them now; None where Slack is
    #: not connected.
    roster: tuple[Seat, ...] = ()
    reachable: tuple[Reachable, ...] = ()
    presence: "Callable[[str], Awaitable[Presence]] | None" = None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("checks"))

    def left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.deadline - time.monotonic())


class Intrusive(BaseModel, extra="forbid"):
    """The parameters of a check that is a load, or a nuisance: it is measured by itself, once, and where that is allowed."""

    allow_on: list[str] = Field(min_length=1, description="Environments in which this may be measured; in no other.")

    def permitted(self, environment: str) -> None:
        if environment not in self.allow_on:
            where = environment or "an environment without a name"
            raise Cannot(f"This is not measured in {where}: 'allow_on' permits it in {', '.join(self.allow_on)}.")


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of time that is over, and how the many numbers in it become one."""

    until: datetime
    last_s: float
    aggregate: str


Measure = Callable[[Any, Context], Awaitable[Measured]]
#: What a check would have measured over a time that is past.
Before = Callable[[Any, Context, Window], Awaitable[Mapping[str, Value]]]
Plug = TypeVar("Plug", bound=Callable[..., Awaitable[Measured]])
#: Names that rules may use besides the plugin's own, given its parameters; None: any.
Names = Callable[[Any], Collection[str] | None]
#: Values that are not measured with these parameters, and which parameter it would take.
Lacks = Callable[[Any], Mapping[str, str]]


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
    before: Before | None
    #: Each value that it measures, and what that means.
    values: Mapping[str, str]
    names: Names
    lacks: Lacks
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


def _lacks_nothing(params: Any) -> Mapping[str, str]:  # noqa: ARG001 - a plugin that always measures all of its values
    return {}


def check(
    name: str,
    *,
    values: Mapping[str, str],
    pass_: Collection[str],
    warn: Collection[str] = (),
    require: Collection[str] = (),
    names: Names = _no_names,
    lacks: Lacks = _lacks_nothing,
    needs: Collection[str] = (),
    before: Before | None = None,
) -> Callable[[Plug], Plug]:
    """Register an `async def plugin(params, ctx) -> Measured` under this name, with the rules it has by default."""

    def register(measure_it: Plug) -> Plug:
        if name in _PLUGINS:
            raise ConfigError(f"Two checks are called '{name}': {_file(_PLUGINS[name].measure)} and this one.")
        body, why, fix = _sections(inspect.getdoc(measure_it) or "")
        hints = typing.get_type_hints(measure_it)
        question = (sys.modules[measure_it.__module__].__doc__ or "").strip().partition("\n")[0]
        _understood(name, question, hints.get("params"))
        for rule in (*pass_, *warn, *require):
            if judge.parse(rule).name not in values and names is _no_names:
                raise ConfigError(f"The check '{name}' has a rule '{rule}', and 'values' does not say what that is.")
        _PLUGINS[name] = Plugin(
            name=name,
            question=question,
            doc=body,
            why=why,
            fix=fix,
            params=hints["params"],
            measure=measure_it,
            before=before,
            values=dict(values),
            names=names,
            lacks=lacks,
            needs=frozenset(needs),
            intrusive=issubclass(hints["params"], Intrusive),
            require=tuple(require),
            pass_=tuple(pass_),
            warn=tuple(warn),
        )
        return measure_it

    return register


def unregister(name: str) -> None:
    """Take a check back, whose file turned out to be wrong."""
    _PLUGINS.pop(name, None)


def _file(measure_it: Measure) -> str:
    """`checks/tls.py`: enough to find it."""
    path = Path(getattr(sys.modules.get(measure_it.__module__), "__file__", None) or measure_it.__module__)
    return "/".join(path.parts[-2:])


def _understood(name: str, question: str, params: object) -> None:
    """Refuse what could not be explained or configured later, while its author looks."""
    if not question:
        raise ConfigError(f"The check '{name}' says not what it answers; begin its file with a question in quotes.")
    if not (isinstance(params, type) and issubclass(params, BaseModel)):
        raise ConfigError(f"The check '{name}' takes (params: Params, ctx: Context), with a pydantic model as Params.")


def _sections(doc: str) -> tuple[str, str, str]:
    """The docstring up to `Why:`, and the paragraphs after `Why:` and `Fix:`, each as one line."""
    body, _, rest = doc.partition("\nWhy:")
    why, _, fix = rest.partition("\nFix:")
    return body.strip(), " ".join(why.split()), " ".join(fix.split())


def named(uses: str, where: str) -> Plugin:
    if plugin := _PLUGINS.get(uses):
        return plugin
    raise ConfigError(
        f"check '{where}': there is no check called '{uses}'{nearest(uses, _PLUGINS)}; there are {', '.join(plugins())}"
    )


def nearest(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean '{near[0]}'?" if near else ""


def defaults(name: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The rules (require, pass, warn) of a plugin where app.yaml gives none."""
    plugin = named(name, name)
    return plugin.require, plugin.pass_, plugin.warn


def completed(plan: CheckPlan) -> CheckPlan:
    """The same plan with the plugin's rules and help where it has none of its own."""
    plugin = named(plan.uses, plan.name)
    ruled = plan.require or plan.pass_ or plan.warn
    return replace(
        plan,
        require=plan.require if ruled else plugin.require,
        pass_=plan.pass_ if ruled else plugin.pass_,
        warn=plan.warn if ruled else plugin.warn,
        intrusive=plan.intrusive or plugin.intrusive,
        # Its budget is for all that one measurement does.
        attempts=1 if plugin.intrusive else plan.attempts,
        why=plan.why or plugin.why,
        fix=plan.fix or plugin.fix,
    )
