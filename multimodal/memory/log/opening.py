"""`open_store`: a log by its address."""

from __future__ import annotations

from pathlib import Path

from multimodal.memory.log.errors import StoreError
from multimodal.memory.log.in_process import InProcessStore
from multimodal.memory.log.store import EventStore


def open_store(address: str | Path | None, fingerprint: str) -> EventStore:
    """Open a log, made if there is none at the address.

    Args:
        address: None or `":memory:"` for one that ends with the process.
        fingerprint: of the model, or of its encoders, whose vectors the log is to hold.
    """
    if address is None or str(address) == ":memory:":
        return InProcessStore(fingerprint)
    raise StoreError(f"{address} is no log that can be opened; accepted: None or ':memory:'.")
