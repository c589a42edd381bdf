"""Is the share of bad requests surely below the limit, by Prometheus's count?"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.check import Context, check
from bot.errors import Cannot
from bot.model import Measured, Row, Value
from bot.numbers import needed, wilson_lower, wilson_upper
from checks.prometheus import Prometheus, sighted
from checks.promql import number


class Params(Prometheus):
    """What to count."""

    bad: Annotated[str, AfterValidator(sighted)] = Field(
        description='PromQL for the number of bad requests: `sum(increase(http_requests_total{code=~"5.."}[${window}]))`.'
    )
    total: Annotated[str, AfterValidator(sighted)] = Field(description="PromQL for the number of all requests.")
    limit: float = Field(
        default=0.001, gt=0, lt=1, description="The share that `needed` is worked out for: 0.001 is 0.1 %."
    )
    absent_is_none: bool = Field(
        default=False,
        description="The service names its bad requests only once there was one: no series in `bad` then means none, "
        "as long as `total` counts.",
    )


@check(
    "promql_ratio",
    needs={"net"},
    values={
        "bad": "how many requests were bad",
        "total": "how many there were",
        "ratio": "bad, of all",
        "upper95": "the most that the share can be, with 95 % certainty (Wilson)",
        "lower95": "the least that it can be",
        "needed": "how many requests it takes to show that the share is below `limit`, with so many bad ones",
    },
    require=["total >= 1"],
    pass_=["upper95 < 0.1%"],
    warn=["ratio < 0.1%"],
)
async def promql_ratio(params: Params, ctx: Context) -> Measured:
    """Count bad and all requests with two queries, and work out between which limits the true share lies.

    Why: No errors in 1,000 requests may still be 0.38 %; a small number proves nothing.
    Fix: Wait until `needed` requests were made, or find out from the evidence's queries which requests are bad.
    """
    found = {"bad": await number(params, ctx, params.bad), "total": await number(params, ctx, params.total)}
    if found["bad"] is None and params.absent_is_none and found["total"]:
        found["bad"] = 0.0
    counted = {name: round(one) for name, one in found.items() if one is not None}
    if counted.get("bad", 0) < 0 or counted.get("total", 0) < 0:
        raise Cannot(
            "A query counts fewer than no requests; rates of counters, not of gauges, are asked with increase()."
        )
    rows = tuple(
        Row(
            subject=query,
            values={name: counted[name]} if name in counted else {},
            note="" if name in counted else "gives no number",
        )
        for name, query in (("bad", params.bad), ("total", params.total))
    )
    values: dict[str, Value] = dict(counted)
    if len(counted) < 2:  # noqa: PLR2004 - both are needed
        missing = " and ".join(f"'{name}'" for name in found if name not in counted)
        return Measured(values=values, rows=rows, summary=f"{missing} gives no number: the metric is absent or NaN")
    bad, total = counted["bad"], counted["total"]
    if bad > total:
        raise Cannot(f"'bad' counts {bad:,} and 'total' only {total:,}; do both look at the same requests?")
    values["needed"] = needed(bad, params.limit)
    if total:
        values |= {"ratio": bad / total, "upper95": wilson_upper(bad, total), "lower95": wilson_lower(bad, total)}
    return Measured(values=values, rows=rows, summary=_summary(values))


def _summary(values: dict[str, Value]) -> str:
    if "ratio" not in values:
        return "no requests were made"
    told = f"{values['bad']:,} of {values['total']:,} bad, at most {float(values['upper95']):.3%}"
    few = int(values["needed"]) - int(values["total"])
    return re.sub(r"%", " %", told) + (f"; {few:,} more requests are needed to be sure" if few > 0 else "")
