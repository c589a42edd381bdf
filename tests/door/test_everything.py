"""One long walk uses everything that can be typed, pressed, chosen and submitted; whatever is new has to come along."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from world import APP, World, world

from bot.model import Verdict
from bot.views import ids
from bot.views.answers import COMMANDS
from handlers.bolt import SORRY

SECTION = """    emergency:
      title: Emergency Contacts
      items: {contacts-lead: {title: Who is there, owner: lead, check: contacts-lead}}
  steps:
"""
CHECKS = "  checks:\n    contacts-lead: {uses: contacts, with: {role: lead}, valid_for: 12 h}\n"


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    app = APP.replace("fail_after: 2, of: 3}", "fail_after: 2, of: 3, auto: true}", 1)
    app = app.replace("  steps:\n", SECTION, 1).replace("  checks:\n", CHECKS, 1)
    async with world(tmp_path, app) as one:
        yield one


async def test_whatever_can_be_used_is_used(w: World):
    await called_off(w)
    await opened(w)
    await measured_and_ticked(w)
    await signed(w)
    await prepared(w)
    await deployed(w)
    await followed_up_and_rolled_back(w)

    assert await w.phase() == "rolled_back"
    assert not [told for _, told in w.slack.whispers if SORRY in told]
    words = {f"/deploy {one.word}" for one in COMMANDS}
    pressable = {value for name, value in vars(ids).items() if name.isupper()}
    assert sorted((words | pressable) - w.used) == [], "nobody uses it here"


async def called_off(w: World) -> None:
    await w.types("U000MARA", "start depot 2.0.0", channel="depot")
    await w.types("U000MARA", "abort the supplier is down", channel="depot")
    await w.types("U000MARA", "start depot 2.0.1", channel="depot")
    await w.chooses("U000MARA", "", "Abort…", deployment="depot-2")
    assert await w.submits("U000MARA", reason="the supplier is still down") == {}
    await w.types("U000MARA", "start depot", channel="depot")
    form = {"choose_service": "depot", "choose_environment": "production", "version": "2.0.2"}
    begin = int(w.clock.now().timestamp())
    assert await w.submits("U000MARA", **form, window_from=begin, window_to=begin + 3600) == {}
    await w.passes(hours=2)
    await w.presses("U000MARA", "Abort…", deployment="depot-3")
    assert await w.submits("U000MARA", reason="its window is over") == {}


async def opened(w: World) -> None:
    await w.presses_at_home("U000MARA", "Start a deployment")
    await w.uses_shortcut("U000MARA", ids.START_SHORTCUT)
    await w.chooses_in_form("U000MARA", ids.CHOOSE_SERVICE, "shop")
    await w.chooses_in_form("U000MARA", ids.CHOOSE_ENVIRONMENT, "production")
    form = {"choose_service": "shop", "choose_environment": "production"}
    assert await w.submits("U000MARA", **form, version="1.4.2") == {}
    for text in ("help", "status", "why", "contacts", "history", "record", "followups", "check"):
        assert await w.types("U000MARA", text), text
    await w.types("U000ANA", "freeze Black Friday")
    await w.types("U000ANA", "unfreeze")


async def measured_and_ticked(w: World) -> None:
    await w.presses("U000ANA", "I am reachable")
    await w.measures("contacts")
    await w.measured(verdict=Verdict.FAIL, summary="5 days left")
    await w.chooses("U000ANA", "Certificates valid", "Waive…")
    tomorrow = int(w.clock.now().timestamp()) + 86_400
    assert await w.submits("U000ANA", reason="renewed tomorrow", until=tomorrow) == {}
    await w.presses("U000ANA", "Measure again", message="card")
    await w.measures("contacts")
    await w.measured()
    await w.presses("U000ANA", "Why, and how?")
    await w.presses("U000CHLOE", "Not applicable…", message="section:before")
    assert await w.submits("U000CHLOE", item="capacity", reason="no load is added") == {}
    await w.ticks("U000ANA", "Plan verified")
    assert await w.submits("U000ANA", link="https://wiki.example/plan") == {}


async def signed(w: World) -> None:
    await w.presses("U000ANA", "Not me, ask Ben Okafor", message="ask:lead:U000ANA")
    await w.presses("U000BEN", "No-go…", message="ask:lead:U000BEN")
    assert await w.submits("U000BEN", reason="the old key still works") == {}
    await w.presses("U000BEN", "Change my mind: go", message="ask:lead:U000BEN")
    await w.types("U000CHLOE", "no-go the queue is full")
    await w.types("U000CHLOE", "go")
    await w.presses("U000ANA", "Hold…")
    assert await w.submits("U000ANA", reason="a moment") == {}
    await w.presses("U000ANA", "Resume")
    await w.types("U000ANA", "hold another moment")
    await w.types("U000ANA", "resume")
    await w.measures("contacts")


async def prepared(w: World) -> None:
    await w.presses("U000MARA", "Start")
    await w.script_ends("freeze", code=1)
    await w.presses("U000MARA", "Retry")
    await w.script_ends("freeze", code=1)
    await w.presses("U000ANA", "Skip, because…")
    assert await w.submits("U000ANA", reason="frozen by hand") == {}
    await w.announced("notify")
    await w.watch_sees()


async def deployed(w: World) -> None:
    await w.types("U000MARA", "run health")
    await w.script_ends("health")
    await w.script_runs("deploy")
    await w.presses("U000MARA", "Cancel…")
    await w.script_ends("deploy", code=143, ended_by="cancel")
    await w.presses("U000ANA", "Accept, because…", message="alarm:0")
    assert await w.submits("U000ANA", reason="it had gone through") == {}
    await w.script_ends("health")
    await w.watch_sees(since=400)
    await w.ticks("U000ANA", "Answers well")
    assert await w.phase() == "live"


async def followed_up_and_rolled_back(w: World) -> None:
    await w.passes(hours=2)
    await w.presses("U000ANA", "Snooze 4 h")
    for down in (4.0, 6.0):
        w.clock.advance(timedelta(seconds=2))
        await w.watch_sees(since=400, down=down)
    await w.presses("U000ANA", "Let people decide")
    await w.presses("U000ANA", "Accept, because…", message="alarm:1")
    assert await w.submits("U000ANA", reason="the prober's network") == {}
    await w.presses("U000MARA", "Roll back?")
    await w.types("U000MARA", "rollback it is slow")
    await w.presses("U000CHLOE", "Roll back", message="alarm:2")
    await w.script_ends("rollback")
    await w.presses("U000CHLOE", "Go ahead")
    await w.script_ends("restore")
    await w.announced("notify-rollback")
