"""Whispers, modals and look-ups: what one person asked for reaches that person, or a sentence does."""

import pytest

from bot.chat import Whisper
from bot.errors import Refused, Unreachable
from bot.model import Person
from tests.chat.conftest import until
from tests.chat.slack import BOT, TEAM

pytestmark = pytest.mark.real

ANA = {
    "id": "U0ANA",
    "name": "ana",
    "real_name": "Ana Ruiz",
    "tz": "Europe/Madrid",
    "profile": {"display_name": "", "email": "ana@acme.example"},
}
GONE = {"id": "U0GONE", "name": "gone", "real_name": "Gil Gone", "deleted": True, "profile": {}}


def at(slack, **more) -> Whisper:
    return Whisper(**({"user": "U0ANA", "channel": "C0SHIP", "response_url": slack.response_url} | more))


# ── Whispers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_takes_the_response_url_first(chat, slack):
    chat.whisper(at(slack, thread_ts="1.0"), "Only Security Team can sign this.", [{"type": "divider"}])
    await until(lambda: slack.responses)

    assert slack.responses == [
        {
            "text": "Only Security Team can sign this.",
            "blocks": [{"type": "divider"}],
            "response_type": "ephemeral",
            "replace_original": False,
            "thread_ts": "1.0",
        }
    ]
    assert not slack.ephemerals


async def test_a_response_url_serves_five_times_and_then_the_next_way_is_taken(chat, slack):
    for n in range(7):
        chat.whisper(at(slack), str(n))
    await until(lambda: len(slack.responses) + len(slack.ephemerals) == 7)

    assert len(slack.responses) == 5
    assert {one["user"] for one in slack.ephemerals} == {"U0ANA"}


async def test_a_response_url_is_not_used_after_half_an_hour(make_chat, slack):
    later = [0.0]
    chat = make_chat(now=lambda: later[0])
    assert await chat._whispers.say(at(slack), "at once")
    later[0] = 30 * 60
    assert await chat._whispers.say(at(slack), "much later")

    assert [one["text"] for one in slack.responses] == ["at once"]
    assert [one["text"] for one in slack.ephemerals] == ["much later"]


async def test_a_used_up_response_url_leads_to_an_ephemeral_message_in_the_thread(chat, slack):
    slack.response_status = 404
    chat.whisper(at(slack, thread_ts="1.0"), "Not yet.")
    await until(lambda: slack.ephemerals)

    assert slack.ephemerals[0] | {"text": "Not yet.", "thread_ts": "1.0"} == slack.ephemerals[0]


async def test_where_no_ephemeral_message_is_possible_a_direct_one_comes(chat, slack):
    slack.fault("chat.postEphemeral", "error:user_not_in_channel")
    chat.whisper(at(slack, response_url=""), "Not yet.")
    await until(lambda: slack.posts)

    assert [(post.channel, post.text) for post in slack.posts] == [("D0ANA", "Not yet.")]


async def test_an_answer_to_somebody_who_is_not_in_slack_bothers_nobody(chat, slack):
    chat.whisper(Whisper(user="op:root"), "hello")
    chat.whisper(Whisper(user="U0ANA"), "hello")
    await until(lambda: slack.posts)
    assert [post.channel for post in slack.posts] == ["D0ANA"]


async def test_an_answer_that_cannot_be_brought_does_not_end_the_others(chat, slack):
    slack.fault("conversations.open", "error:user_disabled")
    chat.whisper(Whisper(user="U0GONE"), "never arrives")
    chat.whisper(Whisper(user="U0ANA", channel="C0SHIP"), "arrives")
    await until(lambda: slack.ephemerals)


async def test_draining_waits_for_answers(chat, slack):
    for n in range(20):
        chat.whisper(Whisper(user="U0ANA", channel="C0SHIP"), str(n))
    assert await chat.drain(60)
    assert len(slack.ephemerals) == 20


# ── Modals ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_modal_opens_and_is_filled(chat, slack):
    view_id = await chat.open_view("1.2.3", {"type": "modal", "title": "loading"})
    await chat.update_view(view_id, {"type": "modal", "title": "full"}, hash="156.1")

    assert slack.views == {view_id: {"type": "modal", "title": "full"}}
    assert slack.called("views.update")[0]["hash"] == "156.1"


@pytest.mark.parametrize(
    "fault",
    [
        "error:expired_trigger_id",
        "error:exchanged_trigger_id",
        "words:[ERROR] `trigger_id` expired [json-pointer:/trigger_id]",
    ],
)
async def test_a_trigger_that_came_too_late_is_told_to_the_person(chat, slack, fault):
    slack.fault("views.open", fault)
    assert await chat.open_view("1.2.3", {"type": "modal"}, to=at(slack)) is None
    await until(lambda: slack.responses)
    assert slack.responses[0]["text"] == "Slack took too long to open this; press again."


async def test_a_modal_that_slack_refuses_is_told_too_and_nothing_is_raised(chat, slack):
    slack.fault("views.open", "error:view_too_large")
    assert await chat.open_view("1.2.3", {"type": "modal"}, to=at(slack)) is None
    await until(lambda: slack.responses)
    assert "did not open this" in slack.responses[0]["text"]


async def test_a_trigger_is_used_once_even_if_the_answer_is_lost(chat, slack):
    slack.fault("views.open", "lose")
    assert await chat.open_view("1.2.3", {"type": "modal"}) is None
    assert len(slack.called("views.open")) == 1


async def test_a_modal_that_was_closed_meanwhile_is_left_alone(chat, slack):
    await chat.update_view("V404", {"type": "modal"})
    slack.fault("views.update", "error:hash_conflict", "error:invalid_blocks")
    await chat.update_view("V404", {"type": "modal"})
    await chat.update_view("V404", {"type": "modal"})


async def test_filling_a_modal_is_tried_again(chat, slack):
    view_id = await chat.open_view("1.2.3", {"type": "modal", "title": "loading"})
    slack.fault("views.update", "drop", "status:503")
    await chat.update_view(view_id, {"type": "modal", "title": "full"})
    assert slack.views[view_id]["title"] == "full"


# ── People and channels ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["U0ANA", "<@U0ANA>", "<@U0ANA|ana>", "ana@acme.example"])
async def test_a_person_is_found_by_id_mention_or_address(chat, slack, who):
    slack.users["U0ANA"] = ANA
    found = await chat.person(who)
    assert found == Person(id="U0ANA", name="Ana Ruiz", tz="Europe/Madrid")
    assert await chat.person(who) == found
    assert sum(method.startswith("users.") for method, _, _ in slack.calls) == 1


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("U0NOBODY", "Slack knows nobody as U0NOBODY"),
        ("nobody@acme.example", "Slack knows nobody as nobody@acme.example"),
        ("U0GONE", "Gil Gone is deactivated in Slack; name another person."),
        ("ana", "ana is neither a Slack id"),
    ],
)
async def test_nobody_is_refused_with_a_sentence(chat, slack, who, words):
    slack.users["U0GONE"] = GONE
    with pytest.raises(Refused) as refusal:
        await chat.person(who)
    assert words in str(refusal.value)


async def test_when_slack_does_not_answer_that_is_said(chat, slack):
    slack.fault("users.info", "status:503", "status:500", "error:internal_error")
    slack.users["U0ANA"] = ANA
    with pytest.raises(Unreachable, match="Slack did not answer"):
        await chat.person("U0ANA")
    assert (await chat.person("U0ANA")).name == "Ana Ruiz"


async def test_a_missing_scope_is_not_taken_for_a_missing_person(chat, slack):
    slack.fault("users.lookupByEmail", "error:missing_scope")
    with pytest.raises(Unreachable, match="missing_scope"):
        await chat.person("ana@acme.example")


async def test_channels_are_found_by_name_over_several_pages(chat, slack):
    slack.channels = [{"name": f"team-{n}", "id": f"C0{n}"} for n in range(5)]
    assert await chat.channel("#team-4") == "C04"
    assert await chat.channel("team-0") == "C00"
    assert await chat.channel("<#C0SHIP|ship>") == "C0SHIP"
    assert await chat.channel("C0SHIP") == "C0SHIP"
    assert len(slack.called("conversations.list")) == 3

    with pytest.raises(Refused, match="There is no channel #nowhere"):
        await chat.channel("nowhere")


async def test_membership_is_what_slack_says(chat, slack):
    slack.channels = [{"id": "C0IN", "is_member": True}, {"id": "C0OUT", "is_member": False}]
    assert await chat.is_member("C0IN")
    assert not await chat.is_member("C0OUT")
    assert not await chat.is_member("C0SECRET")


async def test_a_link_is_asked_for_once(chat, slack):
    link = await chat.permalink("C0SHIP", "1.5")
    assert link == "https://acme.example/archives/C0SHIP/p15"
    assert await chat.permalink("C0SHIP", "1.5") == link
    assert len(slack.called("chat.getPermalink")) == 1


async def test_who_am_i_names_team_bot_and_scopes(chat, slack):
    team, user, scopes = await chat.who_am_i()
    assert (team, user, scopes) == (TEAM, BOT, {"chat:write", "users:read"})


async def test_a_token_that_slack_does_not_know_is_said(chat, slack):
    slack.fault("auth.test", "error:invalid_auth")
    with pytest.raises(Unreachable, match="invalid_auth"):
        await chat.who_am_i()
