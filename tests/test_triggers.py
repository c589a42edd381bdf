"""Triggers over what is measured outside, such as a query to Prometheus: each measurement is one sample."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.decide.settle import checks_wanted
from bot.decide.time import judge_triggers
from bot.model import Condition, Finding, Phase, Verdict
from bot.plan import CheckPlan, TriggerPlan
from bot.views import messages
from tests.store.records import NOON, drafted

SLOWER = TriggerPlan(key="slower", title="Slower", check="p95", every_s=15, fail_after=3, of=4)


@pytest.fixture
def deploying():
    one = drafted()(1, None).deployment
    plan = replace(one.plan, triggers=(SLOWER,), checks={"p95": CheckPlan(name="p95", uses="promql")})
    return replace(one, plan=plan, phase=Phase.DEPLOYING, deploy_at=NOON)


def measured(deployment, after_s, verdict=Verdict.FAIL):
    at = NOON + timedelta(seconds=after_s)
    finding = Finding(check="p95", verdict=verdict, summary="slow", measured_at=at, expires_at=at + timedelta(hours=1))
    return replace(deployment, findings={"p95": finding})


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def judged(deployment, after_s):
    change = judge_triggers(deployment, at(after_s))
    return change.deployment if change else deployment


def test_it_is_measured_from_the_script_on_at_the_interval_of_its_trigger(deploying):
    assert checks_wanted(replace(deploying, phase=Phase.PREPARING, deploy_at=None), NOON) == set()
    assert checks_wanted(deploying, NOON) == {"p95"}
    assert checks_wanted(measured(deploying, -5), NOON) == {"p95"}, "what was before the script does not count"
    assert checks_wanted(measured(deploying, 1), at(15)) == set()
    assert checks_wanted(measured(deploying, 1), at(16)) == {"p95"}
    live = replace(measured(deploying, 1), phase=Phase.LIVE, live_at=at(60))
    assert checks_wanted(live, at(600)) == {"p95"}
    assert checks_wanted(live, at(60 + 2 * 3600)) == set()


def test_each_measurement_is_one_sample_however_often_it_is_looked_at(deploying):
    one = judged(measured(deploying, 1), 2)
    assert one.trigger_samples["slower"] == (Verdict.FAIL,)
    assert judge_triggers(one, at(3)) is None
    assert judge_triggers(one, at(300)) is None
    again = judged(measured(one, 16), 17)
    assert again.trigger_samples["slower"] == (Verdict.FAIL, Verdict.FAIL)
    assert not again.alarms


def test_three_of_four_bad_measurements_ask_whether_to_roll_back(deploying):
    one = deploying
    for number, verdict in enumerate((Verdict.FAIL, Verdict.UNKNOWN, Verdict.FAIL, Verdict.FAIL)):
        assert one.phase is Phase.DEPLOYING
        one = judged(measured(one, 1 + 15 * number, verdict), 2 + 15 * number)
    assert one.phase is Phase.DECIDING
    assert one.alarms[0].detail == "slow (3 of 4 samples)"


def test_what_could_not_be_measured_never_asks(deploying):
    one = deploying
    for number in range(8):
        one = judged(measured(one, 1 + 15 * number, Verdict.UNKNOWN), 2 + 15 * number)
    assert not one.alarms


def blind(deployment):
    return [one for one in messages.wanted(deployment, at(0)) if one.key.startswith("blind:")]


def unseen(one, first, last):
    for number in range(first, last):
        one = judged(measured(one, 1 + 15 * number, Verdict.UNKNOWN), 2 + 15 * number)
    return one


def test_when_nothing_can_be_measured_for_long_the_captain_is_told_once_until_it_is_seen_again(deploying):
    quiet = unseen(deploying, 0, 3)
    assert blind(quiet) == []
    told = unseen(quiet, 3, 4)
    (page,) = blind(told)
    assert page.in_thread
    assert page.text.startswith("🙈 We are blind: Slower cannot be seen since ")
    assert f"<@{told.captain.id}>" in page.text or told.captain.name in page.text
    assert ": slow. " in page.text
    later = unseen(told, 4, 9)
    assert blind(later) == [page], "once"
    seen = judged(measured(later, 136, Verdict.FAIL), 137)
    (edited,) = blind(seen)
    assert edited.key == page.key
    assert edited.text.startswith("👁 Slower can be seen again, since ")
    again = unseen(seen, 10, 14)
    assert len(blind(again)) == 2
    assert blind(unseen(seen, 10, 13)) == [edited], "a new stretch has to be long enough, too"


def test_a_restart_of_some_seconds_pages_nobody_however_often_a_trigger_looks(deploying):
    """The bot and its probers begin anew, and what is judged each second is not seen for twenty of them."""
    every_second = replace(deploying.plan, triggers=(replace(SLOWER, every_s=1),))
    one = replace(deploying, plan=every_second)
    for second in range(20):
        one = judged(measured(one, second, Verdict.UNKNOWN), second)
    assert blind(one) == []
    one = judged(measured(one, 20, Verdict.PASS), 20)
    assert blind(one) == []
    for second in range(21, 51):
        assert blind(one) == []
        one = judged(measured(one, second, Verdict.UNKNOWN), second)
    assert len(blind(one)) == 1, "half a minute is no restart"


def test_a_clock_that_is_moved_makes_no_restart_longer(deploying):
    one = replace(deploying, plan=replace(deploying.plan, triggers=(replace(SLOWER, every_s=1),)))
    for second in range(3):
        one = judged(measured(one, second, Verdict.UNKNOWN), second)
    for second in range(3600, 3603):
        one = judged(measured(one, second, Verdict.UNKNOWN), second)
    assert blind(one) == []


def test_what_was_seen_in_time_or_is_only_too_little_to_judge_pages_nobody(deploying):
    one = unseen(deploying, 0, 3)
    one = judged(measured(one, 46, Verdict.PASS), 47)
    assert blind(unseen(one, 4, 7)) == []
    few = (Condition(rule="samples >= 500", measured=20, held=False),)
    for number in range(4, 12):
        one = measured(one, 1 + 15 * number, Verdict.UNKNOWN)
        one = replace(one, findings={"p95": replace(one.findings["p95"], conditions=few)})
        one = judged(one, 2 + 15 * number)
    assert blind(one) == []


def test_a_measurement_of_before_the_script_is_no_sample(deploying):
    assert judge_triggers(measured(deploying, -1), at(1)) is None
