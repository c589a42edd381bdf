"""The check `ratelimit`, against servers that limit, pretend to, or do not."""

import itertools

import pytest

from bot.check import measure
from bot.errors import ConfigError
from bot.model import Verdict
from bot.plan import CheckPlan
from tests.checks.helpers import closed_port, context, run_check, site

#: Where it may be measured, and where we are.
ALLOWED = {"allow_on": ["staging"], "release": {"environment": "staging"}}


def limiter(burst, *, status=429, retry_after="1", recovers=True):
    """Refuses once after `burst` requests, then answers again, or never does."""
    count = itertools.count(1)

    def answer(_):
        number = next(count)
        if number <= burst or (recovers and number > burst + 5):
            return 200, [], "ok"
        return status, [("Retry-After", retry_after)] if retry_after else [], "slow down"

    return answer


async def look(answer, **params):
    with site(answer) as one:
        given = {"url": one.url, "addresses": [one.at], "allow_private": True, "budget": 30, **ALLOWED, **params}
        return await run_check("ratelimit", **given), len(one.asked)


async def test_a_limit_with_429_and_retry_after_passes():
    finding, asked = await look(limiter(20))
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["first_limited_at"] == 21
    assert finding.values["recovers"] is True
    assert finding.summary.startswith("first 429 at request 21 of 25, Retry-After 1 s, let in again after 1 s")
    assert asked <= 31


async def test_no_limit_fails_within_the_budget():
    finding, asked = await look(lambda _: (200, [], "ok"))
    assert finding.verdict is Verdict.FAIL
    assert "none of 30 requests was refused" in finding.summary
    assert asked == 30


async def test_503_without_retry_after_is_a_warning():
    finding, _ = await look(limiter(10, status=503, retry_after=""))
    assert finding.verdict is Verdict.WARN
    assert finding.values["status"] == 503
    assert finding.values["retry_after"] is False


async def test_a_limit_that_never_lets_anybody_in_again_is_a_warning():
    finding, _ = await look(limiter(10, recovers=False), wait_s=1.5)
    assert finding.verdict is Verdict.WARN
    assert finding.values["recovers"] is False


async def test_a_wait_that_is_too_long_to_try_is_not_tried():
    finding, _ = await look(limiter(10, retry_after="3600"))
    assert "recovers" not in finding.values


async def test_a_broken_server_is_unknown_and_not_an_open_door():
    for status in (500, 503):
        finding, _ = await look(lambda _: (status, [], "broken"))  # noqa: B023 - it is called before the next turn
        assert finding.verdict is Verdict.UNKNOWN
    finding = await run_check(
        "ratelimit", url="http://site.test/", addresses=[closed_port()], allow_private=True, **ALLOWED
    )
    assert finding.verdict is Verdict.UNKNOWN


async def test_however_often_a_measurement_may_be_tried_the_budget_is_for_all_of_it():
    with site(lambda _: (200, [], "ok")) as one:
        plan = CheckPlan(
            name="limit",
            uses="ratelimit",
            with_={"url": one.url, "addresses": [one.at], "allow_private": True, "budget": 10, "allow_on": ["staging"]},
            attempts=2,
            retry_after_s=0.0,
        )
        finding = await measure(plan, context(environment="staging"))
        asked = len(one.asked)
    assert finding.verdict is Verdict.FAIL
    assert asked == finding.values["sent"] == 10


async def test_asking_to_be_let_in_again_is_part_of_the_budget():
    finding, asked = await look(limiter(8, recovers=False), budget=10, together=1, wait_s=8)
    assert asked == finding.values["sent"] == 10
    assert finding.verdict is Verdict.WARN
    assert "recovers" not in finding.values
    assert "too little of time or budget left to see whether it lets in again" in finding.summary


async def test_in_an_environment_that_is_not_named_nothing_is_sent():
    for environment in ("production", ""):
        finding, asked = await look(lambda _: (200, [], "ok"), release={"environment": environment})
        assert finding.verdict is Verdict.UNKNOWN
        assert "'allow_on' permits it in staging" in finding.summary
        assert asked == 0


async def test_a_configuration_that_does_not_say_where_it_may_be_measured_is_refused():
    with pytest.raises(ConfigError, match="'allow_on' is missing"):
        await run_check("ratelimit", url="http://site.test/")
