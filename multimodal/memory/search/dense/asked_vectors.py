"""`AskedVectors`: the vectors of questions, prepared once for all spans that are asked."""

from __future__ import annotations

import numpy as np

from multimodal.memory.search.dense.codes import Rows, Vectors, questions_for


class AskedVectors:
    """Vectors of Q questions.

    Attributes:
        rows: (q,) which of them are not zero; the others find nothing.

    Args:
        queries: (Q, D) rows of length 1 or 0.
    """

    def __init__(self, queries: Vectors) -> None:
        self._length = len(queries)
        self.rows: Rows = np.flatnonzero(queries.any(1))
        self._given: Vectors = np.ascontiguousarray(queries[self.rows], np.float32)
        self._prepared: dict[str, Vectors] = {}

    def __len__(self) -> int:
        return self._length

    def for_codes(self, codes: str) -> Vectors:
        """Return (q, D) those that are not zero, as they are compared with codes, see `questions_for`."""
        if codes not in self._prepared:
            self._prepared[codes] = questions_for(codes, self._given)
        return self._prepared[codes]
