"""Can the page be used on a phone, the narrowest among them?"""

import contextlib
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_sdk.errors import SlackApiError

from tests.browser.conftest import Desk
from tests.sandbox.conftest import Person, client_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]
expect.set_options(timeout=20000)


async def with_the_drawer_open(desk: Desk) -> Page:
    page = await desk.sit("U0MARA", "C0CHECKOUT", width=390, height=844)
    await expect(page.get_by_role("heading", name="checkout", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Channels and people").click()
    await expect(page.get_by_role("link", name="payments")).to_be_in_viewport()
    return page


async def closed(page: Page) -> None:
    await expect(page.get_by_role("link", name="payments")).to_have_count(0)
    await expect(page.get_by_role("button", name="Channels and people")).to_have_attribute("aria-expanded", "false")


@pytest.mark.usefixtures("people")
async def test_escape_closes_the_drawer_and_the_keyboard_is_back_where_it_was(desk: Desk):
    page = await with_the_drawer_open(desk)
    await page.keyboard.press("Escape")
    await closed(page)
    await expect(page.get_by_role("button", name="Channels and people")).to_be_focused()


@pytest.mark.usefixtures("people")
async def test_going_elsewhere_closes_the_drawer(desk: Desk):
    page = await with_the_drawer_open(desk)
    await page.evaluate("location.hash = '#/as/U0MARA/C0RELEASES'")
    await closed(page)
    await expect(page.get_by_role("heading", name="releases", exact=True)).to_be_visible()


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll(".topbar > *, .topbar .clock-face")]
    .filter((node) => !node.matches(".grow, .clock, .skip, .sr-only"))
    .map((node) => [node.getAttribute("aria-label") || node.title || node.textContent, node.getBoundingClientRect()])
    .filter(([, box]) => box.width > 0);
  const found = boxes.filter(([, box]) => box.left < 0 || box.right > innerWidth).map(([name]) => `${name} is cut`);
  boxes.forEach(([name, a], i) => boxes.slice(i + 1).forEach(([other, b]) => {
    if (a.left < b.right - 0.5 && b.left < a.right - 0.5) found.push(`${name} lies over ${other}`);
  }));
  return found;
}"""


@pytest.mark.parametrize("width", [320, 390])
async def test_nothing_in_the_bar_lies_over_anything_else(desk: Desk, people: Person, width: int):
    for _ in range(12):
        with contextlib.suppress(SlackApiError):
            await client_of(people.url).chat_postMessage(channel="C0NOWHERE", text="x")
    await people.do("/clock", advance_s=3600)
    page = await desk.sit("U0EUNJI", "C0CHECKOUT", width=width, height=640)
    await expect(page.get_by_role("button", name=re.compile("What the bot did wrong"))).to_contain_text("12")

    async def overlaps() -> Any:
        return await page.evaluate(OVERLAPS)

    assert await overlaps() == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
