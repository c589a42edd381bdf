"""Does the application answer correctly, at every address?"""

import asyncio
import re
import statistics
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from bot.check import Context, check
from bot.judge import duration, named, size
from bot.model import Measured, Row, Value
from bot.net import Answer
from checks.exec import run
from checks.pick import checked, pick, read
from checks.reach import Reach, tried


class Params(Reach):
    """What to ask, and what a right answer looks like."""

    urls: list[str] = Field(min_length=1, description="Pages or endpoints to ask.")
    method: str = Field(default="GET", pattern="^[A-Z]+$", description="The method of the request.")
    headers: dict[str, str] = Field(
        default={}, description="Header lines to send; a value may be `{env: NAME, prefix: …}`."
    )
    body: str = Field(default="", description="What is sent with it.")
    times: int = Field(default=1, ge=1, le=20, description="How often each address is asked, each on a new connection.")
    expect: list[int] = Field(default=[200], min_length=1, description="Status codes that are right.")
    text: str = Field(default="", description="Must stand in the body.")
    absent: str = Field(default="", description="Must not stand in the body.")
    matches: str = Field(default="", description="Regular expression that must match in the body.")
    version: str = Field(default="", description="The version that must be seen, usually `${version}`.")
    version_path: str = Field(default="version", description="Where the version stands in the JSON body.")
    values: dict[str, Annotated[str, AfterValidator(checked)]] = Field(
        default={}, description="Values to take from the JSON body, by path: `{queue: stats.queue.length}`."
    )
    follow: int = Field(default=0, ge=0, le=5, description="How many redirects to follow.")

    @field_validator("matches")
    @classmethod
    def _a_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern


#: How much of a body is evidence. What is kept is hidden and shortened after that, so no secret is told by half.
_BEGINNING = 1000

_SEARCH = """
import re, sys
text = open(sys.argv[2], encoding="utf-8", errors="replace").read()
sys.exit(0 if re.search(sys.argv[1], text, re.MULTILINE) else 1)
"""


def _names(params: Params) -> Collection[str]:
    return [one for name in params.values for one in (name, f"{name}.min", f"{name}.max")]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One answer, read."""

    url: str
    address: str
    status: int | None = None
    seconds: float | None = None
    version: str | None = None
    values: dict[str, Value] = field(default_factory=dict)
    #: What was wrong with it; empty: nothing.
    wrong: str = ""
    #: What could not be looked for, because the body is longer than is read; empty: nothing.
    unread: str = ""
    #: How the body begins.
    body: str = ""


@check(
    "http",
    needs={"net"},
    values={
        "probes": "how many requests were made",
        "failed": "how many were not answered as they should be: no answer, another status, body or version;"
        " missing if none was seen to fail and a body was too long to tell",
        "unread": "how many bodies were too long to tell whether they are right",
        "unanswered": "how many got no answer at all",
        "addresses": "how many addresses were asked",
        "status": "the status code, where all answers agree",
        "latency": "seconds of the slowest answer, connection included",
        "latency_p50": "seconds of the median answer",
        "version": "the version seen, where all answers agree",
    },
    names=_names,
    pass_=["failed == 0"],
)
async def http(params: Params, ctx: Context) -> Measured:
    """Ask each URL at each address on a new connection and look at status, body, version and time.

    Values taken from JSON have the name they are given where all answers agree; NAME.min and NAME.max always.

    Why: A balancer hides a broken member from whoever asks once, and a page can be wrong with status 200.
    Fix: The evidence names the address and what it answered; look at that member's log first.
    """
    net = params.net(ctx)
    places = [(url, at) for url in params.urls for at in await params.places(net, url)]

    async def several(url: str, at: str) -> list[Probe]:
        return [await one(url, at) for _ in range(params.times)]

    async def one(url: str, at: str) -> Probe:
        answer = await tried(
            net,
            url,
            address=at,
            method=params.method,
            headers=params.headers,
            content=params.body.encode(),
            follow=params.follow,
        )
        if isinstance(answer, str):
            return Probe(url=url, address=at, wrong=answer)
        probe = _read(params, answer, url, at, ctx.clock.now())
        if not probe.wrong and params.matches and not await _matches(params.matches, answer.body, ctx):
            missed = f"the body does not match {params.matches}"
            return replace(probe, unread=_too_long(answer, missed)) if answer.cut else replace(probe, wrong=missed)
        return probe

    probes = [probe for group in await asyncio.gather(*(several(url, at) for url, at in places)) for probe in group]
    return _measured(params, probes)


def _read(params: Params, answer: Answer, url: str, at: str, now: datetime) -> Probe:
    text = answer.text()
    document = read(text)
    values = {name: pick(document, path, now) for name, path in params.values.items()}
    version = pick(document, params.version_path, now)
    wrong = next(_wrongs(params, answer, text, document, version), "")
    return Probe(
        url=url,
        address=at,
        status=answer.status,
        seconds=answer.seconds,
        version=str(version) if version is not None else None,
        values={name: value for name, value in values.items() if value is not None},
        wrong=wrong,
        unread="" if wrong else next(_unread(params, answer, text), ""),
        body=" ".join(text[:_BEGINNING].split()),
    )


def _unread(params: Params, answer: Answer, text: str) -> Iterator[str]:
    """Of a body that is longer than what is read, nothing can be said that the rest of it could change."""
    if answer.cut and (params.values or params.version):
        yield _too_long(answer, "it is no whole JSON")
    if answer.cut and params.text and params.text not in text:
        yield _too_long(answer, f"'{params.text}' is not in what was read")
    if answer.cut and params.absent:
        yield _too_long(answer, f"'{params.absent}' may be in the rest")


def _too_long(answer: Answer, so: str) -> str:
    return f"is longer than {size(len(answer.body))}, of which no more is read, so {so}"


async def _matches(pattern: str, body: bytes, ctx: Context) -> bool:
    """Search in a process of its own: an expression that backtracks for ever would hold the whole bot, not only us."""
    with NamedTemporaryFile(dir=ctx.work) as file:
        file.write(body)
        file.flush()
        command = [sys.executable, "-I", "-S", "-c", _SEARCH, pattern, file.name]
        ended = await run(command, environment={"LC_ALL": "C.UTF-8"}, limit=ctx.left())
    return ended.code == 0


def _wrongs(params: Params, answer: Answer, text: str, document: Any, version: Value | None) -> Iterator[str]:
    """Everything that is wrong with an answer, the most telling first."""
    if answer.status not in params.expect:
        yield f"answered {answer.status}, expected {' or '.join(map(str, params.expect))}"
    if params.absent and params.absent in text:
        yield f"'{params.absent}' is in the body"
    # What the rest of a body that was cut might change is not wrong yet.
    if answer.cut:
        return
    if (params.values or params.version) and document is None:
        yield "the body is not whole JSON"
    if params.version and str(version) != params.version:
        yield f"runs {version if version is not None else 'an unknown version'}, expected {params.version}"
    if params.text and params.text not in text:
        yield f"'{params.text}' is not in the body"


def _measured(params: Params, probes: list[Probe]) -> Measured:
    wrong = [probe for probe in probes if probe.wrong]
    unread = [probe for probe in probes if probe.unread]
    times = [probe.seconds for probe in probes if probe.seconds is not None]
    addresses = {probe.address for probe in probes}
    values: dict[str, Value] = {
        "probes": len(probes),
        "unread": len(unread),
        "unanswered": sum(probe.status is None for probe in probes),
        "addresses": len(addresses),
    }
    if wrong or not unread:
        values["failed"] = len(wrong)
    if times:
        values |= {"latency": max(times), "latency_p50": statistics.median(times)}
    values |= _agreed("status", [probe.status for probe in probes])
    values |= _agreed("version", [probe.version for probe in probes])
    for name in params.values:
        seen = [probe.values.get(name) for probe in probes]
        numbers = [one for one in seen if isinstance(one, int | float) and not isinstance(one, bool)]
        values |= _agreed(name, seen)
        if len(numbers) == len(seen):
            values |= {f"{name}.min": min(numbers), f"{name}.max": max(numbers)}
    told = _summary(params, probes, wrong, unread, times)
    return Measured(values=values, rows=tuple(_rows(probes)), summary=told)


def _agreed(name: str, seen: list[Any]) -> dict[str, Value]:
    """A value that is not the same everywhere is no value; the rows have each."""
    return {name: seen[0]} if seen[0] is not None and all(one == seen[0] for one in seen) else {}


def _rows(probes: list[Probe]) -> Iterator[Row]:
    """Each answer; how a body begins is told once, however often it comes."""
    told: set[str] = {""}
    for probe in probes:
        seen = {"status": probe.status, "latency": probe.seconds, "version": probe.version, **probe.values}
        if probe.body not in told:
            told.add(probe.body)
            seen["body"] = probe.body
        yield Row(
            subject=f"{probe.url} at {probe.address}",
            values={name: value for name, value in seen.items() if value is not None},
            note=probe.wrong or probe.unread,
        )


def _summary(params: Params, probes: list[Probe], wrong: list[Probe], unread: list[Probe], times: list[float]) -> str:
    if wrong:
        first = wrong[0]
        said = first.wrong if first.status is None else f"{first.url} at {first.address} {first.wrong}"
        return f"{len(wrong)} of {len(probes)} wrong: {said}"
    if unread:
        return f"{unread[0].url} at {unread[0].address} {unread[0].unread}"
    places = len({probe.address for probe in probes})
    facts = [
        f"{len(probes)} of {len(probes)} answered {' or '.join(map(str, params.expect))}",
        *([f"version {params.version}"] if params.version else []),
        *(named(name, probes[0].values[name]) for name in params.values if name in probes[0].values),
        f"at {places} address{'es' if places > 1 else ''}",
        f"slowest {duration(max(times))}",
    ]
    return ", ".join(facts)
