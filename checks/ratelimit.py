"""Is somebody who asks too often stopped, and let in again?"""

import asyncio
from collections.abc import Mapping

from pydantic import Field

from bot.check import Context, Intrusive, check
from bot.judge import duration
from bot.model import Measured, Row, Value
from bot.net import Answer, Net
from checks.reach import Reach, refused, tried

_TOO_MANY, _UNAVAILABLE = 429, 503


class Params(Reach, Intrusive):
    """What to ask, and how often at most."""

    url: str = Field(description="An endpoint that may be asked this often, and whose limit is small.")
    budget: int = Field(
        default=40,
        ge=1,
        le=500,
        description="The most requests that are ever sent, those that ask to be let in again among them.",
    )
    together: int = Field(default=5, ge=1, le=50, description="How many are sent at the same time.")
    headers: dict[str, str] = Field(default={}, description="Header lines to send; a value may be `{env: NAME}`.")
    wait_s: float = Field(default=10.0, ge=0, description="The longest wait for being let in again.")


@check(
    "ratelimit",
    needs={"net"},
    values={
        "sent": "how many requests were sent, all in all; never more than the budget",
        "limited": "how many were refused",
        "first_limited_at": "which request was the first to be refused; missing if none was",
        "status": "the status of refusals: 429, or 503 where the limit says so",
        "retry_after": "the refusal says when to come back, or how much is left",
        "recovers": "after that time a request was answered again; missing if it would take too long or too many to try",
        "recovery": "seconds until a request was answered again",
        "broken": "how many requests got no answer, were not let in (401, 403), or met a server's error that is no limit",
    },
    require=["broken == 0"],
    pass_=["limited >= 1", "status == 429", "retry_after == true", "recovers == true"],
    warn=["limited >= 1"],
)
async def ratelimit(params: Params, ctx: Context) -> Measured:
    """Send requests until one is refused or the budget is spent, then wait as told and ask once more.

    Why: Without a limit one client, by mistake or on purpose, takes the service from all others.
    Fix: Limit requests per client at the gateway, refuse with 429 and say Retry-After; a dry run limits nothing.
    """
    net = params.net(ctx)
    address = (await params.places(net, params.url))[0]
    answers: list[Answer | str] = []
    while len(answers) < params.budget and not any(map(_refusal, answers)):
        size = min(params.together, params.budget - len(answers))
        asked = [tried(net, params.url, address=address, headers=params.headers) for _ in range(size)]
        answers += await asyncio.gather(*asked)
    limited = [answer for answer in answers if isinstance(answer, Answer) and _refusal(answer)]
    # A service that answers nothing but 503 is down; only after answers is it a limit.
    if not any(map(_answered, answers)) and all(one.status == _UNAVAILABLE for one in limited):
        limited = []
    broken = len(answers) - len(limited) - sum(map(_answered, answers))
    values: dict[str, Value] = {"sent": len(answers), "limited": len(limited), "broken": broken}
    if limited:
        values |= {
            "first_limited_at": next(at for at, one in enumerate(answers, 1) if _refusal(one)),
            "status": limited[0].status,
            "retry_after": any(_says_when(one) for one in limited),
        }
        sent, recovered = await _recovery(params, net, ctx, address, limited[0], left=params.budget - len(answers))
        values |= {"sent": len(answers) + sent, **recovered}
    return Measured(values=values, rows=tuple(_rows(answers)), summary=_summary(values, answers, limited))


def _refusal(answer: Answer | str) -> bool:
    return isinstance(answer, Answer) and answer.status in {_TOO_MANY, _UNAVAILABLE}


def _answered(answer: Answer | str) -> bool:
    """Whoever is not let in at all never comes to where it is counted how often they ask."""
    return isinstance(answer, Answer) and not refused(answer)


def _says_when(answer: Answer) -> bool:
    return any(answer.all(name) for name in ("retry-after", "ratelimit", "ratelimit-reset", "x-ratelimit-reset"))


async def _recovery(
    params: Params, net: Net, ctx: Context, address: str, refusal: Answer, *, left: int
) -> tuple[int, Mapping[str, Value]]:
    """How many more requests were sent, and what they came to; what could not be tried to the end is not known."""
    said = refusal.header("retry-after")
    wait = float(said) if said.isdigit() else 1.0
    # Part of the time limit is for the answer itself.
    if wait > min(params.wait_s, ctx.left() - params.timeout_s):
        return 0, {}
    waited, sent = 0.0, 0
    while waited <= min(params.wait_s, ctx.left() - params.timeout_s):
        if sent == left:
            return sent, {}
        await asyncio.sleep(wait)
        waited += wait
        sent += 1
        answer = await tried(net, params.url, address=address, headers=params.headers)
        if _answered(answer):
            return sent, {"recovers": True, "recovery": waited}
        wait = 1.0
    return sent, {"recovers": False}


def _rows(answers: list[Answer | str]) -> list[Row]:
    """One row for each stretch of the same answer: 20 times 200, then 429."""
    rows: list[Row] = []
    begin = 1
    for at, answer in enumerate(answers, 1):
        following = answers[at] if at < len(answers) else None
        if _kind(answer) != _kind(following):
            rows.append(Row(subject=f"request {begin}" + (f" to {at}" if at > begin else ""), note=_kind(answer)))
            begin = at + 1
    return rows


def _kind(answer: Answer | str | None) -> str:
    if not isinstance(answer, Answer):
        return answer or ""
    said = answer.header("retry-after")
    return f"{answer.status}" + (f", Retry-After {said}" if said else "")


def _summary(values: Mapping[str, Value], answers: list[Answer | str], limited: list[Answer]) -> str:
    if not limited:
        wrong = next((refused(one) if isinstance(one, Answer) else one for one in answers if not _answered(one)), "")
        if wrong:
            return f"{values['broken']} of {values['sent']} requests were not answered as they should be: {wrong}"
        return f"none of {values['sent']} requests was refused"
    said = limited[0].header("retry-after")
    facts = [
        f"first {values['status']} at request {values['first_limited_at']} of {len(answers)}",
        f"Retry-After {said} s" if said.isdigit() else "",
        "" if values["retry_after"] else "no word on when to come back",
        f"let in again after {duration(float(values['recovery']))}" if "recovery" in values else "",
        "not let in again in time" if values.get("recovers") is False else "",
        "too little of time or budget left to see whether it lets in again" if "recovers" not in values else "",
    ]
    return ", ".join(filter(None, facts))
