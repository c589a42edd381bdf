"""Does one message that cannot be drawn leave the rest of the page as it was?"""

import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Desk
from tests.sandbox.conftest import Person, client_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]
TOO_FAR = 99_999_999_999_999_999
expect.set_options(timeout=20000)


async def seen(page: Page, text: str) -> None:
    await expect(page.get_by_role("article").filter(has_text=text)).to_be_visible()


async def test_a_date_beyond_all_time_shows_its_fallback(desk: Desk, people: Person):
    client = client_of(people.url)
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await client.chat_postMessage(channel="C0CHECKOUT", text=f"due <!date^{TOO_FAR}^{{date_num}}|some day>")
    date = {"type": "date", "timestamp": TOO_FAR, "format": "{date_long}", "fallback": "another day"}
    section = {"type": "rich_text_section", "elements": [date]}
    await client.chat_postMessage(
        channel="C0CHECKOUT", text="rich", blocks=[{"type": "rich_text", "elements": [section]}]
    )
    await client.chat_postMessage(channel="C0CHECKOUT", text="and then")
    for text in ("due some day", "another day", "and then"):
        await seen(page, text)


async def spoilt(route: Route) -> None:
    """The page's own drawing of dates, with a mistake in it that one moment brings to light."""
    reply = await route.fetch()
    source = await reply.text()
    assert "export function formatDate(seconds, format, now, tz) {" in source
    mistake = 'if (seconds === 666) throw new Error("six six six");'
    await route.fulfill(
        response=reply,
        body=source.replace("format, now, tz) {\n  if", f"format, now, tz) {{\n  {mistake}\n  if", 1),
    )


async def test_what_the_page_cannot_draw_is_said_in_its_place_and_stops_nothing(desk: Desk, people: Person):
    client = client_of(people.url)
    page = await desk.sit("U0MARA", "C0RELEASES")
    await page.context.route("**/page/dates.js", spoilt)
    await page.goto(f"{desk.url}/?spoilt#/as/U0MARA/C0CHECKOUT")
    await expect(page.get_by_role("heading", name="checkout", exact=True)).to_be_visible()
    wrong = "<!date^666^{date}|x>"
    await client.chat_postMessage(channel="C0CHECKOUT", text=f"text {wrong}")
    await client.chat_postMessage(
        channel="C0CHECKOUT",
        text="blocks",
        blocks=[
            {"type": "section", "text": {"type": "mrkdwn", "text": wrong}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "beside it"}},
        ],
    )
    await client.chat_postMessage(channel="C0CHECKOUT", text="what comes after")

    await seen(page, "what comes after")
    await seen(page, "This message cannot be drawn here (six six six).")
    blocks = page.get_by_role("article").filter(has_text="beside it")
    await expect(blocks).to_contain_text("This section block cannot be drawn here (six six six).")
    await page.get_by_role("button", name="Look inside").filter(has_text="Look inside").first.click()
    await expect(page.get_by_role("dialog", name="Inside this message")).to_contain_text(re.compile("date\\^666"))
