"""The check `anomalies`, on logs as services write them."""

import json

import pytest

from bot.model import Verdict
from checks.spoken import spoken
from tests.checks.helpers import run_check

BEFORE = """{"event": "serving", "version": "1.4.1", "port": 4000}
{"level": "info", "path": "/api/orders/8f3a9c01d2e4", "status": 200, "ms": 3.1}
2026-11-20T10:00:01.123Z INFO order 5512 paid by 7c9e6679-7425-40de-944b-e07fc1f90ae7
"""
SINCE = """{"event": "serving", "version": "1.4.2", "port": 4001}
{"level": "info", "path": "/api/orders/0011aabbccdd", "status": 200, "ms": 12.75}
2026-11-26T23:59:59.001Z INFO order 9 paid by 550e8400-e29b-41d4-a716-446655440000
"""


async def look(folder, *texts, **given):
    for number, text in enumerate(texts):
        (folder / f"{number}.log").write_text(text)
    mark = '"version": "${version}"'
    return await run_check("anomalies", files=[f"{folder}/*.log"], mark=mark, release={"version": "1.4.2"}, **given)


async def test_numbers_ids_and_times_make_no_kind_of_their_own(tmp_path):
    finding = await look(tmp_path, BEFORE + SINCE)
    assert finding.verdict is Verdict.PASS
    assert (finding.values["kinds"], finding.values["new"]) == (3, 0)


async def test_a_new_kind_is_listed_with_one_line_of_it_and_how_often_it_came(tmp_path):
    finding = await look(tmp_path, BEFORE + SINCE + "WARN retry 1 of payment 77\nWARN retry 2 of payment 78\n")
    assert finding.verdict is Verdict.PASS, "a person looks through them"
    assert finding.values["new"] == 1
    assert finding.rows[0].subject == "WARN retry 1 of payment 77"
    assert finding.rows[0].values["times"] == 2
    assert finding.summary.endswith("; “WARN retry 1 of payment 77”, 2 times")


async def test_a_new_error_fails_and_an_old_one_does_not(tmp_path):
    error = '{"level": "error", "error": "handle 17 is closed"}\n'
    new = await look(tmp_path, BEFORE + SINCE + error)
    assert new.verdict is Verdict.FAIL
    assert new.summary == "1 new kind of errors, 1 new of 4 kinds in 4 lines; “error: handle 17 is closed”, once"
    assert (new.rows[0].subject, new.rows[0].note) == ("error: handle 17 is closed", "a new error, once")
    assert (await look(tmp_path, BEFORE + error + SINCE + error)).verdict is Verdict.PASS
    assert (await look(tmp_path, BEFORE + SINCE + error, known=["is closed"])).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (
            {
                "level": "info",
                "method": "GET",
                "path": "/api/cart",
                "status": 404,
                "ms": 1.2,
                "request": "8f",
                "canary": "",
            },
            "info: GET /api/cart 404 (ms 1.2)",
        ),
        (
            {"level": "error", "path": "/api/orders", "error": "OperationalError('no such column: currency')"},
            "error: OperationalError('no such column: currency') (path /api/orders)",
        ),
        (
            {"time": 1700000000, "level": 50, "pid": 7, "msg": "pool is empty", "waiting": 12},
            "error: pool is empty (waiting 12)",
        ),
        (
            {"severity": "WARNING", "message": "slow\n  query", "tables": ["a", "b"]},
            'warning: slow query (tables ["a", "b"])',
        ),
        ({"level": "info"}, "info"),
        ("2026-11-26T23:59:59.001Z ERROR order 9 is lost", "ERROR order 9 is lost"),
        ('{"level": "info", "half a li', '{"level": "info", "half a li'),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_a_line_reads_as_a_person_would_say_it(line, read):
    assert spoken(line if isinstance(line, str) else json.dumps(line)) == read


async def test_what_one_member_wrote_before_is_usual_for_the_others(tmp_path):
    error = "ERROR timeout after 30 s\n"
    assert (await look(tmp_path, BEFORE + error + SINCE, BEFORE + SINCE + error)).verdict is Verdict.PASS


@pytest.mark.parametrize("text", [BEFORE, SINCE, ""])
async def test_without_both_sides_nothing_can_be_said(tmp_path, text):
    assert (await look(tmp_path, text)).verdict is Verdict.UNKNOWN
