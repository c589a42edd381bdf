"""What does an API that speaks JSON answer, and what does its refusal mean?"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import Field

from bot.check import Context
from bot.errors import Cannot, Unreachable
from bot.judge import duration
from bot.net import Answer, Net, bare
from checks.pick import read
from checks.reach import Reach

#: Lists of rules and of check runs are long; a page of somebody's website is not.
LARGEST = 20_000_000


class Api(Reach):
    """The parameters that every check over an API has."""

    headers: dict[str, str] = Field(
        default={}, description='Header lines to send: `{Authorization: {env: NAME, prefix: "Bearer "}}`.'
    )

    def net(self, ctx: Context) -> Net:
        return replace(super().net(ctx), limit=LARGEST)


async def ask(
    api: Api,
    ctx: Context,
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
    refusals: tuple[int, ...] = (),
) -> tuple[Any, Answer]:
    """The document that it answers with. `refusals`: status codes whose JSON says more than the code does."""
    sent = {"Accept": "application/json", **(headers or {}), **api.headers}
    address = api.addresses[0] if api.addresses else ""
    answer = await api.net(ctx).ask(url, method=method, headers=sent, content=content, address=address)
    if answer.status not in {200, 201, 202, *refusals}:
        raise _refused(answer, ctx.clock.now())
    if answer.cut:
        raise Cannot(f"{bare(answer.url)} answers with more than {LARGEST // 1_000_000} MB; ask for less.")
    document = read(answer.text())
    if document is None and answer.status not in refusals and answer.body.strip() not in {b"", b"null"}:
        kind = answer.header("content-type").partition(";")[0] or "something"
        raise Cannot(
            f"{bare(answer.url)} answers {answer.status} with {kind} that is no whole JSON; is it a login page?"
        )
    return document, answer


def server_time(answer: Answer, otherwise: datetime) -> datetime:
    """The time by the clock of the one who answered: ages told by it do not depend on ours."""
    try:
        moment = parsedate_to_datetime(answer.all("date")[-1])
    except (IndexError, TypeError, ValueError):
        return otherwise
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refused(answer: Answer, now: datetime) -> Exception:
    """Why nothing was said, and what to do: trying again helps only where the server is to blame."""
    where, status = bare(answer.url), answer.status
    if status in {403, 429} and (wait := _wait(answer, now)):
        return Unreachable(f"{where} answers {status}: too many requests; it asks to come back in {wait}.")
    if status == 429:  # noqa: PLR2004 - HTTP's own number
        return Unreachable(f"{where} answers 429: too many requests; measure less often.")
    if status == 401:  # noqa: PLR2004 - HTTP's own number
        return Cannot(f"{where} answers 401: the token is missing, wrong or expired; give the check a new one.")
    if status == 403:  # noqa: PLR2004 - HTTP's own number
        return Cannot(f"{where} answers 403: the token may not read this; give it the right to.")
    if status == 404:  # noqa: PLR2004 - HTTP's own number
        return Cannot(f"{where} answers 404: it is not there, or the token may not see it.")
    if status >= 500:  # noqa: PLR2004 - HTTP's own number
        return Unreachable(f"{where} answers {status}: it is broken or busy.")
    if target := answer.header("location"):
        return Cannot(f"{where} answers {status} and points to {bare(target)}; name that address instead.")
    said = " ".join(answer.text().split())[:120]
    return Cannot(f"{where} answers {status}" + (f": {said}" if said else "."))


def _wait(answer: Answer, now: datetime) -> str:
    """How long it asks to wait, in words; empty when it does not say that it counts requests."""
    after, left, reset = (answer.header(name) for name in ("retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"))
    if after.isdigit():
        return duration(int(after))
    if left == "0" and reset.isdigit():
        return duration(max(1, int(reset) - round(server_time(answer, now).timestamp())))
    return ""
