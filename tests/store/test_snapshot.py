"""What is written down is read again as it was, also by later versions of the program."""

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.model import Condition, Deployment, Finding, Measured, Release, Row, Verdict
from bot.plan import ItemPlan, Plan
from bot.store import snapshot
from tests.store.records import NOON, drafted, plan

texts = st.text(st.characters(codec="utf-8"), max_size=12)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
#: JSON, which parameters of checks and facts of lines are, knows no infinity.
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
LEAVES = {
    str: texts,
    int: st.integers(-(2**60), 2**60),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    datetime: moments,
    type(None): st.none(),
    Any: plain,
}


@cache
def of(kind):
    """Values of a type, whatever the nouns of the record are made of: a new field needs nothing here."""
    if kind in LEAVES:
        return LEAVES[kind]
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return st.one_of(*(of(one) for one in inside))
    if origin is tuple and inside[-1] is Ellipsis:
        return st.lists(of(inside[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(of(one) for one in inside))
    if origin is Mapping:
        return st.dictionaries(of(inside[0]), of(inside[1]), max_size=2)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{one.name: of(hints[one.name]) for one in fields(kind)})
    return st.sampled_from(kind)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(of(Deployment))
def test_any_record_is_read_as_it_was_written(deployment):
    written = snapshot.write_deployment(deployment)
    pinned = snapshot.read_plan(snapshot.write_plan(deployment.plan))

    assert pinned == deployment.plan
    assert snapshot.read_deployment(written, pinned) == deployment
    # Floats stay floats, counts counts, truth values truth values, although they compare as equal.
    assert snapshot.write_deployment(snapshot.read_deployment(written, pinned)) == written


def test_what_a_broken_probe_measured_is_kept_too():
    found = Finding(
        check="tls",
        verdict=Verdict.UNKNOWN,
        summary="",
        measured_at=NOON,
        expires_at=NOON,
        values={"gap": math.inf, "share": math.nan, "count": 3, "ratio": 3.0, "up": True, "word": "3"},
        rows=(Row(subject="10.0.0.1", values={"gap": -math.inf}),),
        conditions=(Condition(rule="gap < 1", measured=math.inf, held=False),),
    )
    read = snapshot.read_finding(snapshot.write_finding(found))
    assert math.isnan(read.values["share"])
    assert [type(value) for value in read.values.values()] == [float, float, int, float, bool, str]
    assert replace(read, values={}) == replace(found, values={})


def test_a_record_written_before_a_field_was_added_is_read_with_its_default_and_one_of_a_later_version_too():
    deployment = drafted()(1, None).deployment
    old = json.loads(snapshot.write_deployment(deployment))
    optional = [
        one.name for one in fields(Deployment) if one.default is not MISSING or one.default_factory is not MISSING
    ]
    assert len(optional) > 20
    for name in optional:
        del old[name]
    old["captain"].pop("tz")
    old["release"] = {"version": "1.1.0"}
    old["invented_later"] = {"x": 1}

    assert snapshot.read_deployment(json.dumps(old), plan()) == replace(deployment, release=Release(version="1.1.0"))


def test_a_plan_that_was_pinned_when_an_item_had_one_check_is_read_with_a_list_of_one():
    measured = ItemPlan(key="certificates", title="Certificates valid", checks=("tls",))
    pinned = replace(plan(), artifacts=(measured, ItemPlan(key="plan", title="A plan", evidence=True)))
    old = json.loads(snapshot.write_plan(pinned))
    for item in old["artifacts"]:
        item["check"] = next(iter(item.pop("checks")), None)

    assert snapshot.read_plan(json.dumps(old)) == pinned


def test_every_field_of_the_record_can_be_made_up_here():
    """Or the test above would leave it out without a word."""
    assert {one.name for one in fields(Deployment)} >= {"plan", "runs", "watch", "alarms", "findings", "touched"}
    for kind in (Plan, Measured):
        assert of(kind) is not None
