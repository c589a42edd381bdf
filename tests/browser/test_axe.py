"""Does axe find anything on the page that keeps somebody out? Every place of it, in both themes and on both sizes."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.pagebot import everything
from tests.browser.test_page import box_of, deploy, send, thread_of
from tests.sandbox.conftest import Person, Running, client_of
from tests.sandbox.nodejs import FOLDER, needed

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.usefixtures("bot"),
]
AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module", autouse=True)
def axe() -> None:
    needed()


async def findings(page: Page, place: str) -> list[str]:
    """Each violation that axe calls serious or critical, with the elements it is about."""
    await page.wait_for_timeout(250)  # until what fades in has its own colour
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    told: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(told["passes"]) > 10
    return [
        f"{place}: {each['id']}: {each['help']}: {node['html'][:150]} {node.get('failureSummary', '')[:200]}"
        for each in told["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)], ids=["wide", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_serious_anywhere(
    desk: Desk, people: Person, sandbox: Running, theme: str, width: int, height: int
):
    client = client_of(sandbox.url)
    page = await desk.sit("U0MARA", "C0CHECKOUT", theme=theme, width=width, height=height)
    wrong: list[str] = []

    async def look(place: str) -> None:
        wrong.extend(await findings(page, place))

    await send(box_of(page), "/deploy help")
    await send(box_of(page), "*bold* `code` @ana <https://example.com> :tada:\n> quoted\n```block```")
    await send(box_of(page), "/deploy charts")
    await expect(page.get_by_role("article", name=re.compile("Charts"))).to_be_visible()
    await deploy(page)
    await client.chat_postMessage(channel="C0CHECKOUT", text="everything", blocks=everything())
    await expect(page.get_by_role("textbox", name="Remark").last).to_be_visible()
    await look("the channel")

    await box_of(page).press_sequentially("@a")
    await expect(page.get_by_role("option", name=re.compile("Ana Ruiz"))).to_be_visible()
    await look("suggestions")
    await box_of(page).fill("")
    await page.get_by_role("combobox", name="Who signs").last.click()
    await expect(page.get_by_role("listbox").first).to_be_visible()
    await look("a select")
    await page.keyboard.press("Escape")
    await page.get_by_role("article", name=re.compile("1.4.2")).get_by_role("button", name="Roll back").click()
    await expect(page.get_by_role("alertdialog")).to_be_visible()
    await look("a confirm dialog")
    await page.get_by_role("alertdialog").get_by_role("button", name="Leave it").click()

    await send(box_of(page), "/deploy start")
    modal = page.get_by_role("dialog", name="Start a deployment")
    await modal.get_by_role("button", name="Start").click()
    await expect(modal.get_by_text("Please complete this required field.").first).to_be_visible()
    await look("a modal with complaints")
    await page.keyboard.press("Escape")

    await page.get_by_role("button", name="2 replies").click()
    await expect(thread_of(page).get_by_text("Security Verification")).to_be_visible()
    await look("a thread")
    await thread_of(page).get_by_role("button", name="Close").click()

    await send(box_of(page), "/deploy wrong")
    await page.get_by_role("button", name=re.compile("What the bot did wrong [1-9]")).click()
    await expect(page.get_by_role("complementary", name="What the bot did wrong")).to_be_visible()
    await look("the findings")
    for tab in await page.get_by_role("tab").all():
        await tab.click()
        await look(f"the tab {await tab.inner_text()}")
    await page.get_by_role("complementary", name="What the bot did wrong").get_by_role("button", name="Close").click()

    for place in ("home", "C0RANDOM"):
        await page.goto(f"{sandbox.url}/#/as/U0MARA/{place}")
        await expect(page.get_by_role("main")).to_be_visible()
        await look(place)
    if width < 1000:
        await page.get_by_role("button", name="Channels and people").click()
        await look("the channels")
    assert wrong == []
