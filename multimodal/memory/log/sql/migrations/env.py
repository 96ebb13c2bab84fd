"""What Alembic runs to migrate a log, within the transaction of the connection that it is given."""

from alembic import context

from multimodal.memory.log.sql.schema import METADATA, VERSION_TABLE

# The name under which Alembic runs this file; it may be imported without effect.
if __name__ == "env_py":
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        version_table=VERSION_TABLE,
    )
    context.run_migrations()
