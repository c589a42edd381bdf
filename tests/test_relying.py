"""A criterion that is worked out from the record relies on what holds now, and what it names is measured again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import gates
from bot.decide import settle, time, waking
from bot.decide.runs import World
from bot.gates import Standing
from bot.model import Change, Finding, NotApplicable, Person, Phase, StepRecord, StepState, Verdict, Waiver
from bot.plan import CheckPlan, FollowUpPlan, ItemPlan, SectionPlan, Stage, StepKind, StepPlan
from tests.store.records import NOON, drafted

ALL = ItemPlan(key="all", title="All health checks passing", checks=("all",))


@pytest.fixture
def verifying():
    """`dns` was measured before the deployment only; no item of the verification measures it."""
    one = drafted()(1, None).deployment
    checks = {
        "tls": CheckPlan(name="tls", uses="tls"),
        "dns": CheckPlan(name="dns", uses="dns"),
        "all": CheckPlan(
            name="all", uses="record", with_={"checks": ["tls", "dns"]}, pass_=("failed == 0", "unknown == 0")
        ),
    }
    plan = replace(one.plan, checks=checks, criteria=SectionPlan(key="criteria", title="Criteria", items=(ALL,)))
    return replace(one, plan=plan, phase=Phase.VERIFYING, deploy_at=NOON)


def measured(deployment, name, minute, verdict=Verdict.PASS):
    at = NOON + timedelta(minutes=minute)
    finding = Finding(
        check=name, verdict=verdict, summary="seen", measured_at=at, expires_at=at + timedelta(minutes=30)
    )
    return replace(deployment, findings={**deployment.findings, name: finding})


def at(minute):
    return NOON + timedelta(minutes=minute)


def stands(deployment, minute):
    return gates.standing(deployment, ALL, at(minute))


def test_it_passes_only_while_what_it_names_holds(verifying):
    one = measured(measured(verifying, "tls", 0), "dns", 10)
    assert stands(one, 20) is Standing.PASS
    assert settle.checks_wanted(one, at(20)) == set()
    assert stands(one, 30) is Standing.MEASURING, "tls was measured half an hour ago"
    assert settle.checks_wanted(one, at(30)) == {"tls"}
    assert gates.finding(one, "all", at(30)).values["unknown"] == 1
    assert next(gates.blockers(one, at(30))).reason is gates.Reason.MEASURING
    assert at(30) in set(waking._moments(one, at(20))), "it is looked at when the first of them ends"
    again = measured(one, "tls", 30)
    assert stands(again, 30) is Standing.PASS
    assert stands(measured(one, "tls", 30, Verdict.FAIL), 30) is Standing.FAIL


def test_what_it_names_is_measured_after_the_deploy_script(verifying):
    before = measured(measured(verifying, "tls", -1), "dns", -2)
    done = StepRecord(state=StepState.PASSED, at=NOON)
    step = StepPlan(key="ship", title="Ship", stage=Stage.DEPLOYING, kind=StepKind.CONFIRM)
    deploying = replace(before, phase=Phase.DEPLOYING, plan=replace(before.plan, steps=(step,)), steps={"ship": done})
    world = World(host="here", root="/srv")
    after = settle.settle(Change(deployment=deploying), at(1), world).deployment
    assert after.phase is Phase.VERIFYING
    assert settle.checks_wanted(after, at(1)) == {"tls", "dns"}
    assert stands(after, 1) is Standing.MEASURING
    half = measured(after, "tls", 2)
    assert settle.checks_wanted(half, at(2)) == {"dns"}
    assert stands(half, 2) is Standing.MEASURING
    assert stands(measured(half, "dns", 2), 2) is Standing.PASS


def test_all_that_is_measured_in_a_section_is_required_but_for_what_was_waived_or_burdens_the_service(verifying):
    items = tuple(ItemPlan(key=name, title=name, checks=(name,)) for name in ("tls", "dns", "flood"))
    section = SectionPlan(key="before", title="Before", items=items)
    checks = {
        **verifying.plan.checks,
        "flood": CheckPlan(name="flood", uses="ratelimit", intrusive=True),
        "all": replace(verifying.plan.checks["all"], with_={"sections": ["before", "verification"]}),
    }
    verifying = replace(verifying, plan=replace(verifying.plan, sections=(section,), checks=checks))
    assert settle.checks_wanted(verifying, at(1)) == {"tls", "dns"}
    one = measured(measured(verifying, "tls", 1), "dns", 1, Verdict.FAIL)
    assert stands(one, 2) is Standing.FAIL
    waiver = Waiver(by=Person(id="U1", name="Ana"), role="lead", at=NOON, reason="known", until=at(20))
    waived = replace(one, waivers={"dns": waiver})
    assert stands(waived, 2) is Standing.PASS
    assert gates.finding(waived, "all", at(2)).summary == "1 of 2, 1 waived"
    assert stands(waived, 21) is Standing.FAIL, "the waiver has ended"
    excluded = NotApplicable(by=waiver.by, at=NOON, reason="no name of ours")
    assert stands(replace(one, not_applicable={"dns": excluded}), 2) is Standing.PASS


def test_a_step_that_asks_for_it_waits_until_all_is_measured_anew(verifying):
    step = StepPlan(key="seen", title="Seen", stage=Stage.VERIFYING, kind=StepKind.CHECKS, checks=("all",))
    begun = measured(measured(verifying, "tls", -1), "dns", -1)
    begun = replace(begun, plan=replace(begun.plan, steps=(step,)))
    world = World(host="here", root="/srv")
    one = settle.settle(Change(deployment=begun), at(1), world).deployment
    assert settle.checks_wanted(one, at(1)) == {"tls", "dns"}
    half = settle.settle(Change(deployment=measured(one, "tls", 2)), at(2), world).deployment
    assert half.steps["seen"].state is StepState.RUNNING
    whole = settle.settle(Change(deployment=measured(half, "dns", 2)), at(2), world).deployment
    assert whole.steps["seen"].state is StepState.PASSED


def test_a_follow_up_that_is_due_measures_what_its_task_relies_on(verifying):
    follow_up = FollowUpPlan(key="day", title="After a day", after_s=60, tasks=(ALL,))
    live = measured(measured(verifying, "tls", 0), "dns", 0)
    live = replace(live, phase=Phase.LIVE, live_at=NOON, plan=replace(live.plan, follow_ups=(follow_up,)))
    planned = time.plan_follow_ups(live, NOON).deployment
    opened = time.tend_follow_ups(planned, at(2)).deployment
    assert settle.checks_wanted(opened, at(2)) == {"tls", "dns"}
