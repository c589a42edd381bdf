"""The check `files`, on real files in a real repository."""

import hashlib
import subprocess

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deploy.sh").write_text("#!/usr/bin/env bash\nset -eu\necho deploy\n")
    (tmp_path / "smoke.py").write_text("#!/usr/bin/env python3\nprint('smoke')\n")
    (tmp_path / ".env.production").write_text("LOG_LEVEL=info\nDATABASE_URL=\nAPI_TOKEN=<from the vault>\nPORT=8080\n")
    for name in ("deploy.sh", "smoke.py"):
        (tmp_path / name).chmod(0o755)
    return tmp_path


ALL = {"paths": ["deploy.sh", "smoke.py", ".env.production"]}


def review(folder):
    """Somebody looked at all of them, and wrote down what they saw."""
    listed = subprocess.run(["sha256sum", *ALL["paths"]], cwd=folder, check=True, capture_output=True, text=True).stdout
    (folder / "reviewed.sha256").write_text(listed)


async def test_whole_files_pass(folder):
    review(folder)
    finding = await run_check("files", folder=str(folder), reviewed="reviewed.sha256", **ALL)
    assert finding.verdict is Verdict.PASS
    assert finding.summary == "3 files there, as reviewed"
    assert finding.rows[0].values["sha256"] == hashlib.sha256((folder / "deploy.sh").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "text", ["#!/usr/bin/env bash\nset -eu\necho deploy\n", "#!/bin/sh\nrm -rf --no-preserve-root /\n"]
)
async def test_what_was_compared_with_nothing_is_unknown_whatever_is_in_it(folder, text):
    (folder / "deploy.sh").write_text(text)
    finding = await run_check("files", folder=str(folder), **ALL)
    assert finding.verdict is Verdict.UNKNOWN
    assert not {"changed", "differing", "unreviewed"} & set(finding.values)
    assert "nothing says what was reviewed, so nothing was compared" in finding.summary


async def test_one_file_that_is_compared_does_not_speak_for_the_others(folder):
    known = hashlib.sha256((folder / "deploy.sh").read_bytes()).hexdigest()
    finding = await run_check("files", folder=str(folder), sha256={"deploy.sh": known}, **ALL)
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.values["changed"] == 0


async def test_what_was_edited_after_the_review_or_is_not_on_the_list_fails(folder):
    review(folder)
    (folder / "smoke.py").write_text("#!/usr/bin/env python3\nprint('other')\n")
    (folder / "new.sh").write_text("#!/bin/sh\ntrue\n")
    (folder / "new.sh").chmod(0o755)
    edited = await run_check("files", folder=str(folder), reviewed="reviewed.sha256", **ALL)
    assert edited.verdict is Verdict.FAIL
    assert "smoke.py is not the reviewed one (sha256 " in edited.summary
    new = await run_check("files", folder=str(folder), reviewed="reviewed.sha256", paths=["new.sh"])
    assert new.verdict is Verdict.FAIL
    assert "new.sh was not reviewed: it is not in reviewed.sha256" in new.summary


@pytest.mark.parametrize("text", [None, "deploy.sh is fine, says Ana\n"])
async def test_a_list_that_cannot_be_read_says_nothing(folder, text):
    if text is not None:
        (folder / "reviewed.sha256").write_text(text)
    finding = await run_check("files", folder=str(folder), reviewed="reviewed.sha256", **ALL)
    assert finding.verdict is Verdict.UNKNOWN
    assert "reviewed.sha256" in finding.summary


async def test_a_missing_file_fails(folder):
    (folder / "smoke.py").unlink()
    finding = await run_check("files", folder=str(folder), **ALL)
    assert finding.verdict is Verdict.FAIL
    assert "smoke.py is not there" in finding.summary


async def test_a_script_that_cannot_be_started_fails(folder):
    (folder / "deploy.sh").chmod(0o644)
    finding = await run_check("files", folder=str(folder), **ALL)
    assert finding.values["not_executable"] == 1
    assert finding.verdict is Verdict.FAIL


@pytest.mark.parametrize(("name", "text"), [("deploy.sh", "if then\n"), ("smoke.py", "def broken(:\n")])
async def test_a_script_that_does_not_parse_fails_and_is_not_run(folder, name, text):
    (folder / name).write_text(text)
    finding = await run_check("files", folder=str(folder), **ALL)
    assert finding.verdict is Verdict.FAIL
    assert f"{name} does not parse: " in finding.summary


async def test_a_script_that_is_not_the_reviewed_one_fails(folder):
    reviewed = hashlib.sha256((folder / "deploy.sh").read_bytes()).hexdigest()
    assert (
        await run_check("files", folder=str(folder), paths=["deploy.sh"], sha256={"deploy.sh": reviewed})
    ).verdict is Verdict.PASS
    (folder / "deploy.sh").write_text("#!/bin/sh\nrm -rf build\n")
    finding = await run_check("files", folder=str(folder), paths=["deploy.sh"], sha256={"deploy.sh": reviewed})
    assert finding.values["changed"] == 1
    assert finding.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "line",
    ["API_TOKEN=ghp_0123456789abcdefghij", "DATABASE_URL=postgresql://app:hunter22@db/app", "SIGNING_KEY=s3cr3t-value"],
)
async def test_a_template_with_a_secret_in_it_fails_without_telling_it(folder, line):
    with (folder / ".env.production").open("a") as template:
        template.write(line + "\n")
    finding = await run_check("files", folder=str(folder), **ALL)
    assert finding.verdict is Verdict.FAIL
    assert line.split("=")[0] in finding.summary
    assert line.split("=", 1)[1] not in repr(finding)


async def test_a_file_that_differs_from_the_commit_fails(folder):
    def git(*args):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        return subprocess.run(
            ["git", "-C", folder, *identity, *args], check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    commit = git("rev-parse", "HEAD").strip()
    same = await run_check("files", folder=str(folder), commit="${commit}", release={"commit": commit}, **ALL)
    assert same.verdict is Verdict.PASS
    (folder / "smoke.py").write_text("print('changed')\n")
    other = await run_check("files", folder=str(folder), commit=commit, **ALL)
    assert other.verdict is Verdict.FAIL
    assert other.values["differing"] == 1
    unknown = await run_check("files", folder=str(folder), commit="0" * 40, **ALL)
    assert unknown.verdict is Verdict.UNKNOWN


async def test_a_commit_that_nobody_knows_is_unknown(folder):
    finding = await run_check("files", folder=str(folder), commit="${commit}", release={"commit": ""}, **ALL)
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.summary == "The commit of this deployment is not known, and this check needs it."
