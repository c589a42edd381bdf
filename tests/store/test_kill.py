"""A process that is killed in the middle of saving leaves the record whole: as it was before, or as it is after."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from sqlalchemy import text

from bot.store import hash_of
from tests.store.records import drafted, project, ticking

pytestmark = pytest.mark.real

CHILD = """
import asyncio, sys
from bot.store import Store
from tests.store.records import Hands, drafted, project, ticking

async def main(url):
    store = await Store.open(url, Hands(), project=project)
    await store.create("checkout", "production", drafted())
    for n in range(4):
        await store.change("checkout-1", ticking(f"item-{n}"))
        print(n, flush=True)
    raise SystemExit("it was not killed")

asyncio.run(main(sys.argv[1]))
"""


async def killed(url, point):
    """Which ticks the child had been told of when it died."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, url, env={**os.environ, "TMINUS_CRASH": point}, stdout=subprocess.PIPE
    )
    said, _ = await child.communicate()
    assert child.returncode == -signal.SIGKILL
    return said.split()


@pytest.mark.parametrize(
    ("point", "told", "saved"),
    [
        ("store.worked:1", 0, -1),
        ("store.committed:1", 0, 0),
        ("store.worked:4", 2, 2),
        ("store.committed:4", 2, 3),
    ],
)
async def test_a_kill_around_a_commit_leaves_all_of_a_change_or_nothing(opened, url, point, told, saved):
    async with opened():
        pass
    assert len(await killed(url, point)) == told

    async with opened() as store:
        found = await store.find()
        if saved < 0:
            assert found == []
            assert await store.outbox.owed() == []
            # The number was not given out either.
            assert (await store.create("checkout", "production", drafted())).number == 1
            return
        [after] = found
        assert after.ticks.keys() == {f"item-{n}" for n in range(saved)}
        assert after.revision == len(await store.history(after.id)) == saved + 1
        assert await store.verify(after.id) is None
        wanted = {one.key: hash_of(one) for one in project(after).messages}
        assert {one.key: one.wanted_hash for one in await store.outbox.owed()} == wanted
        assert (await store.change(after.id, ticking("afterwards"))).revision == saved + 2
        if store._database.embedded:
            async with store._database.engine.connect() as connection:
                assert (await connection.execute(text("PRAGMA integrity_check"))).scalar_one() == "ok"
