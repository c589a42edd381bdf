"""Does every page carry the headers that browsers protect people with?"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from bot.check import Context, check
from bot.model import Measured, Row, Value
from bot.net import Answer
from checks.reach import Reach, each, refused

HALF_A_YEAR_S = 15_768_000
_ANYWHERE = re.compile(r"https?:|(?:https?://)?\*(?::(?:\d+|\*))?/?", re.IGNORECASE)
#: What other sites are told by each policy that browsers know: at most the name of the site, and that only over TLS; the name
#: without TLS, too; the whole address.
_REFERRERS = {
    **dict.fromkeys(("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"), "little"),
    **dict.fromkeys(("origin", "origin-when-cross-origin"), "name"),
    **dict.fromkeys(("no-referrer-when-downgrade", "unsafe-url"), "address"),
}


#: Why a header that is there protects nobody, or what about it is weak, with the points that it costs.
Told = str | dict[str, int]


class Params(Reach):
    """Which pages to look at."""

    urls: list[str] = Field(
        min_length=1, description="Pages; include one that does not exist and one that redirects, where headers vanish."
    )


@dataclass(frozen=True, kw_only=True)
class Page:
    """What one answer's headers come to."""

    url: str
    address: str
    missing: tuple[str, ...]
    conflicting: tuple[str, ...]
    hsts_s: float | None
    #: What is there and weak, with the points it costs.
    weak: Mapping[str, int]

    @property
    def score(self) -> int:
        return max(0, 100 - 20 * len(self.missing) - 20 * len(self.conflicting) - sum(self.weak.values()))


@check(
    "headers",
    needs={"net"},
    values={
        "missing": "how many needed headers are absent, or there and protect nobody, the most on any page",
        "conflicting": "how many headers are sent twice with different values, the most on any page",
        "hsts_max_age": "seconds that browsers insist on HTTPS for, the smallest; missing without the header",
        "score": "0 to 100, the worst page: 20 off for each missing or conflicting header, 5 to 20 for a weak one",
        "pages": "how many answers were looked at",
        "refused": "how many were not for us (401, 403, 429) or a server's error, so that nothing is known of the page itself",
    },
    pass_=["score >= 90", "missing == 0", "conflicting == 0", f"hsts_max_age >= {HALF_A_YEAR_S}"],
    warn=["score >= 70", "missing == 0"],
)
async def headers(params: Params, ctx: Context) -> Measured:
    """Security headers on every page at every address, error pages and redirects among them.

    Needed are Strict-Transport-Security (over HTTPS), Content-Security-Policy, X-Content-Type-Options, Referrer-Policy,
    and protection from framing (`frame-ancestors` or X-Frame-Options). One that browsers pass over, or that protects nobody, as
    Referrer-Policy `unsafe-url`, counts as missing. Of a page that does not let us in (401, 403, 429), or that is broken (5xx),
    nothing is known: name pages that answer whoever asks.

    Why: One page without them is enough for an attack, and error pages are where they are forgotten.
    Fix: Set them once at the gateway, for every status (nginx: `add_header … always`), and not a second time behind it.
    """
    answers = await each(params.net(ctx), params, params.urls, {})
    shut = [answer for answer in answers if refused(answer)]
    pages = [_page(answer) for answer in answers if not refused(answer)]
    values: dict[str, Value] = {"pages": len(pages), "refused": len(shut)}
    counted = {
        kind: max((len(getattr(page, kind)) for page in pages), default=0) for kind in ("missing", "conflicting")
    }
    # None among those that were shown, and some that were not: then nobody knows.
    values |= {kind: count for kind, count in counted.items() if count or not shut}
    if not shut:
        values["score"] = min(page.score for page in pages)
        known = [page.hsts_s for page in pages if page.hsts_s is not None]
        if len(known) == len(pages):
            values["hsts_max_age"] = min(known)
    rows = (*(Row(subject=f"{one.url} at {one.address}", note=refused(one)) for one in shut), *map(_row, pages))
    return Measured(values=values, rows=rows, summary=_summary(pages, shut))


def _page(answer: Answer) -> Page:
    wrong: dict[str, list[str]] = {"missing": [], "conflicting": []}
    weak: dict[str, int] = {}
    for name, judge_it in _NEEDED.items():
        lines = tuple(dict.fromkeys(line.strip() for line in answer.all(name)))
        # Two content security policies are both enforced; of any other header one is picked, and nobody knows which.
        if len(lines) > 1 and name != "content-security-policy":
            wrong["conflicting"].append(name)
        elif not any(lines):
            if not _excused(name, answer):
                wrong["missing"].append(name)
        elif isinstance(told := judge_it(lines), str):
            wrong["missing"].append(f"{name} that protects: {told}")
        else:
            weak |= told
    if len(set(answer.all("x-frame-options"))) > 1:
        wrong["conflicting"].append("x-frame-options")
    elif why := _framed(answer):
        wrong["missing"].append(why)
    return Page(
        url=answer.url,
        address=answer.address,
        missing=tuple(wrong["missing"]),
        conflicting=tuple(wrong["conflicting"]),
        hsts_s=_age(answer.header("strict-transport-security")),
        weak=weak,
    )


def _framed(answer: Answer) -> str:
    """Why any site may put the page into a frame of its own; empty: none may but those that are named.

    Where a policy speaks of frames, browsers do not look at X-Frame-Options; of several policies each has to allow it.
    """
    named = [
        rules["frame-ancestors"]
        for line in answer.all("content-security-policy")
        for rules in _policies(line)
        if "frame-ancestors" in rules
    ]
    if named:
        open_ = all(any(map(_anywhere, sources)) for sources in named)
        return f"protection from framing: frame-ancestors {' '.join(named[0])} allows everybody" if open_ else ""
    said = answer.header("x-frame-options").strip()
    if said.upper() in {"DENY", "SAMEORIGIN"}:
        return ""
    told = f": browsers pass over X-Frame-Options '{said}'" if answer.all("x-frame-options") else ""
    return f"protection from framing{told or ' (frame-ancestors or x-frame-options)'}"


def _anywhere(source: str) -> bool:
    """A source that every site fits, however it is written: `*`, `https:`, `https://*`, `*:443`."""
    return bool(_ANYWHERE.fullmatch(source))


def _excused(name: str, answer: Answer) -> bool:
    """Browsers ignore HSTS without TLS, and an answer without a page in it has nothing for a policy to hold."""
    if name == "strict-transport-security":
        return answer.url.startswith("http://")
    page = "html" in answer.header("content-type") and bool(answer.body)
    return name == "content-security-policy" and not page


def _age(line: str) -> float | None:
    found = re.search(r"max-age\s*=\s*\"?(\d+)", line, re.IGNORECASE)
    return float(found[1]) if found else None


def _hsts(lines: tuple[str, ...]) -> Told:
    age = _age(lines[0])
    if age is None:
        return "it has no max-age"
    if age == 0:
        return "its max-age is 0, which ends it"
    return {"HSTS lasts less than half a year": 15} if age < HALF_A_YEAR_S else {}


def _csp(lines: tuple[str, ...]) -> Told:
    """Each policy can only forbid more, so the strictest one decides."""
    policies = [_one_csp(rules) for line in lines for rules in _policies(line)]
    return min(policies, key=lambda weak: sum(weak.values())) if policies else "it says nothing at all"


def _policies(line: str) -> Iterator[dict[str, list[str]]]:
    """One line may have several policies, with commas between them; of a rule that is said twice the first counts."""
    for policy in line.lower().split(","):
        rules: dict[str, list[str]] = {}
        for name, *sources in (part.split() for part in policy.split(";") if part.strip()):
            rules.setdefault(name, sources)
        if rules:
            yield rules


def _one_csp(rules: Mapping[str, list[str]]) -> dict[str, int]:
    scripts = rules.get("script-src", rules.get("default-src"))
    weak: dict[str, int] = {}
    if scripts is None:
        return {"CSP says nothing about scripts": 20}
    # With a nonce or a hash browsers ignore 'unsafe-inline'; it is there for old ones.
    bound = any(one.startswith(("'nonce-", "'sha256-", "'sha384-", "'sha512-")) for one in scripts)
    if "'unsafe-inline'" in scripts and not bound:
        weak["CSP allows inline scripts"] = 20
    if "'unsafe-eval'" in scripts:
        weak["CSP allows eval"] = 10
    if ("data:" in scripts or any(map(_anywhere, scripts))) and "'strict-dynamic'" not in scripts:
        weak["CSP allows scripts from anywhere"] = 20
    styles = rules.get("style-src", rules.get("default-src", []))
    if "'unsafe-inline'" in styles:
        weak["CSP allows inline styles"] = 5
    if "object-src" not in rules and rules.get("default-src") != ["'none'"] and "default-src" not in rules:
        weak["CSP says nothing about plugins"] = 5
    if "base-uri" not in rules and not bound and rules.get("default-src") != ["'none'"]:
        weak["CSP leaves base-uri open"] = 5
    return weak


def _nosniff(lines: tuple[str, ...]) -> Told:
    return {} if lines[0].lower() == "nosniff" else f"browsers know only nosniff, not '{lines[0]}'"


def _referrer(lines: tuple[str, ...]) -> Told:
    # Browsers take the last policy that they know.
    known = [one for one in (part.strip().lower() for part in lines[0].split(",")) if one in _REFERRERS]
    if not known:
        return f"browsers do not know '{lines[0]}'"
    if (tells := _REFERRERS[known[-1]]) == "address":
        return f"{known[-1]} tells other sites whole addresses"
    return {"Referrer-Policy names the site where others read along": 5} if tells == "name" else {}


_NEEDED: Mapping[str, Callable[[tuple[str, ...]], Told]] = {
    "strict-transport-security": _hsts,
    "content-security-policy": _csp,
    "x-content-type-options": _nosniff,
    "referrer-policy": _referrer,
}


def _notes(page: Page) -> list[str]:
    return [
        *(f"no {name}" for name in page.missing),
        *(f"{name} is sent twice, with different values" for name in page.conflicting),
        *page.weak,
    ]


def _row(page: Page) -> Row:
    values: dict[str, Value] = {"score": page.score}
    if page.hsts_s is not None:
        values["hsts_max_age"] = page.hsts_s
    return Row(subject=f"{page.url} at {page.address}", values=values, note="; ".join(_notes(page)))


def _summary(pages: list[Page], shut: list[Answer]) -> str:
    if shut and not any(page.missing or page.conflicting for page in pages):
        more = f" (and {len(shut) - 1} more)" if len(shut) > 1 else ""
        return f"{shut[0].url} at {shut[0].address} {refused(shut[0])}{more}"
    worst = min(pages, key=lambda page: page.score)
    if notes := _notes(worst):
        return f"{notes[0]} on {worst.url}" + (f" (and {len(notes) - 1} more)" if len(notes) > 1 else "")
    return f"score {worst.score} on {len(pages)} page{'s' * (len(pages) != 1)}, none missing"
