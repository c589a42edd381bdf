"""Does what the service logs arrive where people look for it?"""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from pydantic import Field

from bot.check import Context, check
from bot.errors import Cannot
from bot.judge import duration
from bot.model import Measured, Row, Value
from checks.api import Api, ask
from checks.units import Duration

_EVERY_S = 0.5
#: Loki is asked for what was logged from a little before: clocks differ, and agents round.
_BEFORE_S = 60


class Params(Api):
    """How a marker gets into the logs, and where they are."""

    url: str = Field(description="Address of Loki, up to `/loki/api/v1`.")
    query: str = Field(pattern=r"^\{.+\}", description='Which streams to search, in LogQL: `{app="shop"}`.')
    write: str = Field(description="A page of the service that logs a header of its requests.")
    at: list[str] = Field(
        default=[],
        description="`host:port` of each instance to ask with the URL's name; empty: each address that the name has.",
    )
    header: str = Field(default="X-Canary", description="The header that the service logs.")
    wait: Duration = Field(default=60.0, description="How long a marker may take; `timeout` must be longer.")


@check(
    "logs",
    needs={"net"},
    values={
        "instances": "how many instances were asked",
        "found": "how many of their markers arrived",
        "lost": "how many did not within `wait`",
        "delay": "seconds until the last of those that arrived could be found",
    },
    require=["instances >= 1"],
    pass_=["lost == 0", "delay <= 60s"],
    warn=["lost == 0", "delay <= 300s"],
)
async def logs(params: Params, ctx: Context) -> Measured:
    """Ask each instance for a page with a marker in a header, and search Loki until every marker is found.

    `headers` are sent to Loki; the service gets nothing but the marker.

    Why: A log that does not arrive is missed on the night when it is needed.
    Fix: The evidence names the instance whose marker is lost; look at the agent that collects its log.
    """
    net = params.net(ctx)
    places = tuple(params.at) or await net.addresses(params.write)
    begun, wall = time.monotonic(), time.time()
    markers = {at: f"t-minus-{secrets.token_hex(8)}" for at in places}

    async def mark(at: str, marker: str) -> None:
        answer = await net.ask(params.write, address=at, headers={params.header: marker})
        if answer.status >= 500:  # noqa: PLR2004 - it may not have come to logging anything
            raise Cannot(f"{params.write} at {at} answers {answer.status}, so nothing can be said about its log.")

    await asyncio.gather(*(mark(at, marker) for at, marker in markers.items()))
    seen: dict[str, tuple[float, str]] = {}
    limit = min(params.wait, max(ctx.left() - 1.0, 0.1))
    while True:
        for at, marker in markers.items():
            if at not in seen and (stream := await _found(params, ctx, marker, wall)) is not None:
                seen[at] = (time.monotonic() - begun, stream)
        if len(seen) == len(markers) or time.monotonic() - begun >= limit:
            break
        await asyncio.sleep(_EVERY_S)
    waited = time.monotonic() - begun
    if len(seen) < len(markers) and waited < params.wait - 1:
        raise Cannot(f"A marker was not found within {duration(round(waited))}, and 'timeout' allows no more.")
    values: dict[str, Value] = {"instances": len(markers), "found": len(seen), "lost": len(markers) - len(seen)}
    if seen:
        values["delay"] = max(took for took, _ in seen.values())
    return Measured(
        values=values,
        rows=tuple(_row(at, seen.get(at)) for at in markers),
        summary=_summary(values, markers, seen, params),
    )


async def _found(params: Params, ctx: Context, marker: str, since: float) -> str | None:
    """The labels of the stream in which it stands; None: it is not there yet."""
    window = {"start": f"{(since - _BEFORE_S) * 1e9:.0f}", "end": f"{(time.time() + _BEFORE_S) * 1e9:.0f}"}
    query = {"query": f'{params.query} |= "{marker}"', **window, "limit": "5", "direction": "backward"}
    url = f"{params.url.rstrip('/')}/loki/api/v1/query_range?{urlencode(query)}"
    document, answer = await ask(params, ctx, url, refusals=(400,))
    if answer.status == 400:  # noqa: PLR2004 - Loki says in plain text what is wrong with a query
        raise Cannot(f"Loki refuses the query: {' '.join(answer.text().split())[:150]}.")
    try:
        if document["status"] != "success" or document["data"]["resultType"] != "streams":
            raise Cannot("Loki does not answer with lines of a log; does the query only select streams?")
        streams: Sequence[Mapping[str, Any]] = document["data"]["result"]
        for stream in streams:
            if any(marker in line for _, line, *_ in stream["values"]):
                return ", ".join(f"{name}={value}" for name, value in sorted(stream["stream"].items()))
    except (KeyError, TypeError, ValueError) as error:
        raise Cannot("Loki does not answer as it should; is the address right?") from error
    return None


def _row(at: str, found: tuple[float, str] | None) -> Row:
    if found is None:
        return Row(subject=at, note="its marker did not arrive")
    took, stream = found
    return Row(subject=at, values={"delay": took}, note=f"found in {stream} after {duration(took)}")


def _summary(
    values: Mapping[str, Value], markers: Mapping[str, str], seen: Mapping[str, object], params: Params
) -> str:
    if values["lost"]:
        lost = next(at for at in markers if at not in seen)
        return f"{values['lost']} of {len(markers)} markers did not arrive within {duration(params.wait)}: {lost}"
    return f"{len(markers)} of {len(markers)} markers found, the last after {duration(float(values['delay']))}"
