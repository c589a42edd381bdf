"""How is each thing measured and judged, and can it be at all?"""

import re
from collections.abc import Callable, Iterator

from bot.config import shape
from bot.config.mistakes import offer
from bot.config.site import VARIABLE, Path, Site
from bot.config.units import shown
from bot.errors import ConfigError
from bot.judge import Relative, parse
from bot.plan import SIGNOFF, BaselinePlan, CheckPlan
from bot.recorded import WINDOWS

#: Refuses with a ConfigError what the plugin of a check cannot measure; `bot.check.validate` is one.
ValidateCheck = Callable[[CheckPlan], object]

#: What may stand as `${…}` in the arguments of a script, and in parameters and rules.
FACTS = ("version", "commit", "service", "environment", "previous", "deployment")
VARIABLES = (*FACTS, "window")
#: Not measured by a plugin: read from the watch and from the record of the deployment.
_PSEUDO = ("watch", "record")
#: How long a tick holds whose check does not say. What was measured is measured again; people are not asked every hour.
_SIGNED_FOR_S = 90 * 86_400.0


def checks(site: Site, validate: ValidateCheck | None) -> dict[str, CheckPlan]:
    return {name: _check(site, name, validate) for name in site.checks if name in site.layer.checks}


def _check(site: Site, name: str, validate: ValidateCheck | None) -> CheckPlan:
    one, measuring = site.layer.checks[name], site.layer.measuring
    path: Path = ("checks", name)
    site.key(path)
    before = len(site.mistakes)
    _rules(site, path, one)
    site.variables((*path, "with"), VARIABLES)
    valid_for = _SIGNED_FOR_S if one.uses == SIGNOFF else measuring.valid_for
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
        valid_for_s=valid_for if one.valid_for is None else one.valid_for,
        intrusive=one.intrusive,
        why=one.why,
        fix=one.fix,
    )
    if len(site.mistakes) == before and validate is not None and one.uses not in _PSEUDO:
        _validated(site, path, plan, validate)
    return plan


def _rules(site: Site, path: Path, one: shape.Check) -> None:
    for ladder, rules in (("require", one.require), ("pass", one.pass_), ("warn", one.warn)):
        site.variables((*path, ladder), VARIABLES)
        for number, rule in enumerate(rules):
            try:
                # What a variable stands for is known later; any word will do for reading the rule.
                read = parse(VARIABLE.sub("x", rule))
            except ConfigError as error:
                site.wrong((*path, ladder, number), str(error))
                continue
            if isinstance(read.value, Relative) and one.baseline is None:
                site.wrong((*path, ladder, number), "compares with a baseline; say which with `baseline: {of: …}`")
    if not one.pass_ and one.uses in _PSEUDO:
        site.wrong(path, "has no `pass:` rules, so it could never pass")


def _validated(site: Site, path: Path, plan: CheckPlan, validate: ValidateCheck) -> None:
    """The plugin knows its parameters; what it refuses is told where the parameter or the rule that it quotes stands."""
    try:
        validate(plan)
    except ConfigError as error:
        sentence = re.sub(rf"^check '{re.escape(plan.name)}'[,:]? ?(\([a-z_]+\): )?", "", str(error))
        site.wrong(next(_quoted(site, path, sentence), path), sentence)


def _quoted(site: Site, path: Path, sentence: str) -> Iterator[Path]:
    node = site.node.get(*path)
    for word in re.findall(r"'([^']+)'", sentence) if node else ():
        parts = tuple(int(part) if part.isdigit() else part for part in word.split("."))
        if word == site.layer.checks[str(path[-1])].uses:
            yield (*path, "uses")
        if node and node.get("with", *parts):
            yield (*path, "with", *parts)
        for ladder in ("require", "pass", "warn"):
            rules = node.get(ladder) if node else None
            yield from (
                (*path, ladder, at) for at, rule in enumerate(rules.elements if rules else ()) if rule.value == word
            )


def from_the_record(site: Site) -> None:
    """Checks over the watch, the record and the roster name things of this plan; they have to be there."""
    for name in site.checks:
        one = site.layer.checks.get(name)
        if one is not None and one.uses == "watch":
            _watch_check(site, ("checks", name, "with"), one)
        elif one is not None and one.uses == "record":
            _record_check(site, ("checks", name, "with"), one)
        elif one is not None and one.uses == "contacts":
            site.named(("checks", name, "with", "role"), str(one.with_.get("role", "")), site.layer.roles, "role")


def _record_check(site: Site, path: Path, one: shape.Check) -> None:
    measured = [
        name for name in site.checks if (known := site.layer.checks.get(name)) and known.uses not in {*_PSEUDO, SIGNOFF}
    ]
    sections = [*site.layer.sections, "verification"]
    known = {"checks": measured, "steps": list(site.steps), "items": list(site.items), "sections": sections}
    for key, value in one.with_.items():
        if key not in known:
            site.wrong((*path, key), f"not a key here; {offer(key, known)}")
        elif not isinstance(value, list):
            site.wrong((*path, key), f"expected a list, found {shown(value)}")
        else:
            for number, name in enumerate(value):
                site.named((*path, key, number), str(name), known[key], key.removesuffix("s"))


def _watch_check(site: Site, path: Path, one: shape.Check) -> None:
    if site.layer.watch is None:
        site.wrong(path[:-1], "judges the watch, and there is none; add `watch:` with its url")
    for key in one.with_:
        if key != "window":
            site.wrong((*path, key), f"not a key here; {offer(key, ['window'])}")
    site.named((*path, "window"), str(one.with_.get("window", "since")), WINDOWS, "window")
