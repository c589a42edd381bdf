"""Are the files of the deployment there, whole, reviewed and free of secrets?"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot
from bot.model import Measured, Row, Value
from bot.net import words
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
    reviewed: str = Field(
        default="",
        description="The list of what was reviewed, in the folder, as `sha256sum` writes it: `reviewed.sha256`. What is not on "
        "it was not reviewed.",
    )
    sha256: dict[str, str] = Field(default={}, description="The same, written here: the sha256 of a file, by its path.")
    commit: str = Field(
        default="",
        description="The files must equal those of this commit, usually `${commit}`; the folder is in its repository.",
    )


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One file, looked at."""

    path: str
    sha256: str = ""
    #: It was held against what was reviewed, or against the commit.
    compared: bool = False
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
        "changed": "how many differ from the reviewed sha256, or have none; missing where nothing says what was reviewed",
        "differing": "how many differ from the commit; missing without a commit",
        "unreviewed": "how many differ from either; missing while a file was compared with neither",
        "secrets": "how many secret values templates hold",
    },
    pass_=[
        "missing == 0",
        "not_executable == 0",
        "broken == 0",
        "unreviewed == 0",
        "secrets == 0",
    ],
)
async def files(params: Params, ctx: Context) -> Measured:
    """Look at each file on disk: presence, execute bit, sha256, syntax, and the same file in the commit.

    A file that is compared with nothing may hold anything: say what was reviewed, or at which commit it has to be.

    Why: A script that does not parse, or is not the one that was reviewed, is found out at the worst moment.
    Fix: The evidence names the file and the reason; `chmod +x`, correct it, or have the change reviewed and listed.
    """
    reviewed = {**_listed(params), **params.sha256}
    seen = [await _look(params, ctx, path, reviewed) for path in dict.fromkeys([*params.paths, *params.sha256])]
    counts: dict[str, Value] = {kind: _count(seen, kind) for kind in ("missing", "not_executable", "broken", "secrets")}
    # What was not compared is not equal: a value for it would be a guess.
    if params.reviewed or params.sha256:
        counts["changed"] = _count(seen, "changed")
    if params.commit:
        counts["differing"] = _count(seen, "differing")
    if (wrong_ones := _count(seen, "changed", "differing")) or all(one.compared for one in seen):
        counts["unreviewed"] = wrong_ones
    wrong = [f"{one.path} {sentence}" for one in seen for sentence in one.wrong.values()]
    good = (
        "; ".join(f"there and whole, sha256 {one.sha256[:12]}" for one in seen[:1])
        if len(seen) == 1
        else f"{len(seen)} files there"
    )
    good += ", as reviewed" if "changed" in counts else ""
    good += f", equal to {params.commit[:7]}" if params.commit else ""
    good += "" if "unreviewed" in counts else "; nothing says what was reviewed, so nothing was compared"
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


def _count(seen: Iterable[Seen], *kinds: str) -> int:
    return sum(any(kind in one.wrong for kind in kinds) for one in seen)


def _listed(params: Params) -> dict[str, str]:
    """What was reviewed, by path."""
    if not params.reviewed:
        return {}
    place = Path(params.folder) / params.reviewed
    try:
        lines = place.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise Cannot(f"The list of what was reviewed, {params.reviewed}, cannot be read: {words(error)}.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(r"([0-9a-fA-F]{64}) [ *](?:\./)?(.+)", line)
        if match is None and line.strip() and not line.startswith("#"):
            raise Cannot(f"Line {number} of {params.reviewed} is not as sha256sum writes it.")
        if match is not None:
            found[match[2]] = match[1]
    return found


async def _look(params: Params, ctx: Context, path: str, reviewed: Mapping[str, str]) -> Seen:
    place = Path(params.folder) / path
    try:
        content = place.read_bytes()
    except OSError:
        return Seen(path=path, wrong={"missing": "is not there"})
    wrong: dict[str, str] = {}
    digest = hashlib.sha256(content).hexdigest()
    if path in reviewed and digest != reviewed[path].lower():
        wrong["changed"] = f"is not the reviewed one (sha256 {digest[:12]}…)"
    elif params.reviewed and path not in reviewed:
        wrong["changed"] = f"was not reviewed: it is not in {params.reviewed}"
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
    compared = bool(params.commit or params.reviewed or path in reviewed)
    return Seen(path=path, sha256=digest, compared=compared, wrong=wrong)


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
