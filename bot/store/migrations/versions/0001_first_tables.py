"""The first tables; the history can only be added to."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OWED = sa.text("(wanted_hash <> '' AND wanted_hash <> shown_hash) OR state = 'sending'")

#: What may never change in a line of the history, and what may only be blanked together with its salt.
FIXED = ("deployment", "number", "at", "by_digest", "what_digest", "why_digest", "facts", "hash")
WORDS = (("by_id", "by_salt"), ("by_name", "by_salt"), ("what", "what_salt"), ("why", "why_salt"))
SAID = "the history is only added to"


def upgrade() -> None:
    op.create_table(
        "freeze",
        sa.Column("number", SERIAL, nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("from_at", MOMENT, nullable=False),
        sa.Column("until_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "home",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )
    op.create_table(
        "inbox",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("deployment", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("inbox_oldest", "inbox", ["at"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("tz", sa.Text(), nullable=False),
        sa.Column("learned_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("person_email", "person", ["email"], unique=False)
    op.create_table(
        "plan",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "service",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "deployment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("unsettled", sa.Boolean(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("wake_at", MOMENT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan"],
            ["plan.hash"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("folded"),
        sa.UniqueConstraint("service", "number", name="deployment_number"),
    )
    op.create_index("deployment_newest", "deployment", ["opened_at"], unique=False)
    op.create_index(
        "deployment_one_active",
        "deployment",
        ["service", "environment"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.create_index("deployment_revision", "deployment", ["revision"], unique=False)
    op.create_index(
        "deployment_unsettled",
        "deployment",
        ["id"],
        unique=False,
        sqlite_where=sa.text("unsettled"),
        postgresql_where=sa.text("unsettled"),
    )
    op.create_index("deployment_wake", "deployment", ["wake_at"], unique=False)
    op.create_table(
        "finding",
        sa.Column("number", SERIAL, nullable=False),
        sa.Column("deployment", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("check", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("measured_at", MOMENT, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment"],
            ["deployment.id"],
        ),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("finding_newest", "finding", ["service", "environment", "check", "measured_at"], unique=False)
    op.create_table(
        "history",
        sa.Column("deployment", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by_id", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("by_salt", sa.Text(), nullable=False),
        sa.Column("by_digest", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("what_salt", sa.Text(), nullable=False),
        sa.Column("what_digest", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("why_salt", sa.Text(), nullable=False),
        sa.Column("why_digest", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment"],
            ["deployment.id"],
        ),
        sa.PrimaryKeyConstraint("deployment", "number"),
    )
    op.create_table(
        "message",
        sa.Column("deployment", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("in_thread", sa.Boolean(), nullable=False),
        sa.Column("file", sa.Boolean(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.Column("wanted_hash", sa.Text(), nullable=False),
        sa.Column("claim", sa.BigInteger(), nullable=False),
        sa.Column("shown_hash", sa.Text(), nullable=False),
        sa.Column("refused_hash", sa.Text(), nullable=False),
        sa.Column("refused_why", sa.Text(), nullable=False),
        sa.Column("dirty_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment"],
            ["deployment.id"],
        ),
        sa.PrimaryKeyConstraint("deployment", "key"),
    )
    op.create_index("message_owed", "message", ["dirty_at"], unique=False, sqlite_where=OWED, postgresql_where=OWED)
    guard_history()


def guard_history() -> None:
    if op.get_bind().dialect.name == "postgresql":
        altered = " OR ".join(
            [f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in FIXED]
            + [f"(NEW.{word} IS DISTINCT FROM OLD.{word} AND NEW.{salt} <> '')" for word, salt in WORDS]
            + [f"(NEW.{salt} IS DISTINCT FROM OLD.{salt} AND NEW.{salt} <> '')" for _, salt in WORDS[1:]]
        )
        op.execute(
            f"""
            CREATE FUNCTION history_guard() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP <> 'UPDATE' THEN
                    RAISE EXCEPTION '{SAID}';
                ELSIF {altered} THEN
                    RAISE EXCEPTION '{SAID}';
                END IF;
                RETURN NEW;
            END $$
            """
        )
        op.execute(
            "CREATE TRIGGER history_kept BEFORE UPDATE OR DELETE ON history FOR EACH ROW EXECUTE FUNCTION history_guard()"
        )
        op.execute(
            "CREATE TRIGGER history_whole BEFORE TRUNCATE ON history FOR EACH STATEMENT EXECUTE FUNCTION history_guard()"
        )
        return
    altered = " OR ".join(
        [f"NEW.{name} IS NOT OLD.{name}" for name in FIXED]
        + [f"(NEW.{word} IS NOT OLD.{word} AND NEW.{salt} <> '')" for word, salt in WORDS]
        + [f"(NEW.{salt} IS NOT OLD.{salt} AND NEW.{salt} <> '')" for _, salt in WORDS[1:]]
    )
    op.execute(
        f"CREATE TRIGGER history_kept BEFORE UPDATE ON history WHEN {altered} BEGIN SELECT RAISE(ABORT, '{SAID}'); END"
    )
    op.execute(f"CREATE TRIGGER history_whole BEFORE DELETE ON history BEGIN SELECT RAISE(ABORT, '{SAID}'); END")
