"""The check `alerts`, against a real Prometheus and a real Alertmanager."""

import asyncio
import json
import time

import pytest

from bot.check import measure, validate
from bot.errors import ConfigError
from bot.model import Verdict
from bot.plan import CheckPlan
from checks.metrics import names_in
from tests.checks.helpers import closed_port, context, site
from tests.checks.monitoring import alertmanager, prometheus

RULES = """
groups:
  - name: shop
    interval: 1s
    rules:
      - {record: latency_p95_seconds, expr: vector(0.2), labels: {job: shop}}
      - {record: cpu_ratio, expr: vector(0.5), labels: {job: shop}}
      - {record: pair_ratio, expr: vector(1), labels: {job: shop, node: a}}
      - {record: pair_ratio, expr: vector(1), labels: {job: shop, node: b}}
      - {alert: Slow, expr: 'latency_p95_seconds > 0.5'}
      - {alert: Busy, expr: 'avg by (job) (cpu_ratio{job="shop"}) > 0.9', labels: {severity: page}}
      - {alert: Errors, expr: 'sum(rate(http_request_total{code=~"5.."}[1m])) > 0'}
      - {alert: Broken, expr: 'cpu_ratio * on(job) group_left() pair_ratio > 0'}
      - {alert: AlwaysThere, expr: 'latency_p95_seconds > 0', labels: {service: shop}}
      - {alert: Watchdog, expr: 'vector(1)'}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Alertmanager tells a port at which the check itself listens; Prometheus tells Alertmanager."""
    folder = tmp_path_factory.mktemp("monitoring")
    listen = closed_port()
    with alertmanager(folder, f"http://{listen}/") as am:
        targets = closed_port()
        scrape = (
            "scrape_configs:\n"
            f"  - {{job_name: gone, static_configs: [{{targets: ['{targets}']}}]}}\n"
            f"  - {{job_name: alertmanager, static_configs: [{{targets: ['{am}']}}]}}\n"
        )
        with prometheus(folder, rules=RULES, alertmanager=am, scrape=scrape) as url:
            yield {"url": url, "alertmanager": f"http://{am}"}, listen


async def look(*, judged=(), limit_s=20.0, **with_):
    """Measure; `judged` stands in for the plugin's own rules."""
    with_ = {"allow_private": True, **with_}
    plan = CheckPlan(name="alerting", uses="alerts", with_=with_, pass_=judged, attempts=1, timeout_s=limit_s)
    return await measure(plan, context(limit=limit_s + 10))


async def until(seen, **asked):
    """Prometheus needs a moment to evaluate, to scrape and to find its Alertmanager."""
    deadline = time.monotonic() + 60
    finding = await look(**asked)
    while not seen(finding) and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        finding = await look(**asked)
    return finding


async def test_rules_that_are_loaded_awake_and_can_see_pass(world):
    finding = await until(
        lambda one: one.verdict is Verdict.PASS, **world[0], rules=["Slow", "Busy"], jobs=["alertmanager"]
    )
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["broken"] == 0
    assert finding.summary.startswith("2 rules loaded and awake, 1 jobs up")
    assert finding.values["unconnected"] == 0


@pytest.mark.parametrize(
    ("rules", "jobs", "counted", "said"),
    [
        (["Slow", "Slwo"], [], "missing", "the rule Slwo is not loaded"),
        (["Errors"], [], "blind", "the rule Errors looks at http_request_total, which does not exist"),
        (["Broken"], [], "unhealthy", "the rule Broken cannot be evaluated: found duplicate series"),
        ([], ["gone"], "down", "the job gone has 1 of 1 targets down"),
        ([], ["nobody"], "down", "the job nobody has no target"),
    ],
)
async def test_what_would_stay_silent_fails_and_is_named(world, rules, jobs, counted, said):
    finding = await until(lambda one: said in one.summary, url=world[0]["url"], rules=rules, jobs=jobs)
    assert finding.verdict is Verdict.FAIL, finding.summary
    assert said in finding.summary
    assert finding.values[counted] == 1


async def test_what_fires_is_counted_and_what_always_fires_is_not(world):
    asked = {"alertmanager": world[0]["alertmanager"], "judged": ("firing == 0",)}
    finding = await until(lambda one: one.values.get("firing"), matchers=['service="shop"'], **asked)
    assert finding.verdict is Verdict.FAIL
    assert finding.values["firing"] == 1
    assert "firing: AlwaysThere" in finding.summary
    others = await look(matchers=['service="other"'], **asked)
    assert others.verdict is Verdict.PASS


async def test_a_synthetic_alert_makes_the_round_trip(world):
    asked, listen = world
    finding = await look(
        alertmanager=asked["alertmanager"],
        listen=listen,
        judged=("broken == 0", "round_trip <= 120s"),
        limit_s=60.0,
        labels={"severity": "none"},
    )
    assert finding.verdict is Verdict.PASS, finding.summary
    assert 0 < finding.values["round_trip"] < 60
    assert "a synthetic alert arrived after" in finding.summary


async def test_an_alert_that_is_sent_elsewhere_did_not_arrive(world):
    finding = await look(
        alertmanager=world[0]["alertmanager"],
        listen=closed_port(),
        wait="3 s",
        limit_s=30.0,
    )
    assert finding.verdict is Verdict.FAIL
    assert "the synthetic alert did not arrive within 3 s" in finding.summary
    assert "round_trip" not in finding.values


async def test_a_wait_that_the_time_limit_cut_short_is_unknown(world):
    finding = await look(alertmanager=world[0]["alertmanager"], listen=closed_port(), limit_s=4.0)
    assert finding.verdict is Verdict.UNKNOWN
    assert "'timeout' allows no more" in finding.summary


async def test_no_alertmanager_and_no_prometheus_are_unknown(world):
    nowhere = f"http://{closed_port()}"
    for asked in ({"alertmanager": nowhere}, {"url": nowhere, "rules": ["Slow"]}):
        finding = await look(**asked)
        assert finding.verdict is Verdict.UNKNOWN
    silent = await look(alertmanager=nowhere, listen=closed_port(), wait="1 s")
    assert silent.verdict is Verdict.UNKNOWN


def rule(**more):
    known = {"name": "Slow", "query": "latency > 1", "health": "ok", "type": "alerting", "state": "inactive"}
    return {**known, "lastEvaluation": "2026-11-23T10:00:00.123456789Z", **more}


@pytest.mark.parametrize(
    ("evaluated", "counted", "said"),
    [
        ("2026-11-23T10:00:00.123456789Z", 0, "1 rules loaded and awake"),
        ("2026-11-23T09:50:05Z", 1, "was evaluated 10 min ago, though it is due every 15 s"),
        ("0001-01-01T00:00:00Z", 1, "was evaluated never"),
    ],
)
async def test_a_rule_that_is_not_evaluated_any_more_is_asleep_by_the_servers_own_clock(evaluated, counted, said):
    def answer(request):
        if "rules" in request.path:
            groups = [{"name": "g", "interval": 15, "rules": [rule(lastEvaluation=evaluated)]}]
            body = {"status": "success", "data": {"groups": groups}}
        else:
            body = {
                "status": "success",
                "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]},
            }
        return 200, [("Date", "Mon, 23 Nov 2026 10:00:05 GMT")], json.dumps(body)

    with site(answer) as one:
        finding = await look(url=f"http://{one.at}", rules=["Slow"])
    assert finding.values["asleep"] == counted
    assert said in finding.summary


@pytest.mark.parametrize("body", ['{"data": {"groups": 7}}', "[]", '{"data": {"groups": [{"rules": [{}]}]}}', "<html>"])
async def test_an_answer_that_is_none_is_unknown(body):
    with site(lambda _: (200, [], body)) as one:
        finding = await look(url=f"http://{one.at}", rules=["Slow"])
    assert finding.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("with_", "said"),
    [
        ({}, "name 'rules', 'jobs' or an 'alertmanager'"),
        ({"rules": ["a"]}, "give its 'url'"),
        ({"url": "http://p", "rules": ["a"], "listen": "127.0.0.1:9"}, "give its address as 'alertmanager'"),
        ({"alertmanager": "http://a", "listen": "127.0.0.1:9", "ping_key": "x"}, "not both"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_the_start(with_, said):
    with pytest.raises(ConfigError, match=said):
        validate(CheckPlan(name="alerting", uses="alerts", with_=with_))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('sum by (job, le) (rate(http_requests_total{code=~"5.."}[5m])) > 0.1', ["http_requests_total"]),
        ("sum(rate(a[5m])) without (x) / on (job) group_left (y) b offset 5m", ["a", "b"]),
        ("histogram_quantile(0.95, sum by(le)(rate(job:latency:bucket[1m]))) > bool 1e3", ["job:latency:bucket"]),
        ("absent(up{job='shop'}) or up == 0", ["up"]),
        ('{__name__="by_name", job="x"} unless on() vector(1)', ["by_name"]),
        ("a and ignoring(b) c # d\nor topk(3, e)", ["a", "c", "e"]),
        ('label_replace(a, "b", "$1", "c", "(.*)") > inf', ["a"]),
        ("max_over_time(a[1h:5m] @ end()) > NaN", ["a"]),
        ("ALERTS{alertstate='firing'} > time()", []),
    ],
)
def test_the_metrics_of_a_query_are_told_from_its_other_words(query, names):
    assert names_in(query) == names
