"""Slack's limits are kept, and what decides something is never starved by a live tail."""

from hypothesis import given
from hypothesis import strategies as st

from bot.chat.budget import POST, UPDATE, Bucket, Budget, Rank, tier_bucket


@given(st.lists(st.floats(min_value=0, max_value=5), max_size=300))
def test_no_minute_ever_sees_more_than_the_tier_allows(pauses):
    bucket, now, taken = tier_bucket(50), 0.0, []
    for pause in pauses:
        now += pause
        now += bucket.wait(now)
        bucket.take(now)
        taken.append(now)
    for begin in taken:
        assert sum(begin <= one < begin + 59.99 for one in taken) <= 50


def test_a_burst_passes_at_once_and_then_the_rate_holds():
    bucket = Bucket(interval_s=1.0, burst=3)
    waits = []
    for _ in range(5):
        waits.append(bucket.wait(0.0))
        bucket.take(0.0)
    assert waits == [0, 0, 0, 1, 2]


def test_what_is_reserved_stays_free_for_those_of_a_better_rank():
    budget = Budget()
    live = 0
    while not budget.wait(UPDATE, 0.0, rank=Rank.LIVE):
        budget.take(UPDATE, 0.0)
        live += 1
    assert live == 4
    assert budget.wait(UPDATE, 0.0, rank=Rank.NORMAL) == 0
    urgent = 0
    while not budget.wait(UPDATE, 0.0, rank=Rank.URGENT):
        budget.take(UPDATE, 0.0)
        urgent += 1
    assert urgent == 6


def test_live_tails_alone_never_take_the_last_tokens():
    """Ten tails that change all the time, for ten minutes: what decides something waits for nothing."""
    budget, now = Budget(), 0.0
    while now < 600:
        if not budget.wait(UPDATE, now, rank=Rank.LIVE):
            budget.take(UPDATE, now)
        assert budget.wait(UPDATE, now, rank=Rank.URGENT) == 0
        now += 0.1


def test_the_more_tails_there_are_the_rarer_each_is_sent():
    budget = Budget()
    paces = [budget.pace_s(UPDATE, Rank.LIVE, n) for n in (1, 2, 10)]
    assert paces == sorted(paces)
    assert paces[0] == 3
    assert paces[2] > 20
    assert budget.pace_s(UPDATE, Rank.URGENT, 100) <= 1


def test_a_429_moves_the_bucket_of_that_channel_only():
    budget = Budget()
    budget.take(POST, 0.0, channel="C1")
    budget.hold(POST, 0.0, 30, channel="C1")
    assert budget.wait(POST, 0.0, channel="C1") == 30
    assert budget.wait(POST, 29.0, channel="C1") == 1
    assert budget.wait(POST, 0.0, channel="C2") == 0


def test_a_429_on_an_update_moves_the_whole_workspace():
    budget = Budget()
    budget.hold(UPDATE, 0.0, 7)
    assert budget.wait(UPDATE, 0.0) == 7


def test_channels_that_have_long_been_quiet_are_forgotten():
    budget = Budget()
    for n in range(100):
        budget.take(POST, float(n), channel=f"C{n}")
    assert len(budget.channels) < 70


def test_a_channel_takes_about_one_message_a_second_after_a_short_burst():
    budget, sent = Budget(), 0
    for tenth in range(600):
        if not budget.wait(POST, tenth / 10, channel="C1"):
            budget.take(POST, tenth / 10, channel="C1")
            sent += 1
    assert 60 <= sent <= 66
