"""The check `freeze`, on a real repository."""

import subprocess

import pytest

from bot.errors import ConfigError
from bot.model import Verdict
from tests.checks.helpers import run_check


@pytest.fixture
def git(tmp_path):
    def run(*args):
        command = ["git", "-C", tmp_path, "-c", "user.name=t", "-c", "user.email=t@example.com", *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    run("init", "-q", "-b", "main")
    run("commit", "-q", "--allow-empty", "-m", "one")
    run.folder = str(tmp_path)
    return run


async def test_a_branch_that_stands_still_passes_and_a_late_commit_fails(git):
    commit = git("rev-parse", "HEAD")
    finding = await run_check("freeze", repository=git.folder, release={"commit": commit})
    assert finding.verdict is Verdict.PASS
    assert finding.summary == f"main is at {commit[:7]}"
    git("commit", "-q", "--allow-empty", "-m", "late")
    finding = await run_check("freeze", repository=git.folder, release={"commit": commit})
    assert finding.verdict is Verdict.FAIL
    assert finding.summary.endswith(f", not at {commit[:7]}")


MARK = {"mark": "refs/freeze/main", "rules": {"pass_": ["frozen == true", "still == true"]}}


async def test_a_branch_that_was_frozen_passes_until_it_moves_wherever_the_release_is(git):
    old, head = "a" * 40, git("rev-parse", "HEAD")
    loose = await run_check("freeze", repository=git.folder, release={"commit": old}, **MARK)
    assert loose.verdict is Verdict.FAIL
    assert "main is not frozen: there is no refs/freeze/main" in loose.summary

    git("update-ref", "refs/freeze/main", "refs/heads/main")
    for known in (old, ""):
        frozen = await run_check("freeze", repository=git.folder, release={"commit": known}, **MARK)
        assert frozen.verdict is Verdict.PASS, frozen.summary
        assert frozen.summary == f"main stands still at {head[:7]}" + (", not at aaaaaaa" if known else "")

    git("commit", "-q", "--allow-empty", "-m", "late")
    moved = await run_check("freeze", repository=git.folder, release={"commit": head}, **MARK)
    assert moved.verdict is Verdict.FAIL
    assert f"main was frozen at {head[:7]} and is at {git('rev-parse', 'HEAD')[:7]}" in moved.summary


async def test_a_rule_about_the_mark_of_a_freeze_needs_one(git):
    with pytest.raises(ConfigError, match="'frozen' is measured only with 'mark'"):
        await run_check("freeze", repository=git.folder, rules=MARK["rules"])


async def test_what_git_cannot_tell_is_unknown(git):
    commit = git("rev-parse", "HEAD")
    for params, release, said in (
        ({"branch": "release"}, {"commit": commit}, "There is no branch release"),
        ({"repository": "/nowhere"}, {"commit": commit}, "Git cannot read /nowhere"),
        ({}, {"commit": ""}, "The commit of this deployment is not known"),
        ({"repository": "--upload-pack=/bin/true"}, {"commit": commit}, "Git cannot read"),
    ):
        finding = await run_check("freeze", release=release, **{"repository": git.folder, **params})
        assert finding.verdict is Verdict.UNKNOWN
        assert said in finding.summary
