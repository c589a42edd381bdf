"""Does the database on staging stand where this release leads, and can production follow?"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, field_validator
from sqlalchemy import text

from bot.check import Context, check
from bot.errors import Cannot, Unreachable
from bot.model import Measured, Row, Value
from bot.net import words
from checks.database import reading
from checks.exec import run
from checks.files import plain

#: More is no folder of migrations.
_MOST_FILES = 10_000


class Params(BaseModel, extra="forbid"):
    """Which migrations the release has, and which the databases know."""

    tool: Literal["alembic", "files"] = Field(
        default="alembic", description="`files`: numbered SQL files, and a query that says which were applied."
    )
    folder: str = Field(description="Where they are: alembic's folder with `versions/`, or the folder of the files.")
    repository: str = Field(
        default="", description="The git repository that 'folder' is in; empty: a folder on this machine."
    )
    commit: str = Field(default="", description="The commit to read them at; empty: the deployment's.")
    staging_dsn: str = Field(description="Staging's database; a secret: `{env: NAME}`.")
    production_dsn: str = Field(default="", description="Production's database, which is only read; a secret, too.")
    version_table: str = Field(default="alembic_version", description="Where alembic notes the revision.")
    applied: str = Field(
        default="SELECT max(version) FROM schema_version",
        description="For files: one row with the newest number, or a row for each; SQLite may say `PRAGMA user_version`.",
    )
    pattern: str = Field(
        default=r"V?(\d+(?:[._]\d+)*)", description="For files: what a name begins with; the group is the number."
    )

    @field_validator("pattern")
    @classmethod
    def _has_a_group(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if groups < 1:
            raise ValueError("needs a group in brackets that is the number")
        return pattern


@dataclass(frozen=True, kw_only=True)
class Code:
    """The migrations of the release."""

    #: Where they end. More than one: two branches added one each.
    heads: tuple[str, ...]
    #: Every migration, the first to be applied first.
    order: tuple[str, ...]
    #: Which ones each needs, itself among them.
    needs: Mapping[str, frozenset[str]]
    wrong: str = ""


@dataclass(frozen=True, kw_only=True)
class Stands:
    """A database, against the migrations of the release."""

    name: str
    at: tuple[str, ...]
    pending: tuple[str, ...] = ()
    #: Applied there, and not in the release.
    unknown: tuple[str, ...] = field(default=())


@check(
    "migrations",
    needs={"net", "programs"},
    values={
        "migrations": "how many migrations the release has",
        "heads": "how many ends they have; more than one when two branches added one each",
        "pending": "how many of them staging has not applied",
        "unknown": "how many revisions staging or production has that the release does not know",
        "ancestor": "every revision of production is one that the release continues from; missing without 'production_dsn'",
        "production_pending": "how many will be applied to production; missing without 'production_dsn'",
    },
    pass_=["heads == 1", "unknown == 0", "pending == 0", "ancestor == true"],
)
async def migrations(params: Params, ctx: Context) -> Measured:
    """Read the migrations at the release's commit, and where both databases stand. Nothing of the release is executed.

    Why: A migration that meets production data for the first time in production cannot be tried again.
    Fix: Apply the release's migrations to staging; merge two heads into one; find out who applied what the release lacks.
    """
    code = await _code(params, ctx)
    dsns = {"staging": params.staging_dsn, "production": params.production_dsn}
    stands = {
        name: await asyncio.to_thread(_stands, params, code, name, dsn, ctx.left()) for name, dsn in dsns.items() if dsn
    }
    staging, production = stands["staging"], stands.get("production")
    values: dict[str, Value] = {
        "migrations": len(code.order),
        "heads": len(code.heads),
        "pending": len(staging.pending),
        "unknown": sum(len(one.unknown) for one in stands.values()),
    }
    if production is not None:
        values |= {"ancestor": not production.unknown, "production_pending": len(production.pending)}
    return Measured(values=values, rows=tuple(map(_row, stands.values())), summary=_summary(code, stands))


# ── The release ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def _code(params: Params, ctx: Context) -> Code:
    pattern = r".*\.py" if params.tool == "alembic" else f"{params.pattern}.*\\.sql"
    folder = f"{params.folder.rstrip('/')}/versions" if params.tool == "alembic" else params.folder.rstrip("/")
    files = await _files(params, ctx, folder, re.compile(pattern))
    code = _alembic(files) if params.tool == "alembic" else _numbered(files, params.pattern)
    if not code.order:
        raise Cannot(f"There are no migrations in {folder}.")
    return code


async def _files(params: Params, ctx: Context, folder: str, pattern: re.Pattern[str]) -> dict[str, str]:
    if not params.repository:
        try:
            found = sorted(one for one in Path(folder).iterdir() if pattern.fullmatch(one.name))
            return {one.name: one.read_text(encoding="utf-8") for one in found[:_MOST_FILES]}
        except (OSError, UnicodeError) as error:
            raise Cannot(f"The migrations in {folder} could not be read: {words(error)}.") from error
    commit = params.commit or ctx.release.get("commit", "")
    if not re.fullmatch(r"[0-9a-f]{7,64}", commit):
        raise Cannot("The commit of this deployment is not known, and this check needs it.")
    listed = await _git(params, ctx, "ls-tree", "--name-only", "-z", commit, "--", f"{folder}/")
    paths = [path for path in listed.split("\0") if pattern.fullmatch(Path(path).name)]
    # Only alembic's files are read: of the others the name says all.
    read = params.tool == "alembic"
    return {Path(path).name: await _git(params, ctx, "show", f"{commit}:{path}") if read else "" for path in paths}


async def _git(params: Params, ctx: Context, *arguments: str) -> str:
    command = ["git", "-C", params.repository, *arguments]
    ended = await run(command, environment=plain(ctx), limit=ctx.left(), keep=10_000_000)
    if ended.code:
        said = next(iter(ended.err.strip().splitlines()), "")
        raise Unreachable(f"Git cannot read {params.repository}: {said}.")
    return ended.out


def _alembic(files: Mapping[str, str]) -> Code:
    from checks.revisions import follow  # noqa: PLC0415 - see there

    heads, order, needs = follow(files)
    return Code(heads=heads, order=order, needs=needs)


def _numbered(files: Mapping[str, str], pattern: str) -> Code:
    """Two files of one number are two ends: nobody knows which was meant to come first."""
    names: dict[tuple[int, ...], list[str]] = {}
    for name in files:
        if match := re.match(pattern, name):
            names.setdefault(_number(match[1]), []).append(name)
    order = tuple(_shown(number) for number in sorted(names))
    twice = [", ".join(same) for same in names.values() if len(same) > 1]
    heads = (*order[-1:], *(same for names_ in names.values() for same in names_[1:]))
    needs = {one: frozenset(order[: at + 1]) for at, one in enumerate(order)}
    wrong = f"have the same number: {twice[0]}" if twice else ""
    return Code(heads=heads, order=order, needs=needs, wrong=wrong)


def _number(said: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.split(r"[._]", said))


def _shown(number: tuple[int, ...]) -> str:
    return ".".join(map(str, number))


# ── The databases ────────────────────────────────────────────────────────────────────────────────────────────────────


def _stands(params: Params, code: Code, name: str, dsn: str, limit: float) -> Stands:
    at = _alembic_heads(params, dsn, limit) if params.tool == "alembic" else _applied(params, name, dsn, limit)
    unknown = tuple(one for one in at if one not in code.needs)
    applied = frozenset(each for one in at for each in code.needs.get(one, ()))
    # Of files with a row for each, the one that was left out in the middle is pending, whatever came after it.
    if params.tool == "files" and len(at) > 1:
        applied = frozenset(at)
    # From a revision that nobody knows nothing can be said about what is missing.
    pending = tuple(one for one in code.order if one not in applied) if not unknown or applied else ()
    return Stands(name=name, at=at, pending=pending, unknown=unknown)


def _alembic_heads(params: Params, dsn: str, limit: float) -> tuple[str, ...]:
    from checks.revisions import heads_of  # noqa: PLC0415 - see there

    with reading(dsn, limit) as connection:
        return heads_of(connection, params.version_table)


def _applied(params: Params, name: str, dsn: str, limit: float) -> tuple[str, ...]:
    with reading(dsn, limit) as connection:
        rows = [row[0] for row in connection.execute(text(params.applied)).fetchmany(_MOST_FILES)]
    said = [str(one) for one in rows if one not in (None, 0, "0", "")]
    found: list[str] = []
    for one in said:
        match = re.match(params.pattern, one)
        if match is None:
            raise Cannot(f"{name} says that '{one[:40]}' was applied, and that is not a number.")
        found.append(_shown(_number(match[1])))
    return tuple(found)


def _row(one: Stands) -> Row:
    notes = [
        f"not applied: {', '.join(one.pending[:10])}" if one.pending else "",
        f"not in the release: {', '.join(one.unknown)}" if one.unknown else "",
    ]
    at = ", ".join(one.at[-3:]) or "nothing applied"
    return Row(subject=one.name, values={"at": at, "pending": len(one.pending)}, note="; ".join(filter(None, notes)))


def _summary(code: Code, stands: Mapping[str, Stands]) -> str:
    facts: list[str] = []
    if len(code.heads) > 1:
        facts.append(f"the release has {len(code.heads)} heads ({', '.join(code.heads)})")
    facts += [code.wrong] if code.wrong else []
    for one in stands.values():
        if one.unknown:
            facts.append(f"{one.name} has {', '.join(one.unknown)}, which the release does not know")
    staging, production = stands["staging"], stands.get("production")
    if staging.pending:
        facts.append(f"staging lacks {_some(staging.pending)}")
    elif not staging.unknown:
        facts.append(f"staging is at {', '.join(staging.at[-1:])}, the newest of {len(code.order)}")
    if production is not None and not production.unknown:
        facts.append(
            f"production will get {_some(production.pending)}" if production.pending else "production is there, too"
        )
    return ", ".join(facts)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004 - what a line has room for
