"""Does every GET of the API answer as its own description says?"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import yaml
from jsonschema.protocols import Validator
from pydantic import Field

from bot.check import Context, check
from bot.errors import Cannot
from bot.judge import duration
from bot.judge import size as shown_size
from bot.model import Measured, Row, Value
from bot.net import Answer, Net, words
from checks.described import Operation, mismatch, validator_of
from checks.described import operations as operations_of
from checks.pick import read
from checks.reach import Reach, tried

LARGEST_SPEC = 5_000_000
#: What says that we may not look, and nothing about the endpoint.
_KEPT_OUT = frozenset({401, 403, 429})
_BROKEN = 500


class Params(Reach):
    """Where the description is, and what stands in for what it leaves open."""

    spec: str = Field(description="OpenAPI 3, JSON or YAML: a file or a URL.")
    url: str = Field(default="", description="Where the API is; empty: the first server that the description names.")
    headers: dict[str, str] = Field(default={}, description="Header lines to send; a value may be `{env: NAME}`.")
    examples: dict[str, str] = Field(
        default={}, description="Values of parameters, by name, where the description has no example."
    )
    skip: list[str] = Field(
        default=[], description="Paths that are left alone, as they are written in the description."
    )
    together: int = Field(default=8, ge=1, le=50, description="How many requests are made at the same time.")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one operation at one address."""

    operation: Operation
    address: str = ""
    status: int | None = None
    seconds: float = 0.0
    broken: str = ""
    undocumented: str = ""
    mismatched: str = ""
    #: Why its body could not be held against the description.
    unread: str = ""
    kept_out: bool = False


@check(
    "openapi",
    needs={"net"},
    values={
        "operations": "how many GETs the description has, without those that are skipped",
        "covered": "how many of them were asked and answered as somebody who may look",
        "coverage": "covered, of all operations; missing while somebody else may see more of them",
        "kept_out": "how many let us not in (401, 403, 429), so that nothing is known of what they answer, nor counted below",
        "broken": "how many give no answer, or a server's error",
        "undocumented": "how many answer with a status that the description does not name",
        "mismatched": "how many answer with something else than the schema or the content type says; missing if none was seen "
        "to and a body was too long to read",
        "latency": "seconds of the slowest answer",
    },
    require=["covered >= 1"],
    pass_=["coverage >= 100%", "broken == 0", "undocumented == 0", "mismatched == 0"],
    warn=["broken == 0", "mismatched == 0"],
)
async def openapi(params: Params, ctx: Context) -> Measured:
    """Ask every GET of the description at every address, and hold status, content type and body against what it says.

    Parameters are filled from `examples`, or from the description's own examples and defaults; without one, an operation
    is not covered. What changes something is never asked for. Of what lets nobody in, nothing is known: give a token that
    may look, or leave it alone by `skip`.

    Why: Partners call what no page shows, with the description in their hand; they find out at night, and so do we.
    Fix: The evidence names path, status and the place in the body; roll back if it answered before, or correct the description.
    """
    net = params.net(ctx)
    spec = await _spec(params, net)
    base = params.url or _server(params, spec)
    operations = [one for one in operations_of(spec, params.examples, params.headers) if one.path not in params.skip]
    if not operations:
        raise Cannot(f"{params.spec} describes no GET.")
    validator = validator_of(spec)
    gate = asyncio.Semaphore(params.together)

    async def ask(operation: Operation, address: str) -> Result:
        url = f"{base.rstrip('/')}{operation.asked}"
        async with gate:
            answer = await tried(net, url, address=address, headers={**params.headers, **operation.headers})
        return _held(spec, validator, operation, address, answer)

    addresses = await params.places(net, base)
    asked = [(one, address) for one in operations if one.asked for address in addresses]
    return _measured(operations, await asyncio.gather(*(ask(*one) for one in asked)))


# ── The description ──────────────────────────────────────────────────────────────────────────────────────────────────


async def _spec(params: Params, net: Net) -> dict[str, Any]:
    if "://" in params.spec:
        answer = await replace(net, limit=LARGEST_SPEC).ask(
            params.spec, address=(params.addresses or [""])[0], headers=params.headers
        )
        if answer.status != 200:  # noqa: PLR2004 - HTTP's own number
            raise Cannot(f"{params.spec} answers {answer.status}, not with a description.")
        text = answer.text()
    else:
        try:
            text = Path(params.spec).read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise Cannot(f"{params.spec} could not be read: {words(error)}.") from error
    if len(text) >= LARGEST_SPEC:
        raise Cannot(f"{params.spec} is larger than {LARGEST_SPEC // 1_000_000} MB.")
    spec = read(text)
    if spec is None:
        try:
            spec = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise Cannot(f"{params.spec} is neither whole JSON nor YAML.") from error
    if not isinstance(spec, dict) or not str(spec.get("openapi", "")).startswith("3."):
        raise Cannot(f"{params.spec} is no description in OpenAPI 3.")
    return spec


def _server(params: Params, spec: Mapping[str, Any]) -> str:
    servers = spec.get("servers")
    said = servers[0].get("url", "") if isinstance(servers, list) and servers and isinstance(servers[0], dict) else ""
    # A relative server is relative to where the description stands.
    url = urljoin(params.spec, said) if "://" in params.spec else said
    if "://" not in url or "{" in url:
        raise Cannot(f"{params.spec} does not say where the API is; name it with 'url'.")
    return url


def _held(
    spec: Mapping[str, Any], validator: Validator, operation: Operation, address: str, answer: Answer | str
) -> Result:
    result = Result(operation=operation, address=address)
    if isinstance(answer, str):
        return replace(result, broken=answer.rstrip("."))
    result = replace(result, status=answer.status, seconds=answer.seconds, kept_out=answer.status in _KEPT_OUT)
    if answer.status >= _BROKEN:
        return replace(result, broken=f"answers {answer.status}")
    code = next(
        (one for one in (str(answer.status), f"{answer.status // 100}XX", "default") if one in operation.responses), ""
    )
    if not code:
        return replace(result, undocumented=f"answers {answer.status}; described is {', '.join(operation.responses)}")
    long = answer.cut and "json" in answer.header("content-type")
    unread = f"is longer than {shown_size(len(answer.body))}, of which no more is read" if long else ""
    return replace(result, mismatched=mismatch(spec, validator, operation, code, answer), unread=unread)


def _measured(operations: Sequence[Operation], results: Sequence[Result]) -> Measured:
    def count(kind: str) -> int:
        return len({one.operation.path for one in results if getattr(one, kind)})

    kept_out = {one.operation.path for one in results if one.kept_out}
    covered = {one.operation.path for one in results if one.status is not None} - kept_out
    values: dict[str, Value] = {
        "operations": len(operations),
        "covered": len(covered),
        "kept_out": len(kept_out),
    }
    if not kept_out:
        values["coverage"] = len(covered) / len(operations)
    for kind in ("broken", "undocumented", "mismatched"):
        # None among those that let us in, and some that did not: then nobody knows.
        if (found := count(kind)) or not (kept_out or (kind == "mismatched" and count("unread"))):
            values[kind] = found
    times = [one.seconds for one in results if one.status is not None]
    if times:
        values["latency"] = max(times)
    left = [one for one in operations if not one.asked]
    faults = [
        f"GET {one.operation.path} at {one.address} {wrong}"
        for kind in ("broken", "mismatched", "undocumented", "unread")
        for one in results
        if (wrong := getattr(one, kind))
    ]
    told = f"{len(covered)} of {len(operations)} GETs covered"
    refused = sorted({one.status for one in results if one.kept_out and one.status is not None})
    out = f", {len(kept_out)} let us not in ({', '.join(map(str, refused))}); is the token right?" if kept_out else ""
    without = (
        f", {len(left)} without an example of {left[0].missing[0] if left[0].missing else left[0].path}" if left else ""
    )
    slowest = f", slowest {duration(max(times))}" if times and not faults else ""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Measured(
        values=values,
        rows=tuple(_rows(results, left)),
        summary=f"{faults[0]}{more}; {told}{out}{without}" if faults else f"{told}{out}{without}{slowest}",
    )


def _rows(results: Sequence[Result], left: Sequence[Operation]) -> Iterator[Row]:
    """What is wrong first: there is room for so many rows."""
    for one in sorted(results, key=lambda one: not (one.broken or one.mismatched or one.undocumented or one.unread)):
        seen: dict[str, Value] = {} if one.status is None else {"status": one.status, "latency": one.seconds}
        wrong = one.broken or one.mismatched or one.undocumented or one.unread
        note = wrong or ("not for us" if one.kept_out else "")
        yield Row(subject=f"GET {one.operation.asked} at {one.address}", values=seen, note=note)
    for one in left:
        yield Row(
            subject=f"GET {one.path}", note=f"not asked: no example of {', '.join(one.missing) or 'a part of the path'}"
        )
