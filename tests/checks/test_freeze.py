"""The check `freeze`, on a real repository."""

import subprocess

import pytest

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
