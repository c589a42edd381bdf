"""The check `backup`, on a manifest and the file that it describes."""

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.judge import describe
from bot.model import Verdict
from tests.checks.helpers import needed, run_check


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


# ── What tools say of themselves, recorded on 2026-11-23: pgBackRest 2.45 with PostgreSQL 15, restic 0.14 ─────────────

RECORDED = Path(__file__).parent / "recorded"
#: When they were recorded, in seconds.
THEN = 1795458840


def printing(document):
    return [sys.executable, "-c", f"print({json.dumps(document)!r})"]


def recorded(name, change=None):
    """What the tool printed, as if it had printed it a moment ago."""
    text = (RECORDED / name).read_text()
    moved = int(datetime.now(UTC).timestamp()) - THEN
    document = json.loads(text)
    for stanza in document:
        for one in stanza.get("backup", ()):
            one["timestamp"] = {key: at + moved for key, at in one["timestamp"].items()}
        if "time" in stanza:
            stanza["time"] = (
                datetime.fromisoformat(stanza["time"][:26] + "+00:00") + timedelta(seconds=moved)
            ).isoformat()
    if change:
        change(document)
    return printing(document)


PGBACKREST = {"pass_": ["age <= 26h", "intact == true", "wal_archived == true", "size_change >= -0.3"]}


async def test_what_pgbackrest_says_is_read_as_it_is_meant():
    finding = await run_check("backup", tool="pgbackrest", command=recorded("pgbackrest-info.json"), rules=PGBACKREST)

    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["size"] == 23213851
    assert -0.001 < finding.values["size_change"] < 0
    assert finding.rows[0].subject == "20261123-183337F_20261123-183343I"


def broken(document):
    document[0]["backup"][-1]["error"] = True


def half(document):
    document[0]["backup"][-1]["info"]["size"] //= 2


def without_log(document):
    document[0]["archive"][0]["max"] = "000000010000000000000003"


def old(document):
    for one in document[0]["backup"]:
        one["timestamp"]["stop"] -= 30 * 3600


def locked(document):
    document[0]["status"] = {"code": 2, "message": "no valid backups"}


@pytest.mark.parametrize(
    ("change", "deciding"),
    [
        (broken, "intact: no"),
        (half, "size change -0.5"),
        (without_log, "intact: no"),
        (old, "age 1 d"),
        (locked, "intact: no"),
    ],
)
async def test_a_backup_that_is_wrong_fails(change, deciding):
    command = recorded("pgbackrest-info.json", change)
    finding = await run_check("backup", tool="pgbackrest", command=command, rules=PGBACKREST)

    assert finding.verdict is Verdict.FAIL
    assert any(deciding in describe(one) for one in finding.conditions if one.held is False)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"command": recorded("pgbackrest-missing.json")}, "no backup of nosuch: missing stanza path"),
        ({"command": recorded("pgbackrest-info.json"), "stanza": "mian"}, "the stanzas that pgBackRest knows: main"),
        ({"command": printing({"error": "locked"})}, "the stanzas that pgBackRest knows: none"),
    ],
)
async def test_a_stanza_without_a_backup_is_unknown_and_says_why(given, said):
    finding = await run_check("backup", tool="pgbackrest", **given)

    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary


async def test_what_restic_says_is_read_and_the_drill_says_whether_it_is_whole():
    command = recorded("restic-snapshots.json")
    bare = await run_check("backup", tool="restic", command=command)
    assert bare.verdict is Verdict.UNKNOWN, "nobody has looked whether it can be restored"
    assert 0 < bare.values["age"] < 600

    good = await run_check("backup", tool="restic", stanza="db1", command=command, drill=[sys.executable, "-c", ""])
    assert good.verdict is Verdict.PASS
    assert good.rows[0].subject == "c75a78ac"

    elsewhere = await run_check("backup", tool="restic", stanza="db2", command=command)
    assert "restic has no snapshot of the host db2." in elsewhere.summary


async def test_what_the_programs_are_handed_is_hidden_in_what_they_say(tmp_path):
    says = "import os, sys; print(os.environ['RESTIC_PASSWORD'] * 20, file=sys.stderr); sys.exit(1)"
    given = {"environment": ["RESTIC_PASSWORD"], "environ": {"RESTIC_PASSWORD": "a-password-of-restic"}}
    finding = await run_check("backup", command=[sys.executable, "-c", says], **given)
    assert "password" not in repr(finding)
    assert f"{sys.executable} exited 1: •••" in finding.summary

    (tmp_path / "manifest.json").write_text('{"finished_at": "2026-11-26T12:00:00Z"}')
    manifest = str(tmp_path / "manifest.json")
    finding = await run_check("backup", manifest=manifest, drill=[sys.executable, "-c", says], **given)
    assert "the drill exited 1: •••" in finding.rows[0].note
    assert "password" not in repr(finding)


@pytest.mark.real
async def test_a_restic_that_is_installed_is_really_asked(tmp_path):
    restic = needed("restic")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders").write_text("rows")
    environ = {"RESTIC_REPOSITORY": str(tmp_path / "repo"), "RESTIC_PASSWORD": "a-password-of-restic"}
    for words in (["init"], ["backup", "--host", "db1", str(tmp_path / "data")]):
        subprocess.run([restic, "-q", *words], env={**os.environ, **environ, "HOME": str(tmp_path)}, check=True)
    drill = [
        sys.executable,
        "-c",
        "import subprocess; subprocess.run(['restic', '-q', '--no-cache', 'check', '--read-data'], check=True)",
    ]
    finding = await run_check(
        "backup",
        tool="restic",
        command=[restic, "--no-cache", "snapshots", "--json"],
        environment=list(environ),
        environ=environ,
        drill=drill,
        limit_s=60,
    )

    assert finding.verdict is Verdict.PASS, finding.summary
    assert "a-password-of-restic" not in repr(finding)
