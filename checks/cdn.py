"""Does the edge keep what it should, and nothing that it must not, wherever it is asked?"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import Field, model_validator

from bot.check import Context, check
from bot.errors import Unreachable
from bot.model import Measured, Row, Value
from bot.net import Answer, Net
from checks.assets import named
from checks.reach import Reach, tried

#: Headers in which caches say how it went; each vendor has its own.
_WORDS = ("cf-cache-status", "x-cache-status", "x-cache", "cdn-cache", "x-proxy-cache")
#: A browser takes what is packed, and a cache may keep it apart from what is not.
_PACKED = {"Accept-Encoding": "gzip"}
_TEXTUAL = re.compile(r"text/|.*(?:javascript|json|xml)\b|application/wasm|image/svg", re.IGNORECASE)
#: Below this, packing gains nothing.
_WORTH_PACKING = 1_400
#: What a server behind the edge says that lets nobody in who comes by another way.
_KEPT_OUT = {401, 403, 421}
_TOGETHER = 20
#: An age is told in whole seconds, so after this it has risen.
_RISES_WITHIN_S = 1.1


class Params(Reach):
    """What should come from the edge, and what never."""

    assets: list[str] = Field(default=[], description="Files that the edge must keep.")
    pages: list[str] = Field(default=[], description="Pages whose scripts, styles and images the edge must keep.")
    pages_kept: bool | None = Field(
        default=None,
        description="Whether the edge keeps the pages themselves; not said: not where they say `no-store` or `private`.",
    )
    private: list[str] = Field(default=[], description="Answers that no cache may ever keep: the API, a basket.")
    headers: dict[str, str] = Field(
        default={}, description="Header lines for what is private; a value may be `{env: NAME}`."
    )
    origins: list[str] = Field(
        default=[], description="`host:port` of the servers behind the edge, where nobody else may reach them."
    )

    @model_validator(mode="after")
    def _something(self) -> "Params":
        if not (self.assets or self.pages or self.private):
            raise ValueError("name 'assets', 'pages' or 'private'")
        return self


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One URL at one address, asked for more than once."""

    url: str
    address: str
    answers: tuple[Answer, ...]

    @property
    def last(self) -> Answer:
        return self.answers[-1]

    @property
    def warm(self) -> bool:
        """From the edge at once; without a vendor's word only a cache has an age."""
        first = _said_hit(self.answers[0])
        return _age(self.answers[0]) > 0 if first is None else first

    @property
    def hit(self) -> bool:
        """A miss at first is how a cache gets to know a file. Without a vendor's word, the age has to rise."""
        said = _said_hit(self.last)
        return _age(self.last) > max(_age(self.answers[0]), 0) if said is None else said

    @property
    def max_age(self) -> float:
        found = re.search(r"\b(?:s-maxage|max-age)=(\d+)", self.last.header("cache-control"))
        return float(found[1]) if found else 0.0

    @property
    def good(self) -> bool:
        return all(one.status == 200 for one in self.answers)  # noqa: PLR2004 - HTTP's own number

    @property
    def unpacked(self) -> bool:
        told = self.last.header("content-type")
        worth = len(self.last.body) >= _WORTH_PACKING and bool(_TEXTUAL.match(told))
        return worth and not self.last.all("content-encoding")

    @property
    def forbids_keeping(self) -> bool:
        return bool(re.search(r"\b(?:no-store|private)\b", self.last.header("cache-control")))


def _lacks(params: Params) -> Mapping[str, str]:
    if params.assets or params.pages:
        return {}
    names = ("hits", "hit_ratio", "warm", "max_age", "stale", "oldest", "unpacked")
    return dict.fromkeys(names, "'assets' or 'pages'")


@check(
    "cdn",
    needs={"net"},
    lacks=_lacks,
    values={
        "assets": "how many files should come from the edge",
        "addresses": "at how many addresses each was asked for",
        "hits": "how many files did at every address, when asked for again",
        "hit_ratio": "hits, of all of them, at the address where they are fewest",
        "warm": "how many came from the edge at once, of all of them, at the address where they are fewest",
        "max_age": "seconds that a file may be kept, the shortest",
        "stale": "how many are older than they may be",
        "oldest": "seconds that the oldest of them has been kept; missing where a cache does not say",
        "unpacked": "how many files of text are sent without compression to a client that takes it",
        "leaked": "how many kept answers set a cookie, which then everybody gets",
        "failed": "how many did not answer 200, and private ones that were not there, were broken, told us to wait or, with "
        "'headers', did not let us in",
        "pages_wrong": "how many pages come from a cache and should not, or should and do not",
        "private_kept": "how many private answers came from a cache",
        "origins_open": "how many servers behind the edge answer whoever goes around it",
    },
    require=["failed == 0"],
    pass_=[
        "hit_ratio >= 95%",
        "max_age >= 1d",
        "stale == 0",
        "unpacked == 0",
        "leaked == 0",
        "pages_wrong == 0",
        "private_kept == 0",
        "origins_open == 0",
    ],
    warn=["hit_ratio >= 80%", "leaked == 0", "pages_wrong == 0", "private_kept == 0", "origins_open == 0"],
)
async def cdn(params: Params, ctx: Context) -> Measured:
    """Ask every address of the edge for each file twice, for what is private twice, and read what the caches say.

    Why: A cold edge sends every customer's request to your servers; one that keeps too much shows them each other's data.
    Fix: Give files with a hash in their name a long max-age; mark what is private `no-store`; purge what is old.
    """
    net = params.net(ctx)
    gate = asyncio.Semaphore(_TOGETHER)

    async def again(url: str, address: str, headers: Mapping[str, str]) -> Kept:
        async with gate:
            answers = [await net.ask(url, address=address, headers=headers) for _ in range(2)]
            kept = Kept(url=url, address=address, answers=tuple(answers))
            if _said_hit(kept.last) is None and _age(kept.last) >= 0 and not kept.hit:
                await asyncio.sleep(_RISES_WITHIN_S)
                kept = replace(kept, answers=(*answers, await net.ask(url, address=address, headers=headers)))
            return kept

    async def everywhere(urls: Iterable[str], headers: Mapping[str, str]) -> list[Kept]:
        asked = [(url, address) for url in urls for address in await params.places(net, url)]
        return list(await asyncio.gather(*(again(url, address, headers) for url, address in asked)))

    pages = await everywhere(params.pages, _PACKED)
    wanted = dict.fromkeys((*params.assets, *(one for page in pages for one in _needed(page))))
    if params.pages and not wanted:
        raise Unreachable(f"{params.pages[0]} names no file that could be kept.")
    kept = await everywhere(wanted, _PACKED)
    private = await everywhere(params.private, {**_PACKED, **params.headers})
    around = await _around(params, net, next(iter((*params.pages, *wanted, *params.private))))
    return _measured(params, kept, pages, private, around)


def _needed(page: Kept) -> Iterator[str]:
    if not page.good:
        raise Unreachable(f"{page.url} at {page.address} answers {page.last.status}, so nobody knows what it needs.")
    if page.last.cut:
        raise Unreachable(f"{page.url} is longer than is read, so nobody knows what else it needs.")
    yield from (one.url for one in named(page.last.text(), page.url))


async def _around(params: Params, net: Net, url: str) -> dict[str, Answer | str]:
    """What each server behind the edge says to us. Its certificate is often its own affair, and whoever attacks it does not mind."""
    blind = replace(net, verify=False)
    answers = await asyncio.gather(*(tried(blind, url, address=one) for one in params.origins))
    return dict(zip(params.origins, answers, strict=True))


def _said_hit(answer: Answer) -> bool | None:
    """RFC 9211's `Cache-Status`, or a vendor's word; None: neither is there."""
    if answer.all("cache-status"):
        return bool(re.search(r";\s*hit\b", answer.header("cache-status")))
    said = [line.lower() for name in _WORDS for line in answer.all(name)]
    return any("hit" in line and "miss" not in line for line in said) if said else None


def _age(answer: Answer) -> float:
    """How long a cache has had it; -1 where none says."""
    said = answer.header("age")
    return float(said) if said.isdigit() else -1.0


def _there(one: Kept, *, let_in: bool) -> bool:
    """Of what is not there, or not told to us now, nobody knows whether a cache would keep it.

    A stranger may be told to log in; whoever brings what lets them in and is told so has not seen what is private.
    """
    told = range(200, 300) if let_in else (*range(200, 400), 401, 403)
    return all(each.status in told for each in one.answers)


def _least(kept: Sequence[Kept], counts: Sequence[bool]) -> float:
    """The share at the address where it is smallest: a cold one must not hide behind many warm ones."""
    by_address: dict[str, list[bool]] = {}
    for one, counted in zip(kept, counts, strict=True):
        by_address.setdefault(one.address, []).append(counted)
    return min(sum(counted) / len(counted) for counted in by_address.values())


def _measured(
    params: Params, kept: list[Kept], pages: list[Kept], private: list[Kept], around: Mapping[str, Answer | str]
) -> Measured:
    good = [one for one in kept if one.good]
    failed = [one for one in kept if not one.good] + [
        one for one in private if not _there(one, let_in=bool(params.headers))
    ]
    missed = [one for one in good if not one.hit]
    leaked = [one for one in (*good, *pages, *private) if one.hit and one.last.all("set-cookie")]
    stale = [one for one in good if one.hit and _age(one.last) > one.max_age > 0]
    unpacked = [one for one in good if one.unpacked]
    exposed = [one for one in private if one.hit]
    unwanted = [one for one in pages if one.hit and (params.pages_kept is False or one.forbids_keeping)]
    unkept = [one for one in pages if params.pages_kept and not one.hit]
    open_ = {
        origin: one.status for origin, one in around.items() if isinstance(one, Answer) and one.status not in _KEPT_OUT
    }
    files = _urls(kept)
    values: dict[str, Value] = {
        "assets": len(files),
        "addresses": len({one.address for one in (*kept, *pages, *private)}),
        "leaked": len(_urls(leaked)),
        "failed": len(_urls(failed)),
        "pages_wrong": len(_urls([*unwanted, *unkept])),
        "private_kept": len(_urls(exposed)),
        "origins_open": len(open_),
    }
    if kept:
        values |= {
            "hits": len(files - _urls([*missed, *failed])),
            "hit_ratio": _least(kept, [one.good and one.hit for one in kept]),
            "warm": _least(kept, [one.good and one.warm for one in kept]),
            "stale": len(_urls(stale)),
            "unpacked": len(_urls(unpacked)),
        }
    if good:
        values["max_age"] = min(one.max_age for one in good)
        # What comes from no cache is new; a cache that does not tell an age may have kept it for ever.
        ages = [_age(one.last) if one.hit else 0.0 for one in good]
        if min(ages) >= 0:
            values["oldest"] = max(ages)
    faults = [
        *(f"{one.url} is private and came from a cache at {one.address}" for one in exposed),
        *(f"{one.url} sets a cookie from a cache at {one.address}" for one in leaked),
        *(f"{origin} answers {status} to whoever goes around the edge" for origin, status in open_.items()),
        *(f"{one.url} came from a cache at {one.address} and should not" for one in unwanted),
        *(f"{one.url} answers {one.last.status} at {one.address}" for one in failed),
        *(f"{one.url} is older than it may be at {one.address}" for one in stale),
        *(f"{one.url} is not kept at {one.address}" for one in (*missed, *unkept)),
        *(f"{one.url} is sent without compression at {one.address}" for one in unpacked),
    ]
    told = f"{values['hits']} of {len(files)} files from the edge" if files else ""
    apart = f"{len(_urls(private))} private answer{'s' * (len(_urls(private)) != 1)} from no cache" if private else ""
    at = f", at {values['addresses']} addresses" if int(values["addresses"]) > 1 else ""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Measured(
        values=values,
        rows=(*map(_row, (*kept, *pages, *private)), *(_origin(*one) for one in around.items())),
        summary=faults[0] + more if faults else ", ".join(filter(None, (told, apart))) + at,
    )


def _urls(kept: Iterable[Kept]) -> set[str]:
    return {one.url for one in kept}


def _row(one: Kept) -> Row:
    """The header lines of the first and of the last answer."""

    def told(answer: Answer) -> str:
        names = ("cache-status", *_WORDS, "age", "cache-control", "content-encoding")
        return "; ".join(f"{name}: {line}" for name in names for line in answer.all(name))

    first, last = told(one.answers[0]), told(one.last)
    return Row(
        subject=f"{one.url} at {one.address}",
        values={"status": one.last.status, "hit": one.hit},
        note=last if first == last else f"first {first or 'nothing'}, then {last or 'nothing'}",
    )


def _origin(origin: str, answer: Answer | str) -> Row:
    said = f"answers {answer.status}" if isinstance(answer, Answer) else answer
    return Row(subject=f"{origin}, around the edge", note=said)
