"""What is known about a version comes from the service's repository; what is not known there is said before anybody is asked."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from world import APP, World, world


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    _git(tmp_path, "init", "-q", str(folder))
    for version in ("1.4.1", "1.4.2"):
        _git(folder, "commit", "-q", "--allow-empty", "-m", f"Work on {version}")
        _git(folder, "tag", f"v{version}")
    return folder


@pytest.fixture
async def w(tmp_path: Path, repository: Path) -> AsyncIterator[World]:
    app = APP.replace("defaults:\n", f"defaults:\n  release: {{repository: {repository}}}\n", 1)
    async with world(tmp_path, app) as one:
        yield one


def _git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ana Ruiz", "-c", "user.email=ana@acme.example"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


async def test_the_commit_is_that_of_the_tag(w: World, repository: Path):
    one = await w.opened("1.4.2")

    assert one.release.commit == _git(repository, "rev-parse", "v1.4.2")


async def test_a_version_without_a_tag_opens_no_thread_and_the_likely_one_is_offered(w: World):
    said = await w.types("U000MARA", "start shop 1.4.3")

    assert said == (
        "shop has no version 1.4.3: its repository has no tag v1.4.3. Did you mean 1.4.2? If not, push the tag and start again."
    )
    assert await w.store.find() == []


async def test_a_version_that_is_like_no_other_is_told_one_that_there_is(w: World):
    assert "Start one that it has, such as 1.4.2, or push the tag and start again." in await w.types(
        "U000MARA", "start shop 99.0.0"
    )


async def test_once_the_tag_is_pushed_it_opens(w: World, repository: Path):
    await w.types("U000MARA", "start shop 1.5.0")
    _git(repository, "tag", "v1.5.0")

    await w.types("U000MARA", "start shop 1.5.0")

    assert [one.version for one in await w.store.find()] == ["1.5.0"]


async def test_a_tag_that_is_moved_voids_what_was_signed_and_says_so(w: World, repository: Path):
    await w.opened("1.4.2")
    await w.measured()
    await w.types("U000ANA", "go")
    before = _git(repository, "rev-parse", "v1.4.2")
    _git(repository, "commit", "-q", "--allow-empty", "-m", "One more thing")
    _git(repository, "tag", "-f", "v1.4.2")

    one = await w.engine.look_release_up("shop-1")

    assert one.voided
    assert f"was {before[:9]}" in " ".join(await w.story())


async def test_a_repository_that_is_not_there_is_said_on_the_card_and_stops_nobody(tmp_path: Path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    app = APP.replace("defaults:\n", "defaults:\n  release: {repository: nowhere}\n", 1)
    async with world(folder, app) as w:
        await w.opened("1.4.2")

        assert "❔ The repository could not be read" in await w.reads("card")
