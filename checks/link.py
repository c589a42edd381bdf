"""Is the evidence still there, where it should be, and what it was?"""

import hashlib
import re
from email.utils import parsedate_to_datetime

from pydantic import Field, field_validator

from bot.check import Context, check
from bot.errors import Cannot, Unreachable
from bot.judge import duration
from bot.model import Measured, Row, Value
from bot.net import Answer, bare, place
from checks.reach import Reach, refused


class Params(Reach):
    """Which pages, and on which hosts they may be."""

    urls: list[str] = Field(
        min_length=1, description="Pages that somebody gave as evidence: a plan, a report, a dashboard."
    )
    hosts: list[str] = Field(default=[], description="Hosts that such pages may be on; empty: any.")
    headers: dict[str, str] = Field(default={}, description="Header lines to send; a value may be `{env: NAME}`.")
    text: str = Field(
        default="", description="Must stand in each page: a page of the right address may be a login form."
    )
    sha256: str = Field(
        default="", description="What the page hashed to when it was looked at by a person; for one page."
    )

    @field_validator("sha256")
    @classmethod
    def _a_hash(cls, said: str) -> str:
        if said and not re.fullmatch(r"[0-9a-fA-F]{64}", said):
            raise ValueError("is no SHA-256: 64 digits and letters from a to f are expected")
        return said.lower()


@check(
    "link",
    needs={"net"},
    values={
        "pages": "how many pages were asked for",
        "failed": "how many do not answer 200, or lack the text",
        "foreign": "how many are on a host that is not allowed, and were not asked for",
        "changed": "how many hash to something else than 'sha256'; missing without it",
        "age": "seconds since the page that was edited longest ago was edited; missing if one does not say",
    },
    pass_=["failed == 0", "foreign == 0"],
)
async def link(params: Params, ctx: Context) -> Measured:
    """Open each page without following it elsewhere, and keep its hash, so that a later reader can tell whether it changed.

    Why: Evidence that nobody can open any more is a memory, and a page that changed since it was signed was not signed.
    Fix: Correct the link, or give the page that holds it now; sign again if its content changed.
    """
    if params.sha256 and len(params.urls) > 1:
        raise Cannot("'sha256' is of one page, and 'urls' names several.")
    net = params.net(ctx)
    rows: list[Row] = []
    faults: list[str] = []
    counted = {"failed": 0, "foreign": 0, "changed": 0}
    ages: list[float] = []
    for url in params.urls:
        if params.hosts and place(url)[0] not in params.hosts:
            counted["foreign"] += 1
            faults.append(f"{url} is not on {' or '.join(params.hosts)}")
            rows.append(Row(subject=url, note="not asked: its host is not allowed"))
            continue
        # A page that cannot be asked for, or that is not shown to us now, may well be there: that is unknown, and not a fail.
        answer = await net.ask(url, address=(params.addresses or [""])[0], headers=params.headers)
        if why := refused(answer):
            raise Unreachable(f"{bare(url)} {why}.")
        fault = wrong(answer, params.text)
        counted["failed"] += bool(fault)
        faults += [f"{url}: {fault}"] if fault else []
        digest = hashlib.sha256(answer.body).hexdigest()
        if not fault and params.sha256 and digest != params.sha256:
            counted["changed"] += 1
            faults.append(f"{url} has changed since it was looked at")
        if (since := age(answer, ctx)) is not None:
            ages.append(since)
        rows.append(Row(subject=url, values={"status": answer.status, "sha256": digest}, note=fault))
    values: dict[str, Value] = {"pages": len(params.urls), "failed": counted["failed"], "foreign": counted["foreign"]}
    if params.sha256 and not counted["failed"] + counted["foreign"]:
        values["changed"] = counted["changed"]
    if len(ages) == len(params.urls):
        values["age"] = max(ages)
    told = f"{len(params.urls)} of {len(params.urls)} pages answer" if len(params.urls) > 1 else "the page answers"
    edited = f", edited {duration(round(max(ages)))} ago" if "age" in values else ""
    return Measured(
        values=values, rows=tuple(rows), summary=faults[0] if faults else told + edited, links=tuple(params.urls)
    )


def wrong(answer: Answer, text: str) -> str:
    """Why this is not the page that was meant; empty when it is."""
    if answer.status != 200:  # noqa: PLR2004 - HTTP's own number
        to = answer.header("location")
        return f"answers {answer.status}" + (f" and leads to {to}" if to else "")
    if answer.cut:
        return "is larger than a page"
    return "" if not text or text in answer.text() else f"'{text}' is not in it"


def age(answer: Answer, ctx: Context) -> float | None:
    """Seconds since the page was edited, where it says so."""
    try:
        edited = parsedate_to_datetime(answer.header("last-modified"))
    except (ValueError, TypeError):
        return None
    return max(0.0, (ctx.clock.now() - edited).total_seconds())
