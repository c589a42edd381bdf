"""Does docs/checks.md say of every line of the checklist what decides it?"""

import re
from pathlib import Path

import pytest

from bot.check import plugins
from checks.lines import APP, table
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


def rows() -> list[list[str]]:
    part = DOCS.partition("## The checklist, line by line")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_line_of_the_checklist_stands_there_in_its_place():
    assert len(seed_lines()) == 82
    assert [row[0] for row in rows() if row[0] not in OURS] == seed_lines()


def test_what_decides_a_line_is_a_plugin_or_is_said_to_be_something_else():
    assert checks.MODULES
    known = {*plugins(), "watch", "record"}
    for title, by, rule, kind in rows():
        named = set(re.findall(r"`([a-z_0-9-]+)`", by)) if not by.startswith("script") else set()
        assert named <= known, title
        assert kind in {"A", "S", "H", "H (A)"}
        assert (kind == "H") == (by.startswith(("people", "a person")) and named <= {"signoff"}), title
        assert rule or kind == "H", title


def test_the_table_is_made_of_app_yaml(tmp_path):
    text = APP.read_text(encoding="utf-8")
    changed = tmp_path / "app.yaml"
    changed.write_text(text.replace("- reserve >= 100%", "- days_left >= 33", 1))

    assert "`days_left >= 33`" in table(changed)
    assert "`days_left >= 33`" not in table()


@pytest.mark.parametrize("kind", ["A", "H (A)"])
def test_most_lines_can_be_decided_by_a_machine(kind):
    decided = [row for row in rows() if row[0] not in OURS and row[3] in {"A", "S", "H (A)"}]
    assert len(decided) >= 71
    assert any(row[3] == kind for row in decided)
