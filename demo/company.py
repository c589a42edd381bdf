"""What does the company around the service do by itself: the nightly backup, and the tests of each tag?"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from demo import repository
from demo.hosts import die_with_parent

log = logging.getLogger(__name__)

SCRIPTS = Path(__file__).resolve().parent.parent / "deployment" / "production"
LOOK_EVERY_S = 5
BACKUP_EVERY = timedelta(hours=20)
TESTED_EVERY = timedelta(hours=20)


async def in_background(script: str, env: dict[str, str], **more: str) -> None:
    """Run one of the reference scripts as the company's cron or CI would, quietly and with low priority."""
    process = await asyncio.create_subprocess_exec(
        "nice",
        SCRIPTS / script,
        env={"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), **env, **more},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    try:
        out, _ = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        raise
    if process.returncode:
        log.warning("%s exited %s: %s", script, process.returncode, out.decode(errors="replace").strip()[-400:])


async def now(env: dict[str, str]) -> datetime:
    """The time, or what the clock says that the whole demo goes by."""
    if url := env.get("CHECKOUT_CLOCK_URL"):
        with contextlib.suppress(httpx.HTTPError, ValueError, KeyError, TypeError):
            async with httpx.AsyncClient(trust_env=False) as client:
                return datetime.fromisoformat((await client.get(url, timeout=5)).json()["now"])
    return datetime.now(UTC)


def last_backup(manifest: Path) -> datetime:
    try:
        return datetime.fromisoformat(json.loads(manifest.read_text())["finished_at"])
    except FileNotFoundError:
        return datetime.min.replace(tzinfo=UTC)


async def back_up_nightly(env: dict[str, str]) -> None:
    while True:
        age = await now(env) - await asyncio.to_thread(last_backup, Path(env["CHECKOUT_BACKUP_MANIFEST"]))
        if age > BACKUP_EVERY:
            await in_background("backup_production.sh", env, TMINUS_DEPLOYMENT="nightly")
        await asyncio.sleep(LOOK_EVERY_S)


def _tested(reports: Path) -> bool:
    """Everything that is tried left a report, and within a day; a run that broke before it could is run again."""
    found = [reports / name for name in ("unit.xml", "integration.xml", "e2e.xml", "migrations.json")]
    return all(one.exists() and time.time() - one.stat().st_mtime < TESTED_EVERY.total_seconds() for one in found)


async def test_each_tag(env: dict[str, str]) -> None:
    """At once, and nightly from then on: what passed yesterday may not today, and a report counts for a day."""
    checkout = Path(env["CHECKOUT_REPOSITORY"])
    while True:
        for tag in repository.git("-C", checkout, "tag", "--sort=version:refname").decode().split():
            version = tag.removeprefix("v")
            commit = repository.commit_of(checkout, version)
            if not await asyncio.to_thread(_tested, Path(env["CHECKOUT_REPORTS"]) / commit):
                await in_background("final_tests.sh", env, TMINUS_VERSION=version, TMINUS_COMMIT=commit)
        await asyncio.sleep(LOOK_EVERY_S * 12)
