"""The check `secrets`, on real repositories."""

import json
import subprocess
import sys

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check

PASSWORD = "hunter2-hunter2"
TOKEN = "AKIAIOSFODNN7EXAMPLE"


class Repository:
    def __init__(self, folder):
        self.folder = folder
        self.git("init", "-q", "-b", "main")

    def git(self, *args):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        command = ["git", "-C", self.folder, *identity, *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, **files):
        for name, text in files.items():
            path = self.folder / name.replace("__", "/").replace("_py", ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a change")
        return self.git("rev-parse", "HEAD")

    async def look(self, **params):
        finding = await run_check("secrets", repository=str(self.folder), limit_s=60.0, **params)
        assert PASSWORD not in repr(finding)
        assert TOKEN not in repr(finding)
        return finding


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


CLEAN = 'import os\n\npassword = os.environ["DB_PASSWORD"]\n'
DIRTY = f'password = "{PASSWORD}"\nkey = "{TOKEN}"\n'


async def test_clean_code_passes_with_what_was_looked_at(repository):
    commit = repository.commit(app_py=CLEAN)
    finding = await repository.look(commit=commit)
    assert finding.verdict is Verdict.PASS
    assert finding.summary == f"0 findings at {commit[:7]}, 1 files"


async def test_planted_secrets_fail_with_their_place(repository):
    commit = repository.commit(app_py=DIRTY)
    finding = await repository.look(commit=commit)
    assert finding.verdict is Verdict.FAIL
    assert finding.values["findings"] == 2
    assert {row.subject for row in finding.rows} == {"app.py:1", "app.py:2"}


async def test_the_commit_is_looked_at_and_not_what_lies_around(repository):
    commit = repository.commit(app_py=CLEAN)
    (repository.folder / "app.py").write_text(DIRTY)
    assert (await repository.look(commit=commit)).verdict is Verdict.PASS
    assert (await repository.look()).verdict is Verdict.FAIL


async def test_what_an_archive_would_leave_out_is_looked_at(repository):
    (repository.folder / ".gitattributes").write_text("hidden.py export-ignore\n")
    commit = repository.commit(hidden_py=DIRTY)
    assert (await repository.look(commit=commit)).verdict is Verdict.FAIL


async def test_a_secret_that_was_added_and_removed_again_is_found_in_the_history(repository):
    repository.commit(app_py=CLEAN)
    repository.git("tag", "v1.0.0")
    added = repository.commit(app_py=DIRTY)
    commit = repository.commit(app_py=CLEAN)
    assert (await repository.look(commit=commit)).verdict is Verdict.PASS
    finding = await repository.look(commit=commit, since="v1.0.0")
    assert finding.verdict is Verdict.FAIL
    assert finding.values["commits"] == 2
    assert f"app.py in commit {added[:7]}" in finding.summary


async def test_what_was_audited_is_no_finding(repository):
    repository.commit(app_py=DIRTY)
    command = [sys.executable, "-m", "detect_secrets", "scan", "-n"]
    report = subprocess.run(command, cwd=repository.folder, check=True, capture_output=True, text=True).stdout
    (repository.folder / ".secrets.baseline").write_text(json.dumps(json.loads(report)))
    commit = repository.commit()
    known = await repository.look(commit=commit, audited=".secrets.baseline")
    assert known.verdict is Verdict.PASS
    assert known.values["known"] == 2
    commit = repository.commit(other_py='secret = "another-one-8472"\n')
    assert (await repository.look(commit=commit, audited=".secrets.baseline")).verdict is Verdict.FAIL


async def test_made_up_secrets_in_tests_are_a_warning(repository):
    commit = repository.commit(tests__test_app_py=DIRTY)
    assert (await repository.look(commit=commit)).verdict is Verdict.WARN


async def test_a_commit_that_is_not_there_is_unknown(repository):
    repository.commit(app_py=CLEAN)
    finding = await repository.look(commit="0" * 40)
    assert finding.verdict is Verdict.UNKNOWN
    assert "Git cannot read" in finding.summary
    missing = await run_check("secrets", repository="/nowhere/at/all")
    assert missing.summary == "There is no folder /nowhere/at/all."
