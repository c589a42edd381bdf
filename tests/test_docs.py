"""Do the documents say what the program does? What can be listed is listed completely, and what is drawn is generated."""

import dataclasses
import importlib
import inspect
import os
import re
import textwrap
import tomllib
from pathlib import Path

import pytest

from bot import check
from bot.app import Surroundings
from bot.config import load
from bot.model import Verdict
from tests.checks.helpers import run_check
from tests.generated import PARTS, between, commands

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "demo" / "README.md"])


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "part"), PARTS, ids=lambda one: one)
def test_what_the_code_writes_is_as_the_code_writes_it(page: str, part: str):
    assert between(text(page), part)[2] == PARTS[page, part](), "write it anew with python -m tests.generated"


def test_no_page_names_a_command_that_does_not_exist():
    known = {words.split()[0] for words, _ in commands()}
    for page in PAGES:
        named = set(re.findall(r"python -m bot ([a-z-]+)", page.read_text(encoding="utf-8")))
        assert named <= known, page.name


def test_every_variable_is_documented():
    """Read from the environment where it is read."""
    read = set(re.findall(r'"((?:TMINUS|SLACK)_[A-Z_]+)"', inspect.getsource(Surroundings.of)))
    assert len(read) >= len(dataclasses.fields(Surroundings)) - 1
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", text("docs/operations.md"), re.MULTILINE))
    assert table == read


def test_every_target_of_the_makefile_is_documented():
    targets = set(re.findall(r"^([a-z][a-z-]*):.*## ", text("Makefile"), re.MULTILINE)) - {"help"}
    pages = text("README.md") + text("CONTRIBUTING.md")
    assert {target for target in targets if f"make {target}" not in pages} == set()
    named = {
        name
        for page in PAGES
        for name in re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        for name in name
        if name
    }
    assert named <= targets | {"help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        there = (page.parent / target).resolve()
        assert there.is_relative_to(ROOT), target
        assert there.exists(), f"{page.name}: {target}"


def test_every_dependency_has_its_reason_and_every_reason_its_dependency():
    project = tomllib.loads(text("pyproject.toml"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[<>=~! ]", one)[0] for one in wanted}
    built_from = text("docs/decisions.md").partition("## What it is built from")[2]
    told = {name.strip() for line in re.findall(r"^### (.+)$", built_from, re.MULTILINE) for name in line.split(",")}
    assert told == names


async def test_the_check_in_the_recipe_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Written to a file as the recipe says, it measures, is judged, and says what it cannot do."""
    source = re.search(r"```python\n(.*?)```", text("CONTRIBUTING.md"), re.DOTALL)
    assert source is not None
    (tmp_path / "recipe_freshness.py").write_text(textwrap.dedent(source[1]))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("bot.check.plugin._PLUGINS", dict(check.plugins()))
    importlib.import_module("recipe_freshness")
    folder = tmp_path / "exports"
    folder.mkdir()

    assert (await run_check("freshness", folder=str(folder))).summary == f"There is no file in {folder}."
    (folder / "today").touch()
    assert (await run_check("freshness", folder=str(folder))).verdict is Verdict.PASS
    os.utime(folder / "today", (0, 0))
    assert (await run_check("freshness", folder=str(folder))).verdict is Verdict.FAIL


def test_a_copy_of_the_supplier_s_service_needs_nothing_of_the_demonstration(tmp_path: Path):
    """As the README says: a roster, one copied service, and the originals taken away."""
    (tmp_path / "services").mkdir()
    (tmp_path / "app.yaml").write_text(text("app.yaml"))
    copied = text("services/payments.yaml").replace("service: payments", "service: billing")
    (tmp_path / "services" / "billing.yaml").write_text(copied)

    settings = load(tmp_path / "app.yaml", {}, validate_check=check.validate)

    assert settings.services == ("billing",)


def test_every_change_of_version_is_in_the_changelog():
    assert f"## {tomllib.loads(text('pyproject.toml'))['project']['version']}" in text("CHANGELOG.md")
