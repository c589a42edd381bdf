"""The check `exec`, with real programs."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from bot.model import Verdict
from checks.exec import output
from tests.checks.helpers import run_check


def program(tmp_path, text):
    path = tmp_path / "plugin"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return [str(path)]


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (0, Verdict.PASS),
        (1, Verdict.WARN),
        (2, Verdict.FAIL),
        (3, Verdict.UNKNOWN),
        (127, Verdict.UNKNOWN),
        (137, Verdict.UNKNOWN),
    ],
)
async def test_exit_codes_mean_what_nagios_means(tmp_path, code, verdict):
    finding = await run_check("exec", command=program(tmp_path, f"echo DISK; exit {code}"))
    assert finding.verdict is verdict
    assert finding.values["exit"] == code


async def test_an_exit_code_can_be_given_another_meaning(tmp_path):
    finding = await run_check("exec", command=program(tmp_path, "exit 1"), remap={1: "critical"})
    assert finding.verdict is Verdict.FAIL


async def test_a_program_that_kills_itself_is_unknown(tmp_path):
    finding = await run_check("exec", command=program(tmp_path, "kill -9 $$"))
    assert finding.verdict is Verdict.UNKNOWN
    assert "ended by signal 9" in finding.summary


async def test_performance_data_can_be_judged(tmp_path):
    text = "echo \"DISK OK | /var=20%;80;90;0;100 'free space'=1.5GB;@10:20;~:3 time=120ms odd=U\"; exit 0"
    finding = await run_check(
        "exec", command=program(tmp_path, text), rules={"pass_": ['"/var" < 80%', "time <= 1s"], "warn": []}
    )
    assert finding.verdict is Verdict.PASS
    assert finding.values["/var"] == pytest.approx(0.2)
    assert finding.values["free space"] == 1.5 * 1024**3
    assert "odd" not in finding.values
    assert finding.summary.startswith("DISK OK (exited 0")


def test_performance_data_goes_on_after_the_long_text():
    said, values = output("OK - all fine | a=1\nlong text\nmore text | b=2\nc=-3.5e2s\n")
    assert said == "OK - all fine"
    assert values == {"a": 1, "b": 2, "c": -350}


async def test_nothing_of_a_program_that_hangs_is_left(tmp_path):
    mark = tmp_path / "child"
    text = f"sleep 300 & echo $! > {mark}; wait"
    # A busy machine may take longer to begin than the program is given, or notice too late that its time is up.
    for limit_s in (1.0, 5.0, 25.0):
        begun = time.monotonic()
        finding = await run_check("exec", command=program(tmp_path, text), limit_s=limit_s)
        assert time.monotonic() - begun < limit_s + 30
        if "did not end within" in finding.summary and mark.exists() and mark.read_text().strip():
            break
    assert finding.verdict is Verdict.UNKNOWN
    assert "did not end within" in finding.summary
    child = int(mark.read_text())
    for _ in range(200):
        if not _alive(child):
            return
        await asyncio.sleep(0.05)
    pytest.fail("the child is still there")


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("child", ["sleep 300 >/dev/null 2>&1", "sleep 300", "setsid sleep 20"])
async def test_a_program_that_leaves_a_child_behind_does_not_keep_the_check_waiting(tmp_path, child):
    finding = await run_check("exec", command=program(tmp_path, f"{child} & exit 0"))
    assert finding.verdict is Verdict.PASS


async def test_a_program_sees_only_what_it_is_given(tmp_path):
    command = program(tmp_path, 'echo "[$GIVEN] [$NAMED] [$OTHER]"')
    finding = await run_check(
        "exec",
        command=command,
        environment=["NAMED"],
        given={"GIVEN": {"env": "VAULTED"}},
        environ={"NAMED": "yes", "OTHER": "other", "VAULTED": "hunter2"},
    )
    assert finding.summary.startswith("[•••] [yes] []")
    assert "hunter2" not in repr(finding)


async def test_a_variable_that_is_handed_over_by_name_is_hidden_in_all_that_the_program_says(tmp_path):
    body = (
        'echo "using $MY_TOKEN in $PLACE for $TARGET|$MY_TOKEN=3"; echo "$(printf %s "$MY_TOKEN" | base64)" >&2; exit 2'
    )
    finding = await run_check(
        "exec",
        command=program(tmp_path, body),
        environment=["MY_TOKEN", "PLACE", "TARGET", "HOME"],
        environ={"MY_TOKEN": "s3cr3t-t0ken", "PLACE": "eu", "TARGET": "production", "HOME": str(tmp_path)},
        release={"environment": "production"},
    )
    assert finding.verdict is Verdict.FAIL
    assert "s3cr3t" not in repr(finding)
    assert "czNjcjN0LXQwa2Vu" not in repr(finding)
    assert "using ••• in eu for production" in finding.rows[0].note, "what everybody knows is not hidden"


async def test_a_program_that_does_not_exist_or_cannot_run_says_so(tmp_path):
    missing = await run_check("exec", command=["no-such-program-here"])
    assert missing.verdict is Verdict.UNKNOWN
    assert "There is no program 'no-such-program-here' on the path." in missing.summary
    plain = tmp_path / "plain"
    plain.write_text("echo hello")
    refused = await run_check("exec", command=[str(plain)])
    assert "could not be started" in refused.summary
    assert "Permission denied" in refused.summary


async def test_a_flood_of_output_is_survived():
    flood = "import sys\nfor _ in range(200): sys.stdout.write('x' * 100_000)"
    finding = await run_check("exec", command=[sys.executable, "-c", flood])
    assert finding.verdict is Verdict.PASS
    assert len(finding.summary) <= 240


async def test_json_on_its_output_gives_values(tmp_path):
    command = program(tmp_path, """echo '{"backups": [{"size": 12}, {"size": 15}]}'""")
    values = {"last": "backups.-1.size", "count": "backups as count"}
    finding = await run_check("exec", command=command, values=values, rules={"pass_": ["last == 15", "count == 2"]})
    assert finding.verdict is Verdict.PASS
