"""Which line of the checklist is decided by what? The table in docs/checks.md, made of app.yaml and nothing else."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bot.check import plugins
from bot.plan import SIGNOFF

APP = Path(__file__).resolve().parents[1] / "app.yaml"
HEAD = """## The checklist, line by line

**A**: a machine decides. **S**: a machine measures, and a person confirms. **H**: a person signs, with evidence. In brackets: a recipe
that stands ready in `app.yaml` under the key of the line, and is switched on by a service that says where to look; until then the
line is a person's. `watch` and `record` read the deployment's own probes and record; a `script` decides by its exit code.

| line | by | default rule | |
| --- | --- | --- | --- |
"""


def table(app: Path = APP) -> str:
    defaults = yaml.safe_load(app.read_text(encoding="utf-8"))["defaults"]
    return HEAD + "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in _rows(defaults)) + "\n"


def _rows(defaults: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """In the order of the checklist."""
    checks = defaults["checks"]
    for key, section in defaults["sections"].items():
        if key != "emergency-contacts":
            yield from _items(section["items"], checks)
    steps = defaults["steps"]
    for stage in ("preparing", "deploying", "verifying"):
        yield from _steps(steps[stage], checks)
    yield from _items(defaults["verification"]["items"], checks)
    for trigger in defaults["triggers"].values():
        known = trigger.get("check", "")
        by = _by(checks[known]) if known else "a person: /deploy rollback"
        yield trigger["title"], by, _rule(checks[known]) if known else "", "A" if known else "H"
    yield from _steps(steps["rolling_back"], checks)
    yield from _items(defaults["sections"]["emergency-contacts"]["items"], checks)
    for follow_up in defaults["follow_ups"].values():
        yield from _items(follow_up["tasks"], checks)
    yield from _items(defaults["artifacts"], checks)
    yield from _items(defaults["criteria"]["items"], checks)


def _items(items: Mapping[str, Any], checks: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for key, item in items.items():
        if (name := item.get("check", "")) and name != "none":
            by, rule = _by(checks[name]), _rule(checks[name])
            if checks[name]["uses"] == SIGNOFF:
                yield item["title"], f"people, with {by}", f"a link that passes{_or_a_note(checks[name])}: {rule}", "H"
            else:
                yield item["title"], by, rule, "S" if item.get("confirm") else "A"
        elif key in checks:
            yield item["title"], f"people (`{checks[key]['uses']}`)", _rule(checks[key]), "H (A)"
        else:
            yield item["title"], "people", "a link or a note" if item.get("evidence") else "", "H"


def _or_a_note(check: Mapping[str, Any]) -> str:
    return "" if check.get("with", {}).get("link") == "required" else ", or a note"


def _steps(steps: Mapping[str, Any], checks: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for step in steps.values():
        if script := step.get("script", ""):
            sees = {"version": "the new version answers at every address", "previous": "the previous version answers"}
            rule = ", ".join(filter(None, ["exit code 0", sees.get(step.get("sees", ""), "")]))
            approved = step.get("approved_by", "")
            yield (
                step["title"],
                f"script `{script}`",
                rule + ("; approved by a person" * bool(approved)),
                "S" if approved else "A",
            )
        elif names := step.get("checks", []):
            by = ", ".join(dict.fromkeys(_by(checks[name]) for name in names))
            yield step["title"], by, "; ".join(_rule(checks[name]) for name in names), "A"
        elif step.get("announce"):
            yield step["title"], "announcement", "posted in each channel", "A"
        else:
            yield step["title"], "people", "", "H"


def _by(check: Mapping[str, Any]) -> str:
    return f"`{check['uses']}`"


def _rule(check: Mapping[str, Any]) -> str:
    """The rules of app.yaml; where it has none, those of the plugin."""
    rules = [*check.get("require", []), *check.get("pass", [])]
    if not rules:
        plugin = plugins()[check["uses"]]
        rules = [*plugin.require, *plugin.pass_]
    return ", ".join(f"`{rule}`" for rule in rules)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
