"""Does the page stay usable with much in it, and draw whatever Slack would take?"""

import asyncio
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from playwright.async_api import Route, expect

from sandbox.blocks import BLOCKS, MESSAGE
from sandbox.validation import check_blocks
from tests.browser.conftest import Desk
from tests.browser.test_page import box_of, send, thread_of
from tests.sandbox.conftest import Person, Running, client_of
from tests.sandbox.examples import smallest
from tests.sandbox.test_blocks import objects

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def test_five_thousand_messages_and_a_thread_of_five_hundred_are_scrolled_and_written_to(
    desk: Desk, people: Person
):
    await people.do("/control/limits", enabled=False)
    root = (await people.act("post", channel="C0CHECKOUT", text="the root of it all"))["message"]["ts"]

    async def fill(start: int, end: int, step: int, **more: Any) -> None:
        for number in range(start, end, step):
            await people.act("post", "U0ANA", channel="C0CHECKOUT", text=f"number {number}", **more)

    await asyncio.gather(*(fill(each, 500, 4, thread=root) for each in range(4)))
    await asyncio.gather(*(fill(each, 4500, 4) for each in range(4)))
    await people.act("post", "U0ANA", channel="C0CHECKOUT", text="the newest of all")
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await expect(page.get_by_text("the newest of all")).to_be_visible()
    loaded = await page.get_by_role("article").count()
    assert loaded <= 200

    feed = page.get_by_role("group", name="Messages in #checkout")
    for _ in range(5):
        before = await page.get_by_role("article").count()
        await feed.evaluate(
            "(node) => { let box = node; while (box && box.scrollHeight <= box.clientHeight) box = box.parentElement; box.scrollTop = 0; }"
        )
        await page.wait_for_function("(n) => document.querySelectorAll('article').length > n", arg=before)
    assert await page.get_by_role("article").count() > loaded + 300

    await send(box_of(page), "written at the end of it all")
    await expect(page.get_by_role("article", name=re.compile("written at the end of it all"))).to_be_in_viewport()
    # How long one letter takes to appear with everything drawn; a person notices a tenth of a second.
    await box_of(page).focus()
    spent = await page.evaluate(
        """async () => {
          const box = document.activeElement, times = [];
          for (let n = 0; n < 20; n++) {
            const from = performance.now();
            document.execCommand("insertText", false, "x");
            await new Promise((done) => requestAnimationFrame(done));
            times.push(performance.now() - from);
          }
          return times.sort((a, b) => a - b)[10];
        }"""
    )
    print(f"a letter appears after {spent:.0f} ms")
    assert spent < 1000

    await page.goto(f"{desk.url}/#/as/U0MARA/C0CHECKOUT/{root}")
    thread = thread_of(page)
    await expect(thread.get_by_text("500 replies")).to_be_visible()
    assert await thread.get_by_role("article").count() == 501
    await send(page.get_by_role("textbox", name="Reply"), "the last reply")
    await expect(thread.get_by_role("article", name=re.compile("the last reply"))).to_be_in_viewport()


def drawn_at_random() -> list[list[dict[str, Any]]]:
    """Payloads as the table of Block Kit allows them, from hypothesis, the same ones every time."""
    found: list[list[dict[str, Any]]] = []
    # A file block needs a file that is there.
    kinds = [name for name, shape in BLOCKS.items() if MESSAGE in shape.surfaces and name != "file"]

    @given(st.lists(st.sampled_from(kinds).flatmap(lambda kind: objects(f"block/{kind}")), min_size=1, max_size=3))
    @settings(
        max_examples=80, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def collect(blocks: list[dict[str, Any]]) -> None:
        found.append(blocks)

    collect()
    every = [[smallest(f"block/{kind}")] for kind in kinds]
    return [blocks for blocks in every + found if check_blocks(blocks, MESSAGE) == []]


async def test_whatever_slack_would_take_is_drawn_without_a_complaint(desk: Desk, people: Person, sandbox: Running):
    await people.do("/control/limits", enabled=False)
    client = client_of(sandbox.url)
    page = await desk.sit("U0MARA", "C0CHECKOUT")

    async def picture(route: Route) -> None:
        # Pictures at made-up addresses cannot be fetched, and are no fault of the page.
        if route.request.resource_type == "image":
            await route.fulfill(
                status=200, content_type="image/svg+xml", body="<svg xmlns='http://www.w3.org/2000/svg'/>"
            )
        else:
            await route.continue_()

    await page.route("**/*", picture)
    examples = drawn_at_random()
    assert len(examples) > 70
    for number, blocks in enumerate(examples):
        told = await client.api_call(
            "chat.postMessage", json={"channel": "C0CHECKOUT", "text": f"example {number}", "blocks": blocks}
        )
        article = page.locator(f"article[data-ts='{told['ts']}']")
        await expect(article).to_be_attached()
        drawn = await article.locator(".content > .blocks > *, .content [class^='b-']").count()
        assert drawn >= 1, blocks
    print(f"{len(examples)} payloads drawn")
