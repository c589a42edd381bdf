"""What do stakeholders read, with everything known and with nothing?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.text import render

EVERYTHING: dict[str, Any] = {
    "service": "checkout",
    "version": "1.4.2",
    "environment": "production",
    "previous": "1.4.1",
    "window_from": datetime(2026, 11, 23, 14, 30, tzinfo=UTC),
    "window_to": datetime(2026, 11, 23, 15, 30, tzinfo=UTC),
    "thread": "https://acme.slack.com/archives/C0CHECKOUT/p1",
    "captain": "Mara Lind",
    "changes": 12,
    "compare_url": "https://git.example/compare",
    "duration": 660.0,
    "reason": "Performance degradation > 50%: p95 +249 %.",
    "since": datetime(2026, 11, 23, 14, 41, tzinfo=UTC),
    "happened": datetime(2026, 11, 23, 14, 41, tzinfo=UTC),
    "lost": 0,
    "probes": 4800,
    "accepted": "Error rate > 0.1% (Ana Ruiz: “the search page alone”)",
    "back": True,
    "leftover": "some of our test requests failed then",
}
NOTHING: dict[str, Any] = {
    **{name: None if EVERYTHING[name] is None or not isinstance(EVERYTHING[name], str) else "" for name in EVERYTHING},
    "service": "checkout",
    "version": "1.4.2",
    "environment": "production",
    "captain": "Mara Lind",
}
HALF_PAST_TWO = "<!date^1795444200^{date_short_pretty} {time}|23 Nov 2026 14:30 UTC>"
HALF_PAST_THREE = "<!date^1795447800^{time}|15:30 UTC>"
SINCE = "<!date^1795444860^{date_short_pretty} {time}|23 Nov 2026 14:41 UTC>"
THREAD = "https://acme.slack.com/archives/C0CHECKOUT/p1"


@pytest.mark.parametrize(
    ("kind", "everything", "nothing"),
    [
        (
            "planned",
            (
                f"*checkout 1.4.2* goes to production {HALF_PAST_TWO} – {HALF_PAST_THREE}. No downtime expected. "
                f"12 changes since 1.4.1 (<https://git.example/compare|what's new>). <{THREAD}|Follow it here>."
            ),
            "*checkout 1.4.2* goes to production now. No downtime expected.",
        ),
        (
            "done",
            (
                f"*checkout 1.4.2* is live in production since {SINCE}: no downtime, 12 changes "
                "(<https://git.example/compare|what's new>). Accepted: Error rate &gt; 0.1% (Ana Ruiz: “the search page "
                f"alone”). <{THREAD}|How it went>."
            ),
            "*checkout 1.4.2* is live in production.",
        ),
        (
            "rolled_back",
            (
                f"*checkout* is back on 1.4.1 in production since {SINCE}, 11 min after 1.4.2 began to go out. "
                "It is not well: some of our test requests failed then. "
                f"What happened {SINCE}: Performance degradation &gt; 50%: p95 +249 %. "
                f"Next: Mara Lind and the team look into it, <{THREAD}|here>."
            ),
            "*checkout* is back on the version before in production.",
        ),
        (
            "rolling_back",
            "*checkout 1.4.2* was rolled back in production; how that ended is told below.",
            "*checkout 1.4.2* is being rolled back in production.",
        ),
        (
            "called_off",
            (
                "*checkout 1.4.2* does not go to production now; it was called off before anything changed. "
                "1.4.1 stays in place. Why: Performance degradation &gt; 50%: p95 +249 %. "
                f"<{THREAD}|More in the thread>."
            ),
            "*checkout 1.4.2* does not go to production now; it was called off before anything changed.",
        ),
    ],
)
def test_an_announcement_says_what_is_known_and_leaves_out_the_rest(kind, everything, nothing):
    assert render(f"{kind}.j2", **EVERYTHING) == everything
    assert render(f"{kind}.j2", **NOTHING) == nothing


def test_nobody_is_promised_what_did_not_happen():
    assert "3 of 4,800 probes failed, 12 changes" in render("done.j2", **EVERYTHING | {"lost": 3})
    assert "downtime" not in render("done.j2", **EVERYTHING | {"lost": None})


@pytest.mark.parametrize("kind", ["planned", "done", "rolling_back", "rolled_back", "called_off"])
def test_what_a_person_typed_pages_nobody(kind):
    values = EVERYTHING | {"reason": "<!channel>", "captain": "<!here>", "service": "<@U1>", "previous": "<!everyone>"}
    text = render(f"{kind}.j2", **values)
    assert not any(ping in text for ping in ("<!channel>", "<!here>", "<@U1>", "<!everyone>"))
