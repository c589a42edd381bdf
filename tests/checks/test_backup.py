"""The check `backup`, on a manifest and the file that it describes."""

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check


def ago(**how):
    return (datetime.now(UTC) - timedelta(**how)).isoformat()


@pytest.fixture
def backup(tmp_path):
    """Write a manifest with something changed; gives its path."""

    def write(**changed):
        file = tmp_path / "checkout.sqlite3"
        file.write_bytes(b"rows" * 1000)
        manifest = {
            "finished_at": ago(minutes=38),
            "file": str(file),
            "size_bytes": 4000,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "restore_test": {"at": ago(minutes=38), "ok": True, "duration_s": 1.5},
            **changed,
        }
        path = tmp_path / "latest.json"
        path.write_text(json.dumps(manifest))
        return str(path)

    return write


async def test_a_fresh_backup_that_was_restored_passes(backup):
    finding = await run_check("backup", manifest=backup())
    assert finding.verdict is Verdict.PASS
    assert finding.summary == "last backup 38 min ago, 4 kB, restore tested 38 min ago"
    assert finding.values["restore_duration"] == 1.5


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"finished_at": ago(hours=30)}, Verdict.WARN),
        ({"finished_at": ago(hours=60)}, Verdict.FAIL),
        ({"restore_test": {"at": ago(days=40), "ok": True}}, Verdict.WARN),
        ({"restore_test": {"at": ago(days=100), "ok": True}}, Verdict.FAIL),
        ({"restore_test": {"at": ago(days=1), "ok": False}}, Verdict.FAIL),
        ({"restore_test": None}, Verdict.UNKNOWN),
        ({"sha256": "0" * 64}, Verdict.FAIL),
        ({"size_bytes": 4001}, Verdict.FAIL),
        ({"file": "/nowhere/at/all"}, Verdict.FAIL),
    ],
)
async def test_what_is_old_untested_or_not_whole_does_not_pass(backup, changed, verdict):
    assert (await run_check("backup", manifest=backup(**changed))).verdict is verdict


async def test_a_backup_that_is_much_smaller_than_usual_can_be_refused(backup):
    rules = {"pass_": ["size >= baseline -30%"]}
    small = await run_check("backup", manifest=backup(), rules=rules, baseline={"size": 10_000})
    assert small.verdict is Verdict.FAIL
    assert "size 4 kB, at least 7 kB is needed (baseline -30%)" in small.summary
    unknown = await run_check("backup", manifest=backup(), rules=rules)
    assert unknown.verdict is Verdict.UNKNOWN


async def test_another_tool_s_json_is_read_by_path():
    report = json.dumps([{"backup": [{"stop": datetime.now(UTC).timestamp() - 60, "repo": 7}]}])
    finding = await run_check(
        "backup",
        command=[sys.executable, "-c", f"print({report!r})"],
        fields={"age": "0.backup.-1.stop as age", "size": "0.backup.-1.repo"},
        rules={"pass_": ["age <= 26h", "size >= 7"]},
    )
    assert finding.verdict is Verdict.PASS
    assert 55 < finding.values["age"] < 600


@pytest.mark.parametrize(("code", "verdict"), [(0, Verdict.PASS), (3, Verdict.FAIL)])
async def test_a_drill_is_really_run(backup, code, verdict):
    drill = [sys.executable, "-c", f"import sys; print('two tables are missing', file=sys.stderr); sys.exit({code})"]
    finding = await run_check("backup", manifest=backup(restore_test=None), drill=drill)
    assert finding.verdict is verdict
    assert ("the drill exited 3: two tables are missing" in finding.summary) == bool(code)


@pytest.mark.parametrize(
    ("text", "said"), [(None, "No such file"), ("{", "no whole JSON"), ("{}", "says nothing about a backup")]
)
async def test_no_backup_at_all_is_unknown(tmp_path, text, said):
    path = tmp_path / "latest.json"
    if text is not None:
        path.write_text(text)
    finding = await run_check("backup", manifest=str(path))
    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary
