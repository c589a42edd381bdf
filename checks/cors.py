"""Which other sites may read our answers?"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from bot.check import Context, check
from bot.model import Measured, Row, Value
from bot.net import Answer
from checks.reach import Reach

_TOO_MANY, _BROKEN = 429, 500
#: How many origins are asked for at the same time; a service is not to be tried by this.
_TOGETHER = 8


class Params(Reach):
    """Which endpoints, and who may read them."""

    urls: list[str] = Field(min_length=1, description="Endpoints whose answers other sites may want to read.")
    allowed: list[str] = Field(default=[], description="Origins that may read: `https://shop.example.com`.")
    credentials: bool = Field(default=False, description="Whether they may do so with cookies.")
    methods: list[str] = Field(default=["GET"], min_length=1, description="What they may do, asked by a preflight.")
    headers: dict[str, str] = Field(default={}, description="Header lines to send; a value may be `{env: NAME}`.")

    @field_validator("allowed")
    @classmethod
    def _origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            parts = urlsplit(origin)
            if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path:
                raise ValueError(f"'{origin}' is not an origin such as https://shop.example.com")
        return origins


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one origin is told at one address."""

    url: str
    address: str
    origin: str
    stranger: bool
    status: int
    allowed: str
    credentials: bool
    varies: bool
    #: Methods that the preflight does not allow; only asked for origins that may read.
    refused_methods: tuple[str, ...] = ()
    #: The preflight, too, answers this stranger as if it were at home.
    may_ask: bool = False
    may_ask_with_cookies: bool = False
    #: The status of a preflight from which nothing can be said; 0: each was decided.
    undecided_preflight: int = 0

    @property
    def may_read(self) -> bool:
        return self.allowed in {"*", self.origin}

    @property
    def undecided(self) -> bool:
        """Somebody who is told to wait, or that the server is broken, was not refused for being a stranger."""
        return not (self.may_read or self.may_ask) and bool(_no_answer(self.status) or self.undecided_preflight)


@check(
    "cors",
    needs={"net"},
    values={
        "allowed": "origins that should be able to read, and are",
        "refused": "origins that should be able to read, and are not",
        "strangers": "origins that should not be able to read or to ask, and are, by name or by `*`",
        "reflected": "strangers whose very origin is sent back to them",
        "exposed": "strangers that may even do so with cookies",
        "wildcard": "answers for everybody (`*`)",
        "unvaried": "answers that depend on the origin and do not say `Vary: Origin`",
        "refused_methods": "methods that a preflight should allow, and does not",
        "undecided": "origins that were told 429 or a server's error: whether they are refused is not known, nor counted",
        "asked": "how many origins were tried",
        "addresses": "how many addresses were asked",
    },
    pass_=["refused == 0", "refused_methods == 0", "strangers == 0", "exposed == 0", "unvaried == 0"],
    warn=["refused == 0", "refused_methods == 0", "reflected == 0", "exposed == 0"],
)
async def cors(params: Params, ctx: Context) -> Measured:
    """Ask each address as each allowed origin and as strangers, and with preflights.

    Strangers are another site, look-alikes, `null` and plain HTTP.

    Why: An API that reflects any origin gives every site on the web the data of whoever visits it.
    Fix: Compare the whole origin with a list, exactly; never by its beginning or end; and send `Vary: Origin`.
    """
    net = params.net(ctx)
    origins = [(origin, False) for origin in params.allowed] + [(one, True) for one in _strangers(params)]
    places = [(url, address) for url in params.urls for address in await params.places(net, url)]
    gate = asyncio.Semaphore(_TOGETHER)

    async def one(url: str, address: str, origin: str, *, stranger: bool) -> Seen:
        async with gate:
            answer = await net.ask(url, headers={**params.headers, "Origin": origin}, address=address)
            before = {
                # What one method of a stranger's is told holds for all of them.
                method: await net.ask(url, method="OPTIONS", headers=_preflight(origin, method), address=address)
                for method in (params.methods[:1] if stranger else params.methods)
            }
        return _seen(origin, answer, before, stranger=stranger)

    asked = (one(*place, origin, stranger=stranger) for place in places for origin, stranger in origins)
    return _measured(params, await asyncio.gather(*asked))


def _preflight(origin: str, method: str) -> dict[str, str]:
    return {"Origin": origin, "Access-Control-Request-Method": method}


def _strangers(params: Params) -> list[str]:
    """Everybody who is sometimes let in by mistake: by a beginning, an end, a dot, a scheme or no origin at all."""
    found = ["https://evil.example", "null"]
    for origin in params.allowed:
        parts = urlsplit(origin)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
        found += [
            f"{parts.scheme}://{host}.evil.example{port}",
            f"{parts.scheme}://evil{host}{port}",
            f"{parts.scheme}://evil.{host}{port}",
            f"{parts.scheme}://{host.replace('.', 'x', 1)}{port}",
        ]
        found += [f"http://{parts.netloc}"] if parts.scheme == "https" else []
    return [one for one in dict.fromkeys(found) if one not in params.allowed]


def _seen(origin: str, answer: Answer, before: Mapping[str, Answer], *, stranger: bool) -> Seen:
    varies = {part.strip().lower() for line in answer.all("vary") for part in line.split(",")}
    welcoming = [one for one in before.values() if stranger and _names(one, origin)]
    refused = [method for method, one in before.items() if not _no_answer(one.status)]
    return Seen(
        url=answer.url,
        address=answer.address,
        origin=origin,
        stranger=stranger,
        status=answer.status,
        allowed=answer.header("access-control-allow-origin"),
        credentials=answer.header("access-control-allow-credentials") == "true",
        varies=bool(varies & {"origin", "*"}),
        refused_methods=() if stranger else tuple(one for one in refused if not _allows(before[one], origin, one)),
        may_ask=bool(welcoming),
        may_ask_with_cookies=any(
            one.header("access-control-allow-origin") != "*"
            and one.header("access-control-allow-credentials") == "true"
            for one in welcoming
        ),
        undecided_preflight=max((one.status for one in before.values() if _no_answer(one.status)), default=0),
    )


def _no_answer(status: int) -> bool:
    return status == _TOO_MANY or status >= _BROKEN


def _names(preflight: Answer, origin: str) -> bool:
    ok = 200 <= preflight.status < 300  # noqa: PLR2004 - HTTP's own numbers
    return ok and preflight.header("access-control-allow-origin") in {"*", origin}


def _allows(preflight: Answer, origin: str, method: str) -> bool:
    """GET, HEAD and POST need no permission of their own."""
    listed = {
        part.strip().upper() for line in preflight.all("access-control-allow-methods") for part in line.split(",")
    }
    return _names(preflight, origin) and (method.upper() in {"GET", "HEAD", "POST"} | listed or "*" in listed)


def _measured(params: Params, seen: Sequence[Seen]) -> Measured:
    undecided = [one for one in seen if one.undecided]
    friends = [one for one in seen if not one.stranger]
    strangers = [one for one in seen if one.stranger and (one.may_read or one.may_ask)]
    refused = [
        one
        for one in friends
        if not _no_answer(one.status) and (not one.may_read or (params.credentials and not one.credentials))
    ]
    limited = [one for one in friends if one.refused_methods]
    unvaried = [one for one in seen if one.allowed and one.allowed != "*" and not one.varies]
    # Browsers refuse `*` together with cookies, so only a named stranger can read with them.
    exposed = [one for one in strangers if one.may_ask_with_cookies or (one.allowed == one.origin and one.credentials)]
    reflected = [one for one in strangers if one.allowed == one.origin or (one.may_ask and one.allowed != "*")]
    found = {
        "refused": _origins(refused),
        "refused_methods": sum(len(one.refused_methods) for one in limited),
        "strangers": _origins(strangers),
        "reflected": _origins(reflected),
        "exposed": _origins(exposed),
    }
    values: dict[str, Value] = {
        "allowed": _origins(friends) - _origins([*refused, *(one for one in friends if one.undecided)]),
        "wildcard": _origins([one for one in seen if one.allowed == "*"]),
        "unvaried": _origins(unvaried),
        "undecided": _origins(undecided),
        "asked": _origins(seen),
        "addresses": len({one.address for one in seen}),
        # None among those who were decided, and some who were not: then nobody knows.
        **{name: count for name, count in found.items() if count or not undecided},
    }
    return Measured(
        values=values,
        rows=tuple(map(_row, seen)),
        summary=next(_faults(strangers, refused, limited, undecided, unvaried), _told(values)),
    )


def _origins(seen: Iterable[Seen]) -> int:
    """An origin counts once for each URL, at however many addresses."""
    return len({(one.url, one.origin) for one in seen})


def _row(one: Seen) -> Row:
    told = f"Access-Control-Allow-Origin: {one.allowed}" if one.allowed else "may not read"
    notes = [
        f"answers {one.status}, so nothing is known" if one.undecided and _no_answer(one.status) else told,
        "with cookies" if one.allowed and one.credentials else "",
        "no Vary: Origin" if one.allowed not in {"", "*"} and not one.varies else "",
        f"preflight refuses {', '.join(one.refused_methods)}" if one.refused_methods else "",
        f"preflight answers {one.undecided_preflight}" if one.undecided_preflight else "",
        "preflight lets it ask" + (" with cookies" if one.may_ask_with_cookies else "") if one.may_ask else "",
    ]
    kind = "stranger" if one.stranger else "allowed"
    subject = f"{one.url} from {one.origin} at {one.address}"
    return Row(subject=subject, values={"kind": kind, "status": one.status}, note="; ".join(filter(None, notes)))


def _faults(
    strangers: list[Seen], refused: list[Seen], limited: list[Seen], undecided: list[Seen], unvaried: list[Seen]
) -> Iterator[str]:
    """The worst first, with the address where it was seen."""
    for one in sorted(strangers, key=lambda one: not one.may_read):
        where = f"{one.url} at {one.address}"
        yield f"{one.origin} may read {where}" if one.may_read else f"the preflight of {where} lets {one.origin} in"
    for one in refused:
        yield f"{one.origin} may not read {one.url} at {one.address}"
    for one in limited:
        yield f"a preflight at {one.address} refuses {', '.join(one.refused_methods)} to {one.origin}"
    for one in undecided:
        said = one.status if _no_answer(one.status) else one.undecided_preflight
        yield f"{one.url} at {one.address} answers {one.origin} with {said}, so who may read it is not known"
    for one in unvaried:
        yield f"{one.url} at {one.address} depends on the origin and does not say Vary: Origin"


def _told(values: Mapping[str, Value]) -> str:
    allowed, asked = int(values["allowed"]), int(values["asked"])
    return f"{allowed} origin{'s' * (allowed != 1)} allowed, {asked - allowed} strangers refused"
