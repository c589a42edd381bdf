"""What did somebody outside tell us last, and is it time to hear from them again?"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot
from bot.judge import duration
from bot.model import Measured, Ping, Row, Value
from checks.pick import checked, pick, read
from checks.units import Duration

#: `bot.ping` does not listen to a shorter key either.
SHORTEST = 16


class Params(BaseModel, extra="forbid"):
    """Who should report, and how often."""

    key: str = Field(description="The secret in the URL, at least 16 characters: `{env: NAME}`.")
    period: Duration = Field(default=86400.0, description="How often it reports, such as `1 d`.")
    grace: Duration = Field(default=3600.0, description="How late it may be, and how long it may take once it began.")
    values: dict[str, Annotated[str, AfterValidator(checked)]] = Field(
        default={}, description="Values to take from JSON that was sent along with the last success, by path."
    )


def _names(params: Params) -> Collection[str]:
    return list(params.values)


@check(
    "ping",
    values={
        "ok": "the last run went well: it did not fail, and did not begin without ending within `grace`",
        "age": "seconds since it last went well; missing when it never did",
        "late": "seconds beyond the period since it last went well; 0 is in time",
        "overdue": "it is later than `grace` allows",
        "took": "seconds from the last start to the success behind it",
        "exit": "the exit code that was told last",
    },
    names=_names,
    pass_=["ok == true", "late == 0"],
    warn=["ok == true", "overdue == false"],
)
async def ping(params: Params, ctx: Context) -> Measured:
    """Look at what was told at `/ping/KEY`, `/ping/KEY/start`, `/ping/KEY/fail` and `/ping/KEY/EXIT_CODE`.

    The bot listens there when TMINUS_PING says at which HOST:PORT. What was sent along is kept as the log of the run.

    Why: What runs by itself at night, a restore drill or a backup, is missed only when it is needed.
    Fix: Run it by hand and let it call its URL at the end; the evidence has what it said last.
    """
    if ctx.pings is None:
        raise Cannot("Pings are kept by the running bot, and this is not measured by it.")
    if len(params.key) < SHORTEST:
        raise Cannot(
            f"The key in the URL is shorter than {SHORTEST} characters, so it can be guessed and is not listened to."
        )
    told = list(await ctx.pings(hashlib.sha256(params.key.encode()).hexdigest()))
    if not told:
        raise Cannot("Nobody has ever called the URL with this key; is TMINUS_PING set, and does the job call it?")
    now = ctx.clock.now()
    last, ended = told[0], [one for one in told if one.kind != "start"]
    good = next((one for one in ended if one.kind == "success"), None)
    # A start that has not come to its end yet says nothing new, until it should have.
    begun_s = (now - last.at).total_seconds() if last.kind == "start" else 0.0
    stuck = begun_s > params.grace
    values: dict[str, Value] = {"ok": bool(ended) and ended[0].kind == "success" and not stuck}
    if not ended and not stuck:
        values.pop("ok")
    if ended and ended[0].exit_status is not None:
        values["exit"] = ended[0].exit_status
    if good is not None:
        age = max((now - good.at).total_seconds(), 0.0)
        late = max(age - params.period, 0.0)
        values |= {"age": age, "late": late, "overdue": late > params.grace}
        values |= _took(told, good)
        document = read(good.body)
        picked = {name: pick(document, path, now) for name, path in params.values.items()}
        values |= {name: value for name, value in picked.items() if value is not None}
    elif ended:
        # It reports, and never anything good: it is as late as it can be.
        values["overdue"] = True
    return Measured(values=values, rows=tuple(map(_row, told[:10])), summary=_summary(values, last, stuck=stuck))


def _took(told: Sequence[Ping], good: Ping) -> Mapping[str, Value]:
    before = told[list(told).index(good) + 1 :]
    if before and before[0].kind == "start":
        return {"took": max((good.at - before[0].at).total_seconds(), 0.0)}
    return {}


def _row(one: Ping) -> Row:
    values: dict[str, Value] = {"exit": one.exit_status} if one.exit_status is not None else {}
    said = one.body.strip().splitlines()
    return Row(subject=f"{one.kind} at {one.at:%Y-%m-%d %H:%M:%S} UTC", values=values, note=said[-1] if said else "")


def _summary(values: Mapping[str, Value], last: Ping, *, stuck: bool) -> str:
    age = f"last went well {duration(round(float(values['age'])))} ago" if "age" in values else "never went well"
    said = last.body.strip().splitlines()
    facts = [
        "it began and did not end" if stuck else "",
        "the last run failed" if last.kind == "fail" else "",
        f"exit code {last.exit_status}" if last.exit_status else "",
        said[-1][:80] if last.kind == "fail" and said else "",
        age,
        f"took {duration(float(values['took']))}" if "took" in values and last.kind == "success" else "",
    ]
    return ", ".join(filter(None, facts))
