"""Connections to SQLite and PostgreSQL that keep what was acknowledged."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from multimodal.memory.log.errors import StoreError
from multimodal.memory.log.sql.addresses import Address

WAIT_S = 30.0
_PAUSE_S = 0.02
# Set on connections that are going to write.
WRITING = "memory_log_writing"


def make_engine(address: Address) -> Engine:
    """Return an engine for a database.

    SQLite: write-ahead log with `synchronous=FULL`, so that a commit returns only after the log is on the disk. With
    `NORMAL`, SQLite's usual choice for a write-ahead log, a power cut can take back what had been acknowledged;
    `kill -9` cannot in either. `secure_delete` overwrites what is deleted. A writer waits for others up to 30 s.

    PostgreSQL: READ COMMITTED, and commits that wait for the disk even where the server's default is not to.

    Raises:
        StoreError: psycopg is not installed.
    """
    if address.path is not None:
        return _sqlite(address)
    return _postgresql(address)


def _sqlite(address: Address) -> Engine:
    # `isolation_level` None: transactions begin where SQLAlchemy begins them, not where the driver sees a write.
    arguments = {"timeout": WAIT_S, "isolation_level": None}
    engine = create_engine(address.url, hide_parameters=True, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        _use_write_ahead_log(connection, address)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get(WRITING)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _use_write_ahead_log(connection: sqlite3.Connection, address: Address) -> None:
    # SQLite does not wait for a lock here: two processes may make the file at once.
    until = time.monotonic() + WAIT_S
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)
            continue
        if mode != "wal":
            raise StoreError(
                f"the log {address.location} cannot have a write-ahead log (its mode is {mode!r}), as on some network "
                "drives. Choose a path on a local disk, or PostgreSQL."
            )
        return


def _postgresql(address: Address) -> Engine:
    # A server that vanishes is noticed, and a writer that hangs stops the others for a while only.
    arguments: dict[str, Any] = {
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "tcp_user_timeout": round(WAIT_S * 1_000),
        "application_name": "multimodal-hashtags",
    }
    arguments = {name: value for name, value in arguments.items() if name not in address.url.query}
    try:
        engine = create_engine(
            address.url,
            hide_parameters=True,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            connect_args=arguments,
        )
    except ModuleNotFoundError as error:
        raise StoreError(
            f"a log in PostgreSQL needs the package {error.name!r}: pip install 'multimodal-hashtags[postgresql]'."
        ) from None

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{round(WAIT_S)}s'")
            cursor.execute("SHOW synchronous_commit")
            if cursor.fetchone()[0] == "off":
                cursor.execute("SET synchronous_commit = on")
        connection.commit()

    return engine
