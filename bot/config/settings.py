"""Which services does the configuration know, and what is the plan for one of them in one environment?"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from bot.config import build, explain, references, shape
from bot.config.measures import ValidateCheck
from bot.config.merge import merge, rules
from bot.config.mistakes import Mistakes, Place, nearest, offer
from bot.config.site import Site
from bot.config.tree import Node, read
from bot.errors import Refused
from bot.plan import Plan, RolePlan

_TOP = ("include", "plugins", "defaults")
_SERVICE_ONLY = ("service", "environments")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The whole configuration, read and found right."""

    #: The folder of `app.yaml`: what relative paths are relative to.
    folder: Path
    plans: Mapping[tuple[str, str], Plan]
    #: By service and environment: titles of what is left out, and why.
    left_out: Mapping[tuple[str, str], Mapping[str, str]]

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(service for service, _ in self.plans))

    def environments(self, service: str) -> tuple[str, ...]:
        """In the order of the file; the first is meant when nobody says which."""
        self._known(service)
        return tuple(environment for one, environment in self.plans if one == service)

    def plan(self, service: str, environment: str) -> Plan:
        """What a deployment of this service to this environment is held to, from now on."""
        environments = self.environments(service)
        if environment not in environments:
            known = ", ".join(nearest(environment, environments))
            raise Refused(f"{service} has no environment {environment}. It has: {known}.")
        return self.plans[service, environment]

    def describe(self) -> str:
        """What was read, for somebody at a terminal."""
        lines: list[str] = []
        told: dict[str, Mapping[str, str]] = {}
        for (service, environment), plan in self.plans.items():
            lines.append(f"{service} → {environment}: {_summary(plan)}")
            left_out = self.left_out[service, environment]
            if told.get(service) == left_out:
                lines += ["  left out: the same as above"] if left_out else []
                continue
            told[service] = left_out
            for reason in dict.fromkeys(left_out.values()):
                titles = [title for title, because in left_out.items() if because == reason]
                lines.append(f"  left out: {'; '.join(titles)}. Because: {reason}")
        return "\n".join(lines)

    def _known(self, service: str) -> None:
        if service not in self.services:
            known = ", ".join(nearest(service, self.services))
            raise Refused(f"There is no service {service}. Known: {known}.")


def _summary(plan: Plan) -> str:
    items = [*plan.verification.items, *plan.criteria.items, *plan.artifacts]
    items += [item for section in plan.sections for item in section.items]
    items += [task for follow_up in plan.follow_ups for task in follow_up.tasks]
    measured = sum(bool(item.checks) for item in items)
    return (
        f"{len(items)} items ({measured} measured, {len(items) - measured} for people), {len(plan.steps)} steps, "
        f"{len(plan.checks)} checks, {len(plan.triggers)} triggers, {len(plan.scripts)} scripts; "
        f"threads in #{plan.channel}; configuration {plan.digest[:12]}"
    )


def load(
    path: Path, environ: Mapping[str, str] = os.environ, *, validate_check: ValidateCheck | None = None
) -> Settings:
    """Read `app.yaml` and what it includes, or raise one ConfigError that tells every mistake in it."""
    mistakes = Mistakes()
    plans: dict[tuple[str, str], Plan] = {}
    left_out: dict[tuple[str, str], Mapping[str, str]] = {}
    for name, layers in _read(path, mistakes).items():
        for environment, node in layers.items():
            made = _plan(name, environment, node, environ=environ, mistakes=mistakes, validate_check=validate_check)
            if made is not None:
                plans[name, environment], left_out[name, environment] = made
    mistakes.refuse()
    return Settings(folder=path.resolve().parent, plans=plans, left_out=left_out)


class _Roster(shape.Shape):
    roles: dict[str, shape.Role]


def rosters(path: Path, environ: Mapping[str, str] = os.environ) -> dict[tuple[str, str], tuple[RolePlan, ...]]:
    """Who fills the roles of each service and environment, for whoever has none of the variables that all else needs."""
    mistakes = Mistakes()
    found: dict[tuple[str, str], tuple[RolePlan, ...]] = {}
    for service, layers in _read(path, mistakes).items():
        for environment, layer in layers.items():
            alone = layer.without(*(key for key in layer.entries if key != "roles"))
            node = references.resolve(alone, environ, mistakes)
            try:
                roles = _Roster.model_validate(node.plain()).roles
            except ValidationError as error:
                explain.tell(error, node, _Roster, mistakes)
                continue
            found[service, environment] = tuple(
                RolePlan(key=key, title=one.title, contact=one.contact, backup=one.backup) for key, one in roles.items()
            )
    mistakes.refuse()
    return found


def _read(path: Path, mistakes: Mistakes) -> dict[str, dict[str, Node]]:
    """`app.yaml` and what it includes, as layers; refused at once where there is nothing to go on with."""
    app = read(path, path.name, mistakes)
    files = _included(path, app, mistakes) if app else []
    mistakes.refuse()
    assert app is not None  # noqa: S101 - refuse() raised otherwise
    if not files:
        mistakes.add(app.place, "include", "no service file was found, so there is nothing to deploy")
    return _layers(app.get("defaults") or Node(place=app.place, value={}), files, mistakes)


def plugin_files(path: Path) -> list[tuple[Place, Path]]:
    """The Python files with checks of their own that `app.yaml` names, and where it names each."""
    mistakes = Mistakes()
    app = read(path, path.name, mistakes)
    mistakes.refuse()
    named = app.get("plugins") if app else None
    if app is None or named is None:
        return []
    if not isinstance(named.value, list) or not all(isinstance(one.value, str) for one in named.elements):
        mistakes.add(named.place, "plugins", "expected a list of Python files, such as [checks/queue.py]")
    mistakes.refuse()
    return [(one.place, path.parent / str(one.value)) for one in named.elements]


def _included(path: Path, app: Node, mistakes: Mistakes) -> list[Node]:
    for key in app.entries:
        if key not in _TOP:
            mistakes.add(app.keys[key], key, f"not a key here; {offer(key, _TOP)}")
    include = app.get("include")
    if include is None or not isinstance(include.value, str):
        mistakes.add(app.place_of("include"), "include", "expected a pattern of files such as services/*.yaml")
        return []
    found = sorted(path.parent.glob(include.value))
    files = [read(one, one.relative_to(path.parent).as_posix(), mistakes) for one in found]
    return [one for one in files if one is not None]


def _layers(defaults: Node, files: list[Node], mistakes: Mistakes) -> dict[str, dict[str, Node]]:
    """By service and environment, what all the layers come to."""
    result: dict[str, dict[str, Node]] = {}
    places: dict[str, Place] = {}
    for file in files:
        service = file.get("service")
        if service is None or not isinstance(service.value, str):
            mistakes.add(file.place_of("service"), "service", "expected the name of the service")
            continue
        if service.value in result:
            first = places[service.value]
            mistakes.add(service.place, "service", f"{service.value} is described twice, first in {first.file}")
            continue
        places[service.value] = service.place
        base = merge(defaults, file.without(*_SERVICE_ONLY))
        result[service.value] = _environments(base, file, mistakes)
    return result


def _environments(base: Node, file: Node, mistakes: Mistakes) -> dict[str, Node]:
    environments = file.get("environments")
    if environments is None or not environments.entries:
        mistakes.add(file.place_of("environments"), "environments", "expected at least one, such as production: {}")
        return {}
    made: dict[str, Node] = {}

    def make(name: str, asked: tuple[str, ...]) -> Node:
        if name in made:
            return made[name]
        own = environments.entries[name]
        place = environments.keys[name]
        if own.value is None:
            own = Node(place=place, value={})
        below = base
        inherits = own.get("inherits")
        if not own.is_mapping:
            mistakes.add(own.place, f"environments.{name}", "expected a mapping (key: value)")
            own = Node(place=place, value={})
        elif inherits is not None:
            parent, others = str(inherits.value), [one for one in environments.entries if one != name]
            if parent not in others:
                sentence = f"there is no other environment {parent}; {offer(parent, others)}"
                mistakes.add(inherits.place, f"environments.{name}.inherits", sentence)
            elif parent in asked:
                circle = " → ".join((*asked, name, parent))
                mistakes.add(inherits.place, f"environments.{name}.inherits", f"goes round in a circle: {circle}")
            else:
                below = make(parent, (*asked, name))
        made[name] = merge(below, own.without("inherits"))
        return made[name]

    return {name: make(name, ()) for name in environments.entries}


def _plan(
    service: str,
    environment: str,
    node: Node,
    *,
    environ: Mapping[str, str],
    mistakes: Mistakes,
    validate_check: ValidateCheck | None,
) -> tuple[Plan, Mapping[str, str]] | None:
    node = references.resolve(_rules_as_lists(node), environ, mistakes)
    try:
        layer = shape.Layer.model_validate(node.plain())
    except ValidationError as error:
        explain.tell(error, node, shape.Layer, mistakes)
        return None
    if mistakes.unset:
        # What was made of a stand-in would be found wrong for no reason of the writer's.
        return None
    site = Site(layer=layer, node=node, mistakes=mistakes)
    plan = build.plan(site, service, environment, validate_check)
    return replace(plan, left_out=dict(site.left_out)), site.left_out


def _rules_as_lists(node: Node) -> Node:
    checks = node.get("checks")
    for name, check in checks.entries.items() if checks else ():
        for ladder in ("require", "pass", "warn"):
            there = check.get(ladder)
            if checks is not None and there is not None and there.is_mapping:
                check = check.with_entry(ladder, rules(there), check.keys[ladder])  # noqa: PLW2901 - it grows
                checks = checks.with_entry(name, check, checks.keys[name])
    return node.with_entry("checks", checks, node.keys["checks"]) if checks else node
