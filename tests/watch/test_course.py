"""What a chart is drawn from: the course of the probes, in points that an eye can take in."""

import pytest

from bot.watch.course import course, first
from bot.watch.prober import CLOCK, END, ERROR, LOST, PAUSE, SESSION, record
from tests.watch.test_numbers import WALL, probe, session


def seen(*records: bytes, begins: float = 0.0, ends: float = 60.0):
    return course(session() + b"".join(records), WALL + begins, WALL + ends)


def test_each_point_has_the_answers_of_its_own_stretch_of_time():
    told = seen(*(probe(at / 10, latency=0.01 if at < 300 else 0.05) for at in range(600)))

    assert (len(told.points), told.width_s) == (30, 2.0)
    assert {point.probes for point in told.points} <= {19, 20, 21}
    assert told.points[0].percentile(95) == pytest.approx(0.01)
    assert told.points[-1].percentile(50) == pytest.approx(0.05)


def test_a_long_time_has_no_more_points_than_an_eye_sees_and_few_probes_make_few_points():
    assert len(seen(*(probe(at) for at in range(5000)), ends=5000.0).points) == 150
    assert len(seen(*(probe(at) for at in range(50)), ends=5000.0).points) == 2
    assert len(seen(probe(1)).points) == 1


def test_a_lost_probe_has_failed_and_has_no_latency():
    point = seen(probe(0.1, latency=0.02), probe(0.2, LOST, latency=1.0), probe(0.3, ERROR, latency=0.03)).points[0]

    assert (point.probes, point.failed) == (3, 2)
    assert point.percentile(99) == pytest.approx(0.03)


def test_a_gap_goes_from_the_first_failure_of_an_address_to_its_next_good_answer():
    told = seen(probe(1), probe(2, LOST), probe(3, address=1), probe(4, ERROR), probe(5), probe(9, LOST, latency=1.0))

    assert told.gaps == [(WALL + 2, WALL + 5), (WALL + 9, WALL + 10)]


def test_where_nobody_probed_is_no_gap_and_no_good_time():
    restarted = record(END, 8.0) + record(SESSION, 20.0, latency=0) + record(CLOCK, WALL)
    told = seen(probe(1), probe(4, latency=0.0), record(PAUSE, 7.0), probe(7, latency=0.0), restarted, probe(20))

    assert told.unseen == [(WALL + 4, WALL + 7), (WALL + 7, WALL + 20)]
    assert told.gaps == []


def test_only_what_lies_between_its_ends_is_told():
    told = seen(probe(1), probe(2, LOST), probe(30), probe(31), begins=20, ends=30.5)

    assert told.probes == 1
    assert told.gaps == [(WALL + 20, WALL + 30)]
    assert first(session() + probe(3)) == WALL + 3
    assert first(b"") is None


def test_half_a_record_at_the_end_is_not_read():
    assert course(session() + probe(1) + probe(2)[:5], WALL, WALL + 9).probes == 1
