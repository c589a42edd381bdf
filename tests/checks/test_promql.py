"""The checks `promql` and `promql_ratio`, against a real Prometheus over recorded series, and servers that only pretend."""

import json
import time
from datetime import UTC, datetime

import pytest

from bot.check import Window, before, validate
from bot.errors import ConfigError
from bot.model import Verdict
from bot.plan import BaselinePlan, CheckPlan
from tests.checks.helpers import context, run_check, site
from tests.checks.monitoring import prometheus


def counter(rate, *, reset_at=None):
    """So many a second since two hours ago; a restart at `reset_at` begins again from nothing."""

    def curve(seconds):
        since = -7200 if reset_at is None or seconds < reset_at else reset_at
        return round((seconds - since) * rate)

    return curve


SERIES = {
    'http_requests_total{job="shop",code="200"}': counter(10),
    'http_requests_total{job="shop",code="500"}': lambda seconds: 7 if seconds > -300 else 0,
    'http_requests_total{job="sick",code="200"}': counter(10),
    'http_requests_total{job="sick",code="500"}': counter(0.2),
    'http_requests_total{job="quiet",code="200"}': counter(0.01),
    'http_requests_total{job="clean",code="200"}': counter(20),
    'http_requests_total{job="restarted",code="200"}': counter(10, reset_at=-120),
    'http_requests_total{job="restarted",code="500"}': counter(0, reset_at=-120),
    # 200 ms until ten minutes ago, then 320 ms: 60 % slower.
    'latency_p95_seconds{job="shop"}': lambda seconds: 0.2 if seconds < -600 else 0.32,
    'cpu_ratio{node="a"}': lambda _: 0.55,
    'cpu_ratio{node="b"}': lambda _: 0.78,
    'disk_ratio{node="a"}': lambda _: float("nan"),
}


@pytest.fixture(scope="module")
def prom(tmp_path_factory):
    with prometheus(tmp_path_factory.mktemp("prometheus"), SERIES) as url:
        yield url


async def ask(prom, query, **params):
    return await run_check("promql", url=prom, query=query, allow_private=True, **params)


def share(job, minutes=60):
    bad = f'sum(increase(http_requests_total{{job="{job}",code=~"5.."}}[{minutes}m]))'
    return {"bad": bad, "total": f'sum(increase(http_requests_total{{job="{job}"}}[{minutes}m]))'}


async def ratio(prom, job, minutes=60, **params):
    return await run_check("promql_ratio", url=prom, **{**share(job, minutes), **params}, allow_private=True)


# ── One number ───────────────────────────────────────────────────────────────────────────────────────────────────────

LADDER = {"pass_": ["max <= 70%"], "warn": ["max <= 85%"]}


@pytest.mark.parametrize(
    ("query", "verdict", "said"),
    [
        ('cpu_ratio{node="a"}', "pass", "0.55"),
        ("cpu_ratio", "warn", "max 78 %, at most 70 % is allowed"),
        ("cpu_ratio * 1.2", "fail", "max 93.6 %, at most 70 % is allowed"),
        ("cpu_rato", "unknown", "no series: the metric is absent"),
        ("disk_ratio", "unknown", "max was not measured"),
        ("0 * cpu_ratio / 0", "unknown", "max was not measured"),
        ("1 / (0 * cpu_ratio)", "unknown", "max was not measured"),
        ("cpu_ratio[5m]", "unknown", "not with numbers"),
        ("cpu_ratio{", "unknown", "Prometheus refuses the query: "),
        ("scalar(cpu_ratio{node='a'})", "pass", "0.55"),
    ],
)
async def test_a_number_is_judged_and_what_is_none_is_unknown(prom, query, verdict, said):
    rules = {"require": ["series >= 1"], **LADDER}
    finding = await ask(prom, query, rules=rules)
    assert finding.verdict == verdict, finding.summary
    assert said in finding.summary


async def test_each_node_is_a_row_of_evidence(prom):
    finding = await ask(prom, "cpu_ratio", rules=LADDER)
    assert {row.subject: row.values["value"] for row in finding.rows} == {
        "cpu_ratio node=a": 0.55,
        "cpu_ratio node=b": 0.78,
    }
    assert "value" not in finding.values
    assert finding.values["series"] == 2


async def test_too_few_samples_say_nothing(prom):
    rules = {"require": ["samples >= 500"], "pass_": ["value <= 300ms"]}
    query = 'latency_p95_seconds{job="shop"} - 0.1'
    few = await ask(prom, query, samples='sum(increase(http_requests_total{job="quiet"}[10m]))', rules=rules)
    enough = await ask(prom, query, samples='sum(increase(http_requests_total{job="shop"}[10m]))', rules=rules)
    assert few.verdict is Verdict.UNKNOWN
    assert "samples 6" in few.summary
    assert enough.verdict is Verdict.PASS
    none = await ask(prom, query, samples="sum(increase(nothing_total[10m]))", rules=rules)
    assert none.verdict is Verdict.UNKNOWN


async def test_the_time_before_the_deploy_is_what_slower_means(prom):
    plan = CheckPlan(
        name="performance",
        uses="promql",
        with_={"url": prom, "query": 'latency_p95_seconds{job="shop"}', "allow_private": True},
        pass_=("value <= baseline +20%",),
        warn=("value <= baseline +50%",),
        baseline=BaselinePlan(of="window", last_s=1800),
    )
    validate(plan)
    began = datetime.fromtimestamp(time.time() - 660, UTC)
    window = Window(until=began, last_s=1800, aggregate="median")
    baseline, problem = await before(plan, context(), window)
    assert problem == ""
    assert baseline["value"] == 0.2
    finding = await run_check("promql", **plan.with_, rules={"pass_": plan.pass_, "warn": plan.warn}, baseline=baseline)
    assert finding.verdict is Verdict.FAIL
    assert "value 0.32, at most 0.24 is allowed (baseline +20%)" in finding.summary
    assert finding.baseline["value"] == 0.2
    nothing, _ = await before(
        CheckPlan(**{**vars(plan), "with_": {**plan.with_, "query": "absent_metric"}}), context(), window
    )
    assert nothing == {}
    blind = await run_check("promql", **plan.with_, rules={"pass_": plan.pass_}, baseline=nothing)
    assert blind.verdict is Verdict.UNKNOWN
    assert "there is no baseline to compare it with" in blind.summary


# ── A share ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_few_errors_among_many_requests_pass_with_certainty(prom):
    finding = await ratio(prom, "shop", 60)
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["bad"] == 7
    assert 35_000 < finding.values["total"] < 37_000
    assert finding.values["upper95"] < 0.001
    assert finding.summary.startswith("7 of 3")


async def test_too_many_errors_fail(prom):
    finding = await ratio(prom, "sick", 60)
    assert finding.verdict is Verdict.FAIL
    assert 0.018 < finding.values["ratio"] < 0.022


async def test_no_error_in_too_few_requests_is_a_warning_that_says_how_many_are_needed(prom):
    finding = await ratio(prom, "restarted", 10)
    assert finding.verdict is Verdict.PASS, finding.summary
    short = await ratio(prom, "restarted", 3)
    assert short.verdict is Verdict.WARN
    assert short.values["bad"] == 0
    assert short.values["needed"] == 3838
    assert "more requests are needed to be sure" in short.summary


async def test_a_counter_that_began_again_is_not_counted_backwards(prom):
    finding = await ratio(prom, "restarted", 10)
    assert 5_700 < finding.values["total"] < 6_100
    assert finding.values["bad"] == 0


async def test_an_absent_count_is_unknown_unless_it_is_said_that_it_means_none(prom):
    blind = await ratio(prom, "clean", 60)
    assert blind.verdict is Verdict.UNKNOWN
    assert "'bad' gives no number" in blind.summary
    none = await ratio(prom, "clean", 60, absent_is_none=True)
    assert none.verdict is Verdict.PASS
    assert none.values["bad"] == 0
    nobody = await ratio(prom, "nobody", 60, absent_is_none=True)
    assert nobody.verdict is Verdict.UNKNOWN


async def test_queries_that_cannot_both_be_right_are_unknown(prom):
    swapped = share("sick")
    finding = await ratio(prom, "sick", bad=swapped["total"], total=swapped["bad"])
    assert finding.verdict is Verdict.UNKNOWN
    assert "do both look at the same requests?" in finding.summary
    many = await ratio(prom, "sick", bad="increase(http_requests_total[5m])")
    assert "series, and one is needed; wrap it in sum(…)" in many.summary


async def test_the_window_since_the_deploy_grows_with_it(prom):
    counts = share("shop")
    queries = {name: query.replace("60m", "${window}") for name, query in counts.items()}
    early = await ratio(prom, "shop", **queries, release={"window": "600s"})
    later = await ratio(prom, "shop", **queries, release={"window": "3600s"})
    assert early.values["total"] < later.values["total"]
    not_yet = await ratio(prom, "shop", **queries, release={"window": ""})
    assert not_yet.verdict is Verdict.UNKNOWN
    assert "since the deploy script began, and it has not begun" in not_yet.summary


# ── Before anything is asked ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "query",
    [
        "sum(x) or vector(0)",
        "sum(x) OR vector( 0 )",
        "sum(x)\nor # nothing\nvector(0)",
        "(a or on() vector(0)) / b",
        "a or 0 * b",
        "a or (vector(1))",
        "a or ((vector(0)))",
        "a or -(vector(0))",
        "a or sum(vector(0))",
        "a or absent(x)*0",
        "a or absent_over_time(x[5m]) - 1",
        "a or time()*0",
        "a or on(job) (time() - time())",
        "a or b or 0",
        "(a or b * 0) / c",
        "a or (up{x='y'} * (0))",
        "a or hour()",
        "a default 0",
    ],
)
def test_a_query_that_turns_blindness_into_a_number_is_refused(query):
    with pytest.raises(ConfigError, match="turns what is absent into a number"):
        validate(CheckPlan(name="errors", uses="promql", with_={"url": "http://p.test", "query": query}))


RIGHTLY_OR = (
    "a or time() - b",
    'a or {__name__="b"}',
    "a or sum by (x) (rate(b[5m] offset 1h)) * 0.5",
    "(a or b) / (c or vector_size)",
    "absent(a) and b",
    "default_backend_errors or b",
)


@pytest.mark.parametrize(
    "query", ["a or b", 'a{x="or vector(0)"}', "a or vectors", "vector(0)", "a or on(x) b", *RIGHTLY_OR]
)
def test_other_queries_with_or_are_not(query):
    validate(CheckPlan(name="errors", uses="promql", with_={"url": "http://p.test", "query": query}))


def test_a_baseline_of_a_window_is_for_checks_that_can_look_back():
    plan = CheckPlan(name="x", uses="http", with_={"urls": ["http://a"]}, baseline=BaselinePlan(of="window"))
    with pytest.raises(ConfigError, match="'http' cannot look back"):
        validate(plan)


# ── Servers that only pretend ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (
            200,
            [("Content-Type", "text/html")],
            "<h1>Log in</h1>",
            "text/html that is no whole JSON; is it a login page?",
        ),
        (200, [], '{"status": "success", "data": {"resultType": "vector", "resu', "no whole JSON"),
        (200, [], '{"hello": 1}', "does not answer as Prometheus does"),
        (
            200,
            [],
            json.dumps({"status": "success", "data": {"resultType": "vector", "result": [{"value": [1]}]}}),
            "no number",
        ),
        (
            200,
            [],
            json.dumps(
                {"status": "success", "warnings": ["store a is away"], "data": {"resultType": "vector", "result": []}}
            ),
            "knows only a part: store a is away",
        ),
        (
            200,
            [],
            json.dumps({"status": "success", "isPartial": True, "data": {"resultType": "scalar", "result": [1, "0"]}}),
            "knows only a part: a storage behind it did not answer",
        ),
        (200, [], b" " * 20_000_100, "answers with more than 20 MB"),
        (401, [], "", "answers 401: the token is missing, wrong or expired"),
        (403, [], "", "answers 403: the token may not read this"),
        (404, [], "", "answers 404: it is not there"),
        (429, [("Retry-After", "30")], "", "too many requests; it asks to come back in 30 s"),
        (429, [], "", "answers 429: too many requests; measure less often"),
        (302, [("Location", "https://sso.test/login?x=1")], "", "points to https://sso.test/login; name that address"),
        (503, [], "", "answers 503: it is broken or busy"),
    ],
)
async def test_whatever_is_answered_instead_is_unknown_and_said_in_a_sentence(status, headers, body, said):
    with site(lambda _: (status, headers, body)) as one:
        finding = await run_check(
            "promql",
            url=f"http://{one.at}/",
            query="a",
            allow_private=True,
            headers={"Authorization": {"env": "PROM_TOKEN", "prefix": "Bearer "}},
            environ={"PROM_TOKEN": "tok-4711-tok"},
        )
    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary
    assert one.asked[0].headers["Authorization"] == "Bearer tok-4711-tok"
    assert "4711" not in repr(finding)
