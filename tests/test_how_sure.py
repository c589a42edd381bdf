"""What the watch can and cannot show is told as that: too few probes, a prober that was late, or plainly too many failures."""

from dataclasses import replace

import pytest

from bot import recorded
from bot.model import Verdict, WatchReport, Window
from bot.plan import CheckPlan, WatchPlan
from tests.store.records import NOON, drafted

ERRORS = CheckPlan(
    name="errors",
    uses="watch",
    with_={"window": "since"},
    require=("probes >= 1",),
    pass_=("upper95 < 0.1%",),
    warn=("ratio < 0.1%",),
)
SLOW = CheckPlan(
    name="slow",
    uses="watch",
    with_={"window": "since"},
    require=("probes >= 200", "lag_p95 <= 200ms"),
    pass_=("p95 <= 300ms",),
)


def told(check: CheckPlan, seen: Window, rate: float = 20, error: str = "") -> tuple[Verdict, str]:
    one = drafted()(1, None).deployment
    watch = WatchPlan(url="https://shop.example/healthz", rate=rate)
    report = WatchReport(id=one.id, alive=True, baseline=Window(), since=seen, recent=seen, last_error=error)
    found = recorded.judged(replace(one, plan=replace(one.plan, watch=watch), watch=report), check, NOON)
    return found.verdict, found.summary


def test_a_rate_over_its_limit_is_told_with_the_limit_and_asks_nobody_to_wait():
    assert told(ERRORS, Window(probes=6774, lost=1317)) == (
        Verdict.FAIL,
        "1,317 of 6,774 probes failed: that is 19.4 %, 0.1 % is allowed",
    )


@pytest.mark.parametrize(
    ("rate", "lost", "words"),
    [
        (
            20,
            0,
            "0 of 1,120 probes failed: the rate may be up to 0.342 %; 2,718 more good ones, about 2 min 16 s, would",
        ),
        (
            20,
            1,
            "1 of 1,120 probes failed: the rate may be up to 0.504 %; 4,541 more good ones, about 3 min 47 s, would",
        ),
        (0.5, 0, "0 of 1,120 probes failed: the rate may be up to 0.342 %"),
    ],
)
def test_more_good_ones_are_asked_for_only_where_they_come_within_an_hour(rate: float, lost: int, words: str):
    verdict, summary = told(ERRORS, Window(probes=1120, lost=lost), rate)

    assert verdict is Verdict.WARN
    assert summary.startswith(words)
    assert ("more good ones" in summary) is (rate > 1)


def test_a_prober_that_was_late_knows_nothing_of_the_service_and_says_so():
    assert told(SLOW, Window(probes=900, p95_s=0.862, lag_p95_s=0.279)) == (
        Verdict.UNKNOWN,
        "p95 862 ms, but the prober itself was late by 279 ms (p95): this machine is busy, and part of what is slow may be ours",
    )


def test_what_the_last_lost_probe_met_stands_beside_how_many_were_lost():
    error = "10.0.0.1:443: connection refused"

    assert told(ERRORS, Window(probes=100, lost=50), error=error)[1].startswith(
        "50 of 100 probes failed (the last: 10.0.0.1:443: connection refused): that is 50 %"
    )
    assert "refused" not in told(ERRORS, Window(probes=100), error=error)[1], "it was before"
