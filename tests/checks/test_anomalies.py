"""The check `anomalies`, on logs as services write them."""

import pytest

from bot.model import Verdict
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


async def test_a_new_error_fails_and_an_old_one_does_not(tmp_path):
    error = '{"level": "error", "error": "handle 17 is closed"}\n'
    new = await look(tmp_path, BEFORE + SINCE + error)
    assert new.verdict is Verdict.FAIL
    assert "1 new kinds of errors" in new.summary
    assert (await look(tmp_path, BEFORE + error + SINCE + error)).verdict is Verdict.PASS
    assert (await look(tmp_path, BEFORE + SINCE + error, known=["is closed"])).verdict is Verdict.PASS


async def test_what_one_member_wrote_before_is_usual_for_the_others(tmp_path):
    error = "ERROR timeout after 30 s\n"
    assert (await look(tmp_path, BEFORE + error + SINCE, BEFORE + SINCE + error)).verdict is Verdict.PASS


@pytest.mark.parametrize("text", [BEFORE, SINCE, ""])
async def test_without_both_sides_nothing_can_be_said(tmp_path, text):
    assert (await look(tmp_path, text)).verdict is Verdict.UNKNOWN
