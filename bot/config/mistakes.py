"""How is a mistake in a configuration file told, so that its writer finds it at once?"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from bot.errors import ConfigError

#: More than this at once is a wall; the rest follows once these are corrected.
SHOWN = 20


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands: counted from one, as editors count."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass
class Mistakes:
    """Collects what is wrong, so that a file is corrected in one go and not mistake by mistake."""

    _told: dict[tuple[Place, str], None] = field(default_factory=dict)
    #: Variables that are not set, and the first place that asks for each.
    unset: dict[str, tuple[Place, str]] = field(default_factory=dict)

    def add(self, place: Place, key: str, sentence: str) -> None:
        """Services share the defaults: what is wrong there is told once."""
        self._told.setdefault((place, f"{key}: {sentence}" if key else sentence))

    def add_unset(self, place: Place, key: str, name: str) -> None:
        self.unset[name] = min(self.unset.get(name, (place, key)), (place, key))

    def __len__(self) -> int:
        return len(self._told)

    def refuse(self) -> None:
        """Raise what was collected, if anything was."""
        self._tell_unset()
        lines = [f"{place}: {sentence}" for place, sentence in sorted(self._told)]
        if len(lines) == 1:
            raise ConfigError(lines[0])
        if lines:
            rest = [f"and {len(lines) - SHOWN} more, told once these are corrected"] if len(lines) > SHOWN else []
            raise ConfigError("\n".join([f"{len(lines)} mistakes in the configuration:", *lines[:SHOWN], *rest]))

    def _tell_unset(self) -> None:
        """One sentence for each file: whoever has not set one variable of a service has mostly set none of them."""
        files: dict[str, list[str]] = {}
        for name, (place, _) in sorted(self.unset.items(), key=lambda one: one[1]):
            files.setdefault(place.file, []).append(name)
        for names in files.values():
            place, key = self.unset[names[0]]
            if len(names) == 1:
                sentence = f"{names[0]} is not set in the environment; set it, or add `default:` to the reference"
            else:
                sentence = f"{len(names)} variables are not set in the environment: {', '.join(names)}. Set them, or add `default:` to their references"
            self.add(place, key, sentence)


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """What is known, the likeliest first."""
    known = list(known)
    close = get_close_matches(word, known, n=len(known) or 1, cutoff=0.6)
    return [*close, *(one for one in known if one not in close)]


def offer(word: str, known: Iterable[str]) -> str:
    """The half sentence that follows "not known"."""
    known = list(known)
    if not known:
        return "there are none"
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    listed = ", ".join(known)
    return f"did you mean {close[0]}? Known: {listed}" if close else f"known: {listed}"
