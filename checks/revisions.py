"""What does alembic itself say of migrations that are read and not run, and of where a database stands?

Imported by the check only when it measures, for nobody else at a start needs alembic.
"""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.script.revision import Revision, RevisionError, RevisionMap
from alembic.util import CommandError
from sqlalchemy import Connection

from bot.errors import Cannot
from bot.net import words


def heads_of(connection: Connection, version_table: str) -> tuple[str, ...]:
    """Where this database stands."""
    context = MigrationContext.configure(connection, opts={"version_table": version_table})
    return tuple(sorted(context.get_current_heads()))


def follow(files: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, frozenset[str]]]:
    """The ends of alembic's own graph, all revisions with the first to be applied first, and which ones each needs.

    The files, name and source, are read and not run, since they are the release's code. Raises Cannot with a sentence.
    """
    written = [one for name, source in files.items() if (one := _revision(name, source)) is not None]
    known = {one.revision for one in written}
    for one in written:
        # Alembic would only warn, and go on with a history that has a hole.
        if missing := [each for each in (*_names(one.down_revision), *_names(one.dependencies)) if each not in known]:
            raise Cannot(f"The migration {one.revision} follows {missing[0]}, which is not there.")
    made = RevisionMap(lambda: written)
    try:
        heads = tuple(sorted(made.heads))
        order = tuple(reversed([one.revision for one in made.iterate_revisions(heads, "base")])) if heads else ()
        needs = {
            one: frozenset(each.revision for each in made.iterate_revisions(one, "base", inclusive=True)) | {one}
            for one in order
        }
    except (RevisionError, CommandError, KeyError) as error:
        raise Cannot(f"The migrations do not follow each other: {words(error)}.") from error
    return heads, order, needs


def _names(said: object) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(map(str, said)) if isinstance(said, tuple | list) else ()


def _revision(name: str, source: str) -> Revision | None:
    try:
        facts = dict(_constants(ast.parse(source)))
    except (SyntaxError, ValueError) as error:
        raise Cannot(f"The migration {name} cannot be read: {words(error)}.") from error
    if not isinstance(facts.get("revision"), str):
        return None
    return Revision(
        facts["revision"],
        facts.get("down_revision"),
        dependencies=facts.get("depends_on"),
        branch_labels=facts.get("branch_labels"),
    )


def _constants(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    for statement in tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if name in {"revision", "down_revision", "depends_on", "branch_labels"}:
                yield name, ast.literal_eval(value)
            case _:
                continue
