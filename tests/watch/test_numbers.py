"""The arithmetic of a watch."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Window
from bot.numbers import needed, wilson_lower, wilson_upper
from bot.watch import prober
from bot.watch.numbers import Histogram, Mark, Summary
from bot.watch.prober import CLOCK, END, ERROR, GOOD, LOST, PAUSE, PROBE, SESSION, record

WALL = 1_700_000_000.0


def probe(due: float, outcome: int = GOOD, *, address: int = 0, latency: float = 0.01, lag: float = 0.0) -> bytes:
    return record(PROBE, due, outcome=outcome, address=address, latency=latency, lag=lag)


def session(at: float = 0.0, boot: int = 7) -> bytes:
    return record(SESSION, at, latency=boot / 1e6) + record(CLOCK, WALL)


def summary(*records: bytes, addresses: int = 1, deploy: Mark | None = None) -> Summary:
    made = Summary(addresses)
    made.take(session() + b"".join(records), deploy)
    return made


@given(st.lists(st.floats(0.0005, 100.0), min_size=1, max_size=200), st.sampled_from([50, 95, 99]))
def test_a_percentile_is_right_within_one_per_cent(durations: list[float], p: int):
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)

    exact = sorted(durations)[max(math.ceil(len(durations) * p / 100), 1) - 1]
    assert histogram.percentile(p) == pytest.approx(exact, rel=0.0101)


def test_nothing_measured_has_no_percentile():
    assert Histogram().percentile(50) is None
    assert summary().baseline.window() == Window()


def test_without_a_failure_there_is_no_gap_whatever_the_rate():
    assert summary(probe(1), probe(2), probe(9)).baseline.window().longest_gap_s == 0


def test_a_gap_is_what_exceeds_the_interval_between_two_good_answers():
    window = summary(
        probe(1.0), probe(1.1, LOST), probe(1.2, ERROR), probe(1.3), probe(1.4, LOST), probe(1.5)
    ).baseline.window()

    assert window.longest_gap_s == pytest.approx(0.2)
    assert (window.probes, window.lost, window.errors) == (6, 2, 1)


def test_a_gap_that_has_not_ended_counts_up_to_its_last_known_failure():
    read = summary(probe(1.0), probe(1.1, LOST, latency=1.0), probe(1.6, LOST, latency=1.0))

    assert read.baseline.window().longest_gap_s == pytest.approx(1.5)
    assert read.down_s == pytest.approx(1.5)


def test_a_gap_is_per_address_and_down_is_only_when_every_address_fails():
    records = [
        probe(1.0, LOST, address=0),
        probe(1.5, LOST, address=1),
        probe(2.0, LOST, address=0),
        probe(2.5, LOST, address=1),
    ]

    assert summary(*records[:1], addresses=2).down_s == 0
    assert summary(*records, addresses=2).down_s == pytest.approx(1.01)
    assert summary(*records, probe(3.0, address=1), addresses=2).down_s == 0
    window = summary(*records, probe(3.0, address=1), probe(3.2, address=0), addresses=2).baseline.window()
    assert window.longest_gap_s == pytest.approx(2.2)


def test_what_was_not_measured_is_no_gap_and_is_counted():
    read = summary(
        probe(1.0), probe(1.1, LOST, latency=0.2), record(PAUSE, 31.3), probe(31.4), session(61.41), probe(62)
    )

    assert read.baseline.window().longest_gap_s == pytest.approx(0.2)
    assert (read.pauses, read.restarts) == (1, 1)
    assert read.not_measured_s == pytest.approx(60.0)


def test_a_session_that_ended_in_good_order_leaves_a_hole_as_well_when_it_is_taken_up_again():
    read = summary(probe(1.0, latency=0.2), record(END, 1.2), session(100), probe(101))

    assert (read.stops, read.restarts) == (1, 0)
    assert read.not_measured_s == pytest.approx(98.8)


DEPLOY = Mark(what="deploy", boot=7, at=10.0, wall=WALL + 10.0)
DEPLOYED = Mark(what="deployed", boot=7, at=20.0, wall=WALL + 20.0)
AGAIN = Mark(what="deployed", boot=7, at=40.0, wall=WALL + 40.0)


def test_what_fails_after_the_deployment_is_no_downtime_during_it():
    read = summary(probe(5), probe(11), probe(19), deploy=DEPLOY)
    read.take(probe(21, LOST) + probe(23), DEPLOY, DEPLOYED)

    assert (read.during().probes, read.during().lost, read.during().longest_gap_s) == (2, 0, 0)
    assert (read.after().probes, read.after().lost) == (4, 1)


def test_a_second_try_belongs_to_the_deployment_and_so_does_what_lay_between():
    read = summary(probe(11), deploy=DEPLOY)
    read.take(probe(21, LOST) + probe(22), DEPLOY, DEPLOYED)
    assert read.during().lost == 0

    read.take(probe(30), DEPLOY, None)
    assert (read.during().probes, read.during().lost) == (4, 1)
    read.take(probe(41, LOST), DEPLOY, AGAIN)

    assert (read.during().probes, read.during().lost) == (4, 1)


def test_read_anew_it_comes_to_the_same():
    data = [probe(5), probe(11), probe(19, LOST), probe(21), probe(35, ERROR), probe(41, LOST)]
    made = Summary(1)
    made.take(session() + b"".join(data), DEPLOY, AGAIN)

    assert (made.during().probes, made.during().lost, made.during().errors) == (4, 1, 1)


def test_a_hole_belongs_to_the_stretches_that_it_lies_in():
    read = summary(probe(5, latency=0.0), deploy=DEPLOY)
    read.take(record(END, 5.1) + session(50) + probe(51), DEPLOY, DEPLOYED)

    assert read.baseline.window().not_measured_s == pytest.approx(5)
    assert read.during().not_measured_s == pytest.approx(10)
    assert read.after().not_measured_s == pytest.approx(40)


def test_while_nobody_probes_the_hole_grows_but_not_beyond_the_deployment():
    read = summary(probe(11, latency=0.0), deploy=DEPLOY)

    assert read.during(until=WALL + 15).not_measured_s == pytest.approx(4)
    read.take(b"", DEPLOY, DEPLOYED)
    assert read.during(until=WALL + 100).not_measured_s == pytest.approx(9)
    assert read.after(until=WALL + 100).not_measured_s == pytest.approx(89)


def test_the_mark_divides_by_the_time_at_which_probes_were_due():
    deploy = Mark(what="deploy", boot=7, at=2.0, wall=WALL + 2.0)

    read = summary(probe(1.9), probe(2.0), probe(2.1), deploy=deploy)

    assert (read.baseline.window().probes, read.since.window().probes) == (1, 2)


def test_after_a_restart_of_the_machine_the_mark_still_divides():
    deploy = Mark(what="deploy", boot=7, at=500.0, wall=WALL + 500.0)
    read = summary(probe(499.0), deploy=deploy)

    # Its clock begins again; the wall clock goes on.
    read.take(record(SESSION, 3.0, latency=8 / 1e6) + record(CLOCK, WALL + 600) + probe(4.0), deploy)

    assert (read.baseline.window().probes, read.since.window().probes) == (1, 1)
    assert read.not_measured_s == pytest.approx(603 - 499.01)


def test_recent_is_the_last_ten_seconds_and_nothing_when_they_are_long_ago():
    read = summary(*(probe(at) for at in range(1, 31)))

    assert read.recent(31.0).probes == 11
    assert read.recent(100.0) == Window()


def test_lately_is_the_last_five_hundred_probes_of_the_deployment_however_slowly_they_come():
    fast = summary(
        *(probe(at / 20) for at in range(20, 720)), deploy=Mark(what="deploy", boot=7, at=11.0, wall=WALL + 11)
    )
    assert fast.lately(37.0).probes == 500
    begun = summary(
        *(probe(at / 20) for at in range(20, 260)), deploy=Mark(what="deploy", boot=7, at=11.0, wall=WALL + 11)
    )
    assert begun.lately(14.0).probes == 40, "what was probed before the deployment says nothing about it"
    slow = summary(*(probe(at) for at in range(1, 1001)), deploy=Mark(what="deploy", boot=7, at=1.0, wall=WALL + 1))
    assert slow.lately(1001.0).probes == 500
    assert slow.lately(9999.0) == Window()


@given(cuts=st.lists(st.integers(0, 400), max_size=8))
def test_records_are_understood_however_the_reading_is_cut(cuts: list[int]):
    data = session() + b"".join(probe(at, LOST if at % 3 == 0 else GOOD) for at in range(1, 15))
    edges = [0, *sorted(cut % len(data) for cut in cuts), len(data)]
    read = Summary(1)

    for a, b in itertools.pairwise(edges):
        read.take(data[a:b], None)

    assert (
        read.baseline.window()
        == summary(*(probe(at, LOST if at % 3 == 0 else GOOD) for at in range(1, 15))).baseline.window()
    )


def test_lost_probes_have_no_latency_and_lag_is_told_apart():
    window = summary(probe(1, latency=0.2, lag=0.05), probe(2, LOST, latency=9.0, lag=0.05)).baseline.window()

    assert window.p99_s == pytest.approx(0.2, rel=0.0101)
    assert window.lag_p95_s == pytest.approx(0.05, rel=0.0101)


def test_a_record_holds_what_does_not_fit_by_its_greatest_value():
    assert len(record(PROBE, 1.0, latency=1e9, status=99_999)) == prober.RECORD.size


# ── How sure one can be ──────────────────────────────────────────────────────────────────────────────────────────────


def test_none_of_a_thousand_may_still_be_a_third_of_a_per_cent():
    assert wilson_upper(0, 1000) == pytest.approx(0.00383, abs=1e-5)
    assert wilson_upper(0, 4120) == pytest.approx(0.00093, abs=1e-5)
    assert wilson_upper(10, 20_000) < 0.001 < wilson_upper(11, 20_000) + 0.0001
    assert (wilson_upper(0, 0), wilson_lower(0, 0)) == (1, 0)
    assert wilson_lower(0, 1000) == pytest.approx(0, abs=1e-12)


def test_it_takes_3838_clean_requests_to_be_sure_of_a_tenth_of_a_per_cent():
    assert needed(0, 0.001) == 3838


@given(k=st.integers(0, 50), limit=st.floats(0.0005, 0.9))
def test_needed_is_the_smallest_number_that_is_enough(k: int, limit: float):
    n = needed(k, limit)

    assert wilson_upper(k, n) < limit
    assert n == max(k, 1) or wilson_upper(k, n - 1) >= limit


@given(k=st.integers(0, 100), more=st.integers(0, 1000))
def test_the_limits_lie_around_the_ratio(k: int, more: int):
    n = k + more
    if n:
        assert 0 <= wilson_lower(k, n) <= k / n + 1e-12
        assert k / n - 1e-12 <= wilson_upper(k, n) <= 1


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match="5 of 3 cannot be"):
        wilson_upper(5, 3)
    with pytest.raises(ValueError, match="between 0 and 1"):
        needed(0, 1.5)
