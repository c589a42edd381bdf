"""Does the page stay usable with much in it, and draw whatever Slack would take?"""

import asyncio
import copy
import re
from typing import Any

import pytest
from playwright.async_api import Route, expect

from sandbox.blocks import MESSAGE, MOST_BLOCK_TEXT
from sandbox.inside import block_text
from sandbox.validation import check_blocks
from tests.browser.conftest import Desk
from tests.browser.test_page import box_of, send, thread_of
from tests.sandbox import built, typed
from tests.sandbox.conftest import Person, Running, client_of
from tests.sandbox.examples import smallest
from tests.sandbox.nodejs import needed

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.slow]


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


def packed(found: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """The same blocks in as few messages as Slack takes them in."""
    messages: list[list[dict[str, Any]]] = []
    for several in found:
        together = [*copy.deepcopy(messages[-1]), *several] if messages else several
        typed.told_apart(together)
        if messages and check_blocks(together, MESSAGE) == [] and block_text(together) <= MOST_BLOCK_TEXT:
            messages[-1] = together
        else:
            messages.append(several)
    return messages


async def test_whatever_slack_would_take_is_drawn_without_a_complaint(desk: Desk, people: Person, sandbox: Running):
    needed()
    await people.do("/control/limits", enabled=False)
    client = client_of(sandbox.url)
    uploaded = await client.files_upload_v2(content="one", filename="one.txt", title="one")
    charts = [
        smallest("block/data_visualization") | {"chart": smallest(f"chart/{kind}")}
        for kind in ("pie", "line", "bar", "area")
    ]
    surfaces = built.surfaces(set())
    drawn = typed.all_kinds()[0] + [each["blocks"] for each in surfaces if "type" not in each]
    messages = packed([*drawn, charts[:2], charts[2:]])
    for file in (each for each in typed.dicts(messages) if each.get("type") == "file"):
        file["external_id"] = uploaded["files"][0]["id"]
    for number, blocks in enumerate(messages):
        sent = {"channel": "C0CHECKOUT", "text": f"example {number}", "blocks": blocks}
        await client.api_call("chat.postMessage", json=sent)

    home = packed([each["blocks"] for each in surfaces if each.get("type") == "home"])[0]
    await client.views_publish(user_id="U0MARA", view={"type": "home", "blocks": home})

    page = await desk.sit("U0MARA", "C0CHECKOUT")
    # Pictures and files at made-up addresses cannot be fetched, and are no fault of the page.
    await page.route("**/*", picture)
    # What cannot be drawn is shown as such, in the page's own words, and told to the console as a warning.
    warnings: list[str] = []
    page.on("console", lambda said: warnings.append(said.text) if said.type == "warning" else None)
    await page.reload()
    top = page.locator("article .content > .blocks > .block")
    await expect(top).to_have_count(sum(len(blocks) for blocks in messages))
    assert await page.locator(".unsupported").count() == 0
    assert await page.locator("article .block:empty").count() == 0
    await page.goto(f"{desk.url}/#/as/U0MARA/home")
    await expect(page.locator("main .blocks > .block")).to_have_count(len(home))
    assert warnings == []
    assert len(drawn) > 500
    print(f"{len(drawn)} payloads drawn in {len(messages)} messages")


async def picture(route: Route) -> None:
    if route.request.resource_type == "image":
        await route.fulfill(status=200, content_type="image/svg+xml", body="<svg xmlns='http://www.w3.org/2000/svg'/>")
    else:
        await route.continue_()
