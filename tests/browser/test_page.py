"""Does the sandbox's page show and do what a person who uses Slack expects?"""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import Desk
from tests.sandbox.conftest import Person, Running, client_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser, pytest.mark.usefixtures("bot")]
PATIENT = 20000
expect.set_options(timeout=PATIENT)


def box_of(page: Page, channel: str = "checkout") -> Locator:
    return page.get_by_role("textbox", name=f"Message #{channel}")


async def send(box: Locator, text: str) -> None:
    await box.fill(text)
    await box.press("Enter")


def thread_of(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Thread")


async def deploy(page: Page, version: str = "1.4.2") -> None:
    """Start the app's sample deployment through its modal."""
    await send(box_of(page), "/deploy start")
    modal = page.get_by_role("dialog", name="Start a deployment")
    await modal.get_by_role("combobox", name="Service").click()
    await page.get_by_role("option", name="checkout").click()
    await modal.get_by_role("textbox", name="Version").fill(version)
    await modal.get_by_role("button", name="Start").click()
    await expect(modal).to_have_count(0)
    await expect(page.get_by_role("button", name="2 replies")).to_be_visible()


async def test_a_person_writes_and_another_reads_it_at_once(desk: Desk):
    mara, ana = await desk.sit("U0MARA", "C0CHECKOUT"), await desk.sit("U0ANA", "C0RELEASES")
    await expect(ana.get_by_role("heading", name="releases", exact=True)).to_be_visible()

    await send(box_of(mara), "*bold* _thin_ ~gone~ `code` @ana :rocket: <b>no markup</b> https://example.com/a")

    shown = mara.get_by_role("article", name=re.compile("Mara Lind"))
    await expect(shown.locator("strong", has_text="bold")).to_be_visible()
    await expect(shown.locator("em")).to_have_text("thin")
    await expect(shown.locator("s")).to_have_text("gone")
    await expect(shown.locator("code")).to_have_text("code")
    await expect(shown.get_by_text("@Ana Ruiz")).to_be_visible()
    await expect(shown.get_by_role("img", name="rocket")).to_be_visible()
    await expect(shown.get_by_text("<b>no markup</b>")).to_be_visible()
    await expect(shown.get_by_role("link", name="https://example.com/a")).to_be_visible()
    await ana.get_by_role("link", name="checkout unread").click()
    await expect(ana.get_by_text("@Ana Ruiz")).to_have_class(re.compile("mention-me"))
    await expect(ana.get_by_role("link", name="checkout unread")).to_have_count(0)


async def test_a_slash_suggests_commands_with_their_usage_and_enter_completes(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    box = box_of(page)
    await box.press_sequentially("/dep")
    await expect(page.get_by_role("option", name=re.compile("deploy.*start"))).to_be_visible()

    await box.press("Enter")
    await expect(box).to_have_value("/deploy ")
    await box.press_sequentially("help")
    await box.press("Enter")

    answer = page.get_by_role("article", name=re.compile("T-Minus.*Type .deploy start"))
    await expect(answer.get_by_text("Only visible to you")).to_be_visible()
    await answer.get_by_role("button", name="Dismiss message").click()
    await expect(answer).to_have_count(0)


async def test_at_suggests_people_and_a_mention_is_answered_in_its_thread(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    box = box_of(page)
    await box.press_sequentially("@t-m")
    await page.get_by_role("option", name=re.compile("T-Minus")).click()
    await box.press_sequentially("check tls")
    await box.press("Enter")

    await page.get_by_role("button", name="1 reply").click()
    await expect(thread_of(page).get_by_text("said: check tls")).to_be_visible()
    await send(page.get_by_role("textbox", name="Reply"), "thank you")
    await expect(page.get_by_role("button", name="2 replies")).to_be_visible()
    await expect(thread_of(page).get_by_role("article", name=re.compile("Mara Lind.*thank you"))).to_be_visible()


async def test_a_modal_says_in_place_what_is_wrong_and_keeps_what_was_typed(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await send(box_of(page), "/deploy start")
    modal = page.get_by_role("dialog", name="Start a deployment")
    version = modal.get_by_role("textbox", name="Version")
    await version.fill("latest")

    await modal.get_by_role("button", name="Start").click()
    await expect(modal.get_by_text("Please complete this required field.")).to_be_visible()
    await expect(modal.get_by_role("combobox", name="Service")).to_be_focused()

    await page.keyboard.press("Enter")
    await page.get_by_role("combobox", name=re.compile("Search")).fill("pay")
    await page.keyboard.press("Enter")
    await expect(modal.get_by_role("combobox", name="Service")).to_have_text("payments")
    await modal.get_by_role("button", name="Start").click()
    await expect(modal.get_by_text("“latest” is not a version, such as 1.4.2.")).to_be_visible()
    await expect(version).to_have_value("latest")
    await expect(version).to_have_attribute("aria-invalid", "true")

    await modal.get_by_role("button", name="Details").click()
    await expect(page.get_by_role("dialog", name="Who holds it")).to_be_visible()
    await page.get_by_role("button", name="Back").click()
    await expect(version).to_have_value("latest")

    await version.fill("1.4.2")
    await version.press("Enter")
    await expect(modal).to_have_count(0)
    await expect(page.get_by_role("article", name=re.compile("payments 1.4.2"))).to_be_visible()


async def test_escape_closes_a_modal_and_gives_the_focus_back(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await send(box_of(page), "/deploy start")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(box_of(page)).to_be_focused()
    await page.keyboard.type("and on we type")
    await expect(box_of(page)).to_have_value("and on we type")


async def test_after_a_modal_was_submitted_the_keyboard_writes_into_the_message_box(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await deploy(page)
    await expect(box_of(page)).to_be_focused()
    await page.keyboard.type("on its way")
    await expect(box_of(page)).to_have_value("on its way")


async def test_what_is_typed_fast_is_sent_in_its_order_over_a_slow_network(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")

    async def slowly(route: Route) -> None:
        await asyncio.sleep(0.3)
        await route.continue_()

    await page.route("**/control/post", slowly)
    for text in ("one", "two", "three"):
        await box_of(page).press_sequentially(text)
        await box_of(page).press("Enter")
    await expect(page.get_by_role("article").get_by_text("three")).to_be_visible()
    shown = await page.get_by_role("article").all_inner_texts()
    assert [text.split()[-1] for text in shown] == ["one", "two", "three"]


async def test_a_press_changes_the_card_for_everybody_in_place(desk: Desk):
    mara, ana = await desk.sit("U0MARA", "C0CHECKOUT"), await desk.sit("U0ANA", "C0CHECKOUT")
    await deploy(mara)

    await ana.get_by_role("article", name=re.compile("1.4.2")).get_by_role("button", name="Go", exact=True).click()

    await expect(mara.get_by_text("🟢 GO @Ana Ruiz")).to_be_visible()
    await expect(mara.get_by_text("2023-11-14 at 23:13")).to_be_visible()


async def test_a_dangerous_button_asks_first(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await deploy(page)
    await page.get_by_role("article").get_by_role("button", name="Roll back").click()
    asked = page.get_by_role("alertdialog", name="Roll back?")
    await asked.get_by_role("button", name="Leave it").click()
    await expect(asked).to_have_count(0)

    await page.get_by_role("article").get_by_role("button", name="Roll back").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Roll back").click()

    await page.get_by_role("button", name="2 replies").click()
    await expect(thread_of(page).get_by_text("roll_back: roll_back")).to_be_visible()


async def test_boxes_menus_and_choices_in_a_thread_reach_the_app(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await deploy(page)
    await page.get_by_role("button", name="2 replies").click()
    thread = thread_of(page)
    section = thread.get_by_role("article", name=re.compile("Security Verification|ticked"))

    await section.get_by_role("checkbox", name="Done").check()
    await expect(section.get_by_text("☑ Firewall rules applied")).to_be_visible()
    await expect(section.get_by_role("checkbox", name="Done")).to_be_checked()

    await section.get_by_role("button", name="More actions").nth(1).click()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(thread.get_by_text("o2: waive…")).to_be_visible()

    await thread.get_by_role("combobox", name="Town", exact=True).click()
    await page.get_by_role("option", name="Lima").click()
    await expect(thread.get_by_text("town: lima")).to_be_visible()
    await thread.get_by_role("combobox", name="Who signs").click()
    await page.get_by_role("option", name=re.compile("Chloé Martin")).click()
    await expect(thread.get_by_text("who: U0CHLOE")).to_be_visible()
    await thread.get_by_role("combobox", name="Towns").click()
    await page.get_by_role("option", name="Oslo").click()
    await expect(thread.get_by_text("towns: oslo")).to_be_visible()
    await page.keyboard.press("Escape")
    await thread.get_by_role("combobox", name="Branch").click()
    await page.get_by_role("combobox", name="Search Branch").fill("hot")
    await page.get_by_role("option", name="hotfix").click()
    await expect(thread.get_by_text("branch: hotfix")).to_be_visible()
    await thread.get_by_label("Day").fill("2026-12-01")
    await expect(thread.get_by_text("day: 2026-12-01")).to_be_visible()
    await thread.get_by_role("radio", name="Fast").check()
    await expect(thread.get_by_text("pace: fast")).to_be_visible()
    await thread.get_by_role("textbox", name="Remark").fill("all quiet")
    await thread.get_by_role("textbox", name="Remark").press("Enter")
    await expect(thread.get_by_text("remark: all quiet")).to_be_visible()

    await expect(thread.get_by_role("columnheader", name="p95")).to_be_visible()
    await expect(thread.get_by_role("listitem").filter(has_text="a point")).to_be_visible()


async def test_what_is_typed_and_where_one_reads_survive_what_others_do(desk: Desk, sandbox: Running, people: Person):
    client = client_of(sandbox.url)
    await people.do("/control/limits", enabled=False)
    root = await client.chat_postMessage(channel="C0CHECKOUT", text="root")
    sent: list[Any] = [
        await client.chat_postMessage(channel="C0CHECKOUT", thread_ts=root["ts"], text=f"reply {n} " + "long " * 60)
        for n in range(12)
    ]
    page = await desk.sit("U0MARA", f"C0CHECKOUT/{root['ts']}")
    reply = page.get_by_role("textbox", name="Reply")
    await expect(thread_of(page).get_by_text("reply 11 ")).to_be_visible()
    await reply.fill("half a sent")
    await thread_of(page).get_by_text("reply 4 ").scroll_into_view_if_needed()
    await page.evaluate("document.querySelector('.pane .feed').scrollTop = 300")
    await reply.evaluate("(node) => { node.focus({preventScroll: true}); node.setSelectionRange(4, 4); }")
    before = await thread_of(page).get_by_text("reply 4 ").bounding_box()

    await client.chat_update(channel="C0CHECKOUT", ts=sent[0]["ts"], text="shorter now")
    await client.chat_postMessage(channel="C0CHECKOUT", thread_ts=root["ts"], text="one more")
    await client.chat_update(channel="C0CHECKOUT", ts=sent[11]["ts"], text="reply 11 edited")

    await expect(thread_of(page).get_by_role("button", name="New messages")).to_be_visible()
    await expect(thread_of(page).get_by_text("shorter now")).to_have_count(1)
    after = await thread_of(page).get_by_text("reply 4 ").bounding_box()
    assert before
    assert after
    assert abs(before["y"] - after["y"]) <= 2
    await expect(reply).to_have_value("half a sent")
    await expect(reply).to_be_focused()
    assert await reply.evaluate("(node) => node.selectionStart") == 4


async def test_an_open_menu_stays_open_while_its_message_is_edited(desk: Desk, sandbox: Running):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await deploy(page)
    card = page.get_by_role("article", name=re.compile("1.4.2"))
    await card.get_by_role("button", name="More actions").click()
    await expect(page.get_by_role("menu", name="More actions")).to_be_visible()
    ts = await card.get_attribute("data-ts")

    from tests.browser.pagebot import card as blocks  # noqa: PLC0415 (only this test draws the card itself)

    await client_of(sandbox.url).chat_update(
        channel="C0CHECKOUT", ts=str(ts), text="edited 1.4.2", blocks=blocks("🟢 GO")
    )
    await expect(page.get_by_text("🟢 GO")).to_be_visible()
    await expect(page.get_by_role("menu", name="More actions")).to_be_visible()
    await page.get_by_role("menuitem", name="Waive…").click()
    await expect(page.get_by_role("menu")).to_have_count(0)


async def test_home_shows_what_the_app_publishes_and_obeys_its_buttons(desk: Desk):
    page = await desk.sit("U0ANA", "home")
    await page.get_by_role("button", name="Go from Home").click()
    await expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    await page.get_by_role("link", name="Messages").click()
    await expect(page.get_by_role("article", name=re.compile("You said go."))).to_be_visible()


async def test_whoever_becomes_somebody_else_in_a_conversation_sees_that_persons_own(desk: Desk, people: Person):
    page = await desk.sit("U0MARA", "home")
    await page.get_by_role("link", name="Messages", exact=True).click()
    await expect(page.get_by_role("textbox")).to_be_visible()
    for was, will_be, user in (("Mara Lind", "Ana Ruiz", "U0ANA"), ("Ana Ruiz", "Grace Hall", "U0GRACE")):
        own = (await people.get("/control/state", **{"as": user}))["channels"]
        talk = next(one["id"] for one in own if one["kind"] == "im")
        await page.get_by_role("button", name=f"Acting as {was}").click()
        await page.get_by_role("menuitemradio", name=re.compile(will_be)).click()
        await expect(page.get_by_role("button", name=f"Acting as {will_be}")).to_be_visible()
        await expect(page).to_have_url(re.compile(f"#/as/{user}/{talk}$"))
        await expect(page.get_by_role("textbox")).to_be_visible()
        await expect(page.get_by_text("Reconnecting")).to_have_count(0)


async def test_one_can_act_as_somebody_else_and_sees_what_they_see(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await send(box_of(page), "/deploy help")
    await expect(page.get_by_text("Only visible to you")).to_be_visible()
    await page.get_by_role("button", name="Acting as Mara Lind").click()
    await page.get_by_role("menuitemradio", name=re.compile("Chloé Martin")).click()

    await expect(page.get_by_role("button", name="Acting as Chloé Martin")).to_be_visible()
    await expect(page).to_have_url(re.compile("#/as/U0CHLOE/C0CHECKOUT$"))
    await expect(page.get_by_text("Only visible to you")).to_have_count(0)
    await send(box_of(page), "it is me")
    await expect(page.get_by_role("article", name=re.compile("Chloé Martin.*it is me"))).to_be_visible()


async def test_the_clock_can_be_moved_and_says_who_waits_for_what(desk: Desk, people: Person):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await expect(page.get_by_role("button", name="Next due")).to_be_disabled()
    await page.get_by_role("button", name="+1 h", exact=True).click()
    await page.get_by_role("button", name="+1 day", exact=True).click()
    await expect(page.get_by_text("+1 d 1 h")).to_be_visible()
    now = (await people.get("/clock"))["now"]
    year = str(int(now[:4]) + 1)
    reply = await people.http.put(
        f"{people.url}/clock/due/t-minus", json={"at": year + now[4:], "what": "T+7 d of checkout-1"}
    )
    assert reply.status_code == 200

    await expect(page.get_by_text(re.compile("T\\+7 d of checkout-1 in 36[0-9] d"))).to_be_visible()
    await page.get_by_role("button", name="Next due").click()
    await expect(page.get_by_text("T+7 d of checkout-1 is due now")).to_be_visible()
    assert (await people.get("/clock"))["now"] >= year + now[4:19]


async def test_what_the_bot_did_wrong_is_listed(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await send(box_of(page), "/deploy late")
    await expect(page.get_by_role("alert").first).to_contain_text("/deploy")
    await send(box_of(page), "/deploy wrong")

    await page.get_by_role("button", name=re.compile("What the bot did wrong [2-9]")).click()
    panel = page.get_by_role("complementary", name="What the bot did wrong")
    await expect(panel.get_by_role("button", name=re.compile("chat.postMessage"))).to_be_visible()
    await expect(panel.get_by_role("button", name=re.compile("deploy"))).to_be_visible()
    await panel.get_by_role("button", name=re.compile("chat.postMessage")).click()
    await expect(page.get_by_role("dialog").get_by_text("invalid_blocks").first).to_be_visible()
    await page.get_by_role("dialog").get_by_role("button", name="Close").click()


async def test_a_fault_can_be_added_and_stopped(desk: Desk, people: Person):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await page.get_by_role("button", name="What the bot did wrong").click()
    await page.get_by_role("tab", name="Faults").click()
    await page.get_by_label("What goes wrong", exact=True).select_option("slow")
    await page.get_by_label("Only this method").fill("chat.update")
    await page.get_by_label("Seconds").fill("2")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_text("The API is slow · chat.update · 2 s")).to_be_visible()
    assert [rule["fault"] for rule in (await people.get("/control/faults"))["rules"]] == ["slow"]
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_text("Nothing: the sandbox is kind.")).to_be_visible()
    await page.get_by_label("Rate limits by Slack's tiers").uncheck()

    async def unlimited() -> bool:
        return (await people.get("/control/state", **{"as": "U0MARA"}))["limits"] is False

    await people.until(unlimited, "the switch")


async def test_files_are_sent_shown_and_can_be_fetched(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    picture = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
    )
    await page.get_by_label("Files to attach").set_input_files(
        [
            {"name": "deploy.log", "mimeType": "text/plain", "buffer": b"step 1 done\nstep 2 done\n"},
            {"name": "chart.png", "mimeType": "image/png", "buffer": picture},
        ]
    )
    await send(box_of(page), "the log and the chart")

    message = page.get_by_role("article", name=re.compile("the log and the chart"))
    await expect(message.get_by_text("step 2 done")).to_be_visible()
    await expect(message.get_by_role("img", name="chart.png")).to_be_visible()
    async with page.expect_download() as fetched:
        await message.get_by_role("link", name="deploy.log").click()
    assert (await (await fetched.value).path()).read_bytes() == b"step 1 done\nstep 2 done\n"


async def test_the_inside_of_a_message_can_be_seen_and_reactions_toggled(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await deploy(page)
    card = page.get_by_role("article", name=re.compile("1.4.2"))
    await card.hover()
    await card.get_by_role("button", name="Look inside").click()
    await expect(
        page.get_by_role("dialog", name="Inside this message").get_by_text('"key": "checkout-1"')
    ).to_be_visible()
    await page.keyboard.press("Escape")
    await card.hover()
    await card.get_by_role("button", name="Add reaction").click()
    await page.get_by_role("option", name=":eyes:").click()
    await card.get_by_role("button", name="eyes 1").click()
    await expect(card.get_by_role("button", name="eyes 1")).to_have_count(0)


async def test_the_keyboard_alone_reaches_a_thread_and_comes_back(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await deploy(page)
    await box_of(page).focus()
    await page.keyboard.press("Shift+Tab")
    for _ in range(12):
        if await page.evaluate("document.activeElement.tagName") == "ARTICLE":
            break
        await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Reply")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(thread_of(page)).to_have_count(0)
    await expect(box_of(page)).to_be_focused()


async def test_a_channel_without_the_app_can_invite_it(desk: Desk, people: Person):
    page = await desk.sit("U0MARA", "C0RANDOM")
    await send(box_of(page, "random"), "/invite @T-Minus")

    async def inside() -> bool:
        state = await people.get("/control/state", **{"as": "U0MARA"})
        return "U0TMINUS" in next(each for each in state["channels"] if each["id"] == "C0RANDOM")["members"]

    await people.until(inside, "the app in #random")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)], ids=["wide", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_fits_a_wide_screen_and_a_phone_in_light_and_dark(desk: Desk, theme: str, width: int, height: int):
    page = await desk.sit("U0MARA", "C0CHECKOUT", theme=theme, width=width, height=height)
    await deploy(page)
    await page.get_by_role("button", name="2 replies").click()
    await expect(thread_of(page).get_by_text("Security Verification")).to_be_visible()

    thread = await thread_of(page).bounding_box()
    assert thread
    assert thread["width"] >= (480 if width > 1000 else width)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    back = await page.evaluate("getComputedStyle(document.querySelector('.pane')).backgroundColor")
    assert (sum(int(part) for part in re.findall(r"\d+", back)[:3]) < 200) == (theme == "dark")


MRKDWN = [
    ("*bold* and _thin_", "<strong>bold</strong> and <em>thin</em>"),
    ("*_both_*", "<strong><em>both</em></strong>"),
    ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
    ("* not bold *", "* not bold *"),
    ("`*as typed*`", '<code class="code">*as typed*</code>'),
    ("a &lt;b&gt; &amp;amp;", "a &lt;b&gt; &amp;amp;"),
    ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ("one\ntwo", "one<br>two"),
    ("> said\nso", '<blockquote class="quote">said</blockquote>so'),
    ("&gt;&gt;&gt;all\nof it", '<blockquote class="quote">all<br>of it</blockquote>'),
    ("```\nx = *1*\n```", '<pre class="pre"><code>x = *1*</code></pre>'),
    ("<javascript:alert(1)|press>", "<span>press</span>"),
    (":no_such_emoji: 14:30:15", ":no_such_emoji: 14:30:15"),
    ("<!date^0^{nonsense}|a moment>", "a moment"),
    ("<!date^1767225600^{date_num}|x>", re.compile(r"<time .*>2026-01-01</time>")),
    ("<!date^1767225600^{time}|x>", re.compile(r"<time .*>09:00</time>")),
    ("<@U0ANA>", re.compile(r'<span class="mention" .*>@Ana Ruiz</span>')),
    ("<#C0RELEASES>", re.compile(r"<a .*>#releases</a>")),
    ("<!subteam^S0DBATEAM>", re.compile(r"<span .*>@dba-team</span>")),
    (
        "<https://example.com/?a=1&amp;b=2|*see*>",
        re.compile(r'<a href="https://example.com/\?a=1&amp;b=2".*<strong>see</strong>'),
    ),
    ("&lt;https://example.com/x&gt;", re.compile(r'&lt;<a href="https://example.com/x".*</a>&gt;')),
    ("(https://example.com/x).", re.compile(r'\(<a href="https://example.com/x".*</a>\)\.')),
]


async def test_mrkdwn_means_what_it_means_in_slack(desk: Desk):
    page = await desk.sit("U0EUNJI", "C0CHECKOUT")
    await expect(box_of(page)).to_be_visible()
    shown = await page.evaluate(
        """async (texts) => {
          const { mrkdwn } = await import("/page/mrkdwn.js");
          return texts.map((text) => { const box = document.createElement("div"); box.append(...mrkdwn(text)); return box.innerHTML; });
        }""",
        [text for text, _ in MRKDWN],
    )
    wrong = [
        (text, html)
        for (text, wanted), html in zip(MRKDWN, shown, strict=True)
        if not (html == wanted if isinstance(wanted, str) else wanted.fullmatch(html) or wanted.match(html))
    ]
    assert wrong == []


async def test_unread_messages_are_marked_and_begin_at_a_line(desk: Desk, people: Person):
    page = await desk.sit("U0MARA", "C0RELEASES")
    await expect(box_of(page, "releases")).to_be_visible()
    await people.act("post", user="U0ANA", channel="C0PAYMENTS", text="seen by nobody yet, @mara")

    row = page.get_by_role("link", name="payments unread 1")
    await row.click()
    await expect(page.get_by_role("separator", name="New")).to_be_visible()
    await expect(page.get_by_role("link", name="payments", exact=True)).to_be_visible()

    async def read() -> bool:
        state = await people.get("/control/state", **{"as": "U0MARA"})
        return next(each for each in state["channels"] if each["id"] == "C0PAYMENTS")["unread"] == 0

    await people.until(read, "the mark")


@pytest.mark.parametrize("slow", ["state", "messages"])
async def test_a_message_that_comes_while_the_page_loads_is_unread_once(desk: Desk, people: Person, slow: str):
    page = await desk.sit("U0MARA", "C0RELEASES")
    await expect(box_of(page, "releases")).to_be_visible()
    asked = asyncio.Event()
    posted = asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        asked.set()
        await posted.wait()
        await route.fulfill(response=answer)

    await page.route(f"**/control/{slow}?*", late)
    if slow == "state":
        await people.act("open_direct", user="U0ANA")
        await people.do("/control/user", user="U0IVY", presence="away", deleted=False)
    else:
        await page.get_by_role("link", name="random").click()
    await asyncio.wait_for(asked.wait(), 20)
    await people.act("post", user="U0ANA", channel="C0PAYMENTS", text="while it loads, @mara")
    await page.wait_for_timeout(300)
    posted.set()
    await expect(page.get_by_role("link", name="payments unread 1", exact=True)).to_be_visible()


async def test_a_home_that_is_published_while_the_page_asks_for_it_is_not_forgotten(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    published = asyncio.Event()

    async def late(route: Route) -> None:
        # What was so when it was asked for.
        await published.wait()
        await route.fulfill(json={"ok": True, "view": None})

    await page.route("**/control/home?*", late, times=1)
    await page.goto(f"{desk.url}/#/as/U0MARA/home")
    button = page.get_by_role("button", name="Go from Home")
    await expect(button).to_be_visible()
    async with page.expect_response("**/control/home?*"):
        published.set()
    await page.wait_for_timeout(200)
    await expect(button).to_be_visible()


async def test_a_link_opens_the_channel_the_thread_and_the_person(desk: Desk, people: Person):
    root = await people.act("post", channel="C0CHECKOUT", text="the root")
    await people.act("post", channel="C0CHECKOUT", thread=root["message"]["ts"], text="the reply")
    page = await desk.sit("U0GRACE", f"C0CHECKOUT/{root['message']['ts']}")
    await expect(page.get_by_role("button", name="Acting as Grace Hall")).to_be_visible()
    await expect(thread_of(page).get_by_text("the reply")).to_be_visible()
    await thread_of(page).get_by_role("button", name="Close").click()
    await expect(page).to_have_url(re.compile("#/as/U0GRACE/C0CHECKOUT$"))


async def test_a_modal_that_the_app_updates_keeps_what_is_being_typed(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await send(box_of(page), "/deploy start")
    modal = page.get_by_role("dialog", name="Start a deployment")
    await modal.get_by_role("textbox", name="Notes").fill("half a")
    await modal.get_by_role("button", name="Look again").click()
    await modal.get_by_role("textbox", name="Notes").press_sequentially(" sentence")

    await expect(modal.get_by_text("production is free now.")).to_be_visible()
    await expect(modal.get_by_role("textbox", name="Notes")).to_have_value("half a sentence")
    await expect(modal.get_by_role("textbox", name="Notes")).to_be_focused()


async def test_every_block_and_element_that_the_sandbox_accepts_has_a_renderer(desk: Desk, people: Person):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    accepted = (await people.get("/control/blocks"))["shapes"]
    drawn = await page.evaluate(
        """async () => ({
          block: (await import("/page/blocks.js")).BLOCK_TYPES,
          element: (await import("/page/elements.js")).ELEMENT_TYPES,
        })"""
    )
    names = [shape.split("/") for shape in accepted if shape.startswith(("block/", "element/"))]
    assert len(names) > 30
    assert [name for kind, name in names if name not in drawn[kind]] == []


async def test_charts_data_tables_markdown_and_alerts_are_drawn(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT")
    await send(box_of(page), "/deploy charts")
    shown = page.get_by_role("article", name=re.compile("Charts"))
    await expect(shown.get_by_role("img", name="Latency, ms: line chart of p50, p95")).to_be_visible()
    await expect(shown.get_by_role("img", name="Answers: pie chart of ok, slow")).to_be_visible()
    await expect(shown.get_by_role("rowheader", name="/cart")).to_be_visible()
    await expect(shown.get_by_role("heading", name="Notes")).to_be_visible()
    await expect(shown.get_by_text("p95 is rising")).to_be_visible()


async def test_on_a_phone_the_channels_and_the_clock_open_on_demand(desk: Desk):
    page = await desk.sit("U0MARA", "C0CHECKOUT", width=390, height=844)
    await expect(box_of(page)).to_be_visible()
    await page.get_by_role("button", name="Channels and people").click()
    await page.get_by_role("link", name="payments").click()
    await expect(box_of(page, "payments")).to_be_visible()
    await page.get_by_role("group", name="Sandbox clock").get_by_role("button", expanded=False).click()
    await page.get_by_role("button", name="+1 h", exact=True).click()
    await expect(page.get_by_role("button", name="Acting as Mara Lind")).to_be_visible()
    await page.get_by_role("link", name="random").wait_for(state="hidden")


async def test_the_bare_address_opens_as_the_first_person_in_a_channel(desk: Desk):
    page = await desk.sit("U0MARA")
    await page.goto("about:blank")
    await page.goto(f"{desk.url}/")
    await expect(page.get_by_role("button", name="Acting as Mara Lind")).to_be_visible()
    await expect(box_of(page)).to_be_visible()
    await expect(page).to_have_url(re.compile("#/as/U0MARA/C0CHECKOUT$"))


async def test_a_root_drawn_twice_keeps_its_choices_apart_and_in_step(desk: Desk, sandbox: Running):
    from tests.browser.pagebot import everything  # noqa: PLC0415 (only this test posts them as a root)

    root = await client_of(sandbox.url).chat_postMessage(channel="C0CHECKOUT", text="a root", blocks=everything())
    page = await desk.sit("U0MARA", f"C0CHECKOUT/{root['ts']}")
    await thread_of(page).get_by_role("radio", name="Fast").check()
    in_channel = page.get_by_role("main").get_by_role("radio", name="Fast")
    await expect(in_channel).to_be_checked()
    await expect(thread_of(page).get_by_role("radio", name="Fast")).to_be_checked()
    ids = await page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))


async def test_a_channel_that_was_hidden_behind_its_thread_has_a_whole_message_box(desk: Desk, people: Person):
    root = await people.act("post", channel="C0CHECKOUT", text="the root")
    page = await desk.sit("U0MARA", f"C0CHECKOUT/{root['message']['ts']}", width=900, height=700)
    await thread_of(page).get_by_role("button", name="Close").click()
    shown = await box_of(page).bounding_box()
    assert shown
    assert shown["height"] >= 30
