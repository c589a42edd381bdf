"""What somebody learns who asks: what can be measured again, who the people are, what is due, and how it came to be so."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from world import APP, World, world

SIGNED = "        plan: {title: Plan verified, evidence: true}\n"
OPENED = "        audit: {title: Audit read, owner: dba, check: audit-page}\n"
COUNTED = "        counted: {title: All ran through, check: counted}\n"
CHECKS = '    audit-page: {uses: signoff}\n    counted: {uses: record, with: {steps: [freeze]}, pass: ["failed == 0"]}\n  scripts:\n'


@pytest.fixture
async def many(tmp_path: Path) -> AsyncIterator[World]:
    """With a line whose evidence is opened, and one that is worked out from the record."""
    app = APP.replace(SIGNED, SIGNED + OPENED + COUNTED, 1).replace("  scripts:\n", CHECKS, 1)
    async with world(tmp_path, app) as one:
        await one.opened()
        yield one


# ── check ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_check_is_measured_again_by_its_name_its_line_or_with_all_others(w: World):
    await w.opened()
    await w.measured()

    for text in ("tls", "certificates", ""):
        assert await w.types("U000MARA", f"check {text}") == (
            "Measuring tls for shop-1; its thread shows each as it comes."
        )
        assert "⏳ measuring   Certificates valid" in await w.reads("section:before")
        await w.measured()
        assert "✅ pass   Certificates valid" in await w.reads("section:before")


async def test_what_is_watched_all_the_time_is_not_measured_again(w: World):
    await w.opened()

    assert await w.types("U000MARA", "check zero") == (
        "“Zero downtime” is watched all the time, so there is nothing to measure again; "
        "“Criteria” in the thread shows it once the scripts have run."
    )
    assert await w.types("U000MARA", "check down") == (
        "“down” is watched all the time, so there is nothing to measure again; the watch in the thread shows it."
    )


async def test_what_people_tick_says_who_does(many: World):
    assert await many.types("U000MARA", "check plan") == (
        "“Plan verified” is not measured: DevOps Lead (Ana Ruiz, backup Ben Okafor) ticks it in “Before” in the thread."
    )
    by_its_page = "“Audit read” is not measured: Database Admin (Chloé Martin, backup Dmitri Volkov) ticks it in “Before” in the thread."
    assert await many.types("U000MARA", "check audit") == by_its_page
    assert await many.types("U000MARA", "check audit-page") == by_its_page
    assert await many.types("U000MARA", "check lessons") == (
        "“Lessons learned” is not measured: Database Admin (Chloé Martin, backup Dmitri Volkov) ticks it in “Long-term” "
        "in the thread when it is due."
    )


async def test_what_the_record_says_is_not_measured_again(many: World):
    assert await many.types("U000MARA", "check counted") == (
        "“All ran through” is worked out from the record at every moment, so there is nothing to measure again; "
        "“Before” in the thread shows it."
    )


async def test_a_misspelt_check_gets_the_nearest_one(w: World):
    await w.opened()

    assert await w.types("U000MARA", "check certificate") == (
        "shop-1 has no check “certificate”; did you mean certificates?"
    )
    assert await w.types("U000MARA", "check moon") == "shop-1 has no check “moon”; known are tls."
