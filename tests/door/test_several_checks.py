"""A line that several checks decide stands as the worst of them, and each is a row of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from world import APP, World, world

from bot.model import Verdict

LINE = "certificates: {title: Certificates valid, check: tls, why: They expire., fix: Renew them.}"
LINES = "certificates: {title: Certificates valid, check: [tls, edge], why: They expire., fix: Renew them.}"
EDGE = '  checks:\n    edge: {uses: http, with: {urls: ["https://edge.example"]}, pass: ["failed == 0"], valid_for: 10 h}\n'


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    app = APP.replace(LINE, LINES, 1).replace("  checks:\n", EDGE, 1)
    assert "[tls, edge]" in app
    async with world(tmp_path, app) as one:
        await one.opened()
        yield one


async def test_it_waits_until_each_was_measured(w: World):
    await w.measured("tls")

    told = await w.reads("section:before")
    assert "⏳ measuring   Certificates valid\n✅ tls: 71 days left\n⏳ edge" in told
    assert "ask:lead:U000ANA" not in await w.keys()


async def test_the_worst_decides_and_is_what_is_in_the_way(w: World):
    await w.measured("tls")
    await w.measured("edge", Verdict.FAIL, "5 days left")

    told = await w.reads("section:before")
    assert "❌ fail   Certificates valid\n✅ tls: 71 days left\n❌ edge: 5 days left" in told
    assert "Certificates valid: 5 days left" in await w.types("U000MARA", "why")

    await w.measured("edge", Verdict.WARN, "20 days left")
    assert "⚠️ warn   Certificates valid" in await w.reads("section:before")


async def test_what_has_failed_does_not_wait_for_the_others(w: World):
    await w.measured("edge", Verdict.FAIL, "5 days left")

    assert "❌ fail   Certificates valid" in await w.reads("section:before")


async def test_the_evidence_tells_of_each(w: World):
    await w.measured("tls")
    await w.measured("edge", Verdict.FAIL, "5 days left")

    await w.chooses("U000ANA", "Certificates valid", "Evidence")

    shown = str(w.view()["blocks"])
    assert "check `tls`" in shown
    assert "check `edge`" in shown


async def test_measured_again_by_the_line_are_all_of_them(w: World):
    assert await w.engine.measure("shop-1", by=await w.slack.person("U000ANA"), name="certificates") == ("tls", "edge")
