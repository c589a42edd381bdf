"""Which other sites may read our answers?"""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from bot.check import Context, check
from bot.errors import Unreachable
from bot.model import Measured, Row, Value
from bot.net import Answer
from checks.reach import Reach


class Params(Reach):
    """Which endpoints, and who may read them."""

    urls: list[str] = Field(min_length=1, description="Endpoints whose answers other sites may want to read.")
    allowed: list[str] = Field(default=[], description="Origins that may read: `https://shop.example.com`.")
    credentials: bool = Field(default=False, description="Whether they may do so with cookies.")
    methods: list[str] = Field(default=["GET"], description="What they may do, asked by a preflight.")
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
    """What one origin is told."""

    url: str
    origin: str
    stranger: bool
    allowed: str
    credentials: bool
    varies: bool
    #: Methods that the preflight does not allow; only asked for origins that may read.
    refused_methods: tuple[str, ...] = ()

    @property
    def may_read(self) -> bool:
        return self.allowed in {"*", self.origin}


@check(
    "cors",
    needs={"net"},
    values={
        "allowed": "origins that should be able to read, and are",
        "refused": "origins that should be able to read, and are not",
        "strangers": "origins that should not be able to read, and are, by name or by `*`",
        "reflected": "strangers whose very origin is sent back to them",
        "exposed": "strangers that may even read with cookies",
        "wildcard": "answers for everybody (`*`)",
        "unvaried": "answers that depend on the origin and do not say `Vary: Origin`",
        "refused_methods": "methods that a preflight should allow, and does not",
        "asked": "how many origins were tried",
    },
    pass_=["refused == 0", "refused_methods == 0", "strangers == 0", "exposed == 0", "unvaried == 0"],
    warn=["refused == 0", "refused_methods == 0", "reflected == 0", "exposed == 0"],
)
async def cors(params: Params, ctx: Context) -> Measured:
    """Ask as each allowed origin and as strangers: another site, look-alikes, `null`, plain HTTP; and with preflights.

    Why: An API that reflects any origin gives every site on the web the data of whoever visits it.
    Fix: Compare the whole origin with a list, exactly; never by its beginning or end; and send `Vary: Origin`.
    """
    net = params.net(ctx)
    asked = [(origin, False) for origin in params.allowed] + [(one, True) for one in _strangers(params)]

    async def one(url: str, origin: str, *, stranger: bool) -> Seen:
        sent = {**params.headers, "Origin": origin}
        answer = await net.ask(url, headers=sent, address=_first(params))
        refused: list[str] = []
        if not stranger:
            for method in params.methods:
                before = {"Origin": origin, "Access-Control-Request-Method": method}
                preflight = await net.ask(url, method="OPTIONS", headers=before, address=_first(params))
                refused += [] if _allows(preflight, origin, method) else [method]
        return _seen(url, origin, answer, stranger=stranger, refused=tuple(refused))

    seen = await asyncio.gather(*(one(url, origin, stranger=who) for url in params.urls for origin, who in asked))
    if not seen:
        raise Unreachable("Nothing was asked.")
    return _measured(params, list(seen))


def _first(params: Params) -> str:
    return params.addresses[0] if params.addresses else ""


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


def _seen(url: str, origin: str, answer: Answer, *, stranger: bool, refused: tuple[str, ...]) -> Seen:
    varies = {part.strip().lower() for line in answer.all("vary") for part in line.split(",")}
    return Seen(
        url=url,
        origin=origin,
        stranger=stranger,
        allowed=answer.header("access-control-allow-origin"),
        credentials=answer.header("access-control-allow-credentials") == "true",
        varies=bool(varies & {"origin", "*"}),
        refused_methods=refused,
    )


def _allows(preflight: Answer, origin: str, method: str) -> bool:
    """GET, HEAD and POST need no permission of their own."""
    listed = {
        part.strip().upper() for line in preflight.all("access-control-allow-methods") for part in line.split(",")
    }
    ok = 200 <= preflight.status < 300  # noqa: PLR2004 - HTTP's own numbers
    named = preflight.header("access-control-allow-origin") in {"*", origin}
    return ok and named and (method.upper() in {"GET", "HEAD", "POST"} | listed or "*" in listed)


def _measured(params: Params, seen: list[Seen]) -> Measured:
    friends = [one for one in seen if not one.stranger]
    strangers = [one for one in seen if one.stranger and one.may_read]
    refused = [one for one in friends if not one.may_read or (params.credentials and not one.credentials)]
    unvaried = [one for one in seen if one.allowed and one.allowed != "*" and not one.varies]
    # Browsers refuse `*` together with cookies, so only a named stranger can read with them.
    exposed = [one for one in strangers if one.allowed != "*" and one.credentials]
    values: dict[str, Value] = {
        "allowed": len(friends) - len(refused),
        "refused": len(refused),
        "strangers": len(strangers),
        "reflected": sum(one.allowed != "*" for one in strangers),
        "exposed": len(exposed),
        "wildcard": sum(one.allowed == "*" for one in seen),
        "unvaried": len(unvaried),
        "refused_methods": sum(len(one.refused_methods) for one in friends),
        "asked": len(seen),
    }
    return Measured(
        values=values, rows=tuple(map(_row, seen)), summary=_summary(values, strangers, refused, unvaried, friends)
    )


def _row(one: Seen) -> Row:
    told = f"Access-Control-Allow-Origin: {one.allowed}" if one.allowed else "may not read"
    notes = [
        told,
        "with cookies" if one.allowed and one.credentials else "",
        "no Vary: Origin" if one.allowed not in {"", "*"} and not one.varies else "",
        f"preflight refuses {', '.join(one.refused_methods)}" if one.refused_methods else "",
    ]
    kind = "stranger" if one.stranger else "allowed"
    return Row(subject=f"{one.url} from {one.origin}", values={"kind": kind}, note="; ".join(filter(None, notes)))


def _summary(
    values: dict[str, Value], strangers: list[Seen], refused: list[Seen], unvaried: list[Seen], friends: list[Seen]
) -> str:
    limited = [one for one in friends if one.refused_methods]
    if strangers:
        return f"{strangers[0].origin} may read {strangers[0].url}"
    if refused:
        return f"{refused[0].origin} may not read {refused[0].url}"
    if limited:
        return f"a preflight refuses {', '.join(limited[0].refused_methods)} to {limited[0].origin}"
    if unvaried:
        return f"{unvaried[0].url} depends on the origin and does not say Vary: Origin"
    allowed, asked = int(values["allowed"]), int(values["asked"])
    return f"{allowed} origin{'s' * (allowed != 1)} allowed, {asked - allowed} strangers refused"
