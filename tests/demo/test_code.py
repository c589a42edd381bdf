"""Is the repository one that people could work in, and can it be frozen?"""

import json
import subprocess
import sys
from pathlib import Path

import junitparser
import pytest

from bot.check.trying import try_check
from bot.model import Finding
from demo import repository
from tests.demo.conftest import ROOT, Production

pytestmark = [pytest.mark.real, pytest.mark.slow]
VERSIONS = ("1.4.1", "1.4.2", "1.5.0", "1.5.1", "1.5.2", "1.6.0")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("code") / "checkout.git"
    repository.build(where)
    return where


def clone(checkout: Path, where: Path) -> Path:
    repository.git("clone", "--quiet", checkout, where)
    return where


def commit(work: Path, text: str) -> None:
    (work / "NOTES.md").write_text(text)
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@acme.test")
    repository.git("-C", work, "add", "NOTES.md")
    repository.git("-C", work, *who, "commit", "--quiet", "-m", text)


def push(work: Path, *what: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(work), "push", "origin", *what], capture_output=True, text=True, timeout=60, check=False
    )


def run(name: str, checkout: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [f"deployment/production/{name}"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "CHECKOUT_REPOSITORY": str(checkout), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def measured(checkout: Path) -> Finding:
    """As the demonstration measures its freeze."""
    rules = {"pass_": ["frozen == true", "still == true"]}
    return try_check("freeze", repository=str(checkout), mark="refs/freeze/main", rules=rules)


def test_the_history_is_the_same_on_every_machine(checkout: Path, tmp_path: Path):
    repository.build(tmp_path / "again.git")
    tags = [repository.git("-C", each, "show-ref", "--tags", "--head") for each in (checkout, tmp_path / "again.git")]
    assert tags[0] == tags[1]
    assert repository.git("-C", checkout, "tag").decode().split() == [f"v{version}" for version in VERSIONS]
    changes = repository.git("-C", checkout, "log", "--format=%an", "v1.4.1..v1.4.2").decode().split("\n")
    assert len(set(filter(None, changes))) == 4


@pytest.mark.parametrize("version", VERSIONS)
def test_a_tag_says_its_own_version_everywhere(checkout: Path, version: str):
    assert f'"version": "{version}"' in repository.git("-C", checkout, "show", f"v{version}:release.json").decode()
    changelog = repository.git("-C", checkout, "show", f"v{version}:CHANGELOG.md").decode()
    assert changelog.splitlines()[2].startswith(f"## {version}, ")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tests_of_each_version_pass_and_are_reported(
    production_less: dict[str, str], checkout: Path, tmp_path: Path, version: str
):
    done = run("final_tests.sh", checkout, CHECKOUT_REPORTS=str(tmp_path), TMINUS_VERSION=version, **production_less)
    assert done.returncode == 0, done.stdout + done.stderr
    commit = repository.commit_of(checkout, version)
    reports = tmp_path / commit
    for suite in ("unit", "integration", "e2e"):
        assert f'<property name="commit" value="{commit}" />' in (reports / f"{suite}.xml").read_text()
        report = junitparser.JUnitXml.fromfile(str(reports / f"{suite}.xml"))
        assert sum(each.tests for each in report) >= 4
        assert sum(each.failures + each.errors for each in report) == 0


@pytest.fixture
def production_less() -> dict[str, str]:
    return {"CHECKOUT_PYTHON": sys.executable}


def test_tests_that_fail_fail_the_step(production_less: dict[str, str], checkout: Path, tmp_path: Path):
    work = clone(checkout, tmp_path / "work")
    (work / "tests" / "unit" / "test_wrong.py").write_text("def test_that_is_wrong():\n    assert False\n")
    repository.git("-C", work, "add", ".")
    repository.git("-C", work, "-c", "user.name=A", "-c", "user.email=a@acme.test", "commit", "--quiet", "-m", "Wrong")
    broken = repository.git("-C", work, "rev-parse", "HEAD").decode().strip()
    done = run("final_tests.sh", work, CHECKOUT_REPORTS=str(tmp_path / "r"), TMINUS_COMMIT=broken, **production_less)
    assert done.returncode == 1
    assert f"Failed at {broken[:7]}: unit" in done.stderr


def test_a_freeze_refuses_pushes_to_main_and_only_those(tmp_path: Path):
    checkout = tmp_path / "checkout.git"
    repository.build(checkout)
    work = clone(checkout, tmp_path / "work")
    commit(work, "Before the freeze")
    assert push(work, "main").returncode == 0

    assert measured(checkout).verdict == "fail"
    frozen = run("freeze.sh", checkout, TMINUS_DEPLOYMENT="checkout-7")
    assert frozen.returncode == 0, frozen.stderr
    assert measured(checkout).verdict == "pass"
    commit(work, "During the freeze")
    refused = push(work, "main")
    assert refused.returncode != 0
    assert "frozen for the deployment checkout-7" in refused.stderr
    assert push(work, "HEAD:refs/heads/later", "HEAD:refs/tags/v9.9.9").returncode == 0
    assert measured(checkout).verdict == "pass"

    assert run("freeze.sh", checkout, TMINUS_DEPLOYMENT="checkout-7").returncode == 0
    assert run("freeze.sh", checkout, TMINUS_DEPLOYMENT="checkout-8").returncode == 1
    assert run("unfreeze.sh", checkout, TMINUS_DEPLOYMENT="checkout-8").returncode == 1
    assert push(work, "main").returncode != 0

    assert run("unfreeze.sh", checkout, TMINUS_DEPLOYMENT="checkout-7").returncode == 0
    assert measured(checkout).verdict == "fail"
    assert push(work, "main").returncode == 0
    assert run("unfreeze.sh", checkout, TMINUS_DEPLOYMENT="checkout-7").returncode == 0


def test_a_freeze_that_let_a_commit_through_is_seen_by_its_mark_and_not_marked_anew(tmp_path: Path):
    checkout = tmp_path / "checkout.git"
    repository.build(checkout)
    assert run("freeze.sh", checkout, TMINUS_DEPLOYMENT="checkout-7").returncode == 0
    (checkout / "hooks" / "update").unlink()
    work = clone(checkout, tmp_path / "work")
    commit(work, "Past the hook")
    assert push(work, "main").returncode == 0

    assert run("freeze.sh", checkout, TMINUS_DEPLOYMENT="checkout-7").returncode == 0
    moved = measured(checkout)
    assert moved.verdict == "fail"
    assert "main was frozen at" in moved.summary

    # The next freeze is of its own: what a freeze that was ended by hand left behind does not count.
    (checkout / "code-freeze").unlink()
    assert run("freeze.sh", checkout, TMINUS_DEPLOYMENT="checkout-8").returncode == 0
    assert measured(checkout).verdict == "pass"


def test_somebody_elses_hook_is_left_alone(tmp_path: Path):
    checkout = tmp_path / "checkout.git"
    repository.build(checkout)
    hook = checkout / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 0\n")
    refused = run("freeze.sh", checkout)
    assert refused.returncode == 1
    assert "belongs to somebody else" in refused.stderr
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"


def test_there_are_no_secrets_in_the_code(checkout: Path, tmp_path: Path):
    work = clone(checkout, tmp_path / "work")
    found = subprocess.run(
        [sys.executable, "-m", "detect_secrets", "scan", "--all-files", "."],
        cwd=work,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert {
        name: rows for name, rows in json.loads(found.stdout)["results"].items() if not name.startswith(".git/")
    } == {}


def test_the_scripts_can_be_parsed_and_run():
    for script in (ROOT / "deployment" / "production").glob("*.sh"):
        subprocess.run(["bash", "-n", script], check=True)
        assert script.stat().st_mode & 0o111, f"{script} is not executable"
        assert "set -euo pipefail" in script.read_text()


def test_the_template_names_what_the_service_needs(untouched: Production):
    names = {
        line.split("=")[0]
        for line in (ROOT / "deployment" / "production" / ".env.production").read_text().splitlines()
        if line and not line.startswith("#")
    }
    given = {line.split("=")[0] for line in (untouched.home / "hosts" / "a" / "environment").read_text().splitlines()}
    assert names == given | {"LISTEN_ADDRESS", "LISTEN_PORT"}
