"""Vectors as small numbers: a byte per dimension, whose products are whole numbers and thus exact in any order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import DataError

Vectors = NDArray[np.float32]
Integers = NDArray[np.int8]
Rows = NDArray[np.int64]

LARGEST = 127
_BLOCK = 65_536
# The length of a vector may differ from 1 by what half precision loses.
_TOLERANCE = 1e-2


def blocks(size: int, step: int = _BLOCK) -> Iterator[slice]:
    """Cut the numbers below a size into slices."""
    return (slice(start, min(start + step, size)) for start in range(0, size, step))


def check_vectors(vectors: Vectors) -> tuple[NDArray[np.bool_], float]:
    """Return which rows are not zero, (n,), and the largest absolute value.

    Args:
        vectors: (n, D), in memory or memory-mapped; read in blocks.

    Raises:
        DataError: a row that is not finite, or whose length is neither 0 nor 1.
    """
    present: NDArray[np.bool_] = np.zeros(len(vectors), bool)
    peak = 0.0
    for part in blocks(len(vectors)):
        block = np.asarray(vectors[part], np.float32)
        lengths = np.sqrt(np.einsum("nd,nd->n", block, block, dtype=np.float64))
        present[part] = lengths > 0
        wrong = np.flatnonzero(~(np.abs(lengths - 1) <= _TOLERANCE) & (lengths != 0))
        if wrong.size:
            row = int(wrong[0])
            raise DataError(
                f"Vector {part.start + row} has the length {lengths[row]:g}; a vector must have the length 1, "
                "or be zero where a post has none."
            )
        peak = max(peak, float(np.abs(block).max(initial=0)))
    return present, peak


def to_integers(vectors: Vectors, rows: Rows | None, peak: float) -> Integers:
    """Return vectors times 127 / peak, rounded.

    Args:
        vectors: (n, D).
        rows: (m,) which of them, None for all.
        peak: the largest absolute value.

    Returns:
        (m, D).
    """
    size = len(vectors) if rows is None else len(rows)
    codes = np.empty((size, vectors.shape[1]), np.int8)
    scale = np.float32(LARGEST / peak) if peak else np.float32(1)
    for part in blocks(size):
        block = np.asarray(vectors[part if rows is None else rows[part]], np.float32)
        codes[part] = np.rint(block * scale)
    return codes


def to_bytes(codes: Integers) -> NDArray[np.uint8]:
    """Return each number plus 128, as faiss keeps `QT_8bit_direct_signed`."""
    return codes.view(np.uint8) ^ np.uint8(128)


def from_bytes(kept: NDArray[np.uint8]) -> Integers:
    """Undo `to_bytes`."""
    return (kept ^ np.uint8(128)).view(np.int8)


def as_numbers(kept: NDArray[Any]) -> Vectors:
    """Return kept codes, bytes or half precision, as numbers."""
    numbers: Vectors = (from_bytes(kept) if kept.dtype == np.uint8 else kept).astype(np.float32)
    return numbers


def questions_for(codes: str, queries: Vectors) -> Vectors:
    """Return questions as they are compared with the codes: whole numbers for `int8`, each question by its own peak.

    Args:
        codes: `int8` or `float16`.
        queries: (Q, D), no row zero.
    """
    if codes != "int8":
        return queries
    scaled: Vectors = np.rint(queries * (np.float32(LARGEST) / np.abs(queries).max(1, keepdims=True)))
    return scaled
