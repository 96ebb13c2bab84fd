"""`Admitted`: which vectors of a span a question may find."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.search.dense.library import faiss_library


class Admitted:
    """Some of the vectors of a span, by index.

    Args:
        size: vectors of the span, m.
        below: only indices below this one.
        mask: (m,) which of them, None for all.
    """

    def __init__(self, size: int, below: int, mask: NDArray[np.bool_] | None) -> None:
        self._below = min(max(below, 0), size)
        self._mask = None if mask is None else mask[: self._below]
        self.size = size

    @cached_property
    def count(self) -> int:
        """How many are admitted."""
        return self._below if self._mask is None else int(np.count_nonzero(self._mask))

    @property
    def share(self) -> float:
        """Which part of the vectors is admitted."""
        return self.count / max(self.size, 1)

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """(m,) which are admitted."""
        mask: NDArray[np.bool_] = np.zeros(self.size, bool)
        mask[: self._below] = True if self._mask is None else self._mask
        return mask

    @cached_property
    def selector(self) -> Any:
        """The `faiss.IDSelector`."""
        faiss = faiss_library()
        if self._mask is None:
            return faiss.IDSelectorRange(0, self._below)
        return faiss.IDSelectorBitmap(np.packbits(self._mask, bitorder="little"))
