"""Is what somebody signs with there to be read, and still what it was?"""

import hashlib
from typing import Literal

from pydantic import Field

from bot.check import Context, check
from bot.errors import Cannot, Unreachable
from bot.judge import duration
from bot.model import Measured, Row, Value
from bot.net import bare, place
from checks.link import age, wrong
from checks.reach import Reach, refused


class Params(Reach):
    """What a sign-off has to be given with, and where the page may be."""

    url: str = Field(default="", description="Not written: the page that whoever ticks the line names.")
    link: Literal["optional", "required"] = Field(
        default="optional", description="`required`: a note alone is not enough."
    )
    hosts: list[str] = Field(default=[], description="Hosts that the page may be on; empty: any.")
    headers: dict[str, str] = Field(default={}, description="Header lines to send; a value may be `{env: NAME}`.")
    text: str = Field(
        default="", description="Must stand in the page: a page of the right address may be a login form."
    )
    sha256: str = Field(default="", description="Not written: what the page hashed to when the line was ticked.")
    not_by_author: bool = Field(
        default=False,
        description="Nobody signs for what they wrote: refuse those whom the repository names as authors of the changes.",
    )


@check(
    "signoff",
    needs={"net"},
    values={
        "status": "what the page answers with",
        "found": "it answers 200, on a host that is allowed, with the text in it",
        "sha256": "the hash of the page",
        "changed": "it hashes to something else than when the line was ticked",
        "age": "seconds since the page was edited; missing if it does not say",
    },
    pass_=["found == true"],
)
async def signoff(params: Params, ctx: Context) -> Measured:
    """Open the page that a person gives as evidence when they tick a line, and again while the line counts.

    A line with a check of this kind is ticked by its owner's role, with a link or a note. A link that does not pass is refused
    where it is typed. What is kept with the tick: who, in which role, when, the link, what the page answered, its hash, the
    commit that was meant, and when the tick ends: `valid_for` later, 90 days unless the check says otherwise. The line opens again
    when the tick ends, when the commit changes before the start, and when the page fails later on; the thread says which. A page
    that cannot be reached for a while, or does not let us in (401, 403, 429, 5xx), is not gone, and opens nothing.

    Why: A tick says that somebody looked; the page says at what, and its hash whether a later reader sees the same.
    Fix: Give the page that holds the evidence now; where the page needs a login, give the check a header that opens it.
    """
    if not params.url:
        raise Cannot("There is nothing to open before somebody ticks the line and names a page.")
    if params.hosts and place(params.url)[0] not in params.hosts:
        told = f"{params.url} is not on {' or '.join(params.hosts)}"
        return Measured(values={"found": False}, summary=told, links=(params.url,))
    answer = await params.net(ctx).ask(params.url, address=(params.addresses or [""])[0], headers=params.headers)
    if why := refused(answer):
        raise Unreachable(f"{bare(params.url)} {why}.")
    fault = wrong(answer, params.text)
    digest = hashlib.sha256(answer.body).hexdigest()
    changed = params.sha256 not in {"", digest}
    values: dict[str, Value] = {"status": answer.status, "found": not fault, "sha256": digest, "changed": changed}
    told = [f"{params.url} {fault}" if fault else "the page answers"]
    if changed and not fault:
        told.append("changed since it was looked at")
    if (edited := age(answer, ctx)) is not None:
        values["age"] = edited
        told.append(f"edited {duration(round(edited))} ago")
    row = Row(subject=params.url, values={"status": answer.status, "sha256": digest}, note=fault)
    return Measured(values=values, rows=(row,), summary=", ".join(told), links=(params.url,))
