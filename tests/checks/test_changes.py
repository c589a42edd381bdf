"""The check `changes`, on a real repository."""

import subprocess

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check


@pytest.fixture
def repository(tmp_path):
    def git(*words):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", "-C", tmp_path, *identity, *words], check=True, capture_output=True)

    git("init", "-q")
    for tag, name in (("v1.0.0", "shop.py"), ("v1.1.0", "pay.py"), ("v1.2.0", "docs/guide/pay.md")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(tag)
        git("add", ".")
        git("commit", "-q", "-m", tag)
        git("tag", tag)
    return str(tmp_path)


def of(version, previous):
    return {"commit": f"v{version}", "previous": previous}


async def test_a_release_that_touches_the_documentation_passes(repository):
    finding = await run_check("changes", repository=repository, release=of("1.2.0", "1.1.0"))
    assert finding.verdict is Verdict.PASS
    assert finding.summary == "1 commits change 1 files: docs/guide/pay.md"


async def test_one_that_only_changes_code_fails(repository):
    finding = await run_check("changes", repository=repository, release=of("1.1.0", "1.0.0"))
    assert finding.verdict is Verdict.FAIL
    assert "none of what is looked for" in finding.summary
    other = await run_check("changes", repository=repository, paths=["*.py"], release=of("1.1.0", "1.0.0"))
    assert other.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("version", "previous"), [("1.2.0", "1.2.0"), ("1.2.0", "0.9.0"), ("9.9.9", "1.0.0"), ("1.2.0", "")]
)
async def test_a_range_that_is_empty_or_not_known_is_unknown(repository, version, previous):
    finding = await run_check("changes", repository=repository, release=of(version, previous))
    assert finding.verdict is Verdict.UNKNOWN


async def test_what_looks_like_an_option_is_not_given_to_git(repository):
    finding = await run_check("changes", repository=repository, since="--output=x", release=of("1.2.0", "1.1.0"))
    assert finding.verdict is Verdict.UNKNOWN
    assert "is no commit and no tag" in finding.summary
