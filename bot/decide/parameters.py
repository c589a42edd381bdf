"""What does a start say for the parameters of its service, and may it?

A value reaches scripts only from here: it has been found to be what the configuration allows, and is written in one way.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from bot.errors import Refused
from bot.model import Deployment
from bot.plan import ParameterKind, ParameterPlan, Plan
from bot.text import esc

#: The longest text; no machine's table of arguments is filled by it.
MOST = 200

_YES_NO = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}


def settled(plan: Plan, said: Mapping[str, str]) -> dict[str, str]:
    """The value of each parameter that has one; Refused for the first that may not be so."""
    for one in missing(plan, said):
        example = _example(one)
        hint = f", as in {one.key}={esc(example)}" if example else ""
        raise Refused(f"{one.key} is missing: give {esc(expected(one))}{hint}.", at=at(one.key))
    found = said_right(plan, said)
    values = {one.key: found.get(one.key, one.default) for one in plan.parameters}
    return {key: said for key, said in values.items() if said}


def missing(plan: Plan, said: Mapping[str, str]) -> list[ParameterPlan]:
    """Those without which nothing starts, and that were not said."""
    found = said_right(plan, said)
    return [one for one in plan.parameters if one.required and one.key not in found]


def said_right(plan: Plan, said: Mapping[str, str]) -> dict[str, str]:
    """What was said, as scripts get it; what was left empty was not said."""
    known = {one.key: one for one in plan.parameters}
    for key in said:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            has = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}." if known else "it has none."
            raise Refused(f"{plan.service} has no parameter “{esc(key[:40])}” in {plan.environment}; {has}")
    return {key: value(known[key], written.strip()) for key, written in said.items() if written.strip()}


def value(one: ParameterPlan, said: str) -> str:
    """What was said, as scripts get it; Refused with what was expected."""
    found = _read(one, said)
    if found is None:
        near = get_close_matches(said, one.choices, n=1)
        hint = f" Did you mean {esc(near[0])}?" if near else ""
        raise Refused(f"{one.key} cannot be “{esc(said[:40])}”: give {esc(expected(one))}.{hint}", at=at(one.key))
    return found


def at(key: str) -> str:
    """What a refusal calls the input that mends it."""
    return f"parameter.{key}"


def expected(one: ParameterPlan) -> str:
    """What may be said, in words."""
    match one.kind:
        case ParameterKind.YES_NO:
            return "yes or no"
        case ParameterKind.CHOICE:
            return f"one of {', '.join(one.choices)}"
        case ParameterKind.NUMBER:
            return f"a whole number{_limits(one)}"
        case ParameterKind.TEXT:
            example = one.example or one.default
            return f"something like {example}" if example else f"a text that matches {one.pattern}"


def _example(one: ParameterPlan) -> str:
    match one.kind:
        case ParameterKind.YES_NO:
            return "yes"
        case ParameterKind.CHOICE:
            return one.choices[0]
        case ParameterKind.NUMBER:
            limits = [limit for limit in (one.at_least, one.at_most) if limit is not None]
            return str(limits[0] if limits else 1)
        case ParameterKind.TEXT:
            return one.example


def facts(deployment: Deployment) -> dict[str, str]:
    """Every parameter as scripts know it, `parameters.KEY`; empty where nothing was said and nothing holds instead."""
    return {f"parameters.{one.key}": deployment.parameters.get(one.key, "") for one in deployment.plan.parameters}


def _read(one: ParameterPlan, said: str) -> str | None:
    match one.kind:
        case ParameterKind.YES_NO:
            return _YES_NO.get(said.casefold())
        case ParameterKind.CHOICE:
            exact = (choice for choice in one.choices if choice == said)
            return next(exact, None) or next((it for it in one.choices if it.casefold() == said.casefold()), None)
        case ParameterKind.NUMBER:
            return _number(one, said)
        case ParameterKind.TEXT:
            # A script would take what begins with a dash for an option, and no program can be given a zero byte.
            fits = len(said) <= MOST and said.isprintable() and not said.startswith("-")
            return said if fits and re.fullmatch(one.pattern, said) else None


def _number(one: ParameterPlan, said: str) -> str | None:
    if not re.fullmatch(r"[+-]?[0-9]{1,15}", said):
        return None
    number = int(said)
    too_small = one.at_least is not None and number < one.at_least
    too_large = one.at_most is not None and number > one.at_most
    return None if too_small or too_large else str(number)


def _limits(one: ParameterPlan) -> str:
    if one.at_least is not None and one.at_most is not None:
        return f" from {one.at_least} to {one.at_most}"
    if one.at_least is not None:
        return f", {one.at_least} or more"
    return f", {one.at_most} or less" if one.at_most is not None else ""
