"""`PostColumns`: what the search reads of remembered posts, by position."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

WORDS = "words"
"""Name of the space of caption terms; every other name is a space of dense vectors."""


class PostColumns(Protocol):
    """Remembered posts by position; positions follow the order of appending and never change, nor do their rows.

    Posts may be appended while others read: `len` counts a post only once all its columns are there.
    """

    def __len__(self) -> int:
        """Return N, the number of posts."""

    @property
    def instants_us(self) -> Ints:
        """(N,) instants, microseconds since 1970."""

    @property
    def alive(self) -> Mask | None:
        """(N,) False for posts that were withdrawn or forgotten; None if there are none."""

    def terms_at(self, positions: Ints) -> sparse.csr_matrix:
        """Return the caption terms of n posts, (n, slots) float32 rows of length 1 or 0."""

    def vectors_at(self, space: str, positions: Ints) -> Floats:
        """Return the vectors of n posts in a dense space, (n, width), of any length; 0 where a post has none."""
