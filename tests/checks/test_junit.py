"""The check `junit`, on reports that pytest really wrote, and on ones that lie."""

import os
import subprocess
import sys

import pytest

from bot.model import Verdict
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
