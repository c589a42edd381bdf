"""Is there a secret in the code?"""

import fnmatch
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot, Unreachable
from bot.model import Measured, Row
from checks.exec import Ended, run
from checks.files import plain

#: A scan's report and a history's patch are longer than what people read.
_LONG = 50_000_000


class Params(BaseModel, extra="forbid"):
    """Which code, and what of it is known to be harmless."""

    repository: str = Field(default=".", description="A checkout or a bare repository.")
    commit: str = Field(
        default="", description="The commit to look at, usually `${commit}`; empty: the files as they lie."
    )
    since: str = Field(
        default="",
        description="Look also at everything added after this revision, even if removed again: `v${previous}`.",
    )
    audited: str = Field(
        default="", description="detect-secrets' `.secrets.baseline` in the code: what it lists is known."
    )
    tests: list[str] = Field(
        default=["tests/*", "test/*", "*/tests/*", "*/fixtures/*"], description="Where made-up secrets are expected."
    )
    exclude: list[str] = Field(default=[], description="Paths that are not looked at, as patterns.")


@dataclass(frozen=True, kw_only=True)
class Found:
    """Something that looks like a secret; never the secret itself."""

    path: str
    line: int
    kind: str
    #: detect-secrets' own hash of it, to compare with a baseline.
    digest: str
    #: The commit that added it, where it is not there any more.
    commit: str = ""


@check(
    "secrets",
    needs={"programs"},
    values={
        "findings": "what looks like a secret, outside of tests, and is not among the audited",
        "in_tests": "the same within tests and fixtures",
        "known": "what was audited before",
        "files": "how many files were looked at",
        "commits": "how many commits of the history were looked at",
    },
    pass_=["findings == 0", "in_tests == 0"],
    warn=["findings == 0"],
)
async def secrets(params: Params, ctx: Context) -> Measured:
    """Scan the code of a commit, and what was added since another one, with detect-secrets; nothing leaves the machine.

    Why: Whoever can read the repository, or a copy of it, has every secret that was ever committed to it.
    Fix: Rotate the secret first, then move it to the vault; made-up ones go into `.secrets.baseline` after an audit.
    """
    with TemporaryDirectory(prefix="secrets-", dir=ctx.work) as scratch:
        folder = Path(scratch)
        code = folder / "code"
        commits = 0
        if params.commit:
            await _checked_out(params, ctx, code)
        else:
            code = Path(params.repository).resolve()
            if not code.is_dir():
                raise Cannot(f"There is no folder {params.repository}.")
        if params.since:
            commits = await _history(params, ctx, folder / "history")
        found = await _scan(ctx, code)
        added = await _scan(ctx, folder / "history") if commits else []
        files = sum(1 for one in code.rglob("*") if one.is_file() and ".git" not in one.relative_to(code).parts)
        return _measured(params, found, added, known=_known(params, code), files=files, commits=commits)


async def _git(params: Params, ctx: Context, *arguments: str, index: str = "") -> Ended:
    environment = {**plain(ctx), **({"GIT_INDEX_FILE": index} if index else {})}
    command = ["git", "-C", params.repository, *arguments]
    ended = await run(command, environment=environment, limit=ctx.left(), keep=_LONG)
    if ended.code:
        said = next(iter(ended.err.strip().splitlines()), "it does not say why")
        raise Cannot(f"Git cannot read {params.repository}: {said}.")
    return ended


async def _checked_out(params: Params, ctx: Context, folder: Path) -> None:
    """Write the commit's files beside the repository's own; an archive would leave out what is marked export-ignore."""
    folder.mkdir()
    index = str(folder.parent / "index")
    await _git(params, ctx, "read-tree", f"{params.commit}^{{commit}}", index=index)
    await _git(params, ctx, f"--work-tree={folder}", "checkout-index", "--all", f"--prefix={folder}/", index=index)


async def _history(params: Params, ctx: Context, folder: Path) -> int:
    """Lay the lines that each commit added into a file of its own: COMMIT/PATH."""
    span = f"{params.since}..{params.commit or 'HEAD'}"
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--unified=0", "--diff-filter=AM")
    patch = (await _git(params, ctx, "log", "--patch", "--format=commit %H", *options, span)).out
    commits, path, lines = 0, "", dict[str, list[str]]()
    commit = ""
    for line in patch.splitlines():
        if re.fullmatch(r"commit [0-9a-f]{40,64}", line):
            commit, path, commits = line.split()[1], "", commits + 1
        elif line.startswith("+++ b/"):
            path = f"{commit}/{line[6:].strip()}"
        elif line.startswith("+") and path:
            lines.setdefault(path, []).append(line[1:])
    for name, added in lines.items():
        place = (folder / name).resolve()
        if place.is_relative_to(folder.resolve()):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("\n".join(added) + "\n", encoding="utf-8")
    return commits


async def _scan(ctx: Context, folder: Path) -> list[Found]:
    # In a process of its own: the scanner's settings are one for the whole process, and two checks may run at once.
    # `-n`: it must not try the secrets out at whoever issued them.
    command = [sys.executable, "-I", "-m", "detect_secrets", "scan", "--all-files", "-n", "."]
    ended = await run(command, cwd=folder, environment=plain(ctx), limit=ctx.left(), keep=_LONG)
    try:
        results = json.loads(ended.out)["results"]
    except (ValueError, KeyError) as error:
        raise Unreachable(
            f"The scanner gave no report: {ended.err.strip()[-200:] or f'it exited {ended.code}'}."
        ) from error
    return [
        Found(path=path, line=one["line_number"], kind=one["type"], digest=one["hashed_secret"])
        for path, several in results.items()
        for one in several
        if not path.startswith(".git/")
    ]


def _known(params: Params, code: Path) -> set[tuple[str, str]]:
    if not params.audited:
        return set()
    try:
        results = json.loads((code / params.audited).read_text(encoding="utf-8"))["results"]
        return {(path, one["hashed_secret"]) for path, several in results.items() for one in several}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Cannot(f"The baseline {params.audited} is not there or not one: {error}.") from error


def _measured(
    params: Params, found: list[Found], added: list[Found], *, known: set[tuple[str, str]], files: int, commits: int
) -> Measured:
    here = {(one.path, one.digest) for one in found}
    gone: list[Found] = []
    for one in added:
        commit, _, path = one.path.partition("/")
        if (path, one.digest) not in here:
            gone.append(Found(path=path, line=one.line, kind=one.kind, digest=one.digest, commit=commit))
    every = [one for one in (*found, *gone) if not _matches(one.path, [*params.exclude, params.audited])]
    fresh = [one for one in every if (one.path, one.digest) not in known]
    in_tests = [one for one in fresh if _matches(one.path, params.tests)]
    findings = [one for one in fresh if one not in in_tests]
    return Measured(
        values={
            "findings": len(findings),
            "in_tests": len(in_tests),
            "known": len(every) - len(fresh),
            "files": files,
            **({"commits": commits} if params.since else {}),
        },
        rows=tuple(Row(subject=_where(one), values={"kind": one.kind}) for one in (*findings, *in_tests)),
        summary=_summary(params, findings, in_tests, files),
    )


def _matches(path: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns if pattern)


def _where(one: Found) -> str:
    return f"{one.path} in commit {one.commit[:7]}" if one.commit else f"{one.path}:{one.line}"


def _summary(params: Params, findings: list[Found], in_tests: list[Found], files: int) -> str:
    if every := findings or in_tests:
        more = f" (and {len(every) - 1} more)" if len(every) > 1 else ""
        return f"{every[0].kind} in {_where(every[0])}{more}"
    at = f" at {params.commit[:7]}" if params.commit else ""
    return f"0 findings{at}, {files} files"
