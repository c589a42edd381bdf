"""The check `loadtest`, on what locust really wrote and on the two forms of k6's summary."""

import csv
import io
import json
from pathlib import Path

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check

RECORDED = Path(__file__).parent / "recorded"


def changed(folder, name, change):
    """A recorded k6 summary with something in its metrics changed."""
    document = json.loads((RECORDED / name).read_text())
    change(document["metrics"])
    path = folder / "load.json"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.parametrize("name", ["k6_summary.json", "k6_export.json"])
async def test_both_forms_of_k6_say_the_same(name):
    finding = await run_check("loadtest", report=str(RECORDED / name), target=300)
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["requests"] == 18_000
    assert finding.values["failed"] == 2, "k6 calls failed requests the passes of http_req_failed"
    assert finding.values["p95"] == pytest.approx(0.0889)
    assert finding.values["achieved"] == pytest.approx(0.9993)
    assert finding.values["dropped"] == 0
    assert finding.summary == "2 of 18,000 failed, p95 88.9 ms, 299.8 requests/s of 300, 2 thresholds held"


COMMIT = "9f3c2ab" + "0" * 33


def of_commit(folder, said):
    document = json.loads((RECORDED / "k6_summary.json").read_text())
    path = folder / "load.json"
    path.write_text(json.dumps(document | said))
    return str(path)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ({"commit": COMMIT}, "pass"),
        ({"commit": COMMIT[:10]}, "pass"),
        ({"commit": "1" * 40}, "unknown"),
        ({}, "unknown"),
    ],
)
async def test_a_run_of_another_version_or_of_nobody_knows_which_says_nothing(tmp_path, said, verdict):
    finding = await run_check(
        "loadtest", report=of_commit(tmp_path, said), commit="${commit}", release={"commit": COMMIT}
    )
    assert finding.verdict == verdict, finding.summary


async def test_what_locust_wrote_is_of_the_commit_that_its_folder_names(tmp_path):
    text = (RECORDED / "locust_stats.csv").read_text()
    (tmp_path / COMMIT).mkdir()
    for folder, verdict in ((tmp_path, "unknown"), (tmp_path / COMMIT, "warn")):
        (folder / "load_stats.csv").write_text(text)
        finding = await run_check("loadtest", report=str(folder / "load_stats.csv"), commit=COMMIT)
        assert finding.verdict == verdict, finding.summary


@pytest.mark.parametrize(("name", "crossed"), [("k6_summary.json", {"ok": False}), ("k6_export.json", True)])
async def test_a_threshold_that_was_crossed_fails_and_is_named(tmp_path, name, crossed):
    def slower(metrics):
        metrics["http_req_duration"]["thresholds"] = {"p(95)<80": crossed}

    finding = await run_check("loadtest", report=changed(tmp_path, name, slower))
    assert finding.verdict is Verdict.FAIL
    assert "crossed http_req_duration: p(95)<80" in finding.summary


async def test_load_that_was_never_made_shows_nothing(tmp_path):
    def dropped(metrics):
        metrics["dropped_iterations"] = {"type": "counter", "values": {"count": 412, "rate": 6.8}}

    finding = await run_check("loadtest", report=changed(tmp_path, "k6_summary.json", dropped))
    assert finding.verdict is not Verdict.PASS
    assert "412 iterations never begun" in finding.summary
    less = {"pass_": ["achieved >= 100%"], "warn": ["achieved >= 66%"]}
    short = await run_check("loadtest", report=str(RECORDED / "k6_summary.json"), target=400, rules=less)
    assert short.verdict is Verdict.WARN


async def test_what_locust_wrote_is_read(tmp_path):
    path = RECORDED / "locust_stats.csv"
    total = next(one for one in csv.DictReader(io.StringIO(path.read_text())) if one["Name"] == "Aggregated")
    finding = await run_check("loadtest", report=str(path))
    assert finding.values["requests"] == int(total["Request Count"])
    assert finding.values["p95"] == pytest.approx(float(total["95%"]) / 1000)
    assert {row.subject for row in finding.rows} == {"POST /pay", "GET /products"}
    assert finding.verdict is Verdict.WARN, "no failure in so few requests is not yet less than 0.1 %"


async def test_failures_that_locust_counted_fail():
    finding = await run_check("loadtest", report=str(RECORDED / "locust_failing_stats.csv"))
    assert finding.verdict is Verdict.FAIL
    assert finding.values["failed"] == 13
    assert next(row for row in finding.rows if row.subject == "POST /pay").values["failed"] == 13


async def test_slower_than_last_time_can_be_refused():
    rules = {"pass_": ["p95 <= baseline +20%"], "warn": ["p95 <= baseline +50%"]}
    report = str(RECORDED / "k6_summary.json")
    verdicts = [
        (await run_check("loadtest", report=report, rules=rules, baseline={"p95": before})).verdict
        for before in (0.08, 0.065, 0.05)
    ]
    assert verdicts == ["pass", "warn", "fail"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "/load; has it been written for this commit?"),
        ("", "is empty"),
        ('{"metrics": {"http_reqs"', "is no whole JSON"),
        ('{"hello": 1}', "is no k6 summary with requests in it"),
        ('{"metrics": {"http_reqs": {"values": {"rate": 1}}}}', "is no k6 summary as it should be"),
        ('{"metrics": {"http_reqs": {"count": 1, "rate": 1}}}', "does not say how many requests failed"),
        ("a,b\n1,2\n", "is neither k6's JSON nor locust's"),
        ("<html/>", "is neither k6's JSON nor locust's"),
        (b"\xff\xfe\x00", "is not text"),
    ],
)
async def test_what_is_no_summary_is_unknown(tmp_path, text, said):
    path = tmp_path / "load"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    finding = await run_check("loadtest", report=str(path))
    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary


async def test_a_file_that_was_cut_off_or_saw_no_request_is_unknown(tmp_path):
    text = (RECORDED / "locust_stats.csv").read_text()
    cut = tmp_path / "cut.csv"
    cut.write_text("\n".join(text.splitlines()[:2]))
    finding = await run_check("loadtest", report=str(cut))
    assert finding.verdict is Verdict.UNKNOWN
    assert "the line 'Aggregated' is missing" in finding.summary
    head = text.splitlines()[0]
    empty = tmp_path / "empty.csv"
    fields = ["", "Aggregated", "0", "0", "0", *["0"] * 6, *["N/A"] * (len(head.split(",")) - 11)]
    empty.write_text(f"{head}\n{','.join(fields)}\n")
    none = await run_check("loadtest", report=str(empty))
    assert none.verdict is Verdict.UNKNOWN
    assert "no requests were made" in none.summary
