"""The first schema: entries, and facts about the log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of an empty log."""
    op.create_table(
        "memory_log",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text()),
        sa.Column("post_id", sa.Text()),
        sa.Column("instant_us", sa.BigInteger()),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("arrays", sa.LargeBinary()),
        sa.Column("checksum", sa.BigInteger(), nullable=False),
    )
    observed, others = sa.text("kind = 'observed'"), sa.text("kind <> 'observed'")
    op.create_index(
        "memory_log_posts", "memory_log", ["post_id"], unique=True, sqlite_where=observed, postgresql_where=observed
    )
    op.create_index("memory_log_about", "memory_log", ["post_id"], sqlite_where=others, postgresql_where=others)
    op.create_index("memory_log_users", "memory_log", ["user_id"])
    op.create_table(
        "memory_log_facts",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("created", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
    )
