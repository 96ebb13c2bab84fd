"""Comparing a question with every vector of a span."""

from __future__ import annotations

from typing import Any

import numpy as np

from multimodal.memory.search.dense.admitted import Admitted
from multimodal.memory.search.dense.codes import Rows, Vectors
from multimodal.memory.search.dense.contents import SpanContents
from multimodal.memory.search.dense.faiss_parts import FaissSearch, code_type, point_at
from multimodal.memory.search.dense.library import faiss_library


class FlatSearch(FaissSearch):
    """`faiss.IndexScalarQuantizer` over the codes, which are not copied.

    Args:
        contents: of kind `flat`.
    """

    def __init__(self, contents: SpanContents) -> None:
        faiss = faiss_library()
        self._kept = contents
        self._index = faiss.IndexScalarQuantizer(contents.width, code_type(contents.codes), faiss.METRIC_INNER_PRODUCT)
        fill_with_codes(self._index, contents)

    def _answer(self, question: Vectors, count: int, admitted: Admitted | None) -> Rows:
        return exactly(self._index, question, count, admitted)


def fill_with_codes(index: Any, contents: SpanContents) -> None:
    """Let an empty `faiss.IndexScalarQuantizer` hold the codes of a span, which have to outlive it."""
    point_at(index.codes, contents.arrays["codes"].reshape(-1).view(np.uint8))
    index.ntotal = contents.size
    index.is_trained = True


def exactly(index: Any, question: Vectors, count: int, admitted: Admitted | None) -> Rows:
    """Return (1, k) indices with the largest products among all that are admitted."""
    faiss = faiss_library()
    params = None if admitted is None else faiss.SearchParameters(sel=admitted.selector)
    found: Rows = index.search(question, count, params=params)[1]
    return found
