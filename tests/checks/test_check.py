"""What the engine may rely on, whatever a plugin does."""

import asyncio
import io
import json
import logging
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.check import Context, Window, before, check, completed, defaults, measure, measuring, plugins, validate
from bot.check import plugin as registry
from bot.checks_run import measured
from bot.errors import Cannot, ConfigError, Unreachable
from bot.judge import parse
from bot.logs import JsonLines
from bot.model import Measured, Row, Verdict
from bot.plan import CheckPlan
from bot.schedule import SystemClock
from checks.__main__ import page
from tests.checks.helpers import closed_port, context, site

PLUGINS = plugins()


class Params(BaseModel, extra="forbid"):
    word: str = ""
    nested: dict[str, str] = {}


@pytest.fixture
def plugin():
    """Register a plugin that does this; gives a plan for it."""
    before = dict(registry._PLUGINS)

    def register(body, **how):
        async def measure_it(params: Params, ctx: Context) -> Measured:
            found = body(params, ctx)
            return await found if asyncio.iscoroutine(found) else found

        check("probe", values={"n": "a number"}, pass_=["n == 0"], **how)(measure_it)
        return CheckPlan(name="my probe", uses="probe", attempts=1, retry_after_s=0.0, timeout_s=10.0)

    yield register
    registry._PLUGINS.clear()
    registry._PLUGINS.update(before)
    # The next test calls its check by the same name, and owes nothing to what still hangs of this one.
    measuring._HANGING.clear()


def raising(error):
    def body(*_):
        raise error

    return body


# ── Containment ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ZeroDivisionError("division by zero"), "The check itself broke: ZeroDivisionError: division by zero."),
        (Unreachable("The door is shut."), "The door is shut."),
        (Cannot("There is no door."), "There is no door."),
        (SystemExit(3), "The check itself broke: RuntimeError: it raised SystemExit."),
        (asyncio.CancelledError(), "The check itself broke: RuntimeError: it raised CancelledError."),
    ],
)
async def test_whatever_a_plugin_raises_is_an_unknown_finding_with_its_words(plugin, error, said):
    finding = await measure(plugin(raising(error)), context())
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.summary == said


@pytest.mark.parametrize("result", [None, {"n": 0}, Measured(values={"n": [0]}), Measured(values={"n": None})])
async def test_what_is_no_measurement_is_unknown(plugin, result):
    finding = await measure(plugin(lambda *_: result), context())
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.summary.startswith("The check itself broke: TypeError: ")


async def test_a_plugin_that_never_returns_is_given_up(plugin):
    plan = replace(plugin(lambda *_: asyncio.sleep(3600)), timeout_s=0.2)
    finding = await measure(plan, context())
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.summary == "It did not finish within its limit of 200 ms."


async def test_a_plugin_that_blocks_or_clings_keeps_nobody_else_waiting(plugin, monkeypatch):
    monkeypatch.setattr(measuring, "GRACE_S", 0.2)
    release = threading.Event()
    plan = replace(plugin(lambda *_: release.wait(60)), timeout_s=0.3)
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    try:
        finding = await measure(plan, context())
    finally:
        release.set()
        ticking.cancel()
    assert finding.verdict is Verdict.UNKNOWN
    assert "did not finish" in finding.summary
    assert ticks > 3


async def test_a_plugin_that_blocks_is_not_begun_again_while_its_last_try_hangs(plugin, monkeypatch):
    monkeypatch.setattr(measuring, "GRACE_S", 0.2)
    release, begun = threading.Event(), []

    def body(*_):
        begun.append(threading.current_thread())
        release.wait(60)
        return Measured(values={"n": 0})

    plan = replace(plugin(body), timeout_s=0.3)
    try:
        assert "did not finish" in (await measure(plan, context())).summary
        for _ in range(3):
            again = await measure(plan, context())
            assert again.verdict is Verdict.UNKNOWN
            assert again.summary == "The last try still hangs, and it is not begun again before that ends."
        assert len(begun) == 1
        other = await measure(replace(plan, name="another"), context(service="depot"))
        assert "did not finish" in other.summary, "it is only this check that waits"
    finally:
        release.set()
    for thread in begun:
        await asyncio.to_thread(thread.join, 60)
    assert (await measure(replace(plan, timeout_s=10.0), context())).verdict is Verdict.PASS


async def test_two_hundred_checks_run_at_the_same_time(plugin, tmp_path):
    together = threading.Barrier(200)

    def body(*_):
        together.wait(60)
        return Measured(values={"n": 0})

    plan = replace(plugin(body), timeout_s=60.0)
    plans = {f"check-{at}": replace(plan, name=f"check-{at}") for at in range(200)}
    found = [finding async for finding in measured(plans, {}, {}, SystemClock())]
    assert {one.verdict for one in found} == {Verdict.PASS}, found[0].summary


async def test_the_deadline_of_all_bounds_each(plugin):
    plan = replace(plugin(lambda *_: asyncio.sleep(3600)), timeout_s=600.0, attempts=5, retry_after_s=5.0)
    begun = time.monotonic()
    await measure(plan, context(limit=0.3))
    assert time.monotonic() - begun < 60


async def test_unknowns_are_tried_again_and_fails_are_not(plugin):
    calls = []

    def second_time(*_):
        calls.append(1)
        if len(calls) == 1:
            raise Unreachable("Not yet.")
        return Measured(values={"n": 0})

    plan = replace(plugin(second_time), attempts=3)
    assert (await measure(plan, context())).verdict is Verdict.PASS
    assert len(calls) == 2
    registry._PLUGINS.pop("probe")
    calls.clear()

    def wrong(*_):
        calls.append(1)
        return Measured(values={"n": 1})

    assert (await measure(replace(plugin(wrong), attempts=3), context())).verdict is Verdict.FAIL
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("uses", "with_", "rules", "first"),
    [
        ("http", {"values": {"health": "status"}}, ("failed == 0", "health == ok"), 500),
        ("headers", {}, ("missing == 0", "hsts_max_age >= 15768000"), 404),
    ],
)
async def test_a_measured_fail_is_not_asked_again_although_some_value_is_missing(uses, with_, rules, first):
    """A member that is broken now and then has to be seen."""

    def second_time(_):
        return (200, [], '{"status": "ok"}') if len(one.asked) > 1 else (first, [], "")

    with site(second_time) as one:
        given = {"urls": [one.url.replace("site.test", "127.0.0.1")], "allow_private": True, **with_}
        plan = CheckPlan(name="x", uses=uses, with_=given, pass_=rules, attempts=3, retry_after_s=0.0)
        finding = await measure(plan, context())
    assert finding.verdict is Verdict.FAIL, finding.summary
    assert len(one.asked) == 1


async def test_a_refused_connection_is_a_fail_at_once():
    given = {"urls": [f"http://{closed_port()}/"], "allow_private": True}
    plan = CheckPlan(name="x", uses="http", with_=given, pass_=("failed == 0", "latency <= 1s"), attempts=3)
    finding = await measure(replace(plan, retry_after_s=3600.0), context(limit=7200))
    assert finding.verdict is Verdict.FAIL, finding.summary


async def test_a_finding_that_says_nothing_is_looked_at_again_soon(plugin):
    plan = replace(plugin(lambda *_: Measured(values={})), valid_for_s=86400)
    finding = await measure(plan, context())
    assert (finding.expires_at - finding.measured_at).total_seconds() == 60
    assert finding.summary == "n was not measured, none is allowed"


# ── What is given to it, and what is kept ────────────────────────────────────────────────────────────────────────────


async def test_facts_of_the_release_are_filled_in_and_rules_may_use_them(plugin):
    plan = replace(
        plugin(lambda params, _: Measured(values={"n": params.word, "m": params.nested["x"]}), names=lambda _: None),
        with_={"word": "v${version}", "nested": {"x": "${commit}/${service}"}},
        pass_=("n == v${version}", "m == abc/checkout"),
    )
    finding = await measure(plan, context(version="1.4.2", commit="abc", service="checkout"))
    assert finding.verdict is Verdict.PASS
    assert finding.conditions[0].rule == "n == v1.4.2"
    unknown = await measure(plan, context(version="1.4.2", commit="", service="checkout"))
    assert unknown.verdict is Verdict.UNKNOWN
    assert unknown.summary == "The commit of this deployment is not known, and this check needs it."


@pytest.mark.parametrize("kind", ["env", "file"])
async def test_a_secret_is_read_when_it_is_needed_and_kept_nowhere(plugin, tmp_path, kind):
    (tmp_path / "token").write_text("s3cr3t-t0ken\n")
    seen = []

    def body(params, _):
        seen.append(params.word)
        return Measured(
            values={"n": params.word},
            rows=(Row(subject=params.word, values={"x": params.word}, note=f"got {params.word}"),),
            summary=f"saw {params.word}",
            links=(f"https://x.test/?t={params.word}",),
        )

    reference = {"env": "TOKEN"} if kind == "env" else {"file": str(tmp_path / "token")}
    plan = replace(plugin(body), with_={"word": {**reference, "prefix": "Bearer "}})
    finding = await measure(plan, context(environ={"TOKEN": "s3cr3t-t0ken"}))
    assert seen == ["Bearer s3cr3t-t0ken"]
    assert "s3cr3t" not in repr(finding)
    assert "•••" in finding.rows[0].note
    registry._PLUGINS.pop("probe")
    broken = replace(plugin(lambda params, _: raising(ValueError(params.word))()), with_=plan.with_)
    assert "s3cr3t" not in repr(await measure(broken, context(environ={"TOKEN": "s3cr3t-t0ken"})))


async def test_a_secret_is_not_in_the_log_either_when_a_plugin_breaks_over_it_or_logs_it(plugin):
    def body(params, ctx):
        logging.getLogger("somebody.else").warning("using %s", params.word, extra={"header": [params.word]})
        raise ValueError(f"bad: {params.word}, {ctx.environ['OTHER']}")

    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    try:
        plan = replace(plugin(body), with_={"word": {"env": "TOKEN"}})
        finding = await measure(plan, context(environ={"TOKEN": "s3cr3t-t0ken", "OTHER": "0ther-s3cret"}))
    finally:
        logging.getLogger().removeHandler(handler)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [line["what"] for line in lines] == ["using •••", "check failed"]
    assert "ValueError: bad: •••, •••" in lines[1]["error"]
    assert "t0ken" not in logged.getvalue()
    assert "0ther" not in logged.getvalue() + repr(finding)


async def test_what_a_plugin_raises_is_hidden_also_where_its_words_are_cut(plugin):
    plan = replace(
        plugin(lambda params, _: raising(ValueError("x" * 195 + params.word))()), with_={"word": {"env": "T"}}
    )
    assert "s3cr" not in (await measure(plan, context(environ={"T": "s3cr3t-t0ken"}))).summary


async def test_why_the_time_before_is_not_known_hides_secrets_too(plugin):
    async def look(params, ctx, window):
        raise Unreachable(f"{params.word} was refused.")

    plan = replace(plugin(lambda *_: Measured(values={"n": 0}), before=look), with_={"word": {"env": "TOKEN"}})
    window = Window(until=datetime.now(UTC), last_s=60.0, aggregate="median")
    found, why_not = await before(plan, context(environ={"TOKEN": "s3cr3t-t0ken"}), window)
    assert (found, why_not) == ({}, "••• was refused.")


async def test_a_secret_that_is_not_there_is_unknown_and_named(plugin):
    plan = replace(plugin(lambda *_: Measured(values={"n": 0})), with_={"word": {"env": "NO_SUCH_TOKEN"}})
    finding = await measure(plan, context())
    assert finding.summary == "The environment variable NO_SUCH_TOKEN is not set, and this check needs it."


async def test_a_finding_is_never_larger_than_people_can_read(plugin):
    rows = tuple(Row(subject="x" * 10_000, note="y" * 10_000) for _ in range(1000))
    plan = plugin(lambda *_: Measured(values={"n": 0}, rows=rows, summary="one\ntwo " * 1000))
    finding = await measure(plan, context())
    assert len(finding.rows) == 200
    assert len(finding.rows[0].note) <= 500
    assert len(finding.summary) <= 240
    assert "\n" not in finding.summary


async def test_a_relative_rule_keeps_the_baseline_it_was_held_against(plugin):
    plan = replace(plugin(lambda *_: Measured(values={"n": 3})), pass_=("n <= baseline +50%",))
    finding = await measure(plan, context(), {"n": 2})
    assert finding.verdict is Verdict.PASS
    assert finding.baseline == {"n": 2}
    assert finding.conditions[0].threshold == 3


# ── Before anything is measured ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"uses": "tsl"}, "there is no check called 'tsl', did you mean 'tls'?"),
        ({"uses": "http"}, "'urls' is missing"),
        ({"with_": {"host": ["x"]}}, "unknown key 'host', did you mean 'hosts'?"),
        ({"with_": {"hosts": "x"}}, "'hosts': Input should be a valid list"),
        ({"with_": {"hosts": ["x"], "timeout_s": -1}}, "'timeout_s': Input should be greater than 0"),
        ({"with_": {"hosts": ["x.${verison}"]}}, "there is no ${verison}, did you mean ${version}"),
        ({"pass_": ("days_lef >= 21",)}, "'tls' measures no 'days_lef', did you mean 'days_left'?"),
        ({"pass_": ("days_left => 21",)}, "column 10"),
        ({"require": ("addresses >= 1",), "pass_": ()}, "no rule says when it passes"),
        (
            {"uses": "pool", "with_": {"dsn": {"env": "DSN"}}, "pass_": ("planned_share <= 80%",)},
            "rule 'planned_share <= 80%': 'planned_share' is measured only with 'instances'",
        ),
        (
            {"uses": "queries", "with_": {"dsn": {"env": "DSN"}}, "pass_": ("slower <= 20%",)},
            "rule 'slower <= 20%': 'slower' is measured only with 'compare_dsn'",
        ),
    ],
)
def test_a_plan_that_cannot_work_is_refused_and_says_what_to_do(plan, said):
    given = {"name": "my tls", "uses": "tls", "with_": {"hosts": ["x"]}, "pass_": ("days_left >= 21",), **plan}
    if given["uses"] == "http":
        given["with_"] = {}
    with pytest.raises(ConfigError) as refused:
        validate(CheckPlan(**given))
    assert said.replace("${version}", "'version'") in str(refused.value)
    assert "my tls" in str(refused.value)


def test_a_plan_with_references_and_variables_is_valid_before_they_are_known():
    params = validate(
        CheckPlan(
            name="api",
            uses="http",
            with_={
                "urls": ["https://x.test/${version}"],
                "headers": {"Authorization": {"env": "TOKEN", "prefix": "Bearer "}},
                "values": {"queue": "a.b"},
            },
            pass_=("failed == 0", "queue.max < 5"),
        )
    )
    assert params.urls == ["https://x.test/${version}"]


def test_rules_and_help_of_the_plugin_stand_in_where_a_plan_has_none():
    plan = completed(CheckPlan(name="limit", uses="ratelimit"))
    assert (plan.require, plan.pass_, plan.warn) == defaults("ratelimit")
    assert plan.intrusive
    assert plan.why
    assert plan.fix
    own = completed(CheckPlan(name="limit", uses="ratelimit", pass_=("limited >= 1",), why="Because."))
    assert own.warn == ()
    assert own.why == "Because."


def test_a_name_taken_twice_is_refused(plugin):
    plugin(lambda *_: None)
    with pytest.raises(ConfigError, match="Two checks are called 'probe'"):
        plugin(lambda *_: None)


def test_every_plugin_of_the_first_release_is_there():
    twelve = [
        "env",
        "tls",
        "dns",
        "http",
        "headers",
        "cors",
        "ratelimit",
        "files",
        "secrets",
        "junit",
        "backup",
        "exec",
    ]
    assert set(twelve) <= set(PLUGINS)


@pytest.mark.parametrize("one", PLUGINS.values(), ids=lambda one: one.name)
def test_every_plugin_says_what_it_measures_why_and_what_to_do(one):
    assert one.question.endswith("?")
    assert one.doc
    assert one.why.endswith(".")
    assert one.fix.endswith(".")
    assert one.pass_
    for rule in (*one.require, *one.pass_, *one.warn):
        assert parse(rule).name in one.values
    assert "'" not in "".join(one.values)
    assert one.params.model_config.get("extra") == "forbid"
    assert all(field.description for field in one.params.model_fields.values())
    assert sys.modules[one.measure.__module__].__name__ == f"checks.{one.name}"


def test_the_reference_says_what_the_code_does():
    written = Path(__file__).parents[2] / "docs" / "checks.md"
    assert written.read_text() == page(), "write it anew: python -m checks > docs/checks.md"
