"""Which tables are there, and what is in them?"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from bot.model import aware


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite, which knows no time zones, is given it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = aware(value)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


#: Rows that number themselves. SQLite does so only for a column that is called INTEGER; it is 64 bits wide all the same.
SERIAL = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

#: The number that each service gave out last; numbers are never given out again.
service = Table(
    "service",
    metadata,
    Column("name", Text, primary_key=True),
    Column("last_number", BigInteger, nullable=False),
)

#: Configurations that deployments pinned. They never change, so each is stored once and remembered.
plan = Table(
    "plan",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

#: The record. The snapshot is the truth; what stands in columns beside it is there to be searched.
deployment = Table(
    "deployment",
    metadata,
    Column("id", Text, primary_key=True),
    #: The id as people may type it, in any case.
    Column("folded", Text, nullable=False, unique=True),
    Column("number", BigInteger, nullable=False),
    Column("service", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    #: The engine's loop has to look at it: it is not over, or something of it still runs.
    Column("unsettled", Boolean, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("wake_at", Moment),
    Column("revision", BigInteger, nullable=False),
    Column("plan", Text, ForeignKey("plan.hash"), nullable=False),
    Column("snapshot", Text, nullable=False),
    UniqueConstraint("service", "number", name="deployment_number"),
    Index("deployment_newest", "opened_at"),
    Index("deployment_wake", "wake_at"),
    #: The sum of all revisions says whether anything changed at all (App Home).
    Index("deployment_revision", "revision"),
)
Index(
    "deployment_one_active",
    deployment.c.service,
    deployment.c.environment,
    unique=True,
    sqlite_where=text("active"),
    postgresql_where=text("active"),
)
Index(
    "deployment_unsettled",
    deployment.c.id,
    sqlite_where=text("unsettled"),
    postgresql_where=text("unsettled"),
)

#: The story. Rows are added and never changed, but for words and salts that are blanked when a person is forgotten.
history = Table(
    "history",
    metadata,
    Column("deployment", Text, ForeignKey("deployment.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("by_salt", Text, nullable=False),
    Column("by_digest", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("what_salt", Text, nullable=False),
    Column("what_digest", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("why_salt", Text, nullable=False),
    Column("why_digest", Text, nullable=False),
    #: The canonical text that was hashed.
    Column("facts", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

#: Each message as it should be and as it stands in Slack, by hashes; the words are rendered from the record when they are sent.
message = Table(
    "message",
    metadata,
    Column("deployment", Text, ForeignKey("deployment.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("to", Text, nullable=False),
    Column("in_thread", Boolean, nullable=False),
    Column("file", Boolean, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("ts", Text, nullable=False),
    #: Empty: nobody wants it any more.
    Column("wanted_hash", Text, nullable=False),
    Column("claim", BigInteger, nullable=False),
    Column("shown_hash", Text, nullable=False),
    #: The form that Slack will never take, and why.
    Column("refused_hash", Text, nullable=False),
    Column("refused_why", Text, nullable=False),
    Column("dirty_at", Moment),
)
#: Said in these very words by the query too, because that is how SQLite recognises that the index will do.
OWED = "(wanted_hash <> '' AND wanted_hash <> shown_hash) OR state = 'sending'"
Index("message_owed", message.c.dirty_at, sqlite_where=text(OWED), postgresql_where=text(OWED))

#: Who looked at App Home, and at which state of the world.
home = Table(
    "home",
    metadata,
    Column("person", Text, primary_key=True),
    Column("shown", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
)

#: Every judged measurement, for baselines.
finding = Table(
    "finding",
    metadata,
    Column("number", SERIAL, primary_key=True),
    Column("deployment", Text, ForeignKey("deployment.id"), nullable=False),
    Column("service", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("check", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("measured_at", Moment, nullable=False),
    Column("body", Text, nullable=False),
    Index("finding_newest", "service", "environment", "check", "measured_at"),
)

#: Deliveries from Slack that were handled already. Real time: it is about Slack's repetitions, not about people's days.
inbox = Table(
    "inbox",
    metadata,
    Column("key", Text, primary_key=True),
    Column("deployment", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("inbox_oldest", "at"),
)

#: What Slack said about people, so that it need not be asked each time.
person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("tz", Text, nullable=False),
    Column("learned_at", Moment, nullable=False),
    Index("person_email", "email"),
)

#: Change freezes: while one is in force, nothing may start there.
freeze = Table(
    "freeze",
    metadata,
    Column("number", SERIAL, primary_key=True),
    #: `*` is every one.
    Column("service", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("from_at", Moment, nullable=False),
    Column("until_at", Moment),
    Column("ended_at", Moment),
    Column("ended_by", Text, nullable=False),
)
