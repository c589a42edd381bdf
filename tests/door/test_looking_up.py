"""What somebody learns who asks: what can be measured again, who the people are, what is due, and how it came to be so."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from world import APP, World, world

from bot.views.answers import COMMANDS

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
            "Measuring tls for shop-1; its thread shows what it finds."
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
        "shop-1 has no check “certificate”; did you mean certificates (Certificates valid)?"
    )
    assert await w.types("U000MARA", "check capac") == (
        "shop-1 has no check “capac”; did you mean capacity (Capacity looked at)?"
    )
    assert await w.types("U000MARA", "check DOWNTIME") == (
        "shop-1 has no check “DOWNTIME”; did you mean zero (Zero downtime)?"
    ), "a word of the title will do"
    assert await w.types("U000MARA", "check moon") == (
        "shop-1 has no check “moon”; what can be measured now:\n• certificates (Certificates valid)"
    )


async def test_a_word_that_names_nothing_is_told_what_there_is(w: World):
    assert await w.types("U000MARA", "contacts nosuch") == (
        "“nosuch” names no deployment and no service; deployed are depot and shop."
    )
    assert await w.types("U000MARA", "history nosuch") == "“nosuch” names no deployment; none has been opened yet."
    await w.opened()
    assert await w.types("U000MARA", "record nosuch") == "“nosuch” names no deployment; the newest is shop-1."


async def test_a_check_is_meant_by_the_title_of_its_line_too(w: World):
    await w.opened()

    assert "Measuring tls for shop-1" in await w.types("U000MARA", "check Certificates valid")


ASKED = "    slow: {title: It is slow, check: slow}\n  follow_ups:\n"
MORE = (
    '    smoke: {uses: http, with: {urls: ["https://shop.example/smoke"]}}\n'
    '    slow: {uses: http, with: {urls: ["https://shop.example/slow"]}}\n'
    '    page: {uses: http, with: {urls: ["https://shop.example/page"]}}\n  scripts:\n'
)


@pytest.fixture
async def later(tmp_path: Path) -> AsyncIterator[World]:
    """With checks that only a step, a trigger and a list of later on ask for."""
    health = "      health: {title: Run health checks, script: health}\n"
    answers = "answers: {title: Answers well}"
    app = APP.replace(health, f"{health}      smoke: {{title: Run smoke tests, checks: [smoke]}}\n", 1)
    app = app.replace("  follow_ups:\n", ASKED, 1).replace("  scripts:\n", MORE, 1)
    app = app.replace(answers, f"{answers}, page: {{title: Page answers, check: page}}", 1)
    async with world(tmp_path, app) as one:
        yield one


async def test_what_would_show_its_result_nowhere_yet_says_where_it_will(later: World):
    await later.opened()

    assert await later.types("U000MARA", "check smoke") == (
        "“smoke” is not measured by itself: it belongs to “Run smoke tests” in the thread, which says what it found."
    )
    assert await later.types("U000MARA", "check slow") == (
        "“slow” is not measured by itself: what proposes a rollback asks for it, and calls you when it fails."
    )
    for word in ("page", "Page answers"):
        assert await later.types("U000MARA", f"check {word}") == (
            "“Page answers” cannot be measured yet: “Verification” in the thread shows it once the scripts have run."
        )
    assert not (await later.store.get("shop-1")).remeasure


async def test_what_may_never_be_measured_is_not_promised(later: World):
    await later.deploying()
    await later.script_ends("deploy", code=3)
    assert await later.types("U000MARA", "check page") == (
        "“Page answers” cannot be measured yet: somebody decides first whether shop-1 goes on."
    )
    assert "nothing is measured while somebody decides." in await later.types("U000MARA", "check nonsense")

    await later.presses("U000CHLOE", "Roll back", message="alarm:0")
    assert await later.types("U000MARA", "check page") == (
        "“Page answers” is not measured any more: shop-1 is rolling back."
    )


async def test_a_line_of_a_later_list_is_measured_once_that_list_stands_in_the_thread(later: World):
    await later.verifying()
    await later.script_ends("health")

    assert "Measuring page for shop-1" in await later.types("U000MARA", "check page")


# ── contacts, history, record, followups, help ───────────────────────────────────────────────────────────────────────

ROSTER = ["DevOps Lead  Ana Ruiz, backup Ben Okafor", "Database Admin  Chloé Martin, backup Dmitri Volkov"]


async def test_contacts_are_those_of_the_deployment_with_its_captain(w: World):
    await w.opened()

    told = await w.types("U000IVY", "contacts")

    assert told.splitlines() == ["Contacts of shop-1", *ROSTER, "Captain  Mara Lind"]


async def test_contacts_of_a_channel_are_there_before_anything_is_deployed(w: World):
    told = await w.types("U000IVY", "contacts")

    assert told.splitlines() == [
        "Contacts of shop",
        *ROSTER,
        "As the configuration names them; a deployment under way has its captain, too.",
    ]


async def test_where_several_services_are_deployed_contacts_asks_which(w: World):
    assert await w.types("U000IVY", "contacts", channel="releases") == (
        "Whose contacts? Deployed are depot, shop: /deploy contacts depot."
    )

    told = await w.types("U000IVY", "contacts depot", channel="releases")

    assert told.splitlines()[:3] == ["Contacts of depot", *ROSTER]


async def test_environments_with_other_people_are_told_apart(tmp_path: Path):
    elsewhere = "environments:\n  production: {}\n  staging: {roles: {dba: {title: Database Admin, contact: U000IVY, backup: U000BEN}}}\n"
    async with world(tmp_path, services={"shop": f"service: shop\nchannel: shop\n{elsewhere}"}) as w:
        told = await w.types("U000MARA", "contacts")

    assert "Contacts of shop in production" in told
    assert "Contacts of shop in staging" in told
    assert "Database Admin  Ivy Chen, backup Ben Okafor" in told


async def closed(w: World) -> None:
    await w.opened()
    await w.types("U000MARA", "abort the supplier is down")
    assert await w.phase() == "aborted"


async def test_the_history_of_what_is_over_is_the_channels_newest(w: World):
    await closed(w)

    told = (await w.types("U000IVY", "history")).splitlines()

    assert told[0] == f"History of shop-1 (1.4.2 → production, aborted): {len(await w.story())} lines"
    assert "Mara Lind: aborted “the supplier is down”" in "\n".join(told)
    assert told[-1].startswith("✅ every hash holds, head ")
    assert await w.types("U000IVY", "history", channel="depot") == (
        "Nothing is being deployed here. /deploy start opens a deployment."
    )


async def test_the_history_is_that_of_the_one_under_way_or_of_the_one_that_is_named(w: World):
    await closed(w)
    await w.types("U000MARA", "start shop 1.5.0")

    assert (await w.types("U000IVY", "history")).startswith("History of shop-2 (1.5.0 → production, preflight)")
    assert (await w.types("U000IVY", "history shop-1")).startswith("History of shop-1 (1.4.2 → production, aborted)")


async def test_the_record_of_what_is_over_is_given_to_whom_it_concerns(w: World):
    await closed(w)

    told = await w.types("U000ANA", "record")

    assert told.startswith("The record of shop-1 (1.4.2 → production, aborted) is on its way to your messages with me")
    assert [(who, name) for who, name, _ in w.slack.given] == [("U000ANA", "shop-1.json")]
    assert await w.types("U000IVY", "record") == (
        "Only Mara Lind, who started this, or somebody of the roster can take its record."
    )


async def test_follow_ups_are_listed_with_how_far_they_are(w: World):
    assert await w.types("U000IVY", "followups") == "No follow-up is due. They begin when a deployment goes live."
    await w.live()
    await w.passes(hours=2)

    told = (await w.types("U000IVY", "followups")).splitlines()

    assert told[0].startswith("• Immediate of shop-1: 0 of 1 done, open since ")
    assert told[1].startswith("• Long-term of shop-1: 0 of 1 done, due ")
    assert await w.types("U000IVY", "followups shop-1") == "\n".join(told)


async def test_help_lists_every_word_and_alone_the_command_shows_the_commonest(w: World):
    told = await w.types("U000IVY", "help")
    assert [one.word for one in COMMANDS if f"/deploy {one.word}" not in told] == []

    alone = await w.types("U000IVY", "")
    assert alone.startswith("Nothing is being deployed here.")
