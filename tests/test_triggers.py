"""Triggers over what is measured outside, such as a query to Prometheus: each measurement is one sample."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.decide.settle import checks_wanted
from bot.decide.time import judge_triggers
from bot.model import Finding, Phase, Verdict
from bot.plan import CheckPlan, TriggerPlan
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


def test_a_measurement_of_before_the_script_is_no_sample(deploying):
    assert judge_triggers(measured(deploying, -1), at(1)) is None
