"""The check `migrations`, on real repositories, with alembic itself and with plain SQL files."""

import sqlite3
import subprocess

import pytest
from alembic import command
from alembic.config import Config

from bot.model import Verdict
from tests.checks.helpers import run_check
from tests.checks.postgres import packaged

ENV = """
from alembic import context
from sqlalchemy import create_engine

with create_engine(context.config.get_main_option("url")).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
VERSION = """
revision = "{name}"
down_revision = {down!r}
branch_labels = None
depends_on = None

from alembic import op
import sqlalchemy as sa

def upgrade():
    op.create_table("t_{name}", sa.Column("id", sa.Integer))

def downgrade():
    op.drop_table("t_{name}")
"""


def git(folder, *words):
    given = ["-c", "user.name=ana", "-c", "user.email=ana@acme.test", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", "-C", folder, *given, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


class Shop:
    """A repository with migrations, and databases that they are applied to."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "migrations" / "versions").mkdir(parents=True)
        (folder / "migrations" / "env.py").write_text(ENV)
        git(folder, "init", "-q")

    def migration(self, name, down, *, source=VERSION):
        path = self.folder / "migrations" / "versions" / f"{name}_about.py"
        path.write_text(source.format(name=name, down=down))
        return self.commit()

    def commit(self):
        git(self.folder, "add", ".")
        git(self.folder, "commit", "-qm", "a migration")
        return git(self.folder, "rev-parse", "HEAD")

    def database(self, name, at=None):
        """`sqlite:///…`, migrated by alembic itself to a revision."""
        dsn = f"sqlite:///{self.folder / name}.db"
        sqlite3.connect(self.folder / f"{name}.db").close()
        if at:
            self.upgrade(dsn, at)
        return dsn

    def upgrade(self, dsn, at):
        config = Config()
        config.set_main_option("script_location", str(self.folder / "migrations"))
        config.set_main_option("url", dsn.replace("%", "%%"))
        command.upgrade(config, at)

    async def measure(self, commit, staging, production="", **more):
        with_ = {"folder": "migrations", "repository": str(self.folder), "staging_dsn": staging, **more}
        if production:
            with_["production_dsn"] = production
        rules = {} if production else {"rules": {"pass_": ["heads == 1", "unknown == 0", "pending == 0"]}}
        return await run_check("migrations", release={"commit": commit}, **rules, **with_)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


@pytest.fixture
def three(shop):
    shop.migration("aa1", None)
    shop.migration("bb2", "aa1")
    shop.head = shop.migration("cc3", "bb2")
    return shop


async def test_staging_at_the_head_of_the_commit_and_production_before_it_pass(three):
    finding = await three.measure(three.head, three.database("staging", "cc3"), three.database("production", "aa1"))

    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.summary == "staging is at cc3, the newest of 3, production will get bb2, cc3"
    assert finding.values["production_pending"] == 2


async def test_it_is_the_commit_that_counts_and_not_what_was_merged_since(three):
    three.migration("dd4", "cc3")

    finding = await three.measure(three.head, three.database("staging", "cc3"), three.database("production", "cc3"))

    assert finding.verdict is Verdict.PASS
    assert finding.values["migrations"] == 3
    assert finding.summary.endswith("production is there, too")


async def test_what_is_pending_on_staging_fails_and_is_named(three):
    finding = await three.measure(three.head, three.database("staging", "bb2"))

    assert finding.verdict is Verdict.FAIL
    assert finding.summary == "staging lacks cc3"


async def test_two_heads_fail_though_both_are_applied(three):
    head = three.migration("dd3", "bb2")
    staging = three.database("staging", "heads")

    finding = await three.measure(head, staging)

    assert finding.verdict is Verdict.FAIL
    assert (finding.values["heads"], finding.values["pending"]) == (2, 0)
    assert "the release has 2 heads (cc3, dd3)" in finding.summary


async def test_two_heads_that_were_merged_are_one(three):
    three.migration("dd3", "bb2")
    head = three.migration("ee4", ("cc3", "dd3"))

    finding = await three.measure(head, three.database("staging", "ee4"))

    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["migrations"] == 5


@pytest.mark.parametrize("where", ["staging", "production"])
async def test_a_revision_that_the_release_does_not_know_fails(three, where):
    hotfix = three.migration("xx9", "cc3")
    dsns = {"staging": three.database("staging", "cc3"), "production": three.database("production", "bb2")}
    three.upgrade(dsns[where], "xx9")

    finding = await three.measure(three.head, dsns["staging"], dsns["production"])

    assert finding.verdict is Verdict.FAIL
    assert f"{where} has xx9, which the release does not know" in finding.summary
    assert finding.values["ancestor"] == (where == "staging")
    assert hotfix != three.head


async def test_nothing_of_the_release_is_executed(three, tmp_path):
    staging = three.database("staging", "cc3")
    source = "open({!r}, 'w')\n".format(str(tmp_path / "executed")) + VERSION

    finding = await three.measure(three.migration("dd4", "cc3", source=source), staging)

    assert "staging lacks dd4" in finding.summary
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("name", "down", "source", "said"),
    [
        ("dd4", "zz9", VERSION, "The migration dd4 follows zz9, which is not there."),
        ("dd4", "cc3", "def (", "The migration dd4_about.py cannot be read"),
        ("aa1", "cc3", VERSION, "The migrations do not follow each other"),
        ("dd4", "cc3", "revision = compute()", "The migration dd4_about.py cannot be read"),
    ],
)
async def test_migrations_that_make_no_sense_are_unknown_with_a_sentence(three, name, down, source, said):
    staging = three.database("staging", "cc3")

    finding = await three.measure(three.migration(name, down, source=source), staging)

    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary


async def test_a_commit_or_a_folder_that_is_not_there_is_unknown(three):
    staging = three.database("staging", "cc3")
    assert "Git cannot read" in (await three.measure("0" * 40, staging)).summary
    assert (
        "There are no migrations in nowhere/versions."
        in (await three.measure(three.head, staging, folder="nowhere")).summary
    )
    assert "The commit of this deployment is not known" in (await three.measure("", staging)).summary


@pytest.mark.real
async def test_a_real_postgresql_is_read_and_not_written(three):
    with packaged() as make:
        staging, production = make(), make()
        three.upgrade(staging, "cc3")
        finding = await three.measure(three.head, staging, production)

    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["production_pending"] == 3


# ── Plain SQL files ──────────────────────────────────────────────────────────────────────────────────────────────────


class Files(Shop):
    def __init__(self, folder, *names):
        (folder / "sql").mkdir()
        git(folder, "init", "-q")
        self.folder = folder
        for name in names:
            (folder / "sql" / name).write_text("SELECT 1;")
        self.head = self.commit()

    def noted(self, name, *numbers, pragma=False):
        path = self.folder / f"{name}.db"
        with sqlite3.connect(path) as db:
            if pragma:
                db.execute(f"PRAGMA user_version = {numbers[0]}")
            db.execute("CREATE TABLE schema_version (version TEXT)")
            db.executemany("INSERT INTO schema_version VALUES (?)", [(str(one),) for one in numbers])
        db.close()
        return f"sqlite:///{path}"

    async def measure(self, staging, **more):
        return await super().measure(self.head, staging, tool="files", folder="sql", **more)


NAMES = ("001_shop.sql", "002_carts.sql", "003_currency.sql", "README.md")
EACH = "SELECT version FROM schema_version"


@pytest.mark.parametrize(
    ("numbers", "how", "verdict", "said"),
    [
        ((3,), {}, Verdict.PASS, "staging is at 3, the newest of 3"),
        ((2,), {}, Verdict.FAIL, "staging lacks 3"),
        ((), {}, Verdict.FAIL, "staging lacks 1, 2, 3"),
        ((4,), {}, Verdict.FAIL, "staging has 4, which the release does not know"),
        ((1, 2, 3), {"applied": EACH}, Verdict.PASS, "staging is at 3"),
        (("001", "003"), {"applied": EACH}, Verdict.FAIL, "staging lacks 2"),
        (("1", "2", "x"), {"applied": EACH}, Verdict.UNKNOWN, "'x' was applied, and that is not a number"),
        ((3,), {"applied": "SELECT version FROM nowhere"}, Verdict.UNKNOWN, "no such table"),
    ],
)
async def test_numbered_files_are_held_against_what_the_database_notes(tmp_path, numbers, how, verdict, said):
    files = Files(tmp_path, *NAMES)
    finding = await files.measure(files.noted("staging", *numbers), **how)

    assert finding.verdict is verdict, finding.summary
    assert said in finding.summary


async def test_sqlite_s_own_number_counts_too(tmp_path):
    files = Files(tmp_path, *NAMES)
    dsn = files.noted("staging", 3, pragma=True)
    assert (await files.measure(dsn, applied="PRAGMA user_version")).verdict is Verdict.PASS


async def test_two_files_of_one_number_are_two_heads(tmp_path):
    files = Files(tmp_path, *NAMES, "003_refunds.sql")
    finding = await files.measure(files.noted("staging", 3))

    assert finding.verdict is Verdict.FAIL
    assert "have the same number: 003_currency.sql, 003_refunds.sql" in finding.summary


async def test_flyway_s_numbers_are_compared_as_numbers(tmp_path):
    files = Files(tmp_path, "V1__a.sql", "V1.2__b.sql", "V1.10__c.sql", "R__views.sql")
    assert (await files.measure(files.noted("staging", "1.10"))).values["pending"] == 0
    assert (await files.measure(files.noted("late", "1.2"))).values["pending"] == 1
