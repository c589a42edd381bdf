"""What comes of defaults, a service and an environment that each say something?"""

from collections.abc import Sequence
from dataclasses import replace

from bot.config.mistakes import Place
from bot.config.references import is_reference
from bot.config.tree import Node

_RULES = ("require", "pass", "warn")
#: Lines of the checklist are left out with a reason, never just taken away.
_CHECKLIST = ("roles", "sections", "steps", "verification", "criteria", "triggers", "follow_ups", "artifacts")
_MEASURED_BY = ("with", *_RULES, "baseline")


def merge(below: Node, above: Node, path: tuple[str, ...] = ()) -> Node:
    """`above` wins, key by key; a list or a value replaces what was there; nothing (`~`) takes it away."""
    if _names_rules(path) and above.is_mapping:
        return _change_rules(below, above)
    if not (below.is_mapping and above.is_mapping) or is_reference(below) or is_reference(above):
        return above
    if len(path) == 2 and path[0] == "checks":  # noqa: PLR2004 - checks.NAME
        below = _afresh(below, above)
    result = below
    for key, one in above.entries.items():
        inherited = below.get(key)
        if one.value is None and not _is_of_the_checklist(inherited, (*path, key)):
            result = result.without(key)
        elif inherited is None:
            result = result.with_entry(key, one, above.keys[key])
        else:
            result = result.with_entry(key, merge(inherited, one, (*path, key)), above.keys[key])
    return replace(result, place=above.place)


def _is_of_the_checklist(inherited: Node | None, path: tuple[str, ...]) -> bool:
    return inherited is not None and inherited.is_mapping and path[0] in _CHECKLIST


def _afresh(below: Node, above: Node) -> Node:
    """A check that is measured by another plugin inherits no parameters and no rules: they would be the wrong ones."""
    uses, inherited = above.get("uses"), below.get("uses")
    if uses is not None and inherited is not None and uses.value != inherited.value:
        return below.without(*_MEASURED_BY)
    return below


def _names_rules(path: Sequence[str]) -> bool:
    return len(path) == 3 and path[0] == "checks" and path[2] in _RULES  # noqa: PLR2004 - checks.NAME.pass


def _change_rules(below: Node, above: Node) -> Node:
    """A list says all the rules; a mapping changes those of the values it names, and leaves the others."""
    rules = [one for one in below.elements if _about(one) not in above.entries]
    rules += [one for key, node in above.entries.items() for one in _written_out(key, node, above.keys[key])]
    return Node(place=above.place, value=rules)


def rules(node: Node) -> Node:
    """The same rules as a list, however they were written."""
    if not node.is_mapping:
        return node
    return _change_rules(Node(place=node.place, value=[]), node)


def _about(rule: Node) -> str:
    return str(rule.value).split(maxsplit=1)[0] if isinstance(rule.value, str) and rule.value.strip() else ""


def _written_out(name: str, node: Node, place: Place) -> list[Node]:
    if node.value is None:
        return []
    conditions = node.elements if isinstance(node.value, list) else [node]
    return [Node(place=one.place or place, value=f"{name} {one.value}") for one in conditions]
