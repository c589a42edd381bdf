"""What a number is compared with: the time before the deploy script, as the engine finds it, keeps it and shows it."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from bot.engine.measuring import Measuring
from bot.model import Change, Phase, Projection, Verdict
from bot.ping import digest
from bot.plan import BaselinePlan, CheckPlan
from bot.store import Store
from tests.checks.helpers import site
from tests.store.records import NOON, Hands, drafted

DEPLOY = NOON + timedelta(minutes=30)


class Prometheus:
    """Speaks as it does: what it gives now, and what it gave at each point of a time that is past."""

    def __init__(self):
        self.now, self.past, self.ranges, self.queries = 0.3, [0.2, 0.2, 0.9], [], []

    def __call__(self, request):
        asked = parse_qs(request.sent.decode())
        self.queries.append(asked["query"][0])
        if request.path.endswith("query_range"):
            self.ranges.append((float(asked["start"][0]), float(asked["end"][0])))
            result = [{"metric": {}, "values": [[at, str(value)] for at, value in enumerate(self.past)]}]
            data = {"resultType": "matrix", "result": result if self.past else []}
        else:
            data = {"resultType": "vector", "result": [{"metric": {}, "value": [1, str(self.now)]}]}
        return 200, [], json.dumps({"status": "success", "data": data})


@pytest.fixture
async def world(tmp_path):
    """An engine's measuring over a real store, and a deployment whose script began half an hour after it opened."""
    clock = Hands()
    store = await Store.open(
        f"sqlite+aiosqlite:///{tmp_path}/db", clock, project=lambda _: Projection(messages=(), wake_at=None)
    )
    deployment = await store.create("checkout", "production", drafted())

    async def found(*_):
        pass

    try:
        yield Measuring(store, clock, {}, tmp_path / "work", found), store, clock, deployment
    finally:
        await store.close()


def plan(prometheus, query="latency", **more):
    given = {"url": f"http://{prometheus.at}", "query": query, "allow_private": True}
    return CheckPlan(
        name="performance", uses="promql", with_=given, pass_=("value <= baseline +20%",), warn=("value <= baseline +50%",),
        attempts=1, baseline=BaselinePlan(of="window", last_s=1800, **more),
    )  # fmt: skip


def plan_of_last_passed():
    return CheckPlan(name="performance", uses="promql", attempts=1, baseline=BaselinePlan(of="last_passed"))


async def test_the_baseline_is_the_time_before_the_deploy_script_whenever_it_is_asked_for(world):
    measuring, _, clock, deployment = world
    prometheus = Prometheus()
    began = replace(deployment, phase=Phase.DEPLOYING, deploy_at=DEPLOY)
    clock.at = DEPLOY + timedelta(minutes=7)
    with site(prometheus) as one:
        finding = await measuring.measure(plan(one), began)
    assert prometheus.ranges == [((DEPLOY - timedelta(minutes=30)).timestamp(), DEPLOY.timestamp())]
    assert finding.verdict is Verdict.WARN, finding.summary
    assert finding.baseline["value"] == 0.2, "the median of what was before"
    assert finding.conditions[0].threshold == pytest.approx(0.24)


async def test_it_is_frozen_with_the_first_finding_and_not_asked_for_again(world):
    measuring, _, clock, deployment = world
    prometheus = Prometheus()
    began = replace(deployment, phase=Phase.DEPLOYING, deploy_at=DEPLOY)
    clock.at = DEPLOY + timedelta(minutes=1)
    with site(prometheus) as one:
        first = await measuring.measure(plan(one), began)
        prometheus.past = [5.0]
        again = replace(began, findings={"performance": first})
        clock.advance(minutes=5)
        second = await measuring.measure(plan(one), again)
    assert len(prometheus.ranges) == 1
    assert second.baseline == first.baseline


async def test_until_the_script_begins_the_time_before_now_is_what_counts_and_none_of_it_is_kept(world):
    measuring, _, clock, deployment = world
    prometheus = Prometheus()
    with site(prometheus) as one:
        early = await measuring.measure(plan(one, aggregate="max"), deployment)
        clock.at = DEPLOY + timedelta(minutes=1)
        began = replace(deployment, deploy_at=DEPLOY, findings={"performance": early})
        await measuring.measure(plan(one), began)
    assert early.verdict is Verdict.PASS
    assert early.baseline["value"] == 0.9
    assert [end for _, end in prometheus.ranges] == [NOON.timestamp(), DEPLOY.timestamp()]


async def test_the_first_time_is_what_the_second_is_compared_with(world):
    measuring, store, clock, first = world
    asked = replace(plan_of_last_passed(), pass_=("value <= baseline +20%",), require=("series >= 1",))
    prometheus = Prometheus()

    async def deploy(number):
        clock.advance(days=1)
        one = await store.create("checkout", "production", drafted()) if number > 1 else first
        finding = await measuring.measure(with_site(asked), one)
        closed = lambda known: Change(deployment=replace(known, phase=Phase.CLOSED, findings={"performance": finding}))  # noqa: E731
        await store.change(one.id, closed)
        return finding

    with site(prometheus) as one:

        def with_site(plan):
            return replace(plan, with_={"url": f"http://{one.at}", "query": "latency", "allow_private": True})

        assert (await deploy(1)).verdict is Verdict.UNKNOWN
        prometheus.now = 0.35
        second = await deploy(2)
        assert second.verdict is Verdict.PASS
        assert second.baseline == {"value": 0.3, "max": 0.3, "min": 0.3, "series": 1.0}
        prometheus.now = 0.9
        assert (await deploy(4)).verdict is Verdict.FAIL
        prometheus.now = 0.36
        after = await deploy(5)
        assert after.baseline["value"] == 0.35, "the one that failed is no measure"


async def test_what_was_rolled_back_is_no_measure_for_what_comes_after_it(world):
    measuring, store, _, first = world
    prometheus = Prometheus()
    with site(prometheus) as one:
        given = {"url": f"http://{one.at}", "query": "latency", "allow_private": True}
        asked = replace(plan_of_last_passed(), pass_=("value <= baseline +20%",), with_=given)
        finding = await measuring.measure(replace(asked, pass_=("value <= 1",)), first)
        assert finding.verdict is Verdict.PASS
        back = lambda known: Change(  # noqa: E731
            deployment=replace(known, phase=Phase.ROLLED_BACK, findings={"performance": finding})
        )
        await store.change(first.id, back)

        second = await measuring.measure(asked, await store.create("checkout", "production", drafted()))

    assert second.verdict is Verdict.UNKNOWN
    assert second.baseline == {}


async def test_without_a_baseline_nothing_is_known(world):
    measuring, _, clock, deployment = world
    prometheus = Prometheus()
    prometheus.past = []
    clock.at = DEPLOY
    with site(prometheus) as one:
        finding = await measuring.measure(plan(one), replace(deployment, deploy_at=DEPLOY))
    assert finding.verdict is Verdict.UNKNOWN
    assert "there is no baseline to compare it with" in finding.summary


@pytest.mark.parametrize(("after", "window"), [(timedelta(seconds=5), "60s"), (timedelta(minutes=30), "1800s")])
async def test_the_window_is_the_time_since_the_deploy_script_began(world, after, window):
    measuring, _, clock, deployment = world
    prometheus = Prometheus()
    clock.at = DEPLOY + after
    with site(prometheus) as one:
        await measuring.measure(plan(one, "sum(increase(a[${window}]))"), replace(deployment, deploy_at=DEPLOY))
        before = await measuring.measure(plan(one, "sum(increase(a[${window}]))"), deployment)
    assert f"sum(increase(a[{window}]))" in prometheus.queries
    assert before.verdict is Verdict.UNKNOWN


async def test_a_check_in_a_thread_of_its_own_reads_the_pings_of_the_bot(world):
    measuring, store, _, deployment = world
    await asyncio.gather(*(store.pings.keep(digest("k" * 20), "success") for _ in range(3)))
    asked = CheckPlan(name="drill", uses="ping", with_={"key": "k" * 20}, attempts=1)
    findings = await asyncio.gather(*(measuring.measure(asked, deployment) for _ in range(5)))
    assert {one.verdict for one in findings} == {Verdict.PASS}
