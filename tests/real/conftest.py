"""One small company for each test, on a database of its own."""

import pytest

from tests.real.world import company


@pytest.fixture
async def w(tmp_path):
    async with company(tmp_path) as world:
        yield world
