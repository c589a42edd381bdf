"""Where is the workspace unkind on purpose, in an order that can be repeated?"""

import random
import time
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.store import Store

KINDS = (
    "lost_answer",
    "late_visibility",
    "duplicate_delivery",
    "drop_socket",
    "http_500",
    "slow",
    "rate_limited",
    "revoked_token",
    "deactivated_user",
    "archived_channel",
)


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

    def set(self, told: dict[str, Any]) -> None:
        rules = told.get("rules", [])
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise BadFault("`rules` has to be a list of objects.")
        made = [self._rule(rule) for rule in rules]
        seed = told.get("seed", 1)
        if not isinstance(seed, int):
            raise BadFault("`seed` has to be a whole number.")
        self.rules = made
        self._sow(seed)
        self._keep()

    def _rule(self, told: dict[str, Any]) -> Rule:
        unknown = set(told) - set(Rule.__dataclass_fields__)
        if unknown:
            raise BadFault(
                f"A rule has no {', '.join(sorted(unknown))}; it has {', '.join(Rule.__dataclass_fields__)}."
            )
        if told.get("fault") not in KINDS:
            raise BadFault(f"There is no fault {told.get('fault')!r}; there are {', '.join(KINDS)}.")
        for key in ("method", "user", "channel"):
            if not isinstance(told.get(key, ""), str):
                raise BadFault(f"`{key}` has to be a string.")
        for key, kinds in (("probability", (int, float)), ("seconds", (int, float)), ("times", (int, type(None)))):
            if key in told and (not isinstance(told[key], kinds) or isinstance(told[key], bool)):
                raise BadFault(f"`{key}` has to be a number.")
        return Rule(**told)

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
