"""Walking a graph of near vectors (Malkov and Yashunin, arXiv 1603.09320)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.search.dense.admitted import Admitted
from multimodal.memory.search.dense.codes import Rows, Vectors, as_numbers, blocks
from multimodal.memory.search.dense.contents import Arrays, SpanContents
from multimodal.memory.search.dense.faiss_parts import (
    FaissSearch,
    code_type,
    is_short,
    one_thread,
    point_at,
)
from multimodal.memory.search.dense.flat_search import exactly, fill_with_codes
from multimodal.memory.search.dense.library import faiss_library
from multimodal.memory.search.dense.settings import DenseSettings

# Where fewer are admitted, a walk would mostly meet others.
_FEW = 0.1


class HnswSearch(FaissSearch):
    """`faiss.IndexHNSWSQ` over codes and links, which are not copied.

    Args:
        contents: of kind `hnsw`.
    """

    def __init__(self, contents: SpanContents) -> None:
        faiss = faiss_library()
        self._kept = contents
        self._ef = contents.ef_search
        self._index = _empty(contents.width, contents.codes, contents.degree)
        self._storage = faiss.downcast_index(self._index.storage)
        fill_with_codes(self._storage, contents)
        graph = self._index.hnsw
        point_at(graph.neighbors, contents.arrays["links"])
        faiss.copy_array_to_vector(contents.arrays["ends"].astype(np.uint64), graph.offsets)
        faiss.copy_array_to_vector(np.asarray(contents.arrays["levels"]), graph.levels)
        graph.entry_point = contents.entry
        graph.max_level = int(contents.arrays["levels"].max()) - 1
        self._index.ntotal = contents.size

    def _answer(self, question: Vectors, count: int, admitted: Admitted | None) -> Rows:
        faiss = faiss_library()
        wanted = max(self._ef, count)
        if admitted is not None:
            if admitted.share < _FEW:
                return exactly(self._storage, question, count, admitted)
            wanted = math.ceil(wanted / admitted.share)
        selector = None if admitted is None else admitted.selector
        params = faiss.SearchParametersHNSW(efSearch=wanted, sel=selector)
        found: Rows = self._index.search(question, count, params=params)[1]
        return exactly(self._storage, question, count, admitted) if is_short(found, admitted) else found


def build_graph(stored: NDArray[Any], settings: DenseSettings) -> tuple[Arrays, int]:
    """Link near vectors, one after another in one thread, so that the graph is always the same.

    Args:
        stored: (m, D) codes as they are kept, m at least 1.
        settings: how many links, and how carefully they are chosen.

    Returns:
        The arrays `links`, `ends` and `levels`, and the entry.
    """
    faiss = faiss_library()
    index = _empty(stored.shape[1], settings.codes, settings.links)
    index.hnsw.efConstruction = settings.ef_construction
    with one_thread():
        for part in blocks(len(stored)):
            index.add(as_numbers(stored[part]))
    graph = index.hnsw
    links = np.empty(graph.neighbors.size(), np.int32)
    links[:] = faiss.rev_swig_ptr(graph.neighbors.data(), links.size)
    ends = faiss.vector_to_array(graph.offsets).astype(np.int64)
    levels = faiss.vector_to_array(graph.levels).astype(np.int32)
    return {"links": links, "ends": ends, "levels": levels}, int(graph.entry_point)


def _empty(width: int, codes: str, degree: int) -> Any:
    faiss = faiss_library()
    return faiss.IndexHNSWSQ(width, code_type(codes), degree, faiss.METRIC_INNER_PRODUCT)
