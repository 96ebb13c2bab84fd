"""`open_store`: a log by its address."""

from __future__ import annotations

from pathlib import Path

from data_loaders.errors import short_repr
from multimodal.memory.log.errors import StoreError
from multimodal.memory.log.in_process import InProcessStore
from multimodal.memory.log.store import EventStore


def open_store(address: str | Path | None, fingerprint: str | None) -> EventStore:
    """Open a log, made if there is none at the address.

    Args:
        address: the path of a SQLite file, `sqlite:///PATH`, or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; None
            or `":memory:"` for a log that ends with the process.
        fingerprint: of the model, or of its encoders, whose vectors the log holds; None to accept that of an existing
            log.

    Raises:
        StoreError: the address is unusable, or the log is of a newer version or of another model.
        StoreUnavailableError: the database cannot be reached at the moment.
        StoreDamagedError: it cannot be read.
    """
    if fingerprint is not None and not (isinstance(fingerprint, str) and fingerprint):
        raise StoreError(f"fingerprint: {short_repr(fingerprint)}; accepted: a text that is not empty, or None.")
    if address is None or str(address) in (":memory:", "sqlite://", "sqlite:///:memory:"):
        return InProcessStore(fingerprint or "")
    try:
        from multimodal.memory.log.sql.addresses import read_address
        from multimodal.memory.log.sql.store import SqlStore

        return SqlStore(read_address(address), fingerprint)
    except ModuleNotFoundError as error:
        if error.name not in ("sqlalchemy", "alembic"):
            raise
        raise StoreError(f"a log that is kept needs the package {error.name!r}: pip install {error.name}.") from None
