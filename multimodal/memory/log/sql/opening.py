"""Open or make the tables of a log: migrations, and whose log it is."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from multimodal.memory.log.errors import ForeignStoreError, StoreDamagedError, StoreError
from multimodal.memory.log.pseudonyms import new_salt
from multimodal.memory.log.sql.addresses import Address
from multimodal.memory.log.sql.engines import WRITING
from multimodal.memory.log.sql.schema import FACTS, SCHEMA_VERSION, VERSION_TABLE

_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number, the same in every process: the advisory lock of PostgreSQL under which one of them migrates.
_MIGRATING = 7_415_016_323_980_122_461


def prepare_file(path: Path) -> None:
    """Refuse a path at which no database can be.

    Raises:
        StoreError: it is a folder, or in a folder that does not exist.
    """
    if path.is_dir():
        raise StoreError(f"the log {path} is a folder; give the path of a file, such as {path / 'memory.sqlite'}.")
    if not path.parent.is_dir():
        raise StoreError(f"the log {path} cannot be made: the folder {path.parent} does not exist; make it first.")


def open_tables(engine: Engine, address: Address, fingerprint: str | None) -> tuple[str, str]:
    """Bring the tables to this version, make them if there are none; return fingerprint and salt of the log.

    Args:
        engine: of the database.
        address: of the log, for messages.
        fingerprint: that it has to have; None for any, if there is a log.

    Raises:
        StoreError: the log is of a newer version, or of another model, or the database is that of another program.
        StoreDamagedError: the tables lack what every log has.
    """
    with engine.connect() as connection:
        version = _version(connection, address)
    if version is None and fingerprint is None:
        raise StoreError(f"there is no log at {address.location}; it is made when a model opens it.")
    if version != SCHEMA_VERSION:
        _migrate(engine, address, str(fingerprint))
    with engine.connect() as connection:
        row = connection.execute(select(FACTS.c.fingerprint, FACTS.c.salt)).first()
    if row is None or not row.salt:
        raise StoreDamagedError(f"the log {address.location} does not say whose it is. Restore it from a backup.")
    known = str(row.fingerprint)
    if fingerprint not in (None, known):
        raise ForeignStoreError(
            f"the log {address.location} holds vectors of another model: its fingerprint is {known!r}, that of this "
            f"model {fingerprint!r}. Open it with the model that made it, or choose another path or database for this "
            "model; one log cannot serve both."
        )
    return known, str(row.salt)


def _version(connection: Connection, address: Address) -> str | None:
    """Return the version of the log, None if there is none."""
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE not in tables:
        if tables and address.path is not None:
            raise StoreError(
                f"{address.location} is the database of another program: it holds the table {tables[0]!r}. Choose "
                "another path for the log."
            )
        return None
    version: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    if version is not None and version > SCHEMA_VERSION:
        raise StoreError(
            f"the log {address.location} has version {version}; this program knows versions up to {SCHEMA_VERSION}. "
            "Install the multimodal-hashtags that wrote it, or a newer one."
        )
    return version


def _migrate(engine: Engine, address: Address, fingerprint: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.connect().execution_options(**{WRITING: True}) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
        version = _version(connection, address)  # another process may have been faster
        if version != SCHEMA_VERSION:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        if version is None:
            created = datetime.now(timezone.utc).isoformat(timespec="seconds")
            facts = {"id": 1, "created": created, "fingerprint": fingerprint, "last_number": 0, "salt": new_salt()}
            connection.execute(insert(FACTS).values(facts))
