"""Do the files that a page needs really load?"""

import asyncio
import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from pydantic import Field

from bot.check import Context, check
from bot.errors import Unreachable
from bot.judge import size as shown_size
from bot.model import Measured, Row, Value
from bot.net import Answer, Net, place
from checks.reach import Reach, tried

#: A bundle of scripts may well have megabytes.
LARGEST = 20_000_000
#: What `link rel=…` makes a browser fetch.
_FETCHED = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}
_STRONGEST_FIRST = ("sha512", "sha384", "sha256")


class Params(Reach):
    """Which pages a person opens."""

    urls: list[str] = Field(min_length=1, description="Pages; every script, style, image and icon on them is fetched.")


@dataclass(frozen=True, kw_only=True)
class Asset:
    """Something that a page asks the browser to fetch."""

    url: str
    page: str
    #: `script`, `style`, `image`, `other`: what it has to be.
    kind: str
    integrity: str = ""


@check(
    "assets",
    needs={"net"},
    values={
        "pages": "how many pages were opened",
        "assets": "how many files they need",
        "failed": "how many of these do not load as they should, for any reason",
        "wrong_type": "how many are served as something else: a script as HTML",
        "altered": "how many differ from the integrity that the page states",
        "mixed": "how many an https page asks for over http",
        "bytes": "how much they are together",
    },
    require=["assets >= 1"],
    pass_=["failed == 0", "mixed == 0"],
)
async def assets(params: Params, ctx: Context) -> Measured:
    """Open each page, find what it needs, fetch all of it once, and look at status, type and integrity.

    Why: A page without its script is a page that looks right in every check and works for nobody.
    Fix: The evidence names the file; most often it was not uploaded, or the page names an older one.
    """
    net = replace(params.net(ctx), limit=LARGEST)
    pages = [(url, await tried(net, url, address=_at(params, url, url))) for url in params.urls]
    for url, answer in pages:
        if isinstance(answer, str):
            raise Unreachable(answer)
        if answer.status != 200:  # noqa: PLR2004 - HTTP's own number
            raise Unreachable(f"{url} answers {answer.status}, so nobody knows what it needs.")
        if answer.cut:
            raise Unreachable(f"{url} is longer than {shown_size(LARGEST)}, so nobody knows what else it needs.")
    needed = {one.url: one for url, answer in pages if isinstance(answer, Answer) for one in named(answer.text(), url)}
    answers = await asyncio.gather(*(_fetch(params, net, one) for one in needed.values()))
    wrong = {one.url: _wrong(one, answer) for one, answer in zip(needed.values(), answers, strict=True)}
    mixed = [one for one in needed.values() if one.page.startswith("https:") and one.url.startswith("http:")]
    length = sum(len(answer.body) for answer in answers if isinstance(answer, Answer))
    values: dict[str, Value] = {
        "pages": len(pages),
        "assets": len(needed),
        "failed": sum(bool(why) for why in wrong.values()),
        "wrong_type": sum(why.startswith("is served as") for why in wrong.values()),
        "altered": sum(why.startswith("is not what") for why in wrong.values()),
        "mixed": len(mixed),
        "bytes": length,
    }
    faults = [f"{url} {why}" for url, why in wrong.items() if why] + [
        f"{one.url} is asked for over http" for one in mixed
    ]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    good = f"{len(needed)} files of {len(pages)} page{'s' * (len(pages) != 1)} load, {shown_size(length)}"
    return Measured(
        values=values,
        rows=tuple(Row(subject=url, note=why) for url, why in wrong.items()),
        summary=faults[0] + more if faults else good,
    )


def _at(params: Params, url: str, page: str) -> str:
    """The pinned address is that of the page's own host; other hosts have their own."""
    return params.addresses[0] if params.addresses and place(url) == place(page) else ""


async def _fetch(params: Params, net: Net, one: Asset) -> Answer | str:
    return await tried(net, one.url, address=_at(params, one.url, one.page))


def _wrong(one: Asset, answer: Answer | str) -> str:
    if isinstance(answer, str):
        return f"does not load: {answer}"
    if answer.status != 200:  # noqa: PLR2004 - HTTP's own number
        return f"answers {answer.status}"
    told = answer.header("content-type").partition(";")[0].strip().lower()
    fits = {"script": "javascript" in told, "style": told == "text/css", "image": told.startswith("image/")}
    if not fits.get(one.kind, True):
        return f"is served as {told or 'nothing in particular'}"
    if one.integrity and answer.cut:
        return f"is longer than {shown_size(LARGEST)}, too long to compare with what the page's integrity says"
    if one.integrity and not matches(one.integrity, answer.body):
        return "is not what the page's integrity says"
    return ""


def matches(integrity: str, body: bytes) -> bool:
    """As browsers do: of several hashes the strongest kind counts, and any one of it suffices."""
    hashes = [one.partition("?")[0].partition("-") for one in integrity.split()]
    for kind in _STRONGEST_FIRST:
        wanted = [value for name, _, value in hashes if name == kind]
        if wanted:
            return base64.b64encode(hashlib.new(kind, body).digest()).decode() in wanted
    return True


def named(text: str, page: str) -> Iterable[Asset]:
    """What the page makes a browser fetch."""
    reader = _Reader()
    reader.feed(text)
    base = urljoin(page, reader.base)
    for kind, link, integrity in reader.found:
        url = urljoin(base, link.strip())
        if urlsplit(url).scheme in {"http", "https"}:
            yield Asset(url=url.partition("#")[0], page=page, kind=kind, integrity=integrity)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        rel = set(said.get("rel", "").lower().split())
        if tag == "base" and not self.base:
            self.base = said.get("href", "")
        elif tag == "script" and said.get("src"):
            self.found.append(("script", said["src"], said.get("integrity", "")))
        elif tag == "img" and said.get("src"):
            self.found.append(("image", said["src"], ""))
        elif tag == "link" and rel & _FETCHED and said.get("href"):
            kind = "style" if "stylesheet" in rel else "image" if "icon" in rel else "other"
            self.found.append((kind, said["href"], said.get("integrity", "")))
