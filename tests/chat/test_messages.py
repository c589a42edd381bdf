"""What is wanted comes to stand in Slack: once, in order, in its newest form."""

import asyncio
import time
from dataclasses import replace

import pytest

from bot.chat.budget import Budget
from bot.model import MessageState, Wanted
from tests.chat.conftest import card, reply, running, until

pytestmark = pytest.mark.real


async def test_a_card_comes_before_its_replies_and_they_keep_their_order(chat, outbox, slack):
    for n in range(5):
        outbox.want("checkout-1", reply(f"section:{n}"))
    outbox.want("checkout-1", card())
    chat.nudge()

    await until(lambda: outbox.settled)

    assert slack.keys() == ["checkout-1/card", *(f"checkout-1/section:{n}" for n in range(5))]
    root = slack.posts[0]
    assert {post.thread_ts for post in slack.posts[1:]} == {root.ts}


async def test_a_change_is_sent_to_the_message_that_stands(chat, outbox, slack):
    outbox.want("checkout-1", card("one"))
    await until(lambda: outbox.settled)
    outbox.want("checkout-1", card("two", blocks=({"type": "divider"},)))
    chat.nudge()
    await until(lambda: outbox.settled)

    assert [(post.text, post.blocks) for post in slack.posts] == [("two", [{"type": "divider"}])]


async def test_the_newest_form_is_sent_not_the_one_that_was_owed_first(chat, outbox, slack):
    slack.fault("auth.test")
    outbox.want("checkout-1", card("0"))
    await until(lambda: outbox.settled)
    for n in range(1, 200):
        outbox.want("checkout-1", card(str(n)))
        chat.nudge()
        await asyncio.sleep(0)
    await until(lambda: outbox.settled)

    assert slack.posts[0].text == "199"
    assert len(slack.called("chat.update")) < 199


async def test_a_change_there_and_back_ends_as_it_is_wanted(make_chat, outbox, slack):
    """The form is the hash of what was really sent, so a tick that is taken back at once is not left standing."""
    outbox.want("checkout-1", card("off"))
    async with running(make_chat()):
        await until(lambda: outbox.settled)
    render, once = outbox.render, ["the first time"]

    async def meanwhile(deployment, key):
        if not once:
            return await render(deployment, key)
        once.clear()
        outbox.want("checkout-1", card("on and off"))
        wanted = await render(deployment, key)
        outbox.want("checkout-1", card("on"))
        return wanted

    outbox.want("checkout-1", card("on"))
    outbox.render = meanwhile
    async with running(make_chat()):
        await until(lambda: outbox.settled)
    assert [one["text"] for one in slack.called("chat.update")] == ["on and off", "on"]
    assert slack.posts[0].text == "on"


async def test_a_form_that_depends_on_the_time_is_sent_once_and_settles(chat, outbox, slack):
    """A finding expired since the record was saved: what is rendered now differs from what was wanted then."""
    render = outbox.render

    async def later(deployment, key):
        wanted = await render(deployment, key)
        return replace(wanted, text=f"{wanted.text}, expired")

    chat._loop._messages._render = later
    outbox.want("checkout-1", card("one"))
    await until(lambda: outbox.settled)
    outbox.want("checkout-1", card("two"))
    await until(lambda: outbox.settled)

    assert [post.text for post in slack.posts] == ["two, expired"]
    assert len(slack.called("chat.update")) == 1


async def test_a_person_is_written_to_directly(chat, outbox, slack):
    outbox.want("checkout-1", Wanted(key="ask:dba:U0ANA", to="U0ANA", in_thread=False, text="Your go?", urgent=True))
    await until(lambda: outbox.settled)
    outbox.want("checkout-1", Wanted(key="ask:dba:U0ANA", to="U0ANA", in_thread=False, text="Thanks.", urgent=True))
    await until(lambda: outbox.settled)

    assert [(post.channel, post.text) for post in slack.posts] == [("D0ANA", "Thanks.")]
    assert len(slack.called("conversations.open")) == 1


async def test_a_channel_may_be_named_as_people_name_it(chat, outbox, slack):
    slack.channels = [{"name": "releases", "id": "C0RELEASES"}]
    outbox.want("checkout-1", Wanted(key="announce:1", to="#releases", in_thread=False, text="It is live."))
    outbox.want("checkout-1", Wanted(key="announce:2", to="#relaeses", in_thread=False, text="It is live."))
    await until(lambda: outbox.settled)

    assert [(post.channel, post.key) for post in slack.posts] == [("C0RELEASES", "checkout-1/announce:1")]
    assert "There is no channel #relaeses" in outbox.why("checkout-1", "announce:2")


async def test_one_message_that_fails_stops_neither_its_thread_nor_the_others(make_chat, outbox, slack):
    outbox.want("checkout-1", card())
    outbox.want("checkout-1", reply("broken"))
    outbox.want("checkout-1", reply("after"))
    outbox.want("billing-1", card(to="C0BILL"))
    render = outbox.render

    async def failing(deployment, key):
        if key == "broken":
            raise KeyError("no such step")
        return await render(deployment, key)

    outbox.render = failing
    async with running(make_chat()):
        await until(lambda: outbox.state("checkout-1", "after") is MessageState.SHOWN)
        await until(lambda: outbox.state("billing-1", "card") is MessageState.SHOWN)
        outbox.render = render
    async with running(make_chat()):
        await until(lambda: outbox.settled)


async def test_a_store_that_does_not_answer_is_asked_again(make_chat, outbox, slack):
    outbox.broken = OSError("no database")
    outbox.want("checkout-1", card())
    async with running(make_chat()):
        await asyncio.sleep(0.1)
        outbox.broken = None
        await until(lambda: outbox.settled)
    assert slack.keys() == ["checkout-1/card"]


# ── Lost answers ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_post_whose_answer_was_lost_is_found_and_not_doubled(make_chat, outbox, slack):
    slack.late_s = 0.1
    slack.fault("chat.postMessage", "lose")
    outbox.want("checkout-1", card("the only one"))
    async with running(make_chat(grace_s=0.5)):
        await until(lambda: outbox.settled)

    assert [post.text for post in slack.posts] == ["the only one"]
    assert not slack.called("chat.update"), "its form was found with it"


async def test_a_post_that_never_arrived_is_sent_after_the_look_up(chat, outbox, slack):
    slack.fault("chat.postMessage", "drop")
    outbox.want("checkout-1", card())
    await until(lambda: outbox.settled)

    assert slack.keys() == ["checkout-1/card"]
    assert [what for what, _ in outbox.log] == ["sending", "wanted_again", "sending", "shown"]


async def test_what_a_dead_process_left_in_sending_is_looked_up_after_the_grace(make_chat, outbox, slack):
    outbox.want("checkout-1", card())
    async with running(make_chat()):
        await until(lambda: outbox.settled)
    outbox.want("checkout-1", reply("section:1"))
    outbox.want("checkout-1", reply("section:2"))
    outbox.found_sending("checkout-1", "section:1")
    slack.said_by_others("C0SHIP", "looks like it", key="checkout-1/section:1", thread_ts=slack.posts[0].ts)

    async with running(make_chat(grace_s=0.2)):
        await until(lambda: outbox.settled)

    mine = [post.key for post in slack.posts if post.user != "U0OTHER"]
    assert mine == ["checkout-1/card", "checkout-1/section:1", "checkout-1/section:2"]


async def test_an_urgent_message_does_not_wait_for_one_that_is_being_looked_up(make_chat, outbox, slack):
    outbox.want("checkout-1", card())
    async with running(make_chat()):
        await until(lambda: outbox.settled)
    outbox.want("checkout-1", reply("section:1"))
    outbox.found_sending("checkout-1", "section:1")
    outbox.want("checkout-1", reply("section:2"))
    outbox.want("checkout-1", reply("alarm:p95", urgent=True))

    async with running(make_chat(grace_s=3600)):
        await until(lambda: outbox.state("checkout-1", "alarm:p95") is MessageState.SHOWN)

    assert outbox.state("checkout-1", "section:2") is MessageState.WANTED


async def test_an_update_whose_answer_was_lost_is_sent_again(chat, outbox, slack):
    outbox.want("checkout-1", card("one"))
    await until(lambda: outbox.settled)
    slack.fault("chat.update", "drop", "lose", "status:503")
    outbox.want("checkout-1", card("two"))
    await until(lambda: outbox.settled)

    assert [post.text for post in slack.posts] == ["two"]


# ── What Slack refuses ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("is_archived", "C0SHIP is archived; unarchive it"),
        ("not_in_channel", "T-Minus is not in C0SHIP; invite it"),
        ("channel_not_found", "Slack knows no C0SHIP"),
        ("invalid_blocks", "a fault of T-Minus"),
        ("too_many_attachments", "Slack refuses this message (too_many_attachments)"),
    ],
)
async def test_what_slack_will_never_take_is_given_up_with_a_sentence(chat, outbox, slack, code, words):
    slack.fault("chat.postMessage", f"error:{code}")
    outbox.want("checkout-1", card())
    await until(lambda: outbox.why("checkout-1", "card") != "")

    assert words in outbox.why("checkout-1", "card")
    assert len(slack.called("chat.postMessage")) == 1

    outbox.want("checkout-1", card("written differently"))
    await until(lambda: outbox.settled and bool(slack.posts))


async def test_a_429_is_waited_for_and_nothing_is_looked_up(chat, outbox, slack):
    slack.fault("chat.postMessage", "limit:1")
    outbox.want("checkout-1", card())
    await until(lambda: outbox.settled)

    first, second = [at for method, _, at in slack.calls if method == "chat.postMessage"]
    assert second - first >= 1
    assert not slack.called("conversations.history")
    assert len(slack.posts) == 1


async def test_without_any_connection_nothing_has_to_be_looked_up(make_chat, outbox, slack):
    chat = make_chat(grace_s=3600)
    await slack.stop()
    outbox.want("checkout-1", card())
    async with running(chat):
        await until(lambda: ("wanted_again", "card") in outbox.log)
    assert outbox.state("checkout-1", "card") is MessageState.WANTED


async def test_a_wrong_token_gives_nothing_up(chat, outbox, slack):
    slack.fault("chat.postMessage", "error:token_revoked")
    outbox.want("checkout-1", card())
    await until(lambda: outbox.settled)
    assert len(slack.posts) == 1


async def test_a_message_that_somebody_deleted_comes_back(chat, outbox, slack):
    outbox.want("checkout-1", card("one"))
    await until(lambda: outbox.settled)
    slack.posts.clear()
    outbox.want("checkout-1", card("two"))
    await until(lambda: outbox.settled)

    assert [post.text for post in slack.posts] == ["two"]


async def test_a_message_that_is_deleted_again_and_again_stays_away(chat, outbox, slack):
    outbox.want("checkout-1", card("0"))
    n = 0
    while not outbox.why("checkout-1", "card"):
        await until(lambda: outbox.settled)
        slack.posts.clear()
        n += 1
        outbox.want("checkout-1", card(str(n)))
        await until(lambda: outbox.settled)
    assert n == 4
    assert "keeps deleting" in outbox.why("checkout-1", "card")


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def log_file(tmp_path):
    path = tmp_path / "log"
    path.write_text("line\n" * 1000)
    return str(path)


async def test_a_log_is_uploaded_once_into_the_thread(chat, outbox, slack, log_file):
    outbox.want("checkout-1", card())
    outbox.want("checkout-1", reply("log:deploy-1", "The whole log", file=log_file, title="deploy.log"))
    await until(lambda: outbox.settled)

    post = slack.posts[1]
    assert (post.thread_ts, post.text, post.files[0]["title"]) == (slack.posts[0].ts, "The whole log", "deploy.log")
    assert slack.uploads[post.files[0]["id"]] == b"line\n" * 1000


async def test_a_picture_says_what_it_shows_to_whoever_does_not_see_it(chat, outbox, slack, tmp_path):
    picture = tmp_path / "live.png"
    picture.write_bytes(b"\x89PNG")
    outbox.want("checkout-1", card())
    outbox.want("checkout-1", reply("chart:live", "p50 &lt; 41 ms", file=str(picture), title="checkout 1.4.2"))
    await until(lambda: outbox.settled)

    (file,) = slack.posts[1].files
    assert slack.names[file["id"]].endswith(".png")
    assert slack.alternatives[file["id"]] == "checkout 1.4.2. p50 < 41 ms"


async def test_a_log_whose_answer_was_lost_is_found_by_its_name(make_chat, outbox, slack, log_file):
    slack.fault("files.completeUploadExternal", "lose")
    slack.late_s = 0.1
    outbox.want("checkout-1", card())
    outbox.want("checkout-1", reply("log:deploy-1", file=log_file, title="deploy.log"))
    outbox.want("checkout-1", reply("log:deploy-2", file=log_file, title="deploy.log"))
    async with running(make_chat(grace_s=0.5)):
        await until(lambda: outbox.settled)

    assert [post.text for post in slack.posts if post.files] == ["log:deploy-1", "log:deploy-2"]


async def test_an_upload_that_breaks_is_begun_again_and_seen_once(chat, outbox, slack, log_file):
    slack.fault("upload", "drop")
    slack.fault("files.completeUploadExternal", "limit:1")
    outbox.want("checkout-1", card())
    outbox.want("checkout-1", reply("log:deploy-1", file=log_file))
    await until(lambda: outbox.settled)

    assert len([post for post in slack.posts if post.files]) == 1
    assert len(slack.called("files.getUploadURLExternal")) == 2


async def test_an_empty_log_is_told_without_a_file(chat, outbox, slack, tmp_path):
    (tmp_path / "empty").touch()
    outbox.want("checkout-1", card())
    outbox.want("checkout-1", reply("log:deploy-1", "It printed nothing", file=str(tmp_path / "empty")))
    await until(lambda: outbox.settled)
    assert slack.posts[1].text == "It printed nothing"


async def test_a_log_that_is_on_another_machine_holds_nobody_up(chat, outbox, slack, tmp_path):
    outbox.want("checkout-1", card())
    outbox.want("checkout-1", reply("log:deploy-1", file=str(tmp_path / "elsewhere")))
    outbox.want("checkout-1", reply("section:1"))
    await until(lambda: outbox.state("checkout-1", "section:1") is MessageState.SHOWN)
    assert outbox.state("checkout-1", "log:deploy-1") is MessageState.WANTED


# ── App Home ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_home_that_still_looks_the_same_is_not_published_again(chat, outbox, slack):
    outbox.want_home("U0ANA", "one")
    await until(lambda: outbox.settled)
    outbox.want_home("U0ANA", "two")
    outbox.homes["U0ANA"] = "one"
    await until(lambda: outbox.settled)
    outbox.want_home("U0ANA", "three")
    await until(lambda: outbox.settled)

    published = [view["view"]["blocks"][0]["text"]["text"] for view in slack.called("views.publish")]
    assert published == ["U0ANA one", "U0ANA three"]


async def test_whoever_opens_their_home_gets_it_even_if_it_is_unchanged(chat, outbox, slack):
    await chat.publish_home("U0ANA")
    await chat.publish_home("U0ANA")
    assert len(slack.called("views.publish")) == 2


# ── Its end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_draining_says_everything_that_can_be_said(chat, outbox, slack):
    outbox.want("checkout-1", card())
    for n in range(10):
        outbox.want("checkout-1", reply(f"section:{n}"))
    assert await chat.drain(60)
    assert len(slack.posts) == 11


async def test_draining_waits_for_news_and_not_for_numbers(make_chat, outbox, slack):
    """What stands already is brought up to date by the next start; Ctrl-C does not take longer for it."""
    budget = Budget()
    async with running(make_chat(budget=budget)) as chat:
        outbox.want("checkout-1", card())
        outbox.want("checkout-1", reply("section:1"))
        await until(lambda: outbox.settled)
        budget.hold("chat.update", time.monotonic(), 3600)
        outbox.want("checkout-1", reply("section:1", "6 of 6"))
        outbox.want("checkout-1", reply("news"))

        assert await chat.drain(60)

    assert [post.text for post in slack.posts] == ["checkout 1.4.2", "section:1", "news"]


async def test_draining_does_not_wait_for_ever(make_chat, outbox, slack):
    slack.fault("chat.postMessage", "slow:3600")
    outbox.want("checkout-1", card())
    async with running(make_chat()) as chat:
        assert not await chat.drain(0.3)
