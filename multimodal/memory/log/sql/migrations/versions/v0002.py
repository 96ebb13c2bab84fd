"""Pseudonyms with a salt of the log's own, and an index of who was forgotten."""

import sqlalchemy as sa
from alembic import op

from multimodal.memory.log.pseudonyms import new_salt

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both to a log, which may have entries."""
    op.add_column("memory_log_facts", sa.Column("salt", sa.Text()))
    op.execute(sa.text("UPDATE memory_log_facts SET salt = :salt").bindparams(salt=new_salt()))
    forgotten = sa.text("kind = 'forgotten'")
    op.create_index(
        "memory_log_forgotten", "memory_log", ["user_id"], sqlite_where=forgotten, postgresql_where=forgotten
    )
