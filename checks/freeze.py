"""Does the branch stand still, and is what will be deployed the newest on it?"""

import re
from collections.abc import Mapping

from pydantic import BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot, Unreachable
from bot.model import Measured, Row, Value
from bot.net import bare, nameless
from checks.exec import run
from checks.files import plain


class Params(BaseModel, extra="forbid"):
    """Which branch has to stand still."""

    repository: str = Field(description="A path or URL that git can read without being asked for a password.")
    branch: str = Field(default="main", description="The branch that the release was taken from.")
    commit: str = Field(default="", description="Where the branch has to stand; empty: at the deployment's commit.")
    mark: str = Field(
        default="",
        pattern=r"^(refs/[\w./-]+)?$",
        description="A reference that the freeze leaves where the branch stood, as `refs/freeze/main`.",
    )


def _lacks(params: Params) -> Mapping[str, str]:
    return {} if params.mark else dict.fromkeys(("frozen", "still"), "'mark'")


@check(
    "freeze",
    needs={"programs", "net"},
    lacks=_lacks,
    values={
        "at_commit": "the branch stands at the commit",
        "head": "the commit at which the branch stands",
        "frozen": "the freeze left its mark; missing without 'mark'",
        "still": "the branch stands where the mark is; missing without one",
    },
    pass_=["at_commit == true"],
)
async def freeze(params: Params, ctx: Context) -> Measured:
    """Ask the repository itself where the branch stands, and where it stood when it was frozen.

    Why: What was merged after the freeze is in the branch and not in the release, and nobody remembers which.
    Fix: Take the late commit into a new version, or agree that it waits, and freeze again.
    """
    wanted = params.commit or ctx.release.get("commit", "")
    known = bool(re.fullmatch(r"[0-9a-f]{7,64}", wanted))
    if not known and not params.mark:
        raise Cannot("The commit of this deployment is not known, and this check needs it.")
    stands = await _stand(params, ctx)
    head, marked = stands.get(f"refs/heads/{params.branch}"), stands.get(params.mark)
    if head is None:
        raise Cannot(f"There is no branch {params.branch} in {bare(params.repository)}.")
    values: dict[str, Value] = {"head": head}
    if known:
        values["at_commit"] = head.startswith(wanted)
    if params.mark:
        values["frozen"] = marked is not None
    if marked is not None:
        values["still"] = head == marked
    return Measured(
        values=values,
        rows=(Row(subject=f"{bare(params.repository)} {params.branch}", values={"head": head}),),
        summary=_told(params, head, marked) + (f", not at {wanted[:7]}" if values.get("at_commit") is False else ""),
    )


async def _stand(params: Params, ctx: Context) -> Mapping[str, str]:
    """Where each reference stands that is asked for and is there."""
    references = filter(None, (f"refs/heads/{params.branch}", params.mark))
    command = ["git", "ls-remote", "--", params.repository, *references]
    ended = await run(command, environment=plain(ctx), limit=ctx.left())
    if ended.code:
        said = next(iter(ended.err.strip().splitlines()), "")
        raise Unreachable(f"Git cannot read {bare(params.repository)}: {nameless(said)}.")
    return {name: commit for commit, name in (line.split(maxsplit=1) for line in ended.out.splitlines())}


def _told(params: Params, head: str, marked: str | None) -> str:
    if not params.mark:
        return f"{params.branch} is at {head[:7]}"
    if marked is None:
        return f"{params.branch} is not frozen: there is no {params.mark}; it is at {head[:7]}"
    if head != marked:
        return f"{params.branch} was frozen at {marked[:7]} and is at {head[:7]}"
    return f"{params.branch} stands still at {head[:7]}"
