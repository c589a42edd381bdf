"""Every block of docs/recipes.md can be loaded, and what stands behind it answers as the recipe expects."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from bot.check import measure, plugins, validate
from bot.config import load
from bot.judge import Relative, parse
from bot.model import Verdict
from bot.recorded import KINDS
from tests.checks.helpers import context, site
from tests.checks.monitoring import prometheus
from tests.checks.postgres import a_server
from tests.config.writing import SERVICE, write

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
BLOCKS = [
    (title, block)
    for title, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
]
DAYS_AGO = (datetime.now(UTC) - timedelta(days=30)).isoformat()


def plans(block, folder):
    """The checks of one block, as the bot loads them in a service's file."""
    names = re.findall(r"^  ([a-z][a-z-]*):$", block, re.MULTILINE)
    # A check that no item asks for is not measured, and so not in the plan.
    items = "".join(f"      item-{name}: {{title: {name}, check: {name}}}\n" for name in names)
    app = write(folder, shop=f"{SERVICE}\n{block}\nsections:\n  before:\n    items:\n{items}")
    settings = load(app, {}, validate_check=validate)
    known = settings.plan("shop", "production").checks
    return {name: known[name] for name in names}


@pytest.mark.parametrize(("title", "block"), BLOCKS, ids=[f"{title} {at}" for at, (title, _) in enumerate(BLOCKS)])
def test_every_recipe_can_be_loaded(title, block, tmp_path):
    found = plans(block, tmp_path)
    assert found, title
    for plan in found.values():
        validate(plan)


def recipe(name, folder):
    return next(found[name] for _, block in BLOCKS if name in (found := plans(block, folder)))


def test_no_name_is_used_for_two_things():
    names = [name for _, block in BLOCKS for name in re.findall(r"^  ([a-z][a-z-]*):$", block, re.MULTILINE)]
    assert sorted({name for name in names if names.count(name) > 1}) == ["load-balancer"], "two ways to one thing"


# ── What others answer, in the form of their APIs on 2026-11-23 ──────────────────────────────────────────────────────

GRAFANA_DASHBOARD = {
    "meta": {"type": "db", "slug": "shop-overview", "url": "/d/shop-overview/shop-overview", "version": 14, "folderTitle": "Shop"},
    "dashboard": {"id": 42, "uid": "shop-overview", "title": "Shop", "schemaVersion": 41, "version": 14,
                  "panels": [{"id": number, "type": "timeseries"} for number in range(8)]},
}  # fmt: skip
GRAFANA_HEALTH = {
    "status": "OK",
    "message": "Successfully queried the Prometheus API.",
    "details": {"verboseMessage": ""},
}
VAULT = {
    "request_id": "b1", "lease_id": "", "renewable": False, "lease_duration": 0,
    "data": {"current_version": 7, "oldest_version": 1, "max_versions": 0, "created_time": "2024-01-01T00:00:00.123456789Z",
             "updated_time": DAYS_AGO, "versions": {"7": {"created_time": DAYS_AGO, "destroyed": False}}},
}  # fmt: skip
PAGERDUTY = {
    "oncalls": [{"escalation_policy": {"id": "PSHOP01"}, "escalation_level": 1, "schedule": None, "start": None, "end": None,
                 "user": {"id": "PANA", "type": "user_reference", "summary": "Ana"}}],
    "limit": 25, "offset": 0, "more": False, "total": None,
}  # fmt: skip
BALANCER = {
    "name": "shop", "health_check": {"path": "/healthz", "interval_s": 10},
    "members": ["a", "b", "c"], "healthy_members": ["a", "b"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "body", "verdict"),
    [
        ("dashboard", GRAFANA_DASHBOARD, "pass"),
        ("dashboard", {**GRAFANA_DASHBOARD, "dashboard": {**GRAFANA_DASHBOARD["dashboard"], "panels": []}}, "fail"),
        ("dashboard", {"message": "Dashboard not found"}, "unknown"),
        ("dashboard-source", GRAFANA_HEALTH, "pass"),
        ("dashboard-source", {**GRAFANA_HEALTH, "status": "ERROR"}, "fail"),
        ("api-key-age", VAULT, "pass"),
        ("api-key-age", {"data": {**VAULT["data"], "updated_time": "2024-01-01T00:00:00Z"}}, "fail"),
        ("on-call", PAGERDUTY, "pass"),
        ("on-call", {**PAGERDUTY, "oncalls": []}, "fail"),
        ("tickets", {"count": 12}, "pass"),
        ("tickets", {"count": 14}, "fail"),
        ("load-balancer", BALANCER, "pass"),
        ("load-balancer", {**BALANCER, "healthy_members": ["a"]}, "fail"),
        ("load-balancer", {**BALANCER, "health_check": {"path": "/", "interval_s": 10}}, "fail"),
    ],
)
async def test_a_recipe_over_http_reads_the_answer_of_the_real_api(name, body, verdict, tmp_path):
    plan = recipe(name, tmp_path)
    secrets = dict.fromkeys(re.findall(r"'env': '([A-Z_]+)'", str(plan.with_)), "secret-4711")
    with site(lambda _: (200, [("Content-Type", "application/json")], json.dumps(body))) as one:
        url = urlsplit(plan.with_["urls"][0])._replace(scheme="http").geturl()
        with_ = {**plan.with_, "urls": [url], "addresses": [one.at], "allow_private": True}
        fields = {**vars(plan), "with_": with_, "attempts": 1}
        finding = await measure(type(plan)(**fields), context(environ=secrets), {"tickets": 10})
    assert finding.verdict == verdict, finding.summary
    assert "secret-4711" in "".join(one.asked[0].headers.values())


async def test_every_query_is_one_that_prometheus_understands(tmp_path):
    asked = [plan for _, block in BLOCKS for plan in plans(block, tmp_path).values() if plan.uses.startswith("promql")]
    assert len(asked) >= 8
    with prometheus(tmp_path) as url:
        for plan in asked:
            fields = {**vars(plan), "with_": {**plan.with_, "url": url, "allow_private": True}, "attempts": 1}
            finding = await measure(type(plan)(**fields), context(window="300s"))
            assert finding.verdict is Verdict.UNKNOWN
            assert "refuses" not in finding.summary, plan.name


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
async def test_the_query_for_orders_compares_with_the_same_hour_of_other_weeks(tmp_path):
    plan = recipe("orders", tmp_path)
    with a_server() as server:
        server.psql(
            "CREATE TABLE orders (created_at timestamptz);"
            "INSERT INTO orders SELECT now() - weeks * interval '7 days' - interval '10 minutes'"
            " FROM generate_series(1, 4) weeks, generate_series(1, 40);"
            "INSERT INTO orders SELECT now() - interval '5 minutes' FROM generate_series(1, 33);"
        )
        dsn = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        finding = await measure(plan, context(environ={"SHOP_READ_ONLY_DSN": dsn}))
    assert finding.verdict is Verdict.WARN, finding.summary
    assert finding.values["usual"] == 40
    assert finding.values["change"] == pytest.approx(-0.175)


# ── The recipes that stand ready in app.yaml ─────────────────────────────────────────────────────────────────────────

READY = yaml.safe_load((Path(__file__).parents[2] / "app.yaml").read_text())["defaults"]["checks"]
#: Where a service names the values itself, any name may stand in a rule.
NAMED_BY_THE_SERVICE = {"http", "report", "exec", "sql"}


@pytest.mark.parametrize("name", sorted(READY))
def test_every_recipe_that_stands_ready_judges_what_its_plugin_measures(name):
    one = READY[name]
    if one["uses"] in KINDS:
        return
    plugin = plugins()[one["uses"]]
    rules = [parse(rule) for ladder in ("require", "pass", "warn") for rule in one.get(ladder, ())]
    if plugin.name not in NAMED_BY_THE_SERVICE:
        assert {rule.name for rule in rules} <= set(plugin.values), name
    if any(isinstance(rule.value, Relative) for rule in rules):
        assert one["baseline"], name
        assert one["baseline"]["of"] == "last_passed" or plugin.before is not None
