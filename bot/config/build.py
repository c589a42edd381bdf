"""What is the plan that a layer of configuration comes to, and does everything in it that is named exist?"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import TypeVar

from bot.config import shape
from bot.config.mistakes import Mistakes, offer
from bot.config.tree import Key, Node, dotted
from bot.errors import ConfigError
from bot.judge import parse
from bot.plan import (
    BaselinePlan,
    CheckPlan,
    FollowUpPlan,
    ItemPlan,
    Plan,
    ReleasePlan,
    RolePlan,
    ScriptPlan,
    SectionPlan,
    SignOffPlan,
    Stage,
    StepKind,
    StepPlan,
    TriggerPlan,
    WatchPlan,
)

ValidateCheck = Callable[[CheckPlan], object]

_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
#: What may stand in a check's parameters, and in a script's arguments.
CHECK_VARIABLES = ("version", "commit", "service", "environment", "previous", "deployment")
SCRIPT_VARIABLES = ("version", "previous", "commit", "service", "environment", "deployment")
_PSEUDO = ("watch", "record")

E = TypeVar("E", bound=shape.Entry)


class Builder:
    """One pass over one layer; every mistake is told where it stands, and the pass goes on."""

    def __init__(self, layer: shape.Layer, node: Node, mistakes: Mistakes) -> None:
        self.layer = layer
        self.node = node
        self.mistakes = mistakes
        #: Where each item and each step stands, so that a key used twice is told with both places.
        self.items: dict[str, tuple[Key, ...]] = {}
        self.steps: dict[str, tuple[Key, ...]] = {}
        #: What was left out, and why.
        self.left_out: dict[str, str] = {}
        self.used_checks: dict[str, None] = {}
        self.used_scripts: dict[str, None] = {}

    def wrong(self, path: tuple[Key, ...], sentence: str) -> None:
        self.mistakes.add(self.node.place_of(*path), dotted(path), sentence)

    def named(self, path: tuple[Key, ...], name: str, known: Iterable[str], kind: str) -> None:
        """Refuse the name of something that is not there."""
        if name and name not in (known := list(known)):
            self.wrong(path, f"there is no {kind} {name}; {offer(name, known)}")

    def key(self, path: tuple[Key, ...]) -> None:
        if not _KEY.match(str(path[-1])):
            self.wrong(path, "expected a key of small letters, digits and dashes")

    def entries(self, path: tuple[Key, ...], entries: Mapping[str, E]) -> dict[str, E]:
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

    def kept(self, path: tuple[Key, ...], part: shape.Part) -> bool:
        """False for what is left out, which takes a reason."""
        if not part.enabled:
            self.left_out[part.title] = part.because
            if not part.because.strip():
                self.wrong((*path, "enabled"), "is left out without a reason; add `because:` in one sentence")
        return part.enabled

    # ── Items ────────────────────────────────────────────────────────────────────────────────────────────────────

    def item(self, path: tuple[Key, ...], key: str, item: shape.Item, owner: str) -> ItemPlan:
        if key in self.items:
            self.wrong(path, f"the key {key} is taken by {dotted(self.items[key])}; every item has a key of its own")
        self.items[key] = path
        self.named((*path, "owner"), item.owner, self.layer.roles, "role")
        check = "" if item.check == "none" else item.check
        if check:
            self.uses_check((*path, "check"), check)
        elif item.confirm:
            self.wrong((*path, "confirm"), "only a measured item is confirmed; a people's item is ticked")
        return ItemPlan(
            key=key,
            title=item.title,
            role=item.owner or owner,
            check=check or None,
            confirm=item.confirm,
            evidence=item.evidence,
            why=item.why,
            fix=item.fix,
        )

    def item_list(
        self, path: tuple[Key, ...], items: Mapping[str, shape.Item], owner: str = ""
    ) -> tuple[ItemPlan, ...]:
        kept = self.entries(path, items)
        return tuple(self.item((*path, key), key, item, owner) for key, item in kept.items())

    def section(self, path: tuple[Key, ...], key: str, section: shape.Section) -> SectionPlan:
        self.named((*path, "owner"), section.owner, self.layer.roles, "role")
        kept = self.kept(path, section)
        items = self.item_list((*path, "items"), section.items, section.owner) if kept else ()
        return SectionPlan(key=key, title=section.title, role=section.owner, items=items)

    def sections(self) -> tuple[SectionPlan, ...]:
        for key in self.layer.sections:
            self.key(("sections", key))
        made = [self.section(("sections", key), key, one) for key, one in self.layer.sections.items()]
        return tuple(one for one in made if one.items)

    def follow_ups(self) -> tuple[FollowUpPlan, ...]:
        made = [self.follow_up(("follow_ups", key), key, one) for key, one in self.layer.follow_ups.items()]
        return tuple(sorted((one for one in made if one.tasks), key=lambda one: one.after_s))

    def follow_up(self, path: tuple[Key, ...], key: str, one: shape.FollowUp) -> FollowUpPlan:
        self.key(path)
        return FollowUpPlan(
            key=key,
            title=one.title,
            after_s=one.after,
            tasks=self.item_list((*path, "tasks"), one.tasks) if self.kept(path, one) else (),
            remind_after_s=one.remind_after,
            escalate_after_s=one.escalate_after,
        )

    # ── Steps ────────────────────────────────────────────────────────────────────────────────────────────────────

    def step_list(self) -> tuple[StepPlan, ...]:
        plans: list[StepPlan] = []
        for stage in Stage:
            path: tuple[Key, ...] = ("steps", stage.value)
            steps: dict[str, shape.Step] = getattr(self.layer.steps, stage.value)
            for key, step in self.entries(path, steps).items():
                plans.append(self.step((*path, key), key, step, stage))
        aborting = [one.key for one in plans if one.stage is Stage.ABORTING]
        for one in plans:
            if one.undo:
                self.named((*self.steps[one.key], "undo"), one.undo, aborting, "aborting step")
        return tuple(plans)

    def step(self, path: tuple[Key, ...], key: str, step: shape.Step, stage: Stage) -> StepPlan:
        if key in self.steps:
            self.wrong(path, f"the key {key} is taken by {dotted(self.steps[key])}; every step has a key of its own")
        self.steps[key] = path
        kind = self.kind(path, step)
        for number, name in enumerate(step.checks):
            self.uses_check((*path, "checks", number), name)
        if step.script:
            self.named((*path, "script"), step.script, self.layer.scripts, "script")
            self.used_scripts[step.script] = None
        self.named((*path, "confirm"), step.confirm, self.layer.roles, "role")
        self.named((*path, "approved_by"), step.approved_by, self.layer.roles, "role")
        if step.approved_by and kind is not StepKind.SCRIPT:
            self.wrong((*path, "approved_by"), "only a script waits for an approval")
        if step.sees and not self.layer.release.seen:
            self.wrong((*path, "sees"), "needs `release.seen`: the check that sees which version answers")
        if step.only_if and not self.layer.release.schema_path:
            self.wrong((*path, "only_if"), "needs `release.schema_path`: where the schema of the database stands")
        return StepPlan(
            key=key,
            title=step.title,
            stage=stage,
            kind=kind,
            script=step.script,
            checks=tuple(step.checks),
            announce=step.announce,
            role=step.confirm or step.approved_by,
            only_if=step.only_if,
            undo=step.undo,
            no_return=step.no_return,
            sees=step.sees,
        )

    def kind(self, path: tuple[Key, ...], step: shape.Step) -> StepKind:
        """A step does one thing; which one is said by the key that is there."""
        said = [
            kind
            for kind, value in (
                (StepKind.SCRIPT, step.script),
                (StepKind.CHECKS, step.checks),
                (StepKind.ANNOUNCE, step.announce),
                (StepKind.CONFIRM, step.confirm),
            )
            if value
        ]
        if len(said) != 1:
            found = " and ".join(said) or "none of them"
            self.wrong(path, f"expected exactly one of script, checks, announce, confirm; found {found}")
        return said[0] if said else StepKind.CONFIRM

    # ── Checks and scripts ───────────────────────────────────────────────────────────────────────────────────────

    def uses_check(self, path: tuple[Key, ...], name: str) -> None:
        self.named(path, name, self.layer.checks, "check")
        self.used_checks[name] = None

    def triggers(self) -> tuple[TriggerPlan, ...]:
        plans: list[TriggerPlan] = []
        for key, one in self.entries(("triggers",), self.layer.triggers).items():
            path: tuple[Key, ...] = ("triggers", key)
            check = "" if one.check == "none" else one.check
            if check:
                self.uses_check((*path, "check"), check)
            elif one.auto:
                self.wrong((*path, "auto"), "nothing rolls back by itself without a check that says so")
            if one.fail_after > one.of:
                self.wrong((*path, "fail_after"), f"{one.fail_after} of {one.of} samples can never be reached")
            plans.append(
                TriggerPlan(
                    key=key,
                    title=one.title,
                    check=check,
                    every_s=one.every,
                    fail_after=one.fail_after,
                    of=one.of,
                    auto=one.auto,
                )
            )
        return tuple(plans)

    def checks(self, validate: ValidateCheck | None) -> dict[str, CheckPlan]:
        return {name: self.check(name, validate) for name in self.used_checks if name in self.layer.checks}

    def check(self, name: str, validate: ValidateCheck | None) -> CheckPlan:
        one, measuring = self.layer.checks[name], self.layer.measuring
        path: tuple[Key, ...] = ("checks", name)
        self.key(path)
        before = len(self.mistakes)
        for ladder, rules in (("require", one.require), ("pass", one.pass_), ("warn", one.warn)):
            for number, rule in enumerate(rules):
                try:
                    parse(_VARIABLE.sub("x", rule))
                except ConfigError as error:
                    self.wrong((*path, ladder, number), str(error))
            self.variables((*path, ladder), CHECK_VARIABLES)
        if not one.pass_ and one.uses in _PSEUDO:
            self.wrong(path, "has no `pass:` rules, so it could never pass")
        if any("baseline" in rule for rule in (*one.require, *one.pass_, *one.warn)) and one.baseline is None:
            self.wrong(path, "has rules relative to a baseline; say with `baseline: {of: …}` which one")
        self.variables((*path, "with"), CHECK_VARIABLES)
        plan = CheckPlan(
            name=name,
            uses=one.uses,
            with_=one.with_,
            require=tuple(one.require),
            pass_=tuple(one.pass_),
            warn=tuple(one.warn),
            baseline=one.baseline
            and BaselinePlan(
                of=one.baseline.of, n=one.baseline.n, aggregate=one.baseline.aggregate, last_s=one.baseline.last
            ),
            timeout_s=measuring.timeout if one.timeout is None else one.timeout,
            attempts=measuring.attempts if one.attempts is None else one.attempts,
            retry_after_s=measuring.retry_after if one.retry_after is None else one.retry_after,
            valid_for_s=measuring.valid_for if one.valid_for is None else one.valid_for,
            intrusive=one.intrusive,
            why=one.why,
            fix=one.fix,
        )
        if len(self.mistakes) == before and validate is not None and one.uses not in _PSEUDO:
            self.validated(path, plan, validate)
        return plan

    def validated(self, path: tuple[Key, ...], plan: CheckPlan, validate: ValidateCheck) -> None:
        """The plugin knows its parameters; what it refuses is told where the parameter or the rule that it quotes stands."""
        try:
            validate(plan)
        except ConfigError as error:
            sentence = re.sub(rf"^check '{re.escape(plan.name)}'[,:]? ?(\([a-z_]+\): )?", "", str(error))
            self.wrong(next(self.quoted(path, sentence), path), sentence)

    def quoted(self, path: tuple[Key, ...], sentence: str) -> Iterator[tuple[Key, ...]]:
        node = self.node.get(*path)
        for word in re.findall(r"'([^']+)'", sentence) if node else ():
            parts = tuple(int(part) if part.isdigit() else part for part in word.split("."))
            if word == self.layer.checks[str(path[-1])].uses:
                yield (*path, "uses")
            if node and node.get("with", *parts):
                yield (*path, "with", *parts)
            for ladder in ("require", "pass", "warn"):
                rules = node.get(ladder) if node else None
                yield from (
                    (*path, ladder, at) for at, rule in enumerate(rules.elements if rules else ()) if rule.value == word
                )

    def variables(self, path: tuple[Key, ...], known: tuple[str, ...]) -> None:
        node = self.node.get(*path)
        for inner, one in node.walk(path) if node else ():
            for name in _VARIABLE.findall(one.value) if isinstance(one.value, str) else ():
                if name not in known:
                    self.wrong(inner, f"${{{name}}} is not known here; {offer(name, known)}")

    def scripts(self) -> dict[str, ScriptPlan]:
        plans: dict[str, ScriptPlan] = {}
        for key, one in self.layer.scripts.items():
            path: tuple[Key, ...] = ("scripts", key)
            self.key(path)
            self.variables((*path, "run"), SCRIPT_VARIABLES)
            if key not in self.used_scripts and not one.by_hand:
                continue
            plans[key] = ScriptPlan(
                key=key,
                title=one.title,
                argv=tuple(one.run),
                cwd=one.cwd,
                environment=tuple(dict.fromkeys([*one.environment, *one.secrets])),
                secrets=tuple(one.secrets),
                deadline_s=one.deadline,
                log_limit=one.log_limit,
                by_hand=one.by_hand,
            )
        return plans

    def recorded(self) -> None:
        """Checks over the record and the watch name things of this plan; they have to be there."""
        for name in self.used_checks:
            one = self.layer.checks.get(name)
            if one is None or one.uses not in _PSEUDO:
                continue
            path: tuple[Key, ...] = ("checks", name, "with")
            if one.uses == "watch":
                self.watch_check(path, one)
                continue
            known: dict[str, Iterable[str]] = {
                "checks": [other for other in self.used_checks if self.layer.checks[other].uses != "record"]
                if all(other in self.layer.checks for other in self.used_checks)
                else list(self.layer.checks),
                "steps": self.steps,
                "items": self.items,
            }
            for key, value in one.with_.items():
                if key not in known:
                    self.wrong((*path, key), f"not a key here; {offer(key, known)}")
                elif not isinstance(value, list):
                    self.wrong((*path, key), "expected a list")
                else:
                    for number, inner in enumerate(value):
                        self.named((*path, key, number), str(inner), known[key], key.removesuffix("s"))

    def watch_check(self, path: tuple[Key, ...], one: shape.Check) -> None:
        if self.layer.watch is None:
            self.wrong(path[:-1], "judges the watch, and there is none; add `watch:` with its url")
        for key in one.with_:
            if key != "window":
                self.wrong((*path, key), f"not a key here; {offer(key, ['window'])}")
        self.named((*path, "window"), str(one.with_.get("window", "since")), ("since", "recent", "baseline"), "window")

    # ── The rest ─────────────────────────────────────────────────────────────────────────────────────────────────

    def roles(self) -> tuple[RolePlan, ...]:
        plans: list[RolePlan] = []
        for key, one in self.layer.roles.items():
            path: tuple[Key, ...] = ("roles", key)
            self.key(path)
            for field, person in (("contact", one.contact), ("backup", one.backup)):
                if not _is_person(person):
                    self.wrong((*path, field), f'expected an e-mail address or a Slack user id, found "{person}"')
            if one.contact == one.backup:
                self.wrong((*path, "backup"), "is the same person as the contact; name somebody else")
            plans.append(RolePlan(key=key, title=one.title, contact=one.contact, backup=one.backup))
        if not plans:
            self.wrong(("roles",), "is empty; somebody has to answer for the deployment")
        return tuple(plans)

    def sign_off(self) -> SignOffPlan:
        one = self.layer.sign_off
        roles = list(self.layer.roles) if one.roles is None else one.roles
        for number, role in enumerate(one.roles or ()):
            self.named(("sign_off", "roles", number), role, self.layer.roles, "role")
        return SignOffPlan(
            roles=tuple(roles),
            remind_after_s=one.remind_after,
            escalate_after_s=one.escalate_after,
            valid_for_s=one.valid_for,
        )

    def release(self) -> ReleasePlan:
        one = self.layer.release
        try:
            re.compile(one.version_pattern)
        except re.error as error:
            self.wrong(("release", "version_pattern"), f"is not a regular expression: {error}")
        if one.seen:
            self.uses_check(("release", "seen"), one.seen)
        if "${version}" not in one.tag:
            self.wrong(("release", "tag"), "has to contain ${version}")
        return ReleasePlan(
            repository=one.repository,
            tag=one.tag,
            compare_url=one.compare_url,
            seen=one.seen,
            version_pattern=one.version_pattern,
            schema_path=one.schema_path,
        )

    def watch(self) -> WatchPlan | None:
        one = self.layer.watch
        if one is None:
            return None
        if not one.url.startswith(("http://", "https://")):
            self.wrong(("watch", "url"), f'expected a URL that begins with http:// or https://, found "{one.url}"')
        for number, address in enumerate(one.addresses):
            if not re.fullmatch(r".+:[0-9]{1,5}", address):
                self.wrong(("watch", "addresses", number), f'expected host:port, found "{address}"')
        return WatchPlan(
            url=one.url,
            addresses=tuple(one.addresses),
            ca_file=one.ca_file,
            rate=one.rate,
            timeout_s=one.timeout,
            live_rate=one.live_rate,
            baseline_s=one.baseline,
        )

    def plan(self, service: str, environment: str, validate: ValidateCheck | None) -> Plan:
        layer = self.layer
        for number, admin in enumerate(layer.admins):
            if not _is_person(admin):
                self.wrong(("admins", number), f'expected an e-mail address or a Slack user id, found "{admin}"')
        sections = self.sections()
        steps = self.step_list()
        verification = self.section(("verification",), "verification", layer.verification)
        criteria = self.section(("criteria",), "criteria", layer.criteria)
        triggers = self.triggers()
        follow_ups = self.follow_ups()
        artifacts = self.item_list(("artifacts",), layer.artifacts)
        release = self.release()
        self.recorded()
        plan = Plan(
            service=service,
            environment=environment,
            channel=layer.channel,
            announce_to=tuple(layer.announce_to),
            admins=tuple(layer.admins),
            roles=self.roles(),
            release=release,
            sign_off=self.sign_off(),
            sections=sections,
            steps=steps,
            verification=verification,
            criteria=criteria,
            triggers=triggers,
            follow_ups=follow_ups,
            artifacts=artifacts,
            checks=self.checks(validate),
            scripts=self.scripts(),
            watch=self.watch(),
        )
        return replace(plan, digest=digest(plan))


def _is_person(text: str) -> bool:
    return bool(re.fullmatch(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+|[UW][A-Z0-9]{5,}", text))


def digest(plan: Plan) -> str:
    """The same for the same content, whatever file it stood in."""
    content = {key: value for key, value in asdict(plan).items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
