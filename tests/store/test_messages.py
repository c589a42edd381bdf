"""What is owed to Slack follows from the record, and what stands there is remembered."""

import asyncio
from dataclasses import replace

import pytest

from bot.model import Change, MessageState, Phase, Projection, Wanted
from bot.store import hash_of
from tests.store.records import ANA, NOON, drafted, ticking, to_phase


async def owed(store, key):
    return next((one for one in await store.outbox.owed() if one.key == key), None)


async def post(store, key="card", *, ts="1.0"):
    """What chat does with a message that is owed."""
    one = await owed(store, key)
    if one.state is MessageState.WANTED:
        assert await store.outbox.sending(one)
    await store.outbox.shown(one, channel="C_SHIP", ts=ts, shown_hash=one.wanted_hash)


def without(item):
    def decide(deployment):
        return Change(
            deployment=replace(deployment, ticks={key: tick for key, tick in deployment.ticks.items() if key != item})
        )

    return decide


async def test_a_new_record_owes_its_card_and_a_posted_card_is_owed_no_more(store, checkout):
    one = await owed(store, "card")
    assert (one.deployment, one.to, one.in_thread, one.file, one.state) == (
        "checkout-1",
        "C_SHIP",
        False,
        False,
        MessageState.WANTED,
    )
    assert one.dirty_at == NOON
    assert await store.outbox.thread(checkout.id) is None

    await post(store)

    assert await store.outbox.owed() == []
    assert await store.outbox.thread(checkout.id) == ("C_SHIP", "1.0")


async def test_of_many_who_want_to_send_a_message_one_may(store, opened, checkout):
    one = await owed(store, "card")
    async with opened() as replica:
        claims = await asyncio.gather(*((store, replica)[n % 2].outbox.sending(one) for n in range(10)))
    assert claims.count(True) == 1


async def test_whoever_looked_an_old_claim_up_does_not_undo_a_newer_one(store, checkout):
    await store.outbox.sending(await owed(store, "card"))
    old = await owed(store, "card")
    await store.outbox.wanted_again(old)
    await store.outbox.sending(await owed(store, "card"))

    await store.outbox.wanted_again(old)

    assert (await owed(store, "card")).state is MessageState.SENDING


async def test_what_somebody_deleted_in_slack_is_wanted_again_and_posted_anew(store, checkout):
    await post(store)
    await store.change(checkout.id, ticking("backup"))

    await store.outbox.wanted_again(await owed(store, "card"))

    one = await owed(store, "card")
    assert (one.state, one.ts) == (MessageState.WANTED, "")


async def test_what_is_being_sent_stays_owed_until_somebody_has_looked(store, checkout):
    await store.outbox.sending(await owed(store, "card"))
    one = await owed(store, "card")
    assert one.state is MessageState.SENDING

    await store.outbox.wanted_again(one)

    one = await owed(store, "card")
    assert one.state is MessageState.WANTED
    assert await store.outbox.sending(one)


async def test_a_changed_record_owes_its_card_again_and_changing_it_back_owes_nothing(store, checkout, clock):
    await post(store)
    clock.advance(minutes=5)
    await store.change(checkout.id, ticking("backup"))
    clock.advance(minutes=5)
    await store.change(checkout.id, ticking("monitoring"))

    one = await owed(store, "card")
    assert (one.state, one.channel, one.ts) == (MessageState.SHOWN, "C_SHIP", "1.0")
    # It differs since the first of the two changes.
    assert (one.dirty_at - NOON).total_seconds() == 300

    await store.change(checkout.id, without("backup"))
    await store.change(checkout.id, without("monitoring"))
    assert await owed(store, "card") is None


async def test_what_changed_while_it_was_sent_is_owed_again(store, checkout):
    one = await owed(store, "card")
    await store.outbox.sending(one)
    await store.change(checkout.id, ticking("backup"))
    await store.outbox.shown(one, channel="C_SHIP", ts="1.0", shown_hash=one.wanted_hash)

    again = await owed(store, "card")
    assert (again.state, again.shown_hash) == (MessageState.SHOWN, one.wanted_hash)
    assert again.wanted_hash != again.shown_hash


async def test_the_hash_that_is_kept_is_the_one_of_the_rendering(store, checkout):
    card = Wanted(key="card", to="C_SHIP", in_thread=False, text="preflight []")
    assert (await owed(store, "card")).wanted_hash == hash_of(card)
    assert hash_of(card) != hash_of(replace(card, blocks=({"type": "divider"},)))
    assert hash_of(replace(card, blocks=({"a": 1, "b": 2},))) == hash_of(replace(card, blocks=({"b": 2, "a": 1},)))


async def test_the_urgent_come_first_and_then_the_oldest(store, checkout, clock):
    await post(store)
    for item in ("early", "late", "urgent"):
        clock.advance(seconds=1)
        await store.change(checkout.id, ticking(item, note="seen"))
    assert [one.key for one in await store.outbox.owed()] == ["item:urgent", "card", "item:early", "item:late"]


async def test_a_message_that_nobody_wants_any_more_is_forgotten_if_it_was_never_sent(store, checkout):
    await store.change(checkout.id, ticking("backup"))
    one = await owed(store, "item:backup")
    await store.change(checkout.id, without("backup"))

    assert await owed(store, "item:backup") is None
    assert not await store.outbox.sending(one)


async def test_a_message_that_nobody_wants_any_more_stays_as_it_stands_in_slack(store, checkout):
    await store.change(checkout.id, ticking("backup"))
    await post(store, "item:backup")
    await store.change(checkout.id, ticking("backup", note="changed"))
    assert await owed(store, "item:backup")

    await store.change(checkout.id, without("backup"))
    assert await owed(store, "item:backup") is None

    # Wanted once more, it is the same message, edited.
    await store.change(checkout.id, ticking("backup", note="and back"))
    one = await owed(store, "item:backup")
    assert (one.state, one.ts) == (MessageState.SHOWN, "1.0")


@pytest.mark.parametrize("found", [True, False])
async def test_a_message_that_is_dropped_while_it_is_sent_is_looked_up_first(store, checkout, found):
    await store.change(checkout.id, ticking("backup"))
    await store.outbox.sending(await owed(store, "item:backup"))
    await store.change(checkout.id, without("backup"))

    one = await owed(store, "item:backup")
    assert one.state is MessageState.SENDING
    if found:
        await store.outbox.shown(one, channel="C_SHIP", ts="2.0", shown_hash="as it was sent")
    else:
        await store.outbox.wanted_again(one)
    assert await owed(store, "item:backup") is None

    await store.change(checkout.id, ticking("backup", note="again"))
    again = await owed(store, "item:backup")
    assert (again.state, again.ts) == ((MessageState.SHOWN, "2.0") if found else (MessageState.WANTED, ""))


async def test_a_file_is_sent_once_even_if_its_words_change_afterwards(store, checkout):
    await store.change(checkout.id, ticking("log", note="exit 0"))
    assert (await owed(store, "item:log")).file
    await post(store, "item:log")
    await store.change(checkout.id, ticking("log", note="exit 0, after 4 min"))
    assert await owed(store, "item:log") is None


async def test_what_slack_will_never_take_is_not_tried_again_until_it_changes(store, checkout):
    one = await owed(store, "card")
    await store.outbox.sending(one)
    await store.outbox.undeliverable(one, "invalid_blocks")
    assert await store.outbox.owed() == []

    await store.change(checkout.id, ticking("backup"))
    one = await owed(store, "card")
    assert one.state is MessageState.WANTED
    assert await store.outbox.sending(one)


async def test_an_edit_that_slack_refuses_leaves_what_stands_there(store, checkout):
    await post(store)
    await store.change(checkout.id, ticking("backup"))
    await store.outbox.undeliverable(await owed(store, "card"), "is_archived")
    assert await owed(store, "card") is None
    assert await store.outbox.thread(checkout.id) == ("C_SHIP", "1.0")


async def test_reports_about_a_message_that_is_gone_are_no_trouble(store, checkout):
    ghost = replace(await owed(store, "card"), key="item:gone")
    assert not await store.outbox.sending(ghost)
    await store.outbox.wanted_again(ghost)
    await store.outbox.undeliverable(ghost, "channel_not_found")
    await store.outbox.shown(ghost, channel="C", ts="1", shown_hash="x")


async def test_app_home_is_owed_to_whoever_opened_it_whenever_anything_changed(store, checkout):
    await post(store)
    await store.home_opened("U_ANA")
    [home] = await store.outbox.owed()
    assert (home.deployment, home.key, home.to, home.urgent) == ("", "home:U_ANA", "U_ANA", True)
    assert home.state is MessageState.WANTED
    assert await store.outbox.sending(home)

    await store.outbox.shown(home, channel="", ts="", shown_hash="")
    assert await store.outbox.owed() == []
    assert await store.homes() == ["U_ANA"]

    await store.change(checkout.id, without("nothing"))
    assert await store.outbox.owed() == []
    await store.change(checkout.id, to_phase(Phase.PREPARING))
    await post(store)
    [home] = await store.outbox.owed()
    assert (home.key, home.state, home.urgent) == ("home:U_ANA", MessageState.SHOWN, False)

    # It changed again while it was published: it is owed once more.
    await store.freeze(by=ANA, reason="Year's end")
    await store.outbox.shown(home, channel="", ts="", shown_hash="")
    [home] = await store.outbox.owed()
    await store.outbox.shown(home, channel="", ts="", shown_hash="")
    assert await store.outbox.owed() == []


async def test_opening_app_home_again_owes_it_again_and_one_that_slack_refuses_is_let_go(store):
    await store.home_opened("U_ANA")
    [home] = await store.outbox.owed()
    await store.outbox.shown(home, channel="", ts="", shown_hash="")
    await store.home_opened("U_ANA")
    [home] = await store.outbox.owed()
    await store.outbox.undeliverable(home, "user_not_found")
    assert await store.outbox.owed() == []
    assert await store.homes() == []


async def test_messages_and_changes_that_cross_each_other_lose_nothing(store, opened, checkout):
    """Chat reports what it sent while people go on pressing; in the end Slack shows the last form."""
    async with opened() as chat:
        done = asyncio.Event()
        slack = {}

        def form(deployment):
            return Wanted(
                key="card",
                to=deployment.channel,
                in_thread=False,
                text=f"{deployment.phase} {sorted(deployment.ticks)}",
            )

        async def send():
            while True:
                finished = done.is_set()
                owed_now = await chat.outbox.owed()
                for one in owed_now:
                    if one.state is MessageState.WANTED and not await chat.outbox.sending(one):
                        continue
                    sent = hash_of(form(await chat.get(one.deployment))) if one.key == "card" else one.wanted_hash
                    slack[one.key] = sent
                    await chat.outbox.shown(one, channel="C_SHIP", ts="1.0", shown_hash=sent)
                if finished and not owed_now:
                    return

        async def press():
            await asyncio.gather(*(store.change(checkout.id, ticking(f"item-{n}")) for n in range(25)))
            done.set()

        await asyncio.gather(send(), press())
        assert slack["card"] == hash_of(form(await store.get(checkout.id)))
        assert slack.keys() == {"card", *(f"item:item-{n}" for n in range(25))}


async def test_a_direct_message_is_one_of_them(opened):
    def project(deployment):
        ask = Wanted(key="ask:dba", to="U_BEN", in_thread=False, text="Your go is needed.", urgent=True)
        return Projection(messages=(ask,), wake_at=None)

    async with opened(project) as store:
        await store.create("checkout", "production", drafted())
        [one] = await store.outbox.owed()
        assert (one.to, one.in_thread, one.urgent) == ("U_BEN", False, True)


async def test_a_thread_is_known_by_where_its_card_stands(store, checkout):
    await post(store, ts="7.5")
    assert await store.outbox.whose("C_SHIP", "7.5") == "checkout-1"
    assert await store.outbox.whose("C_SHIP", "7.6") == ""
    assert await store.outbox.whose("C_ELSE", "7.5") == ""


async def test_how_messages_of_one_kind_stand_is_told_with_what_slack_said_against_them(store, checkout):
    for item in ("told", "refused", "waiting", "dropped"):
        await store.change(checkout.id, ticking(item))
    await post(store, "item:told")
    one = await owed(store, "item:refused")
    await store.outbox.sending(one)
    await store.outbox.undeliverable(one, "channel_not_found")
    await store.change(checkout.id, without("dropped"))

    assert await store.outbox.standing(checkout.id, "item:") == {
        "item:told": (True, ""),
        "item:refused": (False, "channel_not_found"),
        "item:waiting": (False, ""),
    }
    assert (await store.outbox.standing(checkout.id, "card")).keys() == {"card"}
