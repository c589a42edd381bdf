"""Is what will be deployed still the newest on its branch?"""

import re

from pydantic import BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot, Unreachable
from bot.model import Measured, Row
from checks.exec import run
from checks.files import plain


class Params(BaseModel, extra="forbid"):
    """Which branch has to stand still."""

    repository: str = Field(description="A path or URL that git can read without being asked for a password.")
    branch: str = Field(default="main", description="The branch that the release was taken from.")
    commit: str = Field(default="", description="Where the branch has to stand; empty: at the deployment's commit.")


@check(
    "freeze",
    needs={"programs", "net"},
    values={
        "at_commit": "the branch stands at the commit",
        "head": "the commit at which the branch stands",
    },
    pass_=["at_commit == true"],
)
async def freeze(params: Params, ctx: Context) -> Measured:
    """Ask the repository itself where the branch stands.

    Why: What was merged after the freeze is in the branch and not in the release, and nobody remembers which.
    Fix: Take the late commit into a new version, or agree that it waits, and freeze again.
    """
    wanted = params.commit or ctx.release.get("commit", "")
    if not re.fullmatch(r"[0-9a-f]{7,64}", wanted):
        raise Cannot("The commit of this deployment is not known, and this check needs it.")
    reference = f"refs/heads/{params.branch}"
    command = ["git", "ls-remote", "--exit-code", "--", params.repository, reference]
    ended = await run(command, environment=plain(ctx), limit=ctx.left())
    said = next(iter(ended.err.strip().splitlines()), "")
    if ended.code == 2:  # noqa: PLR2004 - git's own number for "no such reference"
        raise Cannot(f"There is no branch {params.branch} in {params.repository}.")
    if ended.code:
        raise Unreachable(f"Git cannot read {params.repository}: {said}.")
    head = ended.out.split()[0]
    same = head.startswith(wanted)
    note = f"{params.branch} is at {head[:7]}"
    return Measured(
        values={"at_commit": same, "head": head},
        rows=(Row(subject=f"{params.repository} {params.branch}", values={"head": head}),),
        summary=note if same else f"{note}, not at {wanted[:7]}",
    )
