"""Which line of the checklist is decided by what? The table in docs/checks.md, made of app.yaml and nothing else."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.check import plugins
from bot.plan import SIGNOFF

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app.yaml"
#: The service of the demonstration, which switches on what can be measured on one machine.
DEMONSTRATION = ROOT / "services" / "checkout.yaml"
#: Each line with its class, as the checklist's authors meant it.
MEANT = Path(__file__).with_name("checklist.yaml")
HEAD = """## The checklist, line by line

**A**: a machine decides. **S**: a machine measures and can fail it, and a person confirms. **H**: a person signs, with evidence. The
first column of letters is what the line can be at best. *As shipped* is what `app.yaml` does with it before anybody says where to look:
where a recipe stands ready, the line is a person's until a service gives what the recipe needs and switches it on
(`sections: {environment-setup: {items: {cdn: {check: cdn, evidence: false}}}}`). *Demonstration* is what `make demo` does. `watch` and
`record` read the deployment's own probes and record; a `script` decides by its exit code, and what is measured beside it has to agree.

"""
_COLUMNS = """
| line | at best | as shipped | demonstration | default rule |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one configuration does with one line."""

    title: str
    #: A, S or H: who decides it as it is configured.
    kind: str
    #: What decides it, for people.
    by: str
    #: The plugins behind it, in use or ready.
    plugins: tuple[str, ...] = ()
    #: A, S or H: who decides it once its recipe is switched on.
    ready: str = ""
    rule: str = ""


def table(app: Path = APP, demonstration: Path = DEMONSTRATION) -> str:
    shipped, shown = lines(app), lines(app, demonstration)
    classes = meant()
    rows = [
        [one.title, best, f"{one.kind}: {one.by}", f"{other.kind}: {other.by}", one.rule]
        for one, other, best in zip(shipped, shown, classes, strict=True)
    ]
    told = [
        f"Of {sum(map(bool, classes))} lines {_told(classes)} at best;",
        f"{_told(one.kind for one, best in zip(shipped, classes, strict=True) if best)} as shipped;",
        f"{_told(one.kind for one, best in zip(shown, classes, strict=True) if best)} in the demonstration.",
    ]
    cells = "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)
    return f"{HEAD}{' '.join(told)}\n{_COLUMNS}{cells}\n"


def meant() -> list[str]:
    """The class of each line of app.yaml; empty for the steps that put back what the preparations changed."""
    known = yaml.safe_load(MEANT.read_text(encoding="utf-8"))
    found: list[str] = []
    for one in lines():
        ours = not known or one.title != known[0]["line"]
        found.append("" if ours else known.pop(0)["class"])
    return found


def _told(kinds: Iterable[str]) -> str:
    counted = Counter(kinds)
    return f"{counted['A']} are A, {counted['S']} S and {counted['H']} H"


def lines(app: Path = APP, service: Path | None = None) -> list[Line]:
    """Every line in the order of the checklist, as app.yaml has it or as a service changes it."""
    configured = yaml.safe_load(app.read_text(encoding="utf-8"))["defaults"]
    if service is not None:
        configured = _over(configured, yaml.safe_load(service.read_text(encoding="utf-8")))
    return list(_lines(configured))


def _over(below: Any, above: Any) -> Any:
    """As much of the merging as this table needs: keys win, rules by name are added at the end."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    if "uses" in above and above["uses"] != below.get("uses"):
        return above
    merged = dict(below)
    for key, one in above.items():
        if isinstance(one, Mapping) and isinstance(below.get(key), list):
            rules = [rule for rule in below[key] if rule.split()[0] not in one]
            merged[key] = [*rules, *(f"{name} {rule}" for name, rule in one.items() if rule)]
        else:
            merged[key] = _over(below[key], one) if key in below else one
    return merged


def _lines(defaults: Mapping[str, Any]) -> Iterator[Line]:
    checks = defaults["checks"]
    for key, section in defaults["sections"].items():
        if key != "emergency-contacts":
            yield from _items(section["items"], checks)
    steps = defaults["steps"]
    for stage in ("preparing", "deploying", "verifying"):
        yield from _steps(steps[stage], checks)
    yield from _items(defaults["verification"]["items"], checks)
    for key, trigger in defaults["triggers"].items():
        yield _trigger(key, trigger, checks)
    yield from _steps(steps["rolling_back"], checks)
    yield from _items(defaults["sections"]["emergency-contacts"]["items"], checks)
    for follow_up in defaults["follow_ups"].values():
        yield from _items(follow_up["tasks"], checks)
    yield from _items(defaults["artifacts"], checks)
    yield from _items(defaults["criteria"]["items"], checks)


def _items(items: Mapping[str, Any], checks: Mapping[str, Any]) -> Iterator[Line]:
    for key, item in items.items():
        written = item.get("check", "")
        names = [written] if isinstance(written, str) else written
        named = [checks[name] for name in names if name not in {"", "none"}]
        signed = [one for one in named if one["uses"] == SIGNOFF]
        measured = "S" if item.get("confirm") or signed else "A"
        if named and named == signed:
            yield _signed(item, signed[0])
        elif named:
            used = tuple(dict.fromkeys(one["uses"] for one in named))
            by = ", ".join(f"`{one}`" for one in used) + (", and a person confirms" if measured == "S" else "")
            rule = "; ".join(map(_rule, named))
            yield Line(title=item["title"], kind=measured, by=by, plugins=used, ready=measured, rule=rule)
        elif key in checks:
            yield _line(item, "H", f"people; ready is {_ready(checks[key])}", checks[key], ready=measured)
        else:
            yield Line(
                title=item["title"], kind="H", by="people", rule="a link or a note" if item.get("evidence") else ""
            )


def _signed(item: Mapping[str, Any], check: Mapping[str, Any]) -> Line:
    """The page that a person names is opened, today and later; whether it says the right thing is for that person to say."""
    note = "" if check.get("with", {}).get("link") == "required" else ", or a note"
    rule = f"a link that passes{note}: {_rule(check)}"
    return Line(title=item["title"], kind="H", by=f"people, with `{SIGNOFF}`", plugins=(SIGNOFF,), ready="S", rule=rule)


def _line(one: Mapping[str, Any], kind: str, by: str, check: Mapping[str, Any], ready: str = "") -> Line:
    return Line(title=one["title"], kind=kind, by=by, plugins=(check["uses"],), ready=ready or kind, rule=_rule(check))


def _trigger(key: str, trigger: Mapping[str, Any], checks: Mapping[str, Any]) -> Line:
    """A trigger proposes, and people decide; what is measured is whether there is anything to propose."""
    if name := trigger.get("check", ""):
        return _line(trigger, "A", f"`{checks[name]['uses']}`", checks[name])
    if key in checks:
        return _line(
            trigger, "H", f"people: `/deploy rollback`; ready is {_ready(checks[key])}", checks[key], ready="A"
        )
    return Line(title=trigger["title"], kind="H", by="people: `/deploy rollback`")


def _steps(steps: Mapping[str, Any], checks: Mapping[str, Any]) -> Iterator[Line]:
    sees = {"version": "the new version answers at every address", "previous": "the previous version answers"}
    for key, step in steps.items():
        names = step.get("checks", [])
        recipe = checks[key] if step.get("script") and key in checks and not names else None
        used = tuple(dict.fromkeys(checks[name]["uses"] for name in names))
        script, approved = step.get("script", ""), step.get("approved_by", "")
        by = [f"script `{script}`"] * bool(script) + [f"`{one}`" for one in used]
        by += ["announcement"] * bool(step.get("announce"))
        told = (", ".join(by) or "people") + (", once a person has approved it" if approved else "")
        rules = ["exit code 0"] * bool(script) + list(filter(None, [sees.get(step.get("sees", ""), "")]))
        rules += [_rule(checks[name]) for name in names] + ["posted in each channel"] * bool(step.get("announce"))
        yield Line(
            title=step["title"],
            kind="H" if not by else "S" if approved else "A",
            by=told + (f"; ready is {_ready(recipe)}" if recipe else ""),
            ready="S" if approved else "A",
            plugins=(
                *used,
                *([recipe["uses"]] if recipe else []),
                *(["exec"] if script else []),
                *(["notify"] if step.get("announce") else []),
            ),
            rule=", ".join(rules),
        )


def _ready(check: Mapping[str, Any]) -> str:
    """The recipe, and which parameters a service has to give it."""
    plugin = plugins()[check["uses"]]
    given = check.get("with", {})
    fields = plugin.params.model_fields
    needed = [name for name, field in fields.items() if field.is_required() and name not in given]
    # Some take one of several; then whatever is its own says what it is about.
    own = [*plugin.params.__annotations__]
    needs = needed or ([] if any(name in given for name in own) else own[:1])
    return f"`{check['uses']}`" + (f", which needs {', '.join(f'`{name}`' for name in needs)}" if needs else "")


def _rule(check: Mapping[str, Any]) -> str:
    """The rules of app.yaml; where it has none, those of the plugin."""
    rules = [*check.get("require", []), *check.get("pass", [])]
    if not rules:
        plugin = plugins()[check["uses"]]
        rules = [*plugin.require, *plugin.pass_]
    return ", ".join(f"`{rule}`" for rule in rules)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
