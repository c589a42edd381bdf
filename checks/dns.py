"""Do the names point to the right servers, whoever is asked?"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.rdatatype
import dns.resolver
from pydantic import BaseModel, Field, field_validator

from bot.check import Context, check
from bot.errors import Unreachable
from bot.judge import duration
from bot.model import Measured, Row, Value
from bot.net import resolver, words

#: A chain of names longer than this is a circle.
LONGEST_CHAIN = 8
AUTHORITATIVE = "authoritative"
_TYPES = ("A", "AAAA", "CNAME", "MX", "NS", "TXT", "CAA", "SRV")


class Params(BaseModel, extra="forbid"):
    """Which names, what they must say, and who is asked."""

    names: list[str] = Field(min_length=1, description="Names that all have the same answers.")
    type: str = Field(default="A", description=f"One of {', '.join(_TYPES)}.")
    expect: list[str] = Field(
        min_length=1,
        description="The whole set of answers; a name ends without a dot. Beside A records, also those of IPv6 (AAAA).",
    )
    resolvers: list[str] = Field(
        default=[AUTHORITATIVE],
        min_length=1,
        description="Name servers, `host:port`; `authoritative` stands for each server of the zone itself.",
    )
    name_server: str = Field(
        default="", description="Whom to ask for the zone's servers, and the only resolver if none is listed."
    )
    timeout_s: float = Field(default=3.0, gt=0, description="Limit of each single question.")

    @field_validator("type")
    @classmethod
    def _a_type(cls, kind: str) -> str:
        if kind.upper() not in _TYPES:
            raise ValueError(f"'{kind}' is not one of {', '.join(_TYPES)}")
        return kind.upper()


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one server says about one name."""

    name: str
    server: str
    answers: frozenset[str] = frozenset()
    #: How long this answer, or that there is none, may still be kept; None: nobody said.
    ttl: int | None = None
    #: It speaks for the zone, and not from memory.
    authoritative: bool = False
    #: IPv6 addresses, where IPv4 is asked for; None: not asked, or not told.
    also: frozenset[str] | None = None
    #: The names that were followed.
    chain: tuple[str, ...] = ()
    #: Why there are no answers: `does not exist`, `has no A record`, `refused`, …
    nothing: str = ""
    #: It did not answer at all: nothing is known from it.
    silent: bool = False


@check(
    "dns",
    needs={"net"},
    values={
        "missing": "expected answers that somebody does not give, the most; caches that are only behind are not counted",
        "unexpected": "answers that nobody expects, the most; caches that are only behind are not counted",
        "behind": "servers that remember another answer, while one that speaks for the zone gives the right one",
        "ttl_left": "seconds until the last of them must have forgotten it; 0 if none is behind",
        "unlisted": "IPv6 addresses that somebody is told, and that 'expect' does not list, the most; for A records",
        "disagreeing": "servers that answer differently from the first one",
        "nothing": "servers that say that there is no such name or record",
        "servers": "how many servers answered",
        "silent": "how many servers did not answer",
        "ttl": "the longest time that an answer may still be kept, in seconds",
    },
    require=["silent == 0"],
    pass_=["missing == 0", "unexpected == 0", "disagreeing == 0", "unlisted == 0"],
    warn=["missing == 0", "unexpected == 0", "ttl_left <= 5min"],
)
async def dns_(params: Params, ctx: Context) -> Measured:
    """Ask every server for every name, following CNAMEs, and compare the sets of answers.

    A cache that remembers the old answer is behind, not wrong, until the time is over for which it may keep it.

    Why: Half of the world may still be sent to the old servers while everything looks right from here.
    Fix: Correct the record at the DNS provider; then wait until the old TTL has passed, and measure again.
    """
    limit = min(params.timeout_s, max(0.1, ctx.left()))
    asked = [(name, server) for name in params.names for server in await _servers(params, name, limit)]
    said = list(await asyncio.gather(*(_both(params, name, server, limit) for name, server in asked)))
    if all(one.silent for one in said):
        raise Unreachable(f"{said[0].server} does not answer for {said[0].name}: {said[0].nothing}.")
    return _measured(params, said)


async def _servers(params: Params, name: str, limit: float) -> list[str]:
    if params.resolvers == [AUTHORITATIVE] and params.name_server:
        return [params.name_server]
    found: list[str] = []
    for server in params.resolvers:
        found += await _authoritative(params, name, limit) if server == AUTHORITATIVE else [server]
    return list(dict.fromkeys(found))


async def _authoritative(params: Params, name: str, limit: float) -> list[str]:
    """The addresses of the servers that the zone itself names."""
    asking = resolver(params.name_server, limit) if params.name_server else _system(limit)
    try:
        zone = await dns.asyncresolver.zone_for_name(name, resolver=asking)
        servers = [record.target.to_text() for record in await asking.resolve(zone, "NS", search=False)]
        addresses = [
            record.to_text() for server in servers for record in await asking.resolve(server, "A", search=False)
        ]
    except dns.exception.DNSException as error:
        raise Unreachable(f"The name servers of {name} could not be found: {words(error)}.") from error
    return sorted(addresses)


def _system(limit: float) -> dns.asyncresolver.Resolver:
    try:
        asking = dns.asyncresolver.Resolver()
    except dns.exception.DNSException as error:
        raise Unreachable(f"This machine has no name server of its own; name one: {words(error)}.") from error
    asking.lifetime = limit
    return asking


async def _both(params: Params, name: str, server: str, limit: float) -> Said:
    """What it says, and for A records also which IPv6 addresses it tells: many clients take those first."""
    if params.type != "A":
        return await _ask(params.type, name, server, limit)
    said, also = await asyncio.gather(_ask("A", name, server, limit), _ask("AAAA", name, server, limit))
    return replace(said, also=None if also.silent else also.answers)


async def _ask(kind: str, name: str, server: str, limit: float) -> Said:
    """Follow the chain of CNAMEs ourselves: a dangling one looks like an empty answer on some servers."""
    asking = resolver(server, limit)
    chain: list[str] = []
    current, empty = name, Said(name=name, server=server)
    while len(chain) < LONGEST_CHAIN:
        try:
            answer = await asking.resolve(current, kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN as error:
            told = _told(next(iter(error.responses().values())))
            # A server that follows aliases itself says in one answer where they end.
            last = _plain(error.canonical_name.to_text())
            chain += [last] if last != _plain(current) else []
            return replace(told, name=name, server=server, chain=tuple(chain), nothing=f"{last} does not exist")
        except dns.exception.Timeout:
            return replace(empty, nothing="no answer in time", silent=True)
        except dns.resolver.NoNameservers as error:
            return _refused(empty, error)
        except (dns.exception.DNSException, OSError) as error:
            return replace(empty, nothing=words(error), silent=True)
        if answer.rrset is not None:
            texts = frozenset(_plain(record.to_text()) for record in answer.rrset)
            followed = _plain(answer.canonical_name.to_text())
            chain += [followed] if followed != _plain(current) else []
            told = _told(answer.response)
            return replace(told, name=name, server=server, answers=texts, ttl=answer.rrset.ttl, chain=tuple(chain))
        target = _plain(answer.canonical_name.to_text())
        if target == _plain(current):
            told = _told(answer.response)
            return replace(
                told, name=name, server=server, chain=tuple(chain), nothing=f"{current} has no {kind} record"
            )
        chain.append(target)
        current = target
    return replace(empty, chain=tuple(chain), nothing="the chain of names does not end")


def _told(response: dns.message.Message) -> Said:
    """Who speaks, and for how long it may be remembered that there is nothing: the zone's own record says so."""
    kept = [each.ttl for each in response.authority if each.rdtype == dns.rdatatype.SOA]
    return Said(name="", server="", authoritative=bool(response.flags & dns.flags.AA), ttl=min(kept) if kept else None)


def _refused(empty: Said, error: dns.resolver.NoNameservers) -> Said:
    """A server that answers with an error (REFUSED, SERVFAIL) does say something; one that is down does not."""
    text = str(error)
    for code in ("SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"):
        if code in text:
            return replace(empty, nothing=f"answers {code}")
    return replace(empty, nothing=words(error), silent=True)


def _plain(text: str) -> str:
    return text.rstrip(".").lower()


def _measured(params: Params, said: list[Said]) -> Measured:
    also = frozenset(one for one in map(_plain, params.expect) if params.type == "A" and ":" in one)
    expected = frozenset(map(_plain, params.expect)) - also
    heard = [one for one in said if not one.silent]
    behind = _behind(expected, heard)
    current = [one for one in heard if one not in behind]
    first = {one.name: one.answers for one in reversed(heard)}
    values: dict[str, Value] = {
        "missing": max(
            len(expected - one.answers) + len(also - (also if one.also is None else one.also)) for one in current
        ),
        "unexpected": max(len(one.answers - expected) for one in current),
        "behind": len({one.server for one in behind}),
        "ttl_left": max((one.ttl or 0 for one in behind), default=0),
        "disagreeing": len({one.server for one in heard if one.answers != first[one.name]}),
        "nothing": sum(bool(one.nothing) for one in heard),
        "servers": len({one.server for one in heard}),
        "silent": len(said) - len(heard),
        "ttl": max(one.ttl or 0 for one in heard),
    }
    if params.type != "A" or all(one.also is not None for one in heard):
        values["unlisted"] = max(len((one.also or frozenset()) - also) for one in heard)
    summary = next(_faults(expected, also, current, behind), _good(expected, said, values))
    return Measured(values=values, rows=tuple(map(_row, said)), summary=summary)


def _behind(expected: frozenset[str], heard: list[Said]) -> list[Said]:
    """Who answers from memory what was right before: only where the zone itself already says what is right now."""
    right = {one.name for one in heard if one.authoritative and one.answers == expected}
    return [
        one
        for one in heard
        if one.answers != expected and one.name in right and not one.authoritative and one.ttl is not None
    ]


def _row(one: Said) -> Row:
    values: dict[str, Value] = {"answers": ", ".join(sorted(one.answers)), "ttl": one.ttl or 0}
    if one.also:
        values["ipv6"] = ", ".join(sorted(one.also))
    via = f"by way of {', '.join(one.chain)}" if one.chain else ""
    return Row(
        subject=f"{one.name} at {one.server}",
        values=values if one.answers else {},
        note="; ".join(filter(None, (one.nothing, via))),
    )


def _faults(expected: frozenset[str], also: frozenset[str], current: list[Said], behind: list[Said]) -> Iterator[str]:
    """What is wrong first, then what only has to be waited for, then what was forgotten to be said."""
    for one in current:
        if one.nothing:
            yield f"{one.server} for {one.name}: {one.nothing}"
        elif one.answers != expected:
            yield f"{one.server} says {one.name} is {_list(one.answers)}, not {_list(expected)}"
        elif one.also is not None and also - one.also:
            yield f"{one.server} does not say that {one.name} is {_list(also - one.also)}"
    for one in sorted(behind, key=lambda one: -(one.ttl or 0)):
        told = f"{one.name} is {_list(one.answers)}" if one.answers else one.nothing
        yield f"{one.server} still says that {told}, for {duration(float(one.ttl or 0))} at most; the zone has the new answer"
    for one in current:
        if one.also and one.also - also:
            yield f"{one.name} is also {_list(one.also - also)}, by IPv6, which is not listed"


def _good(expected: frozenset[str], said: list[Said], values: Mapping[str, Value]) -> str:
    names = list(dict.fromkeys(one.name for one in said))
    who = f"{values['servers']} server{'s' * (values['servers'] != 1)}"
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {_list(expected)} at {who}, kept for {duration(float(values['ttl']))}"


def _list(answers: Iterable[str]) -> str:
    return ", ".join(sorted(answers))
