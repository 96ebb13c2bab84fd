"""The tables of the log, the same in SQLite and PostgreSQL; `migrations` makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

METADATA = MetaData()
VERSION_TABLE = "memory_log_version"
# The newest revision in `migrations/versions`.
SCHEMA_VERSION = "0002"

# As text: the databases use a partial index only where a query repeats its condition literally.
IS_OBSERVED = text("kind = 'observed'")
IS_ANOTHER = text("kind <> 'observed'")
IS_FORGETTING = text("kind = 'forgotten'")

# See `event_coding.Row`.
LOG = Table(
    "memory_log",
    METADATA,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("user_id", Text),
    Column("post_id", Text),
    Column("instant_us", BigInteger),
    Column("payload", Text, nullable=False),
    Column("arrays", LargeBinary),
    Column("checksum", BigInteger, nullable=False),
)
Index("memory_log_posts", LOG.c.post_id, unique=True, sqlite_where=IS_OBSERVED, postgresql_where=IS_OBSERVED)
Index("memory_log_about", LOG.c.post_id, sqlite_where=IS_ANOTHER, postgresql_where=IS_ANOTHER)
Index("memory_log_users", LOG.c.user_id)
Index("memory_log_forgotten", LOG.c.user_id, sqlite_where=IS_FORGETTING, postgresql_where=IS_FORGETTING)

# One row. `last_number` numbers the entries: whoever appends holds its lock until the commit. `salt` of pseudonyms.
FACTS = Table(
    "memory_log_facts",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("created", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("last_number", BigInteger, nullable=False),
    Column("salt", Text),
)
