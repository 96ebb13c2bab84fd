"""What the migrations make is what the tables say, in both databases."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from multimodal.memory.log.opening import open_store
from multimodal.memory.log.sql import opening
from multimodal.memory.log.sql.addresses import read_address
from multimodal.memory.log.sql.engines import make_engine
from multimodal.memory.log.sql.schema import METADATA, SCHEMA_VERSION, VERSION_TABLE


@pytest.fixture
def engine(address):
    made = make_engine(read_address(address))
    yield made
    made.dispose()


def described(connection):
    """Return columns and indices of the tables, as the database tells them."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        # A column that was added stands behind the keys in the text, so columns are compared as a set.
        return {name: sorted(part.strip() for part in re.split(r"[\n,()]", sql) if part.strip()) for name, sql in rows}
    columns = "table_name, column_name, data_type, is_nullable, column_default, ordinal_position"
    tables = connection.execute(
        sa.text(f"SELECT {columns} FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1, 2")
    )
    indices = connection.execute(
        sa.text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1")
    )
    return [tuple(row) for row in tables], [tuple(row) for row in indices]


def test_migrated_tables_are_those_of_the_schema(address, engine):
    open_store(address, "model-a").close()
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, METADATA) == []
        migrated = described(connection)
    with engine.begin() as connection:
        METADATA.drop_all(connection)
        METADATA.create_all(connection)
        assert described(connection) == migrated


def test_the_newest_migration_is_the_version_of_the_schema():
    scripts = ScriptDirectory(str(opening._MIGRATIONS))
    assert scripts.get_heads() == [SCHEMA_VERSION]
    assert [script.revision for script in scripts.walk_revisions()][::-1] == ["0001", "0002"]
