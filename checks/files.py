"""Are the files of the deployment there, whole, reviewed and free of secrets?"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot
from bot.model import Measured, Row
from checks import envfile
from checks.exec import Ended, run


class Params(BaseModel, extra="forbid"):
    """Which files, and what each has to be."""

    folder: str = Field(default=".", description="Where the paths begin.")
    paths: list[str] = Field(
        min_length=1,
        description="Files that must be there. What begins with `#!` must be executable, scripts must parse, and `.env` "
        "templates must hold no secret values.",
    )
    sha256: dict[str, str] = Field(default={}, description="The reviewed content of a file, by its path.")
    commit: str = Field(default="", description="The files must equal those of this commit, usually `${commit}`.")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One file, looked at."""

    path: str
    sha256: str = ""
    #: What is wrong, by value name; a sentence each.
    wrong: dict[str, str]


@check(
    "files",
    needs={"programs"},
    values={
        "files": "how many were looked at",
        "missing": "how many are not there",
        "not_executable": "how many scripts nobody can start",
        "broken": "how many scripts do not parse (`bash -n`, Python's compiler)",
        "changed": "how many differ from the reviewed sha256",
        "differing": "how many differ from the commit",
        "secrets": "how many secret values templates hold",
    },
    pass_=[
        "missing == 0",
        "not_executable == 0",
        "broken == 0",
        "changed == 0",
        "differing == 0",
        "secrets == 0",
    ],
)
async def files(params: Params, ctx: Context) -> Measured:
    """Look at each file on disk: presence, execute bit, sha256, syntax, and the same file in the commit.

    Why: A script that does not parse, or is not the one that was reviewed, is found out at the worst moment.
    Fix: The evidence names the file and the reason; `chmod +x`, correct it, or have the change reviewed.
    """
    seen = [await _look(params, ctx, path) for path in dict.fromkeys([*params.paths, *params.sha256])]
    kinds = ("missing", "not_executable", "broken", "changed", "differing", "secrets")
    counts = {kind: sum(kind in one.wrong for one in seen) for kind in kinds}
    wrong = [f"{one.path} {sentence}" for one in seen for sentence in one.wrong.values()]
    good = (
        "; ".join(f"there and whole, sha256 {one.sha256[:12]}" for one in seen[:1])
        if len(seen) == 1
        else f"{len(seen)} files there"
    )
    good += f", equal to {params.commit[:7]}" if params.commit else ""
    return Measured(
        values={"files": len(seen), **counts},
        rows=tuple(
            Row(
                subject=one.path,
                values={"sha256": one.sha256} if one.sha256 else {},
                note="; ".join(one.wrong.values()),
            )
            for one in seen
        ),
        summary="; ".join(wrong[:2]) + (f" (and {len(wrong) - 2} more)" if len(wrong) > 2 else "") if wrong else good,  # noqa: PLR2004 - two fit on a line
    )


async def _look(params: Params, ctx: Context, path: str) -> Seen:
    place = Path(params.folder) / path
    try:
        content = place.read_bytes()
    except OSError:
        return Seen(path=path, wrong={"missing": "is not there"})
    wrong: dict[str, str] = {}
    digest = hashlib.sha256(content).hexdigest()
    if path in params.sha256 and digest != params.sha256[path].lower():
        wrong["changed"] = f"is not the reviewed one (sha256 {digest[:12]}…)"
    if content.startswith(b"#!") and not os.access(place, os.X_OK):
        wrong["not_executable"] = "is not executable"
    if mistake := await _syntax(place, content, ctx):
        wrong["broken"] = f"does not parse: {mistake}"
    if (place.name.startswith(".env") or place.suffix == ".env") and (
        names := envfile.telling(content.decode("utf-8", "replace"))
    ):
        wrong["secrets"] = f"holds what looks like a secret in {', '.join(names)}"
    if params.commit and await _committed(params, ctx, path) != blob(content):
        wrong["differing"] = f"differs from commit {params.commit[:7]}"
    return Seen(path=path, sha256=digest, wrong=wrong)


async def _syntax(place: Path, content: bytes, ctx: Context) -> str:
    """What the language's own parser says; nothing of the script is run."""
    first = content.split(b"\n", 1)[0]
    if place.suffix == ".py" or (first.startswith(b"#!") and b"python" in first):
        try:
            compile(content, str(place), "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            return f"line {error.lineno}, {error.msg}" if isinstance(error, SyntaxError) else str(error)
    elif place.suffix == ".sh" or (first.startswith(b"#!") and first.rstrip().endswith(b"sh")):
        ended = await run(["bash", "-n", str(place)], environment=plain(ctx), limit=ctx.left())
        if ended.code:
            return next(iter(ended.err.strip().splitlines()), "bash does not say why").replace(f"{place}: ", "")
    return ""


async def _committed(params: Params, ctx: Context, path: str) -> str:
    """Git's name for the content of the file in the commit; the folder may be anywhere inside the repository."""

    async def git(revision: str) -> Ended:
        command = ["git", "-C", params.folder, "rev-parse", "--verify", revision]
        return await run(command, environment=plain(ctx), limit=ctx.left())

    known = await git(f"{params.commit}^{{commit}}")
    if known.code:
        said = next(iter(known.err.strip().splitlines()), "")
        raise Cannot(f"Git does not find commit {params.commit[:12]} in {params.folder}: {said}.")
    found = await git(f"{params.commit}:./{path}")
    return found.out.strip() if found.code == 0 else ""


def blob(content: bytes) -> str:
    """The name that git gives to this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def plain(ctx: Context) -> dict[str, str]:
    """The environment of the tools that checks use: nothing that could lead git or bash astray."""
    path = ctx.environ.get("PATH", os.defpath)
    return {"PATH": path, "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "HOME": "/nonexistent"}
