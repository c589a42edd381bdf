"""The check `sarif`, on what Semgrep and Ruff really wrote, on what Trivy writes, and on reports that say little."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check

RECORDED = Path(__file__).parent / "recorded"
COMMIT = "9f3c2ab" + "0" * 33


def report(folder, *results, rules=(), name="scan.sarif", **run):
    """A small SARIF; gives its path."""
    driver = {"driver": {"name": "scanner", "rules": list(rules)}}
    path = folder / name
    path.write_text(json.dumps({"version": "2.1.0", "runs": [{"tool": driver, "results": list(results), **run}]}))
    return str(path)


def result(rule="R1", level="warning", **more):
    place = {"physicalLocation": {"artifactLocation": {"uri": "shop/pay.py"}, "region": {"startLine": 7}}}
    return {"ruleId": rule, "level": level, "message": {"text": "No."}, "locations": [place], **more}


def vulnerable(score):
    """As Trivy writes a CVE: the score stands in the rule, and the result points to it by its place."""
    return {"id": "CVE-2026-1", "properties": {"security-severity": str(score), "tags": ["vulnerability"]}}


async def scan(*paths, **params):
    return await run_check("sarif", reports=[str(path) for path in paths], **params)


@pytest.fixture(autouse=True)
def fresh():
    """What was recorded once is read as if it had been written now."""
    for one in RECORDED.glob("*.sarif"):
        os.utime(one)


async def test_what_semgrep_wrote_is_read_by_its_scores_and_levels():
    finding = await scan(RECORDED / "semgrep.sarif")
    assert finding.verdict is Verdict.FAIL
    assert (finding.values["high"], finding.values["medium"], finding.values["suppressed"]) == (1, 1, 1)
    assert finding.summary == "1 high, 1 medium; shell-true in shop.py:5, 1 suppressed"
    assert finding.rows[0].values["severity"] == 8.1


async def test_what_trivy_writes_of_an_image_is_read_by_the_scores_of_its_rules():
    finding = await scan(RECORDED / "trivy.sarif")
    assert finding.verdict is Verdict.FAIL
    counted = {name: finding.values[name] for name in ("results", "critical", "high", "medium", "low")}
    assert counted == {"results": 6, "critical": 1, "high": 4, "medium": 1, "low": 1}
    assert finding.summary == "4 high, 1 medium, 1 low, 1 of them critical; github-pat in app/deploy.py:3"
    assert [row.values["severity"] for row in finding.rows] == [9.5, 8.0, 7.4, 7.4, 5.3, 0.1]
    assert finding.rows[2].note.startswith("CVE-2023-0286: Package: libssl1.1 Installed Version: 1.1.1n-0+deb11u3")


def trivy(folder, *severities):
    """Trivy's report, with only the results of these severities, and the rules that they need."""
    written = json.loads((RECORDED / "trivy.sarif").read_text())
    run = written["runs"][0]
    of = {rule["id"]: rule["properties"]["tags"][2] for rule in run["tool"]["driver"]["rules"]}
    run["tool"]["driver"]["rules"] = [one for one in run["tool"]["driver"]["rules"] if of[one["id"]] in severities]
    places = {rule["id"]: at for at, rule in enumerate(run["tool"]["driver"]["rules"])}
    left = [one for one in run["results"] if one["ruleId"] in places]
    run["results"] = [{**one, "ruleIndex": places[one["ruleId"]]} for one in left]
    path = folder / "trivy.sarif"
    path.write_text(json.dumps(written))
    return path


@pytest.mark.parametrize(
    ("severities", "verdict", "said"),
    [
        ((), "pass", "nothing found"),
        (("UNKNOWN",), "pass", "1 low; CVE-2011-3374 in acme/shop:1"),
        (("MEDIUM", "UNKNOWN"), "warn", "1 medium, 1 low; CVE-2024-4067 in app/package-lock.json:210"),
        (("HIGH",), "fail", "3 high; DS002 in Dockerfile:1"),
        (("CRITICAL",), "fail", "1 high, 1 of them critical; github-pat in app/deploy.py:3"),
    ],
)
async def test_an_image_in_which_trivy_finds_little_passes_and_one_with_more_does_not(
    tmp_path, severities, verdict, said
):
    finding = await scan(trivy(tmp_path, *severities))
    assert finding.verdict == verdict
    assert finding.summary.endswith(said)


async def test_trivy_names_no_commit_so_the_folder_of_its_report_has_to(tmp_path):
    (tmp_path / COMMIT).mkdir()
    assert (await scan(trivy(tmp_path), commit=COMMIT)).verdict is Verdict.UNKNOWN
    assert (await scan(trivy(tmp_path / COMMIT), commit=COMMIT)).verdict is Verdict.PASS


async def test_a_vulnerability_that_is_accepted_is_so_in_each_package(tmp_path):
    accepted = tmp_path / "accepted.yaml"
    accepted.write_text("- {rule: CVE-2023-0286, until: 2099-01-01, reason: No certificate of strangers is read.}\n")
    finding = await scan(trivy(tmp_path, "HIGH"), suppressions=str(accepted))
    assert (finding.values["suppressed"], finding.values["high"]) == (2, 1)


def ruffed(folder, text):
    """What Ruff says about this file, as SARIF."""
    (folder / "shop.py").write_text(text)
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "S", "--output-format", "sarif"]
    done = subprocess.run([*command, "shop.py"], cwd=folder, capture_output=True, text=True, check=False)
    (folder / "ruff.sarif").write_text(done.stdout)
    return folder / "ruff.sarif"


async def test_what_ruff_finds_is_found_and_a_clean_file_passes(tmp_path):
    found = await scan(ruffed(tmp_path, "import subprocess\nsubprocess.run('ls ' + name, shell=True)\n"))
    assert found.verdict is Verdict.FAIL
    assert "S602" in repr(found.rows)
    clean = await scan(ruffed(tmp_path, "x = 1\n"))
    assert clean.verdict is Verdict.PASS, clean.summary
    assert clean.summary == "nothing found"


@pytest.mark.parametrize(
    ("score", "verdict", "counted"),
    [(9.8, "fail", "critical"), (7.0, "fail", "high"), (6.9, "warn", "medium"), (3.9, "pass", "low")],
)
async def test_the_score_of_the_rule_counts_more_than_the_level(tmp_path, score, verdict, counted):
    one = {"ruleIndex": 0, "level": "note", "message": {"text": "openssl"}}
    finding = await scan(report(tmp_path, one, rules=[vulnerable(score)]))
    assert finding.verdict == verdict
    assert finding.values[counted] == 1


@pytest.mark.parametrize(
    ("one", "high"),
    [
        (result(level="error"), 1),
        (result(level="error", kind="pass"), 0),
        (result(level="error", kind="notApplicable"), 0),
        (result(level="none"), 0),
        (result(level="error", suppressions=[{"kind": "inSource"}]), 0),
        (result(level="error", suppressions=[{"kind": "external", "status": "accepted"}]), 0),
        (result(level="error", suppressions=[{"kind": "external", "status": "underReview"}]), 1),
        (result(level="error", suppressions=[{"kind": "external", "status": "rejected"}]), 1),
        (result(level="error", suppressions=[]), 1),
    ],
)
async def test_only_what_says_that_something_is_wrong_counts(tmp_path, one, high):
    assert (await scan(report(tmp_path, one))).values["high"] == high


async def test_the_level_of_the_rule_stands_in_where_the_result_has_none(tmp_path):
    bare = {"ruleId": "R9/1", "message": {"text": "x"}}
    finding = await scan(report(tmp_path, bare, rules=[{"id": "R9", "defaultConfiguration": {"level": "error"}}]))
    assert finding.values["high"] == 1


async def test_what_was_there_before_can_be_left_out(tmp_path):
    path = report(tmp_path, result(level="error", baselineState="unchanged"), result(baselineState="new"))
    assert (await scan(path)).verdict is Verdict.FAIL
    new = await scan(path, only_new=True)
    assert new.verdict is Verdict.WARN
    assert new.values["results"] == 1


SUPPRESSIONS = """
- {rule: R1, path: pay.py, until: 2099-01-01, reason: The input comes from us.}
- {rule: R2, until: 2020-01-01, reason: We meant to repair it.}
"""


async def test_a_suppression_holds_until_its_date(tmp_path):
    (tmp_path / "accepted.yaml").write_text(SUPPRESSIONS)
    path = report(tmp_path, result("R1", "error"), result("R2", "error"))
    finding = await scan(path, suppressions=str(tmp_path / "accepted.yaml"))
    assert finding.verdict is Verdict.FAIL
    assert (finding.values["suppressed"], finding.values["expired"], finding.values["high"]) == (1, 1, 1)
    assert "1 whose suppression expired" in finding.summary


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {rule: R1, until: soon, reason: x}", "0.until: "),
        ("- {rule: R1, until: 2099-01-01}", "0.reason: Field required"),
        ("- {rule: R1", "are no YAML"),
        (None, "There is no report"),
    ],
)
async def test_suppressions_that_cannot_be_read_suppress_nothing_and_are_said(tmp_path, text, said):
    if text is not None:
        (tmp_path / "accepted.yaml").write_text(text)
    finding = await scan(report(tmp_path, result("R1", "error")), suppressions=str(tmp_path / "accepted.yaml"))
    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary


@pytest.mark.parametrize(("revision", "verdict"), [(COMMIT, "pass"), (COMMIT[:7], "pass"), ("1234567", "unknown")])
async def test_a_scan_of_another_commit_says_nothing(tmp_path, revision, verdict):
    path = report(tmp_path, versionControlProvenance=[{"revisionId": revision}])
    finding = await scan(path, commit="${commit}", release={"commit": COMMIT})
    assert finding.verdict == verdict


async def test_a_scan_of_nobody_knows_which_commit_says_nothing(tmp_path):
    finding = await scan(report(tmp_path), commit=COMMIT)
    assert finding.verdict is Verdict.UNKNOWN
    assert "scan.sarif names no commit, in itself or in its path" in finding.summary
    (tmp_path / COMMIT).mkdir()
    assert (await scan(report(tmp_path / COMMIT), commit=COMMIT)).verdict is Verdict.PASS


async def test_a_scan_of_last_season_says_nothing_however_new_the_file_is(tmp_path):
    old = report(tmp_path)
    os.utime(old, (time.time() - 90 * 86400,) * 2)
    finding = await scan(old)
    assert finding.verdict is Verdict.UNKNOWN
    assert "age 90 d, at most 1 d is allowed" in finding.summary
    fetched = report(tmp_path, invocations=[{"executionSuccessful": True, "endTimeUtc": "2026-01-02T03:04:05Z"}])
    assert (await scan(fetched)).verdict is Verdict.UNKNOWN


async def test_a_scan_that_did_not_come_to_its_end_says_nothing(tmp_path):
    notes = [{"level": "error", "message": {"text": "out of memory"}}]
    path = report(tmp_path, invocations=[{"executionSuccessful": False, "toolExecutionNotifications": notes}])
    finding = await scan(path)
    assert finding.verdict is Verdict.UNKNOWN
    assert (
        finding.summary == "The scan in " + "/".join(Path(path).parts[-2:]) + " did not come to its end: out of memory."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no whole JSON"),
        ("[]", "is no SARIF of version 2"),
        ('{"version": "1.0.0", "runs": []}', "is no SARIF of version 2"),
        ('{"version": "2.1.0", "runs": []}', "runs 0, at least 1 is needed"),
        (
            '{"version": "2.1.0", "runs": [{"tool": {"driver": {}}, "results": null}]}',
            "has no results, not even an empty list",
        ),
        ('{"version": "2.1.0", "runs": [{"results": [{}]}]}', "is no SARIF as it should be"),
        ('{"version": "2.1.0", "runs": [7]}', "is no SARIF as it should be"),
    ],
)
async def test_what_is_no_sarif_is_unknown(tmp_path, text, said):
    path = tmp_path / "scan.sarif"
    path.write_text(text)
    finding = await scan(path)
    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary


async def test_a_report_that_is_not_there_is_unknown(tmp_path):
    finding = await run_check("sarif", reports=[f"{tmp_path}/${{commit}}/*.sarif"], release={"commit": COMMIT})
    assert finding.verdict is Verdict.UNKNOWN
    assert "There is no report 9f3c2ab" in finding.summary
