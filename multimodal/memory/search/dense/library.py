"""faiss, imported where it is used."""

from __future__ import annotations

from functools import cache
from typing import Any


def faiss_library() -> Any:
    """Return the module `faiss`, whose stubs know neither selectors nor keyword arguments."""
    import faiss

    return faiss


@cache
def has_faiss() -> bool:
    """Return whether faiss can be imported, with the codes that are used here."""
    try:
        faiss = faiss_library()
    except ImportError:
        return False
    return hasattr(faiss.ScalarQuantizer, "QT_8bit_direct_signed")
