"""The check `report`, on JSON files."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check

COMMIT = "9f3c2ab" + "0" * 33
COST = {
    "commit": COMMIT[:10],
    "until": (datetime.now(UTC) - timedelta(hours=30)).isoformat(),
    "totals": {"per_request": 0.00021, "currency": "EUR"},
    "lines": [{"name": "compute", "share": "0.61"}],
}
PATHS = {"cost": "totals.per_request", "data_age": "until as age", "compute": "lines.0.share as number"}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cost.json"
    path.write_text(json.dumps(COST))
    return path


async def test_values_are_taken_by_path_and_judged(file):
    rules = {"require": ["data_age <= 48h"], "pass_": ["cost <= baseline +15%", "compute <= 70%"]}
    finding = await run_check("report", report=str(file), values=PATHS, rules=rules, baseline={"cost": 0.0002})
    assert finding.verdict is Verdict.PASS, finding.summary
    dearer = await run_check("report", report=str(file), values=PATHS, rules=rules, baseline={"cost": 0.0001})
    assert dearer.verdict is Verdict.FAIL


async def test_data_that_is_too_old_is_unknown(file):
    rules = {"require": ["data_age <= 24h"], "pass_": ["cost <= 1"]}
    finding = await run_check("report", report=str(file), values=PATHS, rules=rules)
    assert finding.verdict is Verdict.UNKNOWN
    assert "data age 1 d 6 h, at most 1 d is allowed" in finding.summary


async def test_a_value_that_is_not_there_is_named_and_fails_unless_a_rule_needs_it(file):
    finding = await run_check("report", report=str(file), values={"latency": "p95", **PATHS})
    assert finding.verdict is Verdict.FAIL
    assert "latency not in " in finding.summary
    ruled = await run_check("report", report=str(file), values={"latency": "p95"}, rules={"pass_": ["latency <= 1"]})
    assert ruled.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("commit", "verdict"), [(COMMIT, "pass"), ("1" * 40, "unknown")])
async def test_a_file_about_another_commit_says_nothing(file, commit, verdict):
    finding = await run_check("report", report=str(file), values=PATHS, commit="${commit}", release={"commit": commit})
    assert finding.verdict == verdict


async def test_a_file_that_names_no_commit_says_nothing(file):
    file.write_text(json.dumps({key: one for key, one in COST.items() if key != "commit"}))
    finding = await run_check("report", report=str(file), values=PATHS, commit=COMMIT)
    assert finding.verdict is Verdict.UNKNOWN
    assert "names no commit" in finding.summary


@pytest.mark.parametrize(("text", "said"), [("{", "no whole JSON"), ("", "is empty"), ("NaN,", "no whole JSON")])
async def test_what_is_no_json_is_unknown(file, text, said):
    file.write_text(text)
    finding = await run_check("report", report=str(file), values=PATHS)
    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary
