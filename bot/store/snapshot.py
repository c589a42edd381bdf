"""How is a record written down, and read again?"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from bot.model import Deployment, Finding, Wanted
from bot.plan import Plan
from bot.store.chain import canonical, sha256

_deployment = TypeAdapter(Deployment)
_plan = TypeAdapter(Plan)
_finding = TypeAdapter(Finding)
_wanted = TypeAdapter(Wanted)


def _write(adapter: TypeAdapter[Any], value: object, *, without: str = "") -> str:
    # By way of plain values, because only to_json can write what a broken probe may have measured: infinity, not a number.
    plain = adapter.dump_python(value, mode="json", exclude={without} if without else None)
    return to_json(plain, inf_nan_mode="constants").decode()


def write_deployment(deployment: Deployment) -> str:
    """Everything but the plan, which never changes and is stored once."""
    return _write(_deployment, deployment, without="plan")


def read_deployment(text: str, plan: Plan) -> Deployment:
    fields: dict[str, Any] = from_json(text)
    return _deployment.validate_python({**fields, "plan": plan})


def rewritten(deployment: Deployment, rewrite: Callable[[Any], Any]) -> Deployment:
    """The same record with its plain form, and that of its plan, passed through a function."""
    fields = rewrite(from_json(write_deployment(deployment)))
    plan = _plan.validate_python(rewrite(from_json(write_plan(deployment.plan))))
    return _deployment.validate_python({**fields, "plan": plan})


def write_plan(plan: Plan) -> str:
    return _write(_plan, plan)


@lru_cache(maxsize=256)
def read_plan(text: str) -> Plan:
    return _plan.validate_python(_with_lists_of_checks(from_json(text)))


def _with_lists_of_checks(written: Any) -> Any:
    """A plan that was pinned when an item had one check, or none, is read as one whose items have lists of them."""
    if isinstance(written, list):
        return [_with_lists_of_checks(one) for one in written]
    if not isinstance(written, dict):
        return written
    if {"check", "evidence"} <= written.keys():
        check = written["check"]
        written = {**written, "checks": [check] if check else []}
    return {key: _with_lists_of_checks(one) for key, one in written.items()}


def write_finding(finding: Finding) -> str:
    return _write(_finding, finding)


def read_finding(text: str) -> Finding:
    return _finding.validate_json(text)


def hash_of(wanted: Wanted) -> str:
    """What tells one form of a message from another."""
    return sha256(canonical(_wanted.dump_python(wanted, mode="json")))
