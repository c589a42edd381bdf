"""Whoever lets the database be restored reads whether the schema changed, and from when the backup is."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from world import APP, World, world

from bot.model import Change, Changes, Deployment, Finding, Verdict
from bot.text import utc
from bot.views import steps
from bot.views.home import home

_RESTORE = "script: restore, approved_by: dba}"
_CHECKS = "    nightly: {uses: backup, with: {manifest: a.json}}\n    taken: {uses: backup, with: {manifest: b.json}}\n"


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    app = APP.replace(_RESTORE, f"{_RESTORE[:-1]}, only_if: schema_changed, checks: [nightly, taken]}}")
    app = app.replace("  scripts:\n", f"{_CHECKS}  release: {{schema_path: migrations}}\n  scripts:\n", 1)
    async with world(tmp_path, app) as one:
        yield one


async def backed_up(w: World, check: str, ago: timedelta, verdict: Verdict = Verdict.PASS) -> None:
    now = w.clock.now()
    found = Finding(
        check=check,
        verdict=verdict,
        summary="its sha256 differs",
        measured_at=now,
        expires_at=now + timedelta(hours=1),
        values={"age": ago.total_seconds()},
    )
    await w.engine.found("shop-1", found)


async def with_schema(w: World, *, changed: bool) -> None:
    def known(one: Deployment) -> Change:
        changes = Changes(count=3, authors=(), subjects=(), schema_changed=changed)
        return Change(deployment=replace(one, release=replace(one.release, changes=changes)))

    await w.store.change("shop-1", known)


async def asked(w: World, *, deployed: bool = True, error: str = "", warning: str = "") -> None:
    await w.script_ends("deploy", code=0 if deployed else 3, errors=(error,) if error else ())
    if deployed:
        await w.script_ends("health", code=3)
    await w.presses("U000CHLOE", "Roll back", message="alarm:0")
    await w.script_ends("rollback", warnings=(warning,) if warning else ())


async def dialog(w: World) -> dict[str, Any]:
    """What opens before the button is pressed in earnest."""
    one = await w.store.get("shop-1")
    step = next(each for each in one.plan.steps if each.key == "restore")
    return dict(steps.confirm_button(one, step)["confirm"])


async def question(w: World) -> str:
    return str((await dialog(w))["text"]["text"])


async def everywhere(w: World) -> tuple[str, ...]:
    """What whoever is asked reads in the thread and in App Home."""
    at_home = str(home("U000CHLOE", [await w.store.get("shop-1")], w.clock.now()))
    return await w.reads("steps:rolling_back"), await w.reads("asks:restore"), at_home


async def test_the_schema_and_the_newest_backup_stand_wherever_the_go_ahead_is_asked_for(w: World):
    await w.deploying()
    await with_schema(w, changed=True)
    await backed_up(w, "nightly", timedelta(hours=9))
    await backed_up(w, "taken", timedelta(minutes=2))
    taken = (await w.store.get("shop-1")).findings["taken"].measured_at - timedelta(minutes=2)
    w.clock.advance(timedelta(minutes=28))
    await asked(w)

    for said in await everywhere(w):
        assert "Schema: 1.4.2 changes it." in said
        assert utc(taken) in said
        assert "30 min" in said
        assert "old when this was asked; what was written since is then no longer in the database." in said
        assert "keeps the database as it is." in said
    asked_in_dialog = await question(w)
    assert asked_in_dialog.startswith("Schema: 1.4.2 changes it. Backup: the newest was taken 30 min")
    assert asked_in_dialog.endswith("before this was asked; what was written since is then no longer in the database.")


async def test_whoever_restores_presses_what_is_named_after_that_and_warns(w: World):
    await w.deploying()
    await asked(w)

    assert (await dialog(w))["confirm"]["text"] == "Restore database"
    assert (await dialog(w))["style"] == "danger"


async def test_what_the_scripts_said_of_the_database_is_quoted_where_its_restore_is_asked_for(w: World):
    await w.deploying()
    await with_schema(w, changed=True)
    error = "1.4.2 could not migrate the database, which is still at schema 2."
    warning = "The database has a newer schema than 1.4.1 knows, so it takes no orders. <!here> Restore it."
    await asked(w, deployed=False, error=error, warning=warning)

    assert "&lt;!here&gt;" in (await everywhere(w))[-1], "nobody is called by what a script prints"
    for said in (*await everywhere(w), await question(w)):
        assert "Schema: 1.4.2 changes it, if it came so far. Deploy script failed: “1.4.2 could not migrate" in said
        assert "still at schema 2”. Rollback script warned: “The database has a newer schema" in said


async def test_a_long_word_of_a_script_leaves_the_facts_their_room_in_the_dialog(w: World):
    await w.deploying()
    await with_schema(w, changed=True)
    await backed_up(w, "taken", timedelta(minutes=2))
    await asked(w, warning="The database is newer. " * 20)

    assert "Rollback script warned: “The database is newer." in await question(w)
    assert (await question(w)).endswith("what was written since is then no longer in the database.")


async def test_what_is_not_known_is_said_to_be_not_known(w: World):
    await w.deploying()
    await asked(w)

    for said in (await question(w), await w.reads("asks:restore"), await w.reads("steps:rolling_back")):
        assert "Schema: it is not known whether 1.4.2 changes it." in said
        assert "Backup: it is not known when the newest was taken." in said


async def test_a_deploy_script_that_failed_may_not_have_come_to_the_schema_and_a_bad_backup_is_called_one(w: World):
    await w.deploying()
    await with_schema(w, changed=True)
    await backed_up(w, "taken", timedelta(minutes=2), Verdict.FAIL)
    await asked(w, deployed=False)

    assert "Schema: 1.4.2 changes it; whether it came so far is in the log of the deploy script." in await question(w)
    assert "It was not found good: its sha256 differs." in await question(w)


async def test_a_backup_that_is_taken_before_restores_nothing_and_asks_without_a_word_of_what_is_lost(tmp_path: Path):
    taken = "backup: {title: Take a backup, script: freeze, approved_by: lead, only_if: schema_changed}"
    app = APP.replace("    preparing:\n", f"    preparing:\n      {taken}\n", 1)
    app = app.replace("  scripts:\n", "  release: {schema_path: migrations}\n  scripts:\n", 1)
    async with world(tmp_path, app) as w:
        await w.clear()
        await with_schema(w, changed=True)
        await w.presses("U000MARA", "Start")

        assert "Go ahead" in await w.buttons("card")
        assert "Take a backup waits for a go-ahead of" in await w.reads("asks:backup")
        assert "Backup:" not in await w.reads("asks:backup") + await w.reads("steps:preparing")


async def test_once_it_is_answered_nothing_is_at_stake_any_more(w: World):
    await w.deploying()
    await asked(w)

    await w.presses("U000DMITRI", "Go ahead")

    assert "Backup:" not in await w.reads("asks:restore") + await w.reads("steps:rolling_back")
