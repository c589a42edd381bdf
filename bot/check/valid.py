"""Can this plan ever be measured and judged?"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from bot import judge
from bot.check.filling import VARIABLES, stood_in, unknown_variables, without_variables
from bot.check.plugin import Plugin, completed, named, nearest
from bot.errors import ConfigError
from bot.plan import CheckPlan, Json


def validate(plan: CheckPlan) -> BaseModel:
    """Refuse a plan that could never be measured or judged; give its parameters otherwise."""
    plugin = named(plan.uses, plan.name)
    plan = completed(plan)
    rules = (*plan.require, *plan.pass_, *plan.warn)
    for name in unknown_variables([dict(plan.with_), rules]):
        listed = ", ".join(f"${{{one}}}" for one in VARIABLES)
        raise ConfigError(f"check '{plan.name}': there is no ${{{name}}}{nearest(name, VARIABLES)}; there are {listed}")
    # What a reference stands for is known on the machine that measures; here any word or number will do.
    params = read_params(plugin, plan.name, stood_in(dict(plan.with_)))
    extra, lacking = plugin.names(params), plugin.lacks(params)
    for text in rules:
        try:
            rule = judge.parse(without_variables(text))
        except ConfigError as mistake:
            raise ConfigError(f"check '{plan.name}': {mistake}") from mistake
        if extra is not None and rule.name not in plugin.values and rule.name not in extra:
            known = (*plugin.values, *extra)
            raise ConfigError(
                f"check '{plan.name}', rule '{text}': '{plugin.name}' measures no '{rule.name}'"
                f"{nearest(rule.name, known)}; it measures {', '.join(known)}"
            )
        if rule.name in lacking:
            raise ConfigError(
                f"check '{plan.name}', rule '{text}': '{rule.name}' is measured only with {lacking[rule.name]}; "
                "give it, or write rules without it"
            )
    if plan.baseline is not None and plan.baseline.of == "window" and plugin.before is None:
        raise ConfigError(
            f"check '{plan.name}': '{plugin.name}' cannot look back at a time that is past; "
            "use 'baseline: {of: last_passed}'"
        )
    if not plan.pass_ and not plan.warn:
        raise ConfigError(f"check '{plan.name}': no rule says when it passes; add 'pass:'")
    return params


def read_params(plugin: Plugin, where: str, given: Mapping[str, Json]) -> BaseModel:
    try:
        return plugin.params.model_validate(dict(given))
    except ValidationError as error:
        said = "; ".join(_mistake(plugin, one) for one in error.errors())
        raise ConfigError(f"check '{where}' ({plugin.name}): {said}") from error


def _mistake(plugin: Plugin, error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        return f"unknown key '{place}'{nearest(key, plugin.params.model_fields)}"
    if error["type"] == "missing":
        return f"'{place}' is missing"
    return f"'{place}': {error['msg']}" if place else error["msg"]
