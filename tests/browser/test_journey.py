"""The whole journey as people walk it: in the browser, by what is written on buttons, against the real processes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.company import OWNERS, Demo, Somebody, customers
from tests.browser.conftest import ARGUMENTS, CHROMIUM

pytestmark = [pytest.mark.browser, pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    one = Demo(tmp_path / "demo")
    one.start()
    yield one
    wrong = one.did_wrong()
    one.stop()
    assert wrong == []


def clears(browser: Browser, demo: Demo, version: str) -> None:
    """The four roles tick what is theirs and sign."""
    who = Somebody(browser, demo, next(iter(OWNERS)))
    for user, title in OWNERS.items():
        who.makes_room_for(user, version)
        who.ticks_everything(title)
        who.signs()
    who.leaves()


def test_a_good_version_goes_live_and_is_followed_up_for_seven_days(browser: Browser, demo: Demo):
    mara = Somebody(browser, demo, "U0MARA")
    mara.types("/deploy start checkout 1.4.2")
    mara.opens_thread("1.4.2")
    mara.reads("Security Verification", mara.thread)
    mara.reads(re.compile("first 429 at request"), mara.thread)
    mara.reads("Deployment Artifacts", mara.thread)
    mara.pictures("1-preflight")

    clears(browser, demo, "1.4.2")
    mara.reads("All clear.")
    mara.pictures("2-all-clear")
    with customers(demo) as count:
        mara.presses("Start", confirm="Start")
        mara.reads(re.compile("Deploy script"), mara.thread)
        mara.pictures("3-deploying")
        mara.sees_in_time(re.compile("Post-Deployment Verification"), "1.4.2", "U0ANA")
    assert count["lost"] == 0, count
    assert count["requests"] > 50

    does_their_part(browser, demo, "Post-Deployment Verification", by=["U0ANA", "U0GRACE"])
    mara.sees_in_time(re.compile(r"Live since"), "1.4.2", "U0ANA")
    mara.pictures("4-live")
    mara.page.goto(f"{demo.url}/#/as/U0MARA/C0RELEASES")
    mara.reads(re.compile("is live in production"))
    mara.pictures("5-announced")

    mara.advances("+1 h")
    mara.advances("+1 h")
    mara.opens_thread("1.4.2")
    mara.reads(re.compile("Immediate"), mara.thread)
    mara.leaves()
    demo.stop()
    demo.start()
    mara = Somebody(browser, demo, "U0MARA")
    mara.opens_thread("1.4.2")
    mara.advances("+1 day")
    does_their_part(browser, demo, "Short-term", by=["U0ANA", "U0GRACE"])
    for _ in range(6):
        mara.advances("+1 day")
    does_their_part(browser, demo, "Long-term", by=["U0ANA", "U0GRACE"])
    mara.opens_thread("1.4.2")
    mara.sees_in_time(re.compile("Closed"), "1.4.2", "U0ANA")
    mara.pictures("6-closed")


def does_their_part(browser: Browser, demo: Demo, message: str, *, by: list[str]) -> None:
    """Those of whom this message asks something do it."""
    who = Somebody(browser, demo, by[0])
    for user in by:
        who.makes_room_for(user, "1.4.2")
        who.reads(re.compile(message), who.thread)
        who.does_what_is_asked(OWNERS[user])
    who.leaves()


def test_a_version_that_does_not_start_is_rolled_back(browser: Browser, demo: Demo):
    mara = Somebody(browser, demo, "U0MARA", dark=True)
    mara.types("/deploy start checkout 1.6.0")
    mara.opens_thread("1.6.0")
    clears(browser, demo, "1.6.0")
    mara.reads("All clear.")
    mara.presses("Start", confirm="Start")
    mara.reads(re.compile("Roll back, or accept?"), mara.thread)
    mara.pictures("7-roll-back")

    ben = Somebody(browser, demo, "U0BEN")
    ben.opens_thread("1.6.0")
    ben.presses("Roll back", confirm="Roll back")
    ben.reads(re.compile("Restore database waits for a go-ahead of Database Admin"), ben.thread)
    chloe = Somebody(browser, demo, "U0CHLOE")
    chloe.opens_thread("1.6.0")
    chloe.presses("Go ahead", confirm="Restore database")
    mara.reads(re.compile("Rolled back"), mara.thread)
    mara.pictures("8-rolled-back")
    mara.page.goto(f"{demo.url}/#/as/U0MARA/C0RELEASES")
    mara.reads(re.compile("is back on 1.4.1"))


def test_what_is_forbidden_is_refused_with_a_sentence(browser: Browser, demo: Demo):
    ivy = Somebody(browser, demo, "U0IVY")
    ivy.types("/deploy stat")
    ivy.reads(re.compile("Did you mean"))
    ivy.types("/deploy start chekout 1.4.2")
    ivy.reads(re.compile("There is no service chekout"))
    ivy.types("/deploy start checkout latest")
    ivy.reads(re.compile("is not a version of checkout"))

    ana = Somebody(browser, demo, "U0ANA")
    ana.types("/deploy start checkout 1.4.2")
    ana.opens_thread("1.4.2")
    ana.reads("In the way", ana.thread)
    ivy.types("/deploy start checkout 1.5.0")
    ivy.reads(re.compile("checkout-1.*Ana Ruiz"))
    ivy.types("/deploy go")
    ivy.reads(re.compile("You fill no role of checkout-1"))
    ana.reads(re.compile("asked"), ana.thread)
    ana.types("/deploy go")
    ana.reads(re.compile("You started checkout-1; somebody else of the roster has to sign"))
    ivy.types("/deploy hold because")
    ivy.reads(re.compile("Only Ana Ruiz, who started this, or somebody of the roster can hold it"))
    ivy.types("/deploy abort I do not like it")
    ivy.reads(re.compile("Only Ana Ruiz, who started this, or somebody of the roster can abort it"))
    ivy.pictures("9-refused")
