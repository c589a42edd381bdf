"""The judge: rules are read or refused, and a measurement comes to one of four verdicts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.judge import Relative, describe, duration, judge, parse, show, size
from bot.model import Condition, Measured, Verdict
from bot.plan import CheckPlan


def plan(*, require=(), pass_=(), warn=()):
    return CheckPlan(name="x", uses="x", require=tuple(require), pass_=tuple(pass_), warn=tuple(warn))


def verdict(values, *, baseline=None, **rules):
    return judge(plan(**rules), Measured(values=values), baseline)[0]


EXAMPLES = """
verified == true|days_left >= 21|min_protocol >= 1.2|weak_ciphers == 0|revoked == false|distinct_certs <= 1|days_left >= 7
missing == 0|unexpected == 0|disagreeing == 0|ttl_left <= 300|score >= 90|hsts_max_age >= 15768000|conflicting == 0
limited >= 1|first_limited_at <= 30|status == 429|retry_after == true|age <= 26h|size <= baseline +50%
size >= baseline -30%|wal_gap == 0|restore_age <= 30d|age <= 50h|restore_age <= 90d|failed == 0|pending == 0
tests >= baseline -10%|sha_matches == true|samples >= 500|value <= baseline +20%|probes >= 5000
prober_lag_p95 <= 50ms|longest_gap == 0s|longest_gap <= 1s|upper95 < 0.1%|ratio < 0.1%
""".replace("\n", "|").split("|")


@pytest.mark.parametrize("rule", [rule for rule in EXAMPLES if rule])
def test_every_rule_of_the_reference_is_understood(rule):
    assert parse(rule).text == rule


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("x < 0.1%", 0.001),
        ("x < 26h", 93600),
        ("x < 2min", 120),
        ("x < 50 ms", 0.05),
        ("x < 1.5 GB", 1.5e9),
        ("x < 1KiB", 1024),
        ("x < 20/s", 20),
        ("x < -3", -3),
        ("x == true", True),
        ("x == ok", "ok"),
        ('x == "in use"', "in use"),
        ("x <= baseline", Relative()),
        ("x <= baseline +50%", Relative(amount=0.5, share=True)),
        ("x >= baseline - 30%", Relative(amount=-0.3, share=True)),
        ("x <= baseline +20ms", Relative(amount=0.02)),
    ],
)
def test_values_are_read_in_base_units(rule, value):
    assert parse(rule).value == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    ("rule", "column", "hint"),
    [
        ("", 1, "begins with the name"),
        ("21 <= days_left", 1, "begins with the name"),
        ("days_left", 10, "one of =="),
        ("days_left = 21", 10, "one of =="),
        ("days_left >=", 13, "comes a number"),
        ("1 < x < 2", 1, "begins with the name"),
        ("x < 2 < 3", 5, "not a number with a unit"),
        ("x < 5 parsecs", 5, "units are"),
        ("x < true", 5, "only numbers have an order"),
        ("x == 1 + 1", 6, "not one number"),
        ('x == __import__("os")', 6, "not one number"),
        ("x < baseline * 2", 5, "not one number"),
        ("x() == 1", 2, "one of =="),
        ("x < 1e999", 5, "larger than any number"),
        ("x <= baseline +1e999%", 6, "larger than any number"),
        ("x <= baseline -1e999ms", 6, "larger than any number"),
    ],
)
def test_a_mistake_in_a_rule_is_refused_with_its_column(rule, column, hint):
    with pytest.raises(ConfigError) as refused:
        parse(rule)
    assert f"column {column}:" in str(refused.value)
    assert hint in str(refused.value)


@pytest.mark.parametrize(
    ("days", "expected"), [(71, Verdict.PASS), (21, Verdict.PASS), (20.9, Verdict.WARN), (6, Verdict.FAIL)]
)
def test_a_ladder_has_three_steps(days, expected):
    assert verdict({"days_left": days}, pass_=["days_left >= 21"], warn=["days_left >= 7"]) is expected


def test_too_little_data_is_unknown_and_not_a_fail():
    rules = {"require": ["samples >= 500"], "pass_": ["value <= 1"]}
    assert verdict({"samples": 12, "value": 9}, **rules) is Verdict.UNKNOWN
    assert verdict({"value": 9}, **rules) is Verdict.UNKNOWN
    assert verdict({"samples": 500, "value": 9}, **rules) is Verdict.FAIL


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "three", True])
def test_what_is_no_number_is_unknown_to_a_rule_over_numbers(value):
    assert verdict({"x": value}, pass_=["x >= 0"]) is Verdict.UNKNOWN


def test_a_known_false_fails_even_beside_something_unmeasured():
    assert verdict({"a": 0}, pass_=["a == 1", "b == 1"]) is Verdict.FAIL


def test_a_check_without_rules_is_unknown():
    assert verdict({"a": 0}) is Verdict.UNKNOWN
    assert verdict({"a": 0}, warn=["a == 0"]) is Verdict.WARN


def test_nothing_measured_is_unknown():
    assert judge(plan(pass_=["a == 0"]), None, {})[0] is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("rule", "base", "now", "expected"),
    [
        ("p95 <= baseline +50%", 0.118, 0.177, Verdict.PASS),
        ("p95 <= baseline +50%", 0.118, 0.412, Verdict.FAIL),
        ("p95 <= baseline +50%", 0, 0.001, Verdict.UNKNOWN),
        ("p95 <= baseline +50%", None, 0.1, Verdict.UNKNOWN),
        ("p95 <= baseline +20ms", 0.0, 0.019, Verdict.PASS),
        ("size >= baseline -30%", 100, 70, Verdict.PASS),
        ("size >= baseline -30%", 100, 69, Verdict.FAIL),
        ("version != baseline", "1.4.1", "1.4.2", Verdict.PASS),
        ("version <= baseline +1%", "1.4.1", "1.4.2", Verdict.UNKNOWN),
    ],
)
def test_a_relative_rule_follows_its_baseline(rule, base, now, expected):
    name = rule.split()[0]
    baseline = {} if base is None else {name: base}
    assert verdict({name: now}, baseline=baseline, pass_=[rule]) is expected


def test_a_version_is_a_word_even_if_it_looks_like_a_number():
    assert verdict({"version": "1.4"}, pass_=["version == 1.4"]) is Verdict.PASS
    assert verdict({"version": "1.40"}, pass_=["version == 1.4"]) is Verdict.FAIL


def test_a_name_from_somebody_elses_tool_may_be_quoted():
    assert verdict({"/var used": 3.0}, pass_=['"/var used" < 5']) is Verdict.PASS


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=True), st.sampled_from(["ok", "1"])
)
RULES = st.lists(
    st.builds(
        "{} {} {}".format,
        st.sampled_from("abc"),
        st.sampled_from(["==", "!=", "<", ">="]),
        st.sampled_from(["0", "1", "2.5", "baseline", "baseline +50%"]),
    ),
    max_size=3,
)
MAPPINGS = st.fixed_dictionaries({}, optional=dict.fromkeys("abc", VALUES)).map(
    lambda values: {name: value for name, value in values.items() if value is not None}
)


@given(values=MAPPINGS, baseline=MAPPINGS, require=RULES, pass_=RULES, warn=RULES)
def test_the_verdict_is_what_the_conditions_say(values, baseline, require, pass_, warn):
    found, conditions = judge(plan(require=require, pass_=pass_, warn=warn), Measured(values=values), baseline)
    held = {one.rule: one.held for one in conditions}
    assert set(held) == {*require, *pass_, *warn}
    if found is Verdict.PASS:
        assert pass_
        assert all(held[rule] is True for rule in [*require, *pass_])
    elif found is Verdict.WARN:
        assert warn
        assert all(held[rule] is True for rule in [*require, *warn])
    elif found is Verdict.FAIL:
        assert all(held[rule] is True for rule in require)
        assert any(held[rule] is False for rule in [*pass_, *warn])
    for one in conditions:
        assert one.measured is not None or one.held is None
        assert describe(one)


@given(values=MAPPINGS, baseline=MAPPINGS, pass_=RULES, warn=RULES, lost=st.sampled_from("abc"))
def test_measuring_less_never_makes_a_verdict_better(values, baseline, pass_, warn, lost):
    rank = {Verdict.PASS: 0, Verdict.WARN: 1, Verdict.UNKNOWN: 2, Verdict.FAIL: 2}
    ladder = plan(pass_=pass_, warn=warn)
    less = {name: value for name, value in values.items() if name != lost}
    before, _ = judge(ladder, Measured(values=values), baseline)
    after, _ = judge(ladder, Measured(values=less), baseline)
    assert rank[after] >= rank[before]


@given(st.text(max_size=40))
def test_any_text_is_a_rule_or_a_mistake_with_a_column(text):
    try:
        rule = parse(text)
    except ConfigError as mistake:
        assert "column" in str(mistake)  # noqa: PT017 - either outcome is right, and each has its own fact
    else:
        assert rule.op in {"==", "!=", "<", "<=", ">", ">="}


@pytest.mark.parametrize(
    ("rule", "measured", "threshold", "words"),
    [
        ("days_left >= 21", 5, None, "days left 5, at least 21 is needed"),
        ("verified == true", False, None, "verified: no, yes is needed"),
        ("age <= 26h", 97200, None, "age 1 d 3 h, at most 1 d 2 h is allowed"),
        ("ratio < 0.1%", 0.0034, None, "ratio 0.34 %, less than 0.1 % is needed"),
        ("size >= 5 MB", 1234567, None, "size 1.23 MB, at least 5 MB is needed"),
        ("p95 <= baseline +50%", 0.412, 0.177, "p95 412 ms, at most 177 ms is allowed (baseline +50%)"),
        ("p95 <= baseline +50%", 0.412, None, "p95 412 ms, and there is no baseline to compare it with"),
        ("lost == 0", 81, None, "lost 81, none is allowed"),
        ("longest_gap == 0s", 0.25, None, "longest gap 250 ms, none is allowed"),
        ("exit == 0", 3, None, "exit 3, 0 is needed"),
        ("status == 401", 200, None, "status 200, 401 is needed"),
        ("version == 1.4", "1.40", None, "version 1.40, 1.4 is needed"),
        ("state != down", "down", None, "state down, anything but down is needed"),
        ("x > 1", None, None, "x was not measured, more than 1 is needed"),
    ],
)
def test_a_condition_reads_as_a_sentence(rule, measured, threshold, words):
    assert describe(Condition(rule=rule, measured=measured, held=None, threshold=threshold)) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (duration(0), "0 s"),
        (duration(0.0412), "41.2 ms"),
        (duration(72), "1 min 12 s"),
        (duration(59.9996), "60 s"),
        (duration(-90), "-1 min 30 s"),
        (duration(86400 * 71 + 60), "71 d"),
        (size(999), "999 B"),
        (size(4.2e15), "4,200 TB"),
        (show(0.00093, "%"), "0.093 %"),
        (show(12345.678), "12,346"),
    ],
)
def test_numbers_are_short_and_have_units(text, words):
    assert text == words
