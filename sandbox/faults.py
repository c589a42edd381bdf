"""Where is the workspace unkind on purpose, in an order that can be repeated?"""

import random
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.store import Store

# What each fault can be narrowed to; a rule that names anything else would never strike, and is refused.
KINDS = {
    "lost_answer": ("method", "channel"),
    "late_visibility": ("method", "channel", "seconds"),
    "duplicate_delivery": ("method",),
    "drop_socket": ("method",),
    "http_500": ("method", "channel"),
    "slow": ("method", "channel", "seconds"),
    "rate_limited": ("method", "channel", "seconds"),
    "revoked_token": ("method",),
    "deactivated_user": ("user",),
    "archived_channel": ("channel",),
}
ALWAYS = ("fault", "probability", "times")
# Where `method` is one of the Web API; elsewhere it is a command, an action or an event, and anything may come.
CALLS = ("lost_answer", "http_500", "slow", "rate_limited", "revoked_token")
MAKE_MESSAGES = ("chat.postMessage", "chat.startStream", "files.completeUploadExternal")
LONGEST_S = 3600.0


class BadFault(Exception):
    """A rule that cannot be understood."""


@dataclass(kw_only=True)
class Rule:
    """One unkindness: where it strikes, how often, for how long."""

    fault: str
    method: str | None = None
    probability: float = 1.0
    times: int | None = None
    seconds: float = 2.0
    user: str | None = None
    channel: str | None = None


@dataclass(frozen=True, kw_only=True)
class Here:
    """Who and what there is for a rule to strike."""

    methods: Collection[str]
    users: Collection[str]
    channels: Collection[str]
    sockets: bool


class Faults:
    """The rules now in force; chance comes from the seed, so that a run can be repeated, across a restart too."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.load()

    def load(self) -> None:
        """Take up what was in force, and chance where it stood."""
        kept = self._store.get("faults", "faults", {})
        self.rules: list[Rule] = [Rule(**rule) for rule in kept.get("rules", [])]
        self._sow(kept.get("seed", 1))
        for _ in range(kept.get("drawn", 0)):
            self._draw()
        self._hidden: dict[tuple[str, str], float] = {}

    def _sow(self, seed: int) -> None:
        self.seed = seed
        self._drawn = 0
        self._chance = random.Random(seed)  # noqa: S311 (repeatable on purpose)

    def _draw(self) -> float:
        self._drawn += 1
        return self._chance.random()

    def _keep(self) -> None:
        self._store.put("faults", "faults", self.told() | {"drawn": self._drawn})

    def set(self, told: dict[str, Any], here: Here) -> None:
        rules = told.get("rules", [])
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise BadFault("`rules` has to be a list of objects.")
        made = [_rule(rule, here) for rule in rules]
        seed = told.get("seed", 1)
        if not isinstance(seed, int):
            raise BadFault("`seed` has to be a whole number.")
        self.rules = made
        self._sow(seed)
        self._keep()

    def told(self) -> dict[str, Any]:
        rules = [{key: value for key, value in asdict(rule).items() if value is not None} for rule in self.rules]
        return {"seed": self.seed, "rules": rules}

    def strike(
        self, fault: str, *, method: str | None = None, user: str | None = None, channel: str | None = None
    ) -> Rule | None:
        """The rule that strikes now, its turn counted; None when all is kind."""
        for rule in self.rules:
            if rule.fault != fault or rule.times == 0:
                continue
            if rule.method and rule.method != method:
                continue
            if (rule.user and rule.user != user) or (rule.channel and rule.channel != channel):
                continue
            struck = rule.probability >= 1.0 or self._draw() < rule.probability
            if struck and rule.times is not None:
                rule.times -= 1
            if rule.probability < 1.0 or rule.times is not None:
                self._keep()
            if struck:
                return rule
        return None

    def hide(self, channel: str, ts: str, seconds: float) -> None:
        """Keep a new message out of history and replies for a while, as happens on a busy day."""
        self._hidden[(channel, ts)] = time.monotonic() + seconds

    def hidden(self, channel: str, ts: str) -> bool:
        until = self._hidden.get((channel, ts))
        return until is not None and time.monotonic() < until


def _rule(told: dict[str, Any], here: Here) -> Rule:
    """The rule, or a sentence that says why it cannot be kept or would never strike."""
    unknown = set(told) - set(Rule.__dataclass_fields__)
    if unknown:
        raise BadFault(f"A rule has no {', '.join(sorted(unknown))}; it has {', '.join(Rule.__dataclass_fields__)}.")
    fault = told.get("fault")
    if not isinstance(fault, str) or fault not in KINDS:
        raise BadFault(f"There is no fault {fault!r}; there are {', '.join(KINDS)}.")
    if idle := sorted(set(told) - {*ALWAYS, *KINDS[fault]}):
        raise BadFault(f"{fault} takes no {', '.join(idle)}; it takes {', '.join((*ALWAYS[1:], *KINDS[fault]))}.")
    _number(told, "probability", 1.0)
    _number(told, "seconds", LONGEST_S)
    times = told.get("times")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 0):
        raise BadFault("`times` has to be a whole number from 0 on, or null.")
    for key in ("method", "user", "channel"):
        if not isinstance(told.get(key, ""), str):
            raise BadFault(f"`{key}` has to be a string.")
    _there(fault, told.get("method"), told.get("user"), told.get("channel"), here)
    return Rule(**told)


def _number(told: dict[str, Any], key: str, most: float) -> None:
    value = told.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise BadFault(f"`{key}` has to be a number from 0 to {most:g}.")


def _there(fault: str, method: str | None, user: str | None, channel: str | None, here: Here) -> None:
    if fault == "drop_socket" and not here.sockets:
        raise BadFault("drop_socket needs Socket Mode, and the app's manifest asks for HTTP.")
    if method and fault == "late_visibility" and method not in MAKE_MESSAGES:
        raise BadFault(f"late_visibility holds back new messages; its method is one of {', '.join(MAKE_MESSAGES)}.")
    if method and fault in CALLS and method not in here.methods:
        raise BadFault(f"There is no method {method!r} here; api.test is one, for example.")
    if user and user not in here.users:
        raise BadFault(f"There is nobody {user!r} in this workspace.")
    if channel and channel not in here.channels:
        raise BadFault(f"There is no channel {channel!r}; a rule names it by its id.")
