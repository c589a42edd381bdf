"""What the watch saw is told by what the rule asks about, in numbers that people compare."""

import pytest

from bot import recorded
from bot.model import WatchReport, Window

SEEN = Window(probes=6840, lost=3, errors=1, longest_gap_s=0.25, p50_s=0.04, p95_s=0.412, p99_s=0.6, lag_p95_s=0.003)
BEFORE = Window(probes=600, p50_s=0.03, p95_s=0.118, p99_s=0.2, lag_p95_s=0.003)
REPORT = WatchReport(id="shop-1", alive=True, baseline=BEFORE, since=SEEN, recent=SEEN)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"longest_gap"}, "4 of 6,840 probes failed, longest gap 250 ms"),
        ({"down"}, "4 of 6,840 probes failed, longest gap 250 ms"),
        ({"p95"}, "p95 412 ms"),
        ({"p95_added", "p95_change"}, "p95 412 ms is +249 % over the baseline of 118 ms"),
        ({"upper95", "ratio"}, "4 of 6,840 probes failed"),
        ({"lost", "p99"}, "4 of 6,840 probes failed, longest gap 250 ms, p95 412 ms"),
    ],
)
def test_a_rule_is_told_about_what_it_asks(asked: set[str], words: str):
    measured = recorded.watched(REPORT, "since", asked)

    assert measured is not None
    assert measured.summary == words


def test_without_probes_it_says_why():
    nothing = WatchReport(
        id="shop-1", alive=False, baseline=Window(), since=Window(), recent=Window(), problem="no route"
    )
    measured = recorded.watched(nothing, "since", {"p95"})

    assert measured is not None
    assert measured.summary == "no route"
