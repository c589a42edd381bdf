"""The random kills for longer, and also on PostgreSQL with three replicas. `make soak` runs this, `make test` does not."""

import os
import random

import pytest

from tests.real.kills import survives
from tests.real.world import World, company

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(0)]

KILLS = int(os.environ.get("KILLS") or 30)
SEED = int(os.environ.get("SEED") or random.randrange(10**6))  # noqa: S311 - to be repeated


async def test_one_bot_on_sqlite(w: World):
    await _soak(w, ["one"], "SQLite and one bot", grace_s=2.5)


async def test_three_bots_on_postgresql(tmp_path, database):
    async with company(tmp_path, database) as w:
        await _soak(w, ["one", "two", "three"], "PostgreSQL and three bots", grace_s=8.0)


async def _soak(w: World, hosts: list[str], what: str, *, grace_s: float) -> None:
    print(f"\n{what}: SEED={SEED} KILLS={KILLS}", flush=True)
    print(f"{what}: {await survives(w, hosts, kills=KILLS, seed=SEED, grace_s=grace_s)}; nothing lost, nothing doubled")
