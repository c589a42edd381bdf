"""Does docs/checks.md say of every line of the checklist what decides it?"""

import re
from pathlib import Path

import pytest
import yaml

from checks.lines import APP, DEMONSTRATION, MEANT, lines, table
from tests.checks.helpers import checks

SEED = (Path(__file__).parents[1] / "config" / "production-deployment-checklist.md").read_text(encoding="utf-8")
DOCS = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
#: What the preparations changed is put back at the end; the checklist takes that for granted.
OURS = {"Scale back", "Unfreeze code changes"}


def seed_lines() -> list[str]:
    """Bullets, numbered steps and the rows of the contact table, in their order."""
    found = []
    for line in SEED.splitlines():
        if step := re.match(r"\d+\. \*\*(.+?)\*\*", line):
            found.append(step[1])
        elif bullet := re.match(r"- (?:\[ \] )?(.+)", line):
            found.append(bullet[1].strip())
        elif role := re.match(r"\| ([A-Z].+?) \| \[contact\]", line):
            found.append(role[1])
    return found


#: What was meant to measure each line, as shared with everybody who works on this; a copy, so that the product can tell it.
TABLE = yaml.safe_load(MEANT.read_text(encoding="utf-8"))
#: What a plan calls by one name and we do by a recipe over another plugin, or by the engine itself.
SAME = {
    "lb": "http",
    "grafana": "http",
    "cost": "report",
    # The reports that a run wrote here, where no CI ran it.
    "ci": "junit",
    # The endpoints that a service names, until it has a description of them.
    "openapi": "http",
    # The probes of our own watch, until a service has metrics: `error-rates-by-metrics`, `performance-by-metrics`.
    "promql_ratio": "watch",
}
#: Where the plan counts rows by whatever took the backup, one query asks the restored database itself.
ASKED_OTHERWISE = {"Restore database": "sql"}


def rows() -> list[list[str]]:
    part = DOCS.partition("## The checklist, line by line")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def of_the_checklist(found):
    """Without the steps that only put back what the preparations changed."""
    return [one for one in found if one.title not in OURS]


def test_every_line_of_the_checklist_stands_there_in_its_place_with_its_class():
    assert checks.MODULES
    assert len(seed_lines()) == 82
    assert [one["line"] for one in TABLE] == seed_lines()
    told = [(row[0], row[1]) for row in rows() if row[0] not in OURS]
    assert told == [(one["line"], one["class"]) for one in TABLE]
    assert [sum(one["class"] == kind for one in TABLE) for kind in "ASH"] == [71, 10, 1]


@pytest.mark.parametrize("at", range(82))
def test_a_line_is_measured_by_the_plugin_and_in_the_class_that_were_meant_or_can_be(at):
    one, meant = of_the_checklist(lines())[at], TABLE[at]
    wanted = {*meant["by"], *(SAME[name] for name in meant["by"] if name in SAME)}
    assert set(one.plugins) & {*wanted, ASKED_OTHERWISE.get(one.title)}, one
    # A trigger proposes, and people decide; of the plan that is to be signed three facts are measured.
    trigger = one.title == "Security vulnerabilities detected"
    assert one.ready == {"H": "S"}.get(meant["class"], meant["class"]) or trigger, one


def test_nobody_is_told_that_a_machine_decides_what_people_tick():
    for one, row in zip(of_the_checklist(lines()), [row for row in rows() if row[0] not in OURS], strict=True):
        assert row[2] == f"{one.kind}: {one.by}".replace("|", "\\|")
        assert (one.kind == "H") == one.by.startswith("people"), one
    told = re.search(r"(\d+) are A, (\d+) S and (\d+) H as shipped", DOCS)
    assert told
    assert [int(number) for number in told.groups()] == [
        sum(one.kind == kind for one in of_the_checklist(lines())) for kind in "ASH"
    ]


def test_the_demonstration_measures_what_can_be_measured_on_one_machine():
    kinds = [one.kind for one in of_the_checklist(lines(service=DEMONSTRATION))]
    assert kinds.count("A") >= 57
    assert kinds.count("S") >= 5


def test_the_default_rules_are_as_strict_as_was_meant():
    checks = yaml.safe_load(APP.read_text(encoding="utf-8"))["defaults"]["checks"]
    meant = {
        "zero-downtime": ["probes >= 5000", "longest_gap == 0s"],
        "performance": ["probes >= 500"],
        "backup": ["size >= baseline -30%", "size <= baseline +50%"],
        "performance-tests": ["p95 <= baseline +20%", "p95 <= baseline +50%"],
        "load-testing": ["p95 <= 300ms", "achieved >= 100%"],
        "queries": ["slower <= 20%", "slower <= 50%"],
        "load-balancer": [
            "path != /",
            "interval <= 30s",
            "tries >= 2",
            "tries <= 5",
            "healthy >= 2",
            "ill == 0",
            "zones >= 2",
        ],
        "memory": ["max <= 80%"],
        "disk-in-four-days": ["min > 0"],
    }
    for name, rules in meant.items():
        there = [*checks[name].get("require", []), *checks[name]["pass"], *checks[name].get("warn", [])]
        assert set(rules) <= set(there), name


def test_the_table_is_made_of_app_yaml(tmp_path):
    text = APP.read_text(encoding="utf-8")
    changed = tmp_path / "app.yaml"
    changed.write_text(text.replace("- reserve >= 100%", "- days_left >= 33", 1))

    assert "`days_left >= 33`" in table(changed)
    assert "`days_left >= 33`" not in table()
