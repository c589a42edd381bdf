"""Does the configuration hold every line of the checklist, in its own words?"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from writing import ROOT, demo_environment

from bot.config import load
from bot.plan import ItemPlan, Plan, Stage

CHECKLIST = (Path(__file__).parent / "production-deployment-checklist.md").read_text(encoding="utf-8")


def lines(heading: str) -> list[str]:
    """What stands under a heading of the checklist, without bullets, boxes and numbers."""
    found = re.search(rf"^#+ {re.escape(heading)}[^\n]*\n(.*?)(?=^#|\Z)", CHECKLIST, re.MULTILINE | re.DOTALL)
    assert found, heading
    bullets = [line for line in found[1].splitlines() if re.match(r"- |\d+\. ", line)]
    return [re.sub(r"^(- \[ \] |- |\d+\. )", "", line) for line in bullets]


def named(heading: str) -> list[tuple[str, str]]:
    """Steps are written `**name** - what it does`."""
    return [(found[1], found[2]) for line in lines(heading) if (found := re.fullmatch(r"\*\*(.+)\*\* - (.+)", line))]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load(ROOT / "app.yaml", demo_environment()).plan("checkout", "production")


@pytest.fixture(scope="module")
def defaults() -> dict:
    return yaml.safe_load((ROOT / "app.yaml").read_text(encoding="utf-8"))["defaults"]


def titles(items: tuple[ItemPlan, ...]) -> list[str]:
    return [item.title for item in items]


def test_the_sections_stand_with_every_item(plan):
    headings = re.findall(r"^### (.+)$", CHECKLIST.split("## Deployment Process")[0], re.MULTILINE)
    assert len(headings) == 5
    assert [section.title for section in plan.sections] == [*headings, "Emergency Contacts"]
    for section in plan.sections[:-1]:
        assert titles(section.items) == lines(section.title)


@pytest.mark.parametrize(
    ("heading", "stages"),
    [
        ("Pre-Deployment Steps", [Stage.PREPARING]),
        ("Deployment Execution", [Stage.DEPLOYING, Stage.VERIFYING]),
        ("Rollback Steps", [Stage.ROLLING_BACK]),
    ],
)
def test_the_steps_stand_in_order_with_what_they_do(plan, defaults, heading, stages):
    assert len(named(heading)) == 5
    written = [step for stage in stages for step in defaults["steps"][stage.value].values()]
    assert [step.title for step in plan.steps if step.stage in stages] == [step["title"] for step in written]
    # What the preparations changed is put back at the end; the checklist takes that for granted.
    ours = {"Scale back", "Unfreeze code changes"}
    assert [(step["title"], step["about"]) for step in written if step["title"] not in ours] == named(heading)


def test_the_verification_and_the_criteria_stand(plan):
    assert len(lines("Post-Deployment Verification")) == 6
    assert titles(plan.verification.items) == lines("Post-Deployment Verification")
    assert len(lines("Success Criteria")) == 6
    assert titles(plan.criteria.items) == lines("Success Criteria")


def test_the_triggers_stand(plan):
    assert len(lines("Immediate Rollback Triggers")) == 5
    assert [trigger.title for trigger in plan.triggers] == lines("Immediate Rollback Triggers")


def test_the_follow_ups_stand_with_their_windows(plan):
    headings = re.findall(r"^### (.+ \(.+\))$", CHECKLIST, re.MULTILINE)
    assert [follow_up.title for follow_up in plan.follow_ups] == headings
    for follow_up in plan.follow_ups:
        assert titles(follow_up.tasks) == lines(follow_up.title)
    assert [follow_up.after_s / 3600 for follow_up in plan.follow_ups] == [2, 24, 7 * 24]


def test_the_roles_and_the_artifacts_stand(plan):
    rows = re.findall(r"^\| ([A-Z].+?) \| \[contact\]", CHECKLIST, re.MULTILINE)
    assert len(rows) == 4
    assert [role.title for role in plan.roles] == rows
    assert len(lines("Deployment Artifacts")) == 5
    assert titles(plan.artifacts) == lines("Deployment Artifacts")


def every_item(plan: Plan) -> Iterator[ItemPlan]:
    for section in (*plan.sections, plan.verification, plan.criteria):
        yield from section.items
    for follow_up in plan.follow_ups:
        yield from follow_up.tasks
    yield from plan.artifacts


def test_every_item_has_an_owner_and_says_why_and_how_to_clear_it(plan):
    for item in every_item(plan):
        assert item.role, item.title
        for sentence in (item.why, item.fix):
            assert re.fullmatch(r"[A-Z].{20,160}\.", sentence), (item.title, sentence)
            assert "!" not in sentence


def test_no_two_items_explain_themselves_in_the_same_words(plan):
    reasons = [item.why for item in every_item(plan)]
    assert len(reasons) == len(set(reasons))


def test_what_a_person_vouches_for_takes_evidence(plan):
    for item in every_item(plan):
        assert item.checks or item.evidence, item.title


def test_what_has_to_be_measured_is_measured(plan):
    used = {plan.checks[name].uses for item in every_item(plan) for name in item.checks}
    wanted = {"env", "tls", "dns", "http", "headers", "cors", "ratelimit", "files", "secrets", "junit", "backup"}
    assert wanted <= used
    assert {"watch", "record"} <= used


def test_the_restore_waits_for_the_database_admin_and_only_after_a_change_of_the_schema(plan):
    restore = next(step for step in plan.steps if step.key == "restore")
    assert (restore.role, restore.only_if) == ("database-admin", "schema_changed")


def test_calling_off_takes_back_what_was_prepared(plan):
    undone = {step.key: step.undo for step in plan.steps if step.undo}
    assert undone == {"freeze": "unfreeze", "notify": "call-off", "scale": "scale-back"}


def test_what_sends_bursts_is_measured_by_itself(plan):
    assert [name for name, one in plan.checks.items() if one.intrusive] == ["rate-limit"]


def test_nothing_rolls_back_by_itself(plan):
    assert not any(trigger.auto for trigger in plan.triggers)


def test_payments_leaves_lines_out_and_says_why_each_time():
    settings = load(ROOT / "app.yaml", demo_environment())
    left_out = settings.left_out["payments", "production"]
    assert left_out["Firewall rules applied"] == "The supplier runs the servers."
    assert all(left_out.values())
    assert settings.plan("payments", "production").scripts == {}
