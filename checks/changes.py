"""Does the release change what it has to change: the documentation, the list of changes?"""

import re
from fnmatch import fnmatch

from pydantic import BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot
from bot.model import Measured, Row
from checks.exec import run
from checks.files import plain

_SHOWN = 20


class Params(BaseModel, extra="forbid"):
    """Which range of commits, and what in it is looked for."""

    repository: str = Field(description="A checkout or a bare repository on this machine.")
    since: str = Field(default="", description="The release before; empty: the tag `v` of the previous version.")
    commit: str = Field(default="", description="This one; empty: the deployment's commit.")
    paths: list[str] = Field(
        default=["docs/*", "CHANGELOG*", "README*"],
        min_length=1,
        description="What counts, as patterns; `*` goes over folders, too.",
    )


@check(
    "changes",
    needs={"programs"},
    values={
        "commits": "how many commits lie between the two releases",
        "files": "how many files they change",
        "touched": "how many of those are looked for",
    },
    require=["commits >= 1"],
    pass_=["touched >= 1"],
)
async def changes(params: Params, ctx: Context) -> Measured:
    """Ask git which files differ between the release before and this one, and count those that match.

    Why: What changed and is not written down is asked about for months.
    Fix: Write down what changed, in a commit of this release or of the next; say not applicable if nobody could notice it.
    """
    previous = ctx.release.get("previous", "")
    before = await _commit(params, ctx, params.since or (f"v{previous}" if previous else ""))
    span = f"{before}..{await _commit(params, ctx, params.commit or ctx.release.get('commit', ''))}"
    commits = (await _git(params, ctx, "rev-list", "--count", span)).strip()
    names = [name for name in (await _git(params, ctx, "diff", "--name-only", "-z", span)).split("\0") if name]
    touched = [name for name in names if any(fnmatch(name, pattern) for pattern in params.paths)]
    told = ", ".join(touched[:3]) or "none of what is looked for"
    return Measured(
        values={"commits": int(commits), "files": len(names), "touched": len(touched)},
        rows=tuple(Row(subject=name) for name in touched[:_SHOWN]),
        summary=f"{commits} commits change {len(names)} files: {told}",
    )


async def _commit(params: Params, ctx: Context, revision: str) -> str:
    """The commit by its own name, which cannot be taken for an option."""
    if not revision:
        raise Cannot("The commit of this deployment, or the version before it, is not known.")
    if revision.startswith("-") or not re.fullmatch(r"[\w./^~@-]+", revision):
        raise Cannot(f"'{revision}' is no commit and no tag.")
    return (await _git(params, ctx, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")).strip()


async def _git(params: Params, ctx: Context, *words: str) -> str:
    ended = await run(["git", "-C", params.repository, *words], environment=plain(ctx), limit=ctx.left())
    if ended.code:
        said = next(iter(ended.err.strip().splitlines()), f"it does not know {words[-1].removesuffix('^{commit}')}")
        raise Cannot(f"Git finds nothing in {params.repository}: {said[:200]}.")
    return ended.out
