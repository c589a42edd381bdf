"""What does a YAML file say, and where does each word of it stand?"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from bot.config.mistakes import Mistakes, Place
from bot.plan import Json

Key = str | int


@dataclass(frozen=True, kw_only=True)
class Node:
    """A mapping, a list or a single value, with its place."""

    place: Place
    #: `dict[str, Node]`, `list[Node]`, or a text, a number, a truth value, nothing.
    value: object
    #: Of a mapping: where each key stands.
    keys: dict[str, Place] = field(default_factory=dict)

    @property
    def entries(self) -> dict[str, "Node"]:
        return self.value if isinstance(self.value, dict) else {}

    @property
    def elements(self) -> list["Node"]:
        return self.value if isinstance(self.value, list) else []

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    def plain(self) -> Json:
        """The same without places."""
        if isinstance(self.value, dict):
            return {key: one.plain() for key, one in self.entries.items()}
        if isinstance(self.value, list):
            return [one.plain() for one in self.elements]
        return self.value

    def get(self, *path: Key) -> "Node | None":
        node: Node | None = self
        for part in path:
            if node is None:
                return None
            if isinstance(part, int):
                node = node.elements[part] if part < len(node.elements) else None
            else:
                node = node.entries.get(part)
        return node

    def place_of(self, *path: Key) -> Place:
        """Where the key of this path stands, or the nearest thing above it that exists."""
        node, place = self, self.place
        for part in path:
            below = node.get(part)
            if below is None:
                return place
            place = node.keys.get(part, below.place) if isinstance(part, str) else below.place
            node = below
        return place

    def with_entry(self, key: str, node: "Node", place: Place) -> "Node":
        return replace(self, value={**self.entries, key: node}, keys={**self.keys, key: place})

    def without(self, *gone: str) -> "Node":
        return replace(self, value={key: one for key, one in self.entries.items() if key not in gone})

    def walk(self, path: tuple[Key, ...] = ()) -> Iterator[tuple[tuple[Key, ...], "Node"]]:
        yield path, self
        for key, one in self.entries.items():
            yield from one.walk((*path, key))
        for number, one in enumerate(self.elements):
            yield from one.walk((*path, number))


def dotted(path: tuple[Key, ...]) -> str:
    """`sections.database.items.backups`: the key as people say it."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: `no` is a word, `12:30` is a text, and a date is a text too."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - so PyYAML reads it


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(0|[1-9][0-9]*)$"), list("-0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^-?[0-9]+\.[0-9]+$"), list("-0123456789"))


#: The same by libyaml, ten times as quick. What it says of a mistake is less exact, so that is asked of the other one; and it is
#: milder with tabs and a few signs that nobody means, which it reads as they stand.
_Quick: Any = type(
    "_Quick",
    (getattr(yaml, "CSafeLoader", yaml.SafeLoader),),
    {"yaml_implicit_resolvers": _Loader.yaml_implicit_resolvers},
)

_KNOWN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "map", "seq")}


def read(path: Path, name: str, mistakes: Mistakes) -> Node | None:
    """Read one file; None when it says nothing that can be used. Each mistake is told with its place."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        mistakes.add(Place(name, 1, 1), "", f"cannot be read ({error.strerror}); is the path right?")
        return None
    except UnicodeDecodeError:
        mistakes.add(Place(name, 1, 1), "", "is not UTF-8 text; save it as UTF-8")
        return None
    node = _parsed(text, name, mistakes)
    if node is None:
        return None
    if not node.is_mapping:
        mistakes.add(node.place, "", "expected a mapping (key: value) at the top of the file")
        return None
    return node


def _parsed(text: str, name: str, mistakes: Mistakes) -> Node | None:
    try:
        loader, root = _composed(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name, 1, 1)
        mistakes.add(place, "", f"is not YAML here: {error.problem or error.context}")
        return None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
        mistakes.add(place, "", "YAML does not allow the character that stands here; delete it")
        return None
    if root is None:
        mistakes.add(Place(name, 1, 1), "", "is empty; expected a mapping (key: value)")
        return None
    return _convert(loader, root, name, mistakes, ())


def _composed(text: str) -> tuple[Any, yaml.Node | None]:
    with suppress(yaml.YAMLError):
        loader = _Quick(text)
        return loader, loader.get_single_node()
    loader = _Loader(text)
    return loader, loader.get_single_node()


def _convert(loader: Any, node: yaml.Node, file: str, mistakes: Mistakes, above: tuple[yaml.Node, ...]) -> Node:
    place = Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if node.tag not in _KNOWN_TAGS:
        mistakes.add(place, "", f"the tag {node.tag} is not read here; write plain values")
        return Node(place=place, value=None)
    if any(one is node for one in above):
        mistakes.add(place, "", "an alias that contains itself cannot be read; write it out")
        return Node(place=place, value=None)
    above = (*above, node)
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, place, mistakes, above)
    if isinstance(node, yaml.SequenceNode):
        return Node(place=place, value=[_convert(loader, one, file, mistakes, above) for one in node.value])
    return Node(place=place, value=loader.construct_object(node))


def _mapping(
    loader: Any, node: yaml.MappingNode, place: Place, mistakes: Mistakes, above: tuple[yaml.Node, ...]
) -> Node:
    entries: dict[str, Node] = {}
    keys: dict[str, Place] = {}
    for key_node, value_node in node.value:
        at = Place(place.file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        if not isinstance(key_node, yaml.ScalarNode):
            mistakes.add(at, "", "expected a word as a key")
            continue
        key = str(key_node.value)
        if key in entries:
            mistakes.add(at, key, f"stands twice in the same mapping, first in line {keys[key].line}; keep one of them")
            continue
        keys[key] = at
        entries[key] = _convert(loader, value_node, place.file, mistakes, above)
    return Node(place=place, value=entries, keys=keys)
