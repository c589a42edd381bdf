"""Does the edge keep what it should, and nothing that it must not?"""

import asyncio
import re
from dataclasses import dataclass

from pydantic import Field, model_validator

from bot.check import Context, check
from bot.errors import Unreachable
from bot.model import Measured, Row, Value
from bot.net import Answer
from checks.assets import named
from checks.reach import Reach

#: Headers in which caches say how it went; each vendor has its own.
_WORDS = ("cf-cache-status", "x-cache-status", "x-cache", "cdn-cache", "x-proxy-cache")


class Params(Reach):
    """What should come from the edge, and what never."""

    assets: list[str] = Field(default=[], description="Files that the edge must keep.")
    pages: list[str] = Field(default=[], description="Pages whose scripts, styles and images the edge must keep.")
    private: list[str] = Field(default=[], description="Answers that no cache may ever keep: the API, a basket.")

    @model_validator(mode="after")
    def _something(self) -> "Params":
        if not (self.assets or self.pages or self.private):
            raise ValueError("name 'assets', 'pages' or 'private'")
        return self


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One file, asked for twice."""

    url: str
    first: Answer
    second: Answer

    @property
    def hit(self) -> bool:
        """Said so by the second answer; a miss at first is how a cache gets to know a file."""
        return _hit(self.second)

    @property
    def max_age(self) -> float:
        found = re.search(r"\b(?:s-maxage|max-age)=(\d+)", self.second.header("cache-control"))
        return float(found[1]) if found else 0.0

    @property
    def age(self) -> float:
        said = self.second.header("age")
        return float(said) if said.isdigit() else 0.0


@check(
    "cdn",
    needs={"net"},
    values={
        "assets": "how many files should come from the edge",
        "hits": "how many of them did, when asked for the second time",
        "hit_ratio": "hits, of all of them",
        "warm": "how many came from the edge at once, of all of them",
        "max_age": "seconds that a file may be kept, the shortest",
        "stale": "how many are older than they may be",
        "leaked": "how many kept answers set a cookie, which then everybody gets",
        "failed": "how many did not answer 200",
        "private_kept": "how many private answers came from a cache",
    },
    require=["failed == 0"],
    pass_=["hit_ratio >= 95%", "max_age >= 1d", "stale == 0", "leaked == 0", "private_kept == 0"],
    warn=["hit_ratio >= 80%", "leaked == 0", "private_kept == 0"],
)
async def cdn(params: Params, ctx: Context) -> Measured:
    """Ask for each file twice, and for what is private twice, and read what the caches say.

    Why: A cold edge sends every customer's request to your servers; one that keeps too much shows them each other's data.
    Fix: Give files with a hash in their name a long max-age; mark what is private `no-store`; purge what is old.
    """
    net = params.net(ctx)

    def at() -> str:
        return params.addresses[0] if params.addresses else ""

    async def twice(url: str) -> Kept:
        return Kept(url=url, first=await net.ask(url, address=at()), second=await net.ask(url, address=at()))

    wanted = dict.fromkeys(params.assets)
    for page in params.pages:
        answer = await net.ask(page, address=at())
        wanted |= dict.fromkeys(one.url for one in named(answer.text(), page))
    if params.pages and not wanted:
        raise Unreachable(f"{params.pages[0]} names no file that could be kept.")
    kept = list(await asyncio.gather(*map(twice, wanted)))
    private = list(await asyncio.gather(*map(twice, params.private)))
    return _measured(kept, private)


def _hit(answer: Answer) -> bool:
    """RFC 9211's `Cache-Status`, a vendor's word, or an Age: only a cache has one."""
    if answer.all("cache-status"):
        return bool(re.search(r";\s*hit\b", answer.header("cache-status")))
    said = [line.lower() for name in _WORDS for line in answer.all(name)]
    if said:
        return any("hit" in line and "miss" not in line for line in said)
    return answer.header("age").isdigit()


def _measured(kept: list[Kept], private: list[Kept]) -> Measured:
    good = [one for one in kept if one.first.status == one.second.status == 200]  # noqa: PLR2004 - HTTP's own number
    leaked = [one for one in (*good, *private) if _hit(one.second) and one.second.all("set-cookie")]
    stale = [one for one in good if one.hit and one.age > one.max_age > 0]
    exposed = [one for one in private if _hit(one.second)]
    values: dict[str, Value] = {
        "assets": len(kept),
        "hits": sum(one.hit for one in good),
        "stale": len(stale),
        "leaked": len(leaked),
        "failed": len(kept) - len(good),
        "private_kept": len(exposed),
    }
    if kept:
        values |= {
            "hit_ratio": sum(one.hit for one in good) / len(kept),
            "warm": sum(_hit(one.first) for one in good) / len(kept),
        }
    if good:
        values["max_age"] = min(one.max_age for one in good)
    missed = [one for one in good if not one.hit]
    faults = [
        *(f"{one.url} is private and came from a cache" for one in exposed),
        *(f"{one.url} sets a cookie from a cache" for one in leaked),
        *(f"{one.url} is older than it may be" for one in stale),
        *(f"{one.url} answers {one.second.status}" for one in kept if one not in good),
        *(f"{one.url} is not kept" for one in missed),
    ]
    told = f"{values['hits']} of {len(kept)} files from the edge, {len(private)} private answers from none"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Measured(
        values=values,
        rows=tuple(_row(one) for one in (*kept, *private)),
        summary=faults[0] + more if faults else told,
    )


def _row(one: Kept) -> Row:
    said = [
        f"{name}: {line}" for name in ("cache-status", *_WORDS, "age", "cache-control") for line in one.second.all(name)
    ]
    return Row(subject=one.url, values={"status": one.second.status, "hit": one.hit}, note="; ".join(said))
