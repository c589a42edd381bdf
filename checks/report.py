"""Which values stand in a JSON file that something else wrote?"""

from collections.abc import Collection
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from bot.check import Context, check
from bot.judge import named
from bot.model import Measured, Row, Value
from checks.documents import check_about, document, parsed
from checks.pick import checked, pick


class Params(BaseModel, extra="forbid"):
    """Which file, and what in it."""

    report: str = Field(description="The JSON file: `reports/${commit}/cost.json`.")
    values: dict[str, Annotated[str, AfterValidator(checked)]] = Field(
        min_length=1,
        description="Values to take from it, by path: `{cost: totals.per_request, data_age: until as age}`.",
    )
    commit: str = Field(default="", description="The commit that the file has to be about, usually `${commit}`.")
    commit_path: str = Field(default="commit", description="Where the file names its commit.")


def _names(params: Params) -> Collection[str]:
    return list(params.values)


@check(
    "report",
    values={
        "missing": "how many of the named values are not in the file",
        "age": "seconds since the file was written",
    },
    names=_names,
    pass_=["missing == 0"],
)
async def report(params: Params, ctx: Context) -> Measured:
    """Read one JSON file and take values from it, under the names that they are given.

    Why: What another tool knows already, such as cost, coverage or lead times, need not be measured twice.
    Fix: Let the tool write its file again for this commit; the evidence has what was found in it.
    """
    read = document(params.report)
    content = parsed(read)
    now = ctx.clock.now()
    about = pick(content, params.commit_path, now)
    check_about(params.commit, {str(about)} if about is not None else (), read.path)
    picked = {name: pick(content, path, now) for name, path in params.values.items()}
    known: dict[str, Value] = {name: value for name, value in picked.items() if value is not None}
    rows = [
        Row(
            subject=path,
            values={name: known[name]} if name in known else {},
            note="" if name in known else "is not there",
        )
        for name, path in params.values.items()
    ]
    missing = [name for name in params.values if name not in known]
    told = ", ".join(named(name, value) for name, value in list(known.items())[:4])
    return Measured(
        # What the file says counts more than what we say about it.
        values={"missing": len(missing), "age": read.age_s, **known},
        rows=tuple(rows),
        summary="; ".join(filter(None, [f"{', '.join(missing)} not in {read.name}" if missing else "", told])),
    )
