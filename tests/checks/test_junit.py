"""The check `junit`, on reports that pytest really wrote, and on ones that lie."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from bot.judge import judge
from bot.model import Measured, Verdict
from bot.plan import CheckPlan
from tests.checks.helpers import run_check

#: Plugins of this environment have no say in what a report looks like, and take seconds to load.
PLAIN = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
COMMIT = "9f3c2ab" + "0" * 33


def ran(folder, text):
    """Run these tests with pytest and give its report."""
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, "-c", "/dev/null"]
    subprocess.run(
        [*command, "--junitxml", folder / "unit.xml", folder], cwd=folder, env=PLAIN, capture_output=True, check=False
    )
    return str(folder / "unit.xml")


def written(folder, text):
    path = folder / "report.xml"
    path.write_text(text)
    return str(path)


PASSES = "def test_one(): pass\ndef test_two(): pass\n"


async def test_tests_that_ran_and_passed_pass(tmp_path):
    finding = await run_check("junit", reports=[ran(tmp_path, PASSES)])
    assert finding.verdict is Verdict.PASS
    assert finding.summary.startswith("2 of 2 passed, in ")


async def test_a_failure_fails_and_is_named(tmp_path):
    report = ran(tmp_path, PASSES + "def test_three(): assert False\ndef test_four(nothing): pass\n")
    finding = await run_check("junit", reports=[report])
    assert finding.verdict is Verdict.FAIL
    assert finding.values["failed"] == 2
    assert "2 of 4 passed, first failure test_it.test_three" in finding.summary


SKIPPED = "import pytest\n@pytest.mark.skip\ndef test_skipped(): pass\n"


@pytest.mark.parametrize("text", ["", SKIPPED])
async def test_none_ran_is_unknown_and_not_a_pass(tmp_path, text):
    finding = await run_check("junit", reports=[ran(tmp_path, text)])
    assert finding.verdict is Verdict.UNKNOWN
    assert "none ran" in finding.summary


async def test_many_skipped_are_a_warning(tmp_path):
    finding = await run_check("junit", reports=[ran(tmp_path, SKIPPED + PASSES)])
    assert finding.verdict is Verdict.WARN


async def test_a_head_that_lies_is_counted_anew(tmp_path):
    case = '<testcase classname="a" name="b"><failure message="no"/></testcase>'
    report = written(tmp_path, f'<testsuite name="x" tests="1" failures="0">{case}</testsuite>')
    assert (await run_check("junit", reports=[report])).verdict is Verdict.FAIL


async def test_a_test_that_passed_only_when_tried_again_is_a_warning(tmp_path):
    case = '<testcase classname="a" name="b"><flakyFailure message="once"/></testcase>'
    finding = await run_check("junit", reports=[written(tmp_path, f'<testsuite name="x">{case}</testsuite>')])
    assert finding.verdict is Verdict.WARN
    assert finding.values["retried"] == 1


@pytest.mark.parametrize(
    ("name", "verdict"), [(COMMIT, Verdict.PASS), (COMMIT[:7], Verdict.PASS), ("1234567", Verdict.UNKNOWN)]
)
async def test_a_report_of_another_commit_says_nothing(tmp_path, name, verdict):
    properties = f'<properties><property name="commit" value="{name}"/></properties>'
    report = written(tmp_path, f'<testsuite name="x">{properties}<testcase classname="a" name="b"/></testsuite>')
    finding = await run_check("junit", reports=[report], commit="${commit}", release={"commit": COMMIT})
    assert finding.verdict is verdict


async def exactly(path):
    return await run_check("junit", reports=[path], commit="${commit}", release={"commit": COMMIT})


def suite(commit="", *inside, name="x", **attributes):
    told = f'<properties><property name="commit" value="{commit}"/></properties>' if commit else ""
    inside = inside or ('<testcase classname="a" name="b"/>',)
    heads = "".join(f' {key}="{value}"' for key, value in {"name": name, **attributes}.items())
    return f"<testsuite{heads}>{told}{''.join(inside)}</testsuite>"


async def test_a_report_that_names_no_commit_is_of_nobody_knows_which(tmp_path):
    finding = await exactly(written(tmp_path, suite()))
    assert finding.verdict is Verdict.UNKNOWN
    assert "report.xml names no commit, in itself or in its path; it has to be about 9f3c2ab" in finding.summary
    (tmp_path / COMMIT).mkdir()
    assert (await exactly(written(tmp_path / COMMIT, suite()))).verdict is Verdict.PASS, "its folder says it"


@pytest.mark.parametrize(
    ("suites", "verdict"),
    [
        ([suite(COMMIT), suite("1234567" + "0" * 33)], "unknown"),
        ([suite(COMMIT), suite()], "unknown"),
        ([suite(COMMIT), suite(COMMIT[:10])], "pass"),
        ([suite(COMMIT, suite(), suite())], "pass"),
        ([suite("", suite(COMMIT))], "pass"),
        ([f'<properties><property name="commit">{COMMIT}</property></properties>', suite(), suite()], "pass"),
    ],
)
async def test_every_suite_has_to_be_of_this_commit(tmp_path, suites, verdict):
    finding = await exactly(written(tmp_path, f"<testsuites>{''.join(suites)}</testsuites>"))
    assert finding.verdict == verdict, finding.summary


async def test_a_report_that_is_older_than_a_day_says_nothing(tmp_path):
    report = written(tmp_path, suite(COMMIT))
    os.utime(report, (time.time() - 60 * 86400,) * 2)
    finding = await exactly(report)
    assert finding.verdict is Verdict.UNKNOWN
    assert "age 60 d, at most 1 d is allowed" in finding.summary


async def test_a_file_that_was_fetched_just_now_is_as_old_as_its_run(tmp_path):
    ago = (datetime.now(UTC) - timedelta(days=60)).isoformat(timespec="seconds")
    finding = await exactly(written(tmp_path, suite(COMMIT, timestamp=ago)))
    assert finding.verdict is Verdict.UNKNOWN
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    assert (await exactly(written(tmp_path, suite(COMMIT, timestamp=now)))).verdict is Verdict.PASS


@pytest.mark.parametrize("inside", ["<error message='the database did not start'/>", "<failure message='no'/>"])
async def test_what_breaks_a_suite_outside_of_its_tests_fails(tmp_path, inside):
    finding = await exactly(written(tmp_path, suite(COMMIT, '<testcase classname="a" name="b"/>', inside)))
    assert finding.verdict is Verdict.FAIL
    assert "first failure x itself (" in finding.summary


async def test_a_head_that_counts_more_than_is_shown_fails(tmp_path):
    finding = await exactly(written(tmp_path, suite(COMMIT, errors="1")))
    assert finding.verdict is Verdict.FAIL
    assert "x (1 by its head, and 0 are shown)" in finding.summary


@pytest.mark.parametrize("again", ["flakyError", "rerunFailure", "rerunError"])
async def test_each_way_to_say_that_a_test_was_tried_again_counts(tmp_path, again):
    finding = await exactly(
        written(tmp_path, suite(COMMIT, f'<testcase name="b"><{again} message="once"/></testcase>'))
    )
    assert finding.verdict is Verdict.WARN
    assert finding.values["retried"] == 1


async def test_a_test_that_was_tried_again_in_vain_fails_and_is_not_called_retried(tmp_path):
    case = '<testcase name="b"><failure message="no"/><rerunFailure message="no"/></testcase>'
    finding = await exactly(written(tmp_path, suite(COMMIT, case)))
    assert finding.verdict is Verdict.FAIL
    assert finding.values["retried"] == 0


async def test_fewer_tests_than_last_time_are_a_warning():
    rules = yaml.safe_load((Path(__file__).parents[2] / "app.yaml").read_text())["defaults"]["checks"]["unit-tests"]
    plan = CheckPlan(
        name="x", uses="junit", pass_=tuple(rules["pass"]), warn=tuple(rules["warn"]), require=tuple(rules["require"])
    )
    values = {"tests": 80, "failed": 0, "skipped_share": 0.0, "retried": 0, "age": 60.0}
    assert judge(plan, Measured(values=values), {"tests": 100})[0] is Verdict.WARN
    assert judge(plan, Measured(values=values), {"tests": 85})[0] is Verdict.PASS
    assert judge(plan, Measured(values={**values, "age": 90_000.0}), {"tests": 85})[0] is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><testsuite name="x"/>', "DOCTYPE"),
        ('<testsuite name="x"><testcase', "no whole JUnit XML"),
        ("<html/>", "no whole JUnit XML"),
    ],
)
async def test_what_is_no_report_is_unknown(tmp_path, text, said):
    finding = await run_check("junit", reports=[written(tmp_path, text)])
    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary


async def test_a_report_that_is_not_there_is_unknown(tmp_path):
    finding = await run_check("junit", reports=[f"{tmp_path}/${{commit}}/*.xml"], release={"commit": COMMIT})
    assert finding.verdict is Verdict.UNKNOWN
    assert "There is no report 9f3c2ab" in finding.summary
