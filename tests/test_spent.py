"""The deployment itself is worth a look: how long it took, and what in it did not go as it should."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import recorded
from bot.model import Alarm, Phase, StepRecord, StepState, Verdict
from bot.plan import CheckPlan, Stage, StepKind, StepPlan
from tests.store.records import NOON, drafted

SHIP = StepPlan(key="ship", title="Ship", stage=Stage.DEPLOYING, kind=StepKind.SCRIPT, script="ship", sees="version")
METRICS = CheckPlan(
    name="metrics", uses="record", pass_=("retried == 0", "alarms == 0", "took >= 0s"), warn=("took >= 0s",)
)


def at(minute):
    return NOON + timedelta(minutes=minute)


@pytest.fixture
def live():
    one = drafted()(1, None).deployment
    shipped = StepRecord(state=StepState.PASSED, at=at(5), ended_at=at(7))
    plan = replace(one.plan, steps=(SHIP,))
    return replace(one, plan=plan, phase=Phase.LIVE, started_at=NOON, live_at=at(10), steps={"ship": shipped})


def look(deployment):
    return recorded.judged(deployment, METRICS, at(60))


def test_what_went_through_at_once_passes_and_says_how_long_it_took(live):
    finding = look(live)
    assert finding.verdict is Verdict.PASS
    assert finding.summary == "10 min from the start to live, 2 min for the deploy script"
    assert (finding.values["took"], finding.values["script"]) == (600, 120)


def test_what_had_to_be_done_twice_is_a_warning(live):
    alarm = Alarm(key="slow", title="Slow", detail="p95", at=at(8))
    finding = look(replace(live, retried={"ship": 1}, alarms=(alarm,)))
    assert finding.verdict is Verdict.WARN
    assert "1 step tried again, 1 trigger tripped" in finding.summary


def test_before_it_is_live_nothing_is_said(live):
    assert look(replace(live, live_at=None)).verdict is Verdict.UNKNOWN
