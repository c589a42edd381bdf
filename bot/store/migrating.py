"""Does the database stand where this T-Minus leads, and how does it get there?"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

#: Whoever migrates a PostgreSQL database holds this lock: any number will do, as long as it never changes.
MIGRATION_LOCK = 7_307_418_256

MIGRATIONS = Path(__file__).parent / "migrations"


class NewerError(Exception):
    """The database was written by a T-Minus that knows more migrations than this one."""


def newest() -> str:
    """The revision that the newest migration leads to: the number that its file begins with."""
    return max(file.name.split("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def bring_up_to_date(connection: Connection) -> None:
    """Under a lock, since several replicas may start at once. On SQLite the transaction is the lock."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    if _revision(connection) == newest():
        return
    # Nearly every start has nothing to do here, and to import alembic is a tenth of a start.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise NewerError(str(error)) from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
