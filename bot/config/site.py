"""Where in the configuration are we, what is known there, and what was found wrong?"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bot.config import shape
from bot.config.mistakes import Mistakes, offer
from bot.config.tree import Key, Node, dotted
from bot.plan import SIGNOFF

Path = tuple[Key, ...]
E = TypeVar("E", bound=shape.Entry)

_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, kw_only=True)
class Site:
    """One layer while a plan is made of it. Every mistake is told where it stands, and the building goes on."""

    layer: shape.Layer
    node: Node
    mistakes: Mistakes
    #: Where each item and each step stands, so that a key that is used twice is told with the other place.
    items: dict[str, Path] = field(default_factory=dict)
    steps: dict[str, Path] = field(default_factory=dict)
    #: Titles of what is left out, and why.
    left_out: dict[str, str] = field(default_factory=dict)
    #: Names of what something uses, in the order of the first use.
    checks: dict[str, None] = field(default_factory=dict)
    scripts: dict[str, None] = field(default_factory=dict)

    def wrong(self, path: Path, sentence: str) -> None:
        self.mistakes.add(self.node.place_of(*path), dotted(path), sentence)

    def named(self, path: Path, name: str, known: Iterable[str], kind: str) -> None:
        """Refuse the name of something that is not there."""
        if name and name not in (known := list(known)):
            self.wrong(path, f"there is no {kind} {name}; {offer(name, known)}")

    def key(self, path: Path) -> None:
        if not _KEY.match(str(path[-1])):
            self.wrong(path, "expected a key of small letters, digits and dashes")

    def entries(self, path: Path, entries: Mapping[str, E]) -> dict[str, E]:
        """Those that are not left out, in their order."""
        order: list[str] = []
        for key, entry in entries.items():
            self.key((*path, key))
            if entry.after:
                self.named((*path, key, "after"), entry.after, (one for one in entries if one != key), "entry")
            if entry.after in order:
                order.insert(order.index(entry.after) + 1, key)
            else:
                order.append(key)
        return {key: entries[key] for key in order if self.kept((*path, key), entries[key])}

    def kept(self, path: Path, part: shape.Part) -> bool:
        """False for what is left out, which takes a reason."""
        if not part.enabled:
            self.left_out[part.title] = part.because
            if not part.because.strip():
                self.wrong((*path, "enabled"), "is left out without a reason; add `because:` in one sentence")
        return part.enabled

    def uses_check(self, path: Path, name: str, *, signed: bool = False) -> None:
        """`signed`: the name stands where a person ticks, and gives the page that a check of the kind `signoff` opens."""
        self.named(path, name, self.layer.checks, "check")
        self.checks[name] = None
        if not signed and self.is_signoff(name):
            self.wrong(path, f"{name} is signed by a person, so only an item can have it")

    def is_signoff(self, name: str) -> bool:
        known = self.layer.checks.get(name)
        return known is not None and known.uses == SIGNOFF

    def variables(self, path: Path, known: tuple[str, ...]) -> None:
        node = self.node.get(*path)
        for inner, one in node.walk(path) if node else ():
            for name in VARIABLE.findall(one.value) if isinstance(one.value, str) else ():
                if name not in known:
                    self.wrong(inner, f"${{{name}}} is not known here; {offer(name, known)}")
