"""What number does a query to Prometheus give?"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.check import Context, Window, check
from bot.errors import Cannot
from bot.model import Measured, Row, Value
from bot.numbers import aggregated
from checks.prometheus import Prometheus, Series, instant, past, sighted


class Params(Prometheus):
    """What to ask Prometheus."""

    query: Annotated[str, AfterValidator(sighted)] = Field(
        description="PromQL for one number, or for one of each node: then rules judge `max` or `min`."
    )
    samples: str = Field(
        default="", description="PromQL for how many requests `query` is about, so that a rule can ask for enough."
    )


async def before(params: Params, ctx: Context, window: Window) -> dict[str, Value]:
    """What the same query gave over the time before the deploy script."""
    series = await past(params, ctx, params.query, until=window.until, last_s=window.last_s)
    found = {
        "value": [point for one in series for point in one.points] if len(series) == 1 else [],
        "max": [max(moment) for moment in _moments(series)],
        "min": [min(moment) for moment in _moments(series)],
    }
    picked = {name: aggregated(numbers, window.aggregate) for name, numbers in found.items()}
    return {name: number for name, number in picked.items() if number is not None}


@check(
    "promql",
    needs={"net"},
    values={
        "value": "the number, where the query gives one series; missing when it gives none, several or NaN",
        "max": "the largest number of all series; missing when one of them is NaN",
        "min": "the smallest number of all series; missing when one of them is NaN",
        "series": "how many series the query gives",
        "samples": "how many requests it is about, as `samples` says",
    },
    require=["series >= 1"],
    pass_=["value == 0"],
    before=before,
)
async def promql(params: Params, ctx: Context) -> Measured:
    """Ask one instant query. What is absent, NaN or infinite is no number, and so unknown.

    With `baseline: {of: window}` the same query is asked over the time before the deploy script, and rules such as
    `value <= baseline +50%` compare with it.

    Why: What the service does to its customers is in its metrics before it is in anybody's mailbox.
    Fix: Open the query in Prometheus; the evidence has each series with its number.
    """
    series = await instant(params, ctx, params.query)
    values: dict[str, Value] = {"series": len(series)}
    numbers = [one.value for one in series]
    finite = [one for one in numbers if one is not None]
    if finite and len(finite) == len(numbers):
        values |= {"max": max(finite), "min": min(finite)} | ({"value": finite[0]} if len(finite) == 1 else {})
    if params.samples and (count := await number(params, ctx, params.samples)) is not None:
        values["samples"] = count
    return Measured(values=values, rows=tuple(map(_row, series)), summary=_summary(values, len(numbers) - len(finite)))


async def number(params: Prometheus, ctx: Context, query: str) -> float | None:
    """The one number that a query gives; None when it gives none, or something that is no number."""
    series = await instant(params, ctx, query)
    if len(series) > 1:
        raise Cannot(f"'{query[:80]}' gives {len(series)} series, and one is needed; wrap it in sum(…).")
    return series[0].value if series else None


def _row(one: Series) -> Row:
    return Row(
        subject=one.name or "value",
        values={"value": one.value} if one.value is not None else {},
        note="" if one.value is not None else "is not a number",
    )


def _summary(values: dict[str, Value], blind: int) -> str:
    if not values["series"]:
        return "no series: the metric is absent"
    if blind:
        return "the query gives NaN" if values["series"] == 1 else f"{blind} of {values['series']} series are NaN"
    told = (
        f"{values['value']:.6g}"
        if "value" in values
        else f"{values['min']:.6g} to {values['max']:.6g} in {values['series']} series"
    )
    return told + (f", from {values['samples']:,.0f} samples" if "samples" in values else "")


def _moments(series: Sequence[Series]) -> list[list[float]]:
    """What all series were at each point in time; where they are of different length there is none."""
    if not series or len({len(one.points) for one in series}) != 1:
        return []
    return [list(moment) for moment in zip(*(one.points for one in series), strict=True)]
