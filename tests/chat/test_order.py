"""Who may go now, who waits for whom: pure decisions over what is owed."""

from datetime import UTC, datetime, timedelta

from bot.chat.budget import Rank
from bot.chat.order import candidates, home_of, rank_of
from bot.model import MessageState, Owed

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
SENDING, SHOWN, WANTED = MessageState.SENDING, MessageState.SHOWN, MessageState.WANTED


def owed(key, state=WANTED, *, after=0, to="C1", deployment="checkout-1", thread=None, urgent=False) -> Owed:
    return Owed(
        deployment=deployment,
        key=key,
        to=to,
        in_thread=key != "card" if thread is None else thread,
        file=False,
        urgent=urgent,
        state=state,
        dirty_at=NOON + timedelta(seconds=after),
    )


def next_of(*all_owed, stuck=()):
    return [one.key for one in candidates(all_owed, stuck)]


def test_nothing_is_replied_to_a_card_that_does_not_stand():
    assert next_of(owed("section:1"), owed("card", after=5)) == ["card"]
    assert next_of(owed("section:1"), owed("card", SENDING)) == ["card"]
    assert next_of(owed("section:1", urgent=True), owed("card", SENDING)) == ["card"]


def test_a_card_that_only_changes_holds_nobody_up():
    assert next_of(owed("section:1"), owed("card", SHOWN, after=5)) == ["section:1", "card"]


def test_new_messages_of_a_thread_go_one_after_the_other():
    assert next_of(owed("b", after=2), owed("a", after=1), owed("c", after=3)) == ["a"]


def test_threads_channels_and_people_do_not_wait_for_each_other():
    first = owed("a", deployment="checkout-1")
    second = owed("b", deployment="billing-1", after=1)
    person = owed("ask", to="U1", thread=False, after=2)
    channel = owed("announce", to="C9", thread=False, after=3)
    assert next_of(first, second, person, channel) == ["a", "b", "ask", "announce"]


def test_what_may_already_stand_keeps_its_place():
    assert next_of(owed("a", SENDING), owed("b", after=1)) == ["a"]
    assert next_of(owed("a", after=1), owed("b", SENDING, after=2)) == ["a", "b"]


def test_what_is_urgent_passes_what_is_being_looked_up_and_what_is_ordinary():
    assert next_of(owed("a", SENDING), owed("b", after=1), owed("alarm", after=2, urgent=True)) == ["alarm", "a"]


def test_what_is_stuck_is_passed_by():
    names = {("checkout-1", "a")}
    assert next_of(owed("a"), owed("b", after=1), owed("c", after=2), stuck=names) == ["a", "b"]


def test_a_stuck_card_still_holds_its_replies():
    assert next_of(owed("card"), owed("a", after=1), stuck={("checkout-1", "card")}) == ["card"]


def test_changes_go_by_urgency_then_by_age_and_live_tails_last():
    changes = [
        owed("run:1", SHOWN, after=0),
        owed("section:2", SHOWN, after=3),
        owed("section:1", SHOWN, after=2),
        owed("card", SHOWN, after=4, urgent=True),
    ]
    assert next_of(*changes) == ["card", "section:1", "section:2", "run:1"]


def test_a_live_tail_that_has_waited_long_gains_rank():
    tail = owed("run:1", SHOWN)
    assert [rank_of(tail, waited) for waited in (0, 29, 31, 61, 1000)] == [
        Rank.LIVE,
        Rank.LIVE,
        Rank.NORMAL,
        Rank.URGENT,
        Rank.URGENT,
    ]
    assert rank_of(owed("run:1"), 0) is Rank.NORMAL, "a run that is not shown yet is news"
    assert rank_of(owed("section:1", urgent=True), 0) is Rank.URGENT


def test_an_app_home_waits_for_nobody():
    home = owed("home:U1", to="U1", deployment="", thread=False)
    assert home_of(home) == "U1"
    assert home_of(owed("home:U1")) == ""
    assert next_of(home, owed("home:U2", to="U2", deployment="", thread=False)) == ["home:U1", "home:U2"]
