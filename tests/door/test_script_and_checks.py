"""A script's exit code is its own word; the checks of its step say whether it is so."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from world import APP, World, world

from bot.decide.settle import checks_wanted
from bot.engine.measuring import release
from bot.model import Progress, RunState, Verdict

CHECKS = '  checks:\n    well: {uses: http, with: {urls: ["https://shop.example/healthz"]}, pass: ["version == ${version}"]}\n'


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    app = APP.replace("script: health}", "script: health, checks: [well]}").replace("  checks:\n", CHECKS, 1)
    app = app.replace(
        "title: Execute rollback script, script: rollback}",
        "title: Execute rollback script, script: rollback, checks: [well]}",
    )
    assert app.count("checks: [well]") == 2
    async with world(tmp_path, app) as one:
        yield one


async def wanted(w: World) -> set[str]:
    return checks_wanted(await w.store.get("shop-1"), w.clock.now())


async def test_the_checks_are_measured_once_the_script_has_ended_well_and_have_to_agree(w: World):
    await w.verifying()
    await w.measured("well")
    assert "well" not in await wanted(w), "what was measured before the script ended says nothing about it"

    w.clock.advance(timedelta(seconds=1))
    await w.script_ends("health")
    assert "well" in await wanted(w)
    assert (await w.store.get("shop-1")).steps["health"].state == "running"

    w.clock.advance(timedelta(seconds=1))
    await w.measured("well", summary="200 in 40 ms")
    assert "exited 0; 200 in 40 ms" in await w.reads("steps:verifying")


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.UNKNOWN])
async def test_where_they_disagree_the_thread_says_so_and_people_decide(w: World, verdict: Verdict):
    await w.verifying()
    await w.script_ends("health")

    await w.measured("well", verdict, "2 of 3 answers are 503")

    assert await w.phase() == "deciding"
    assert "exited 0, and yet well: 2 of 3 answers are 503" in await w.reads("alarm:0")
    await w.presses("U000ANA", "Accept, because…")
    await w.submits("U000ANA", reason="A known outlier")
    assert await w.phase() == "verifying"
    assert (await w.store.get("shop-1")).steps["health"].state == "skipped"


async def test_a_script_that_fails_is_not_measured_after(w: World):
    await w.verifying()
    await w.script_ends("health", code=1)

    assert "well" not in await wanted(w)
    assert await w.phase() == "deciding"


async def test_after_a_rollback_the_version_before_is_what_has_to_be_there(w: World):
    one = await w.verifying()
    known = replace(one, release=replace(one.release, previous="1.4.1", previous_commit="b" * 40, commit="a" * 40))
    assert release(known, w.clock.now())["version"] == "1.4.2"

    back = replace(known, rollback_at=w.clock.now())

    facts = release(back, w.clock.now())
    assert (facts["version"], facts["commit"], facts["previous"]) == ("1.4.1", "b" * 40, "1.4.1")


async def test_an_exit_code_that_means_a_warning_passes_and_says_so(tmp_path: Path):
    app = APP.replace("run: [./health.sh], by_hand: true", "run: [./health.sh], by_hand: true, warning_codes: [1]")
    assert app != APP
    async with world(tmp_path, app) as w:
        await w.verifying()

        await w.script_ends("health", code=1)

        assert "⚠️ exited 1, a warning" in await w.reads("steps:verifying")
        assert "⚠️ Health checks" in await w.reads("run:shop-1.health.1")
        assert await w.phase() == "verifying"


async def test_any_other_exit_code_fails(tmp_path: Path):
    app = APP.replace("run: [./health.sh], by_hand: true", "run: [./health.sh], by_hand: true, warning_codes: [1]")
    async with world(tmp_path, app) as w:
        await w.verifying()

        await w.script_ends("health", code=2)

        assert await w.phase() == "deciding"


async def test_a_running_script_says_how_long_it_usually_takes_when_it_goes_well(w: World):
    await w.opened()
    for code, took in ((0, 100.0), (0, 125.0), (1, 3.0), (0, 600.0)):
        await w.types("U000MARA", "run health")
        await w.script_runs("health")
        number = len((await w.store.get("shop-1")).runs)
        assert "usually" not in await w.reads(f"run:shop-1.health.by-hand-{number}"), "nobody knows yet"
        await w.script_ends("health", code=code, duration_s=took)
    await w.types("U000MARA", "abort the supplier is down")
    await w.types("U000MARA", "start shop 1.5.0")
    await w.types("U000MARA", "run health")

    await w.script_runs("health", deployment="shop-2")

    told = await w.reads("run:shop-2.health.by-hand-1", "shop-2")
    assert "running since " in told
    assert ", usually 2 min 05 s" in told


@pytest.mark.parametrize(
    ("ending", "shown"),
    [
        ({"code": 0}, "▓▓▓▓▓▓▓▓▓▓ 3 of 3  Adding c"),
        ({"code": 1}, "▓▓▓▓▓▓░░░░ 3 of 3  Adding c"),
        ({"code": 0, "ended_by": "cancel"}, "▓▓▓▓▓▓░░░░ 3 of 3  Adding c"),
        ({"code": 0, "state": RunState.RUNNING}, "▓▓▓▓▓▓░░░░ 3 of 3  Adding c"),
    ],
)
async def test_a_step_of_a_script_that_began_is_not_done(w: World, ending: dict[str, Any], shown: str):
    await w.deploying()

    await w.script_ends("deploy", progress=Progress(done=3, of=3, text="Adding c"), **ending)

    assert shown in await w.reads("run:shop-1.deploy.1")
