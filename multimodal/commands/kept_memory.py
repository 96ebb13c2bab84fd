"""`require_log`: commands that only make sense on a memory that is there make none."""

from __future__ import annotations


def require_log(address: str) -> None:
    """Refuse a memory that has no log: a mistyped path would become an empty memory, of which anything is true.

    Args:
        address: path of the SQLite file, or URL of the PostgreSQL database.

    Raises:
        StoreError: there is no log, or it cannot be opened.
    """
    from multimodal.memory.log.opening import open_store

    open_store(address, None).close()
