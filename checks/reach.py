"""How does a check get to what it looks at: which addresses, which name server, whose certificates?"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from pydantic import BaseModel, Field

from bot.check import Context
from bot.errors import Unreachable
from bot.net import Answer, Net


class Reach(BaseModel, extra="forbid"):
    """The parameters that every check over HTTP has."""

    addresses: list[str] = Field(
        default=[], description="`host` or `host:port` to connect to with the URL's name; empty: all that the name has."
    )
    name_server: str = Field(default="", description="`host:port` of the name server to ask; empty: the machine's own.")
    ca_file: str = Field(default="", description="Certificates to trust instead of the public ones.")
    allow_private: bool = Field(default=False, description="Permit loopback and private addresses.")
    timeout_s: float = Field(default=5.0, gt=0, description="Limit of each single probe.")

    def net(self, ctx: Context) -> Net:
        return replace(
            ctx.net,
            name_server=self.name_server or ctx.net.name_server,
            ca_file=self.ca_file or ctx.net.ca_file,
            allow_private=self.allow_private or ctx.net.allow_private,
            timeout_s=min(self.timeout_s, ctx.net.timeout_s, max(ctx.left(), 0.1)),
        )

    async def places(self, net: Net, url: str) -> tuple[str, ...]:
        """Where to connect for this URL: every address, because one broken member is enough."""
        return tuple(self.addresses) or await net.addresses(url)


async def each(net: Net, reach: Reach, urls: list[str], headers: Mapping[str, str]) -> list[Answer]:
    """Every URL at every address, all at once; one that does not answer is not measured, so neither is the rest."""
    places = [(url, address) for url in urls for address in await reach.places(net, url)]
    return list(await asyncio.gather(*(net.ask(url, address=at, headers=headers) for url, at in places)))


def refused(answer: Answer) -> str:
    """Why this says nothing about what was asked for; empty where it is its own answer, and be it that it is not there."""
    match answer.status:
        case 401 | 403:
            return f"answers {answer.status}: it does not let us in"
        case 429:
            return "answers 429: too many requests; measure less often"
        case status if status >= 500:  # noqa: PLR2004 - HTTP's own number
            return f"answers {status}: it is broken or busy"
        case _:
            return ""


async def tried(net: Net, url: str, **how: object) -> Answer | str:
    """The answer, or the sentence that says why there is none: where not answering is itself the measurement."""
    try:
        return await net.ask(url, **how)  # type: ignore[arg-type]
    except Unreachable as error:
        return str(error)
