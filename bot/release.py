"""What is known about a version: its commit, what changed since the one before, what its scripts look like?"""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from bot.model import Changes, Release
from bot.plan import Plan, ScriptPlan

_GIT_S = 10.0
_NEWEST = 20


@dataclass(frozen=True, kw_only=True)
class _Log:
    commit: str = ""
    problem: str = ""


async def look_up(plan: Plan, version: str, previous: str, root: Path) -> Release:
    """Everything that can be found; what cannot is a sentence in `unknowns`, never an exception."""
    unknowns: list[str] = []
    hashes = await asyncio.to_thread(_script_hashes, plan, root)
    if not plan.release.repository:
        return Release(version=version, previous=previous, script_hashes=hashes)
    found = await _commit(plan, version, root)
    before = await _commit(plan, previous, root) if previous else _Log()
    unknowns += [one.problem for one in (found, before) if one.problem]
    changes = await _changes(plan, before.commit, found.commit, root) if found.commit and before.commit else None
    return Release(
        version=version,
        commit=found.commit,
        previous=previous,
        previous_commit=before.commit,
        changes=changes,
        script_hashes=hashes,
        unknowns=tuple(unknowns),
    )


async def versions(plan: Plan, root: Path) -> list[str]:
    """The versions that the repository has tags for, the newest first; empty when it cannot be asked."""
    if not plan.release.repository:
        return []
    before, _, after = plan.release.tag.partition("${version}")
    code, out = await _git(plan, root, "tag", "--list", f"{before}*{after}", "--sort=-version:refname")
    if code:
        return []
    names = [line.removeprefix(before).removesuffix(after) for line in out.splitlines()]
    return [one for one in names if re.fullmatch(plan.release.version_pattern, one)][:_NEWEST]


def _tag(plan: Plan, version: str) -> str:
    return plan.release.tag.replace("${version}", version)


async def _commit(plan: Plan, version: str, root: Path) -> _Log:
    tag = _tag(plan, version)
    code, out = await _git(plan, root, "rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}")
    if code == 0:
        return _Log(commit=out.strip())
    return _Log(
        problem=f"The repository has no tag {tag}." if code == 1 else f"The repository could not be read: {out[:200]}."
    )


async def _changes(plan: Plan, old: str, new: str, root: Path) -> Changes | None:
    code, out = await _git(plan, root, "log", "--no-merges", "--format=%an%x1f%s", f"{old}..{new}")
    if code:
        return None
    pairs = [line.split("\x1f", 1) for line in out.splitlines() if "\x1f" in line]
    schema: bool | None = None
    if plan.release.schema_path:
        changed, _ = await _git(plan, root, "diff", "--quiet", old, new, "--", plan.release.schema_path)
        schema = {0: False, 1: True}.get(changed)
    url = plan.release.compare_url.replace("${previous}", old).replace("${commit}", new)
    return Changes(
        count=len(pairs),
        authors=tuple(dict.fromkeys(author for author, _ in pairs)),
        subjects=tuple(subject for _, subject in pairs[:20]),
        compare_url=url,
        schema_changed=schema,
    )


async def _git(plan: Plan, root: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and what was printed; 124 when it took too long, 127 when there is no git."""
    repository = (root / plan.release.repository).resolve()
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            "-C",
            str(repository),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as problem:
        return 127, str(problem)
    try:
        async with asyncio.timeout(_GIT_S):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return 124, "git did not answer in time"
    return process.returncode or 0, out.decode("utf-8", "replace")


def _script_hashes(plan: Plan, root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, script in plan.scripts.items():
        path = program(script, root)
        if path is not None and path.is_file():
            found[key] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def program(script: ScriptPlan, root: Path) -> Path | None:
    """The file that this script is, when it is a file of ours and not a program found by PATH."""
    folder = root / script.cwd
    for argument in script.argv[:2]:
        if "/" in argument:
            return folder / argument
    return None


def edited(plan: Plan, key: str, root: Path, signed: str) -> str:
    """Why a script must not run: it is not the one that was signed. Empty: it is, or nobody knows what was signed."""
    path = program(plan.scripts[key], root)
    if not signed or path is None or not path.is_file():
        return ""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest == signed:
        return ""
    return f"{path.name} was edited since it was signed (sha256 {digest[:12]}, signed {signed[:12]}); put it back, or abort"
