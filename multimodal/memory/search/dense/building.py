"""Vectors ▶ the arrays of their index."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.search.dense.centroids import find_centroids, nearest_centroids
from multimodal.memory.search.dense.codes import Integers, Vectors, blocks, check_vectors, to_bytes, to_integers
from multimodal.memory.search.dense.contents import SpanContents, bytes_of_lists, layout
from multimodal.memory.search.dense.settings import DenseSettings


def index_vectors(vectors: Vectors, settings: DenseSettings) -> SpanContents:
    """Return the index of the vectors of a span, the same whenever it is built.

    Args:
        vectors: (n, D) rows of length 1 or 0.
        settings: how they are indexed.

    Raises:
        DataError: see `check_vectors`.
    """
    present, peak = check_vectors(vectors)
    rows = None if present.all() else np.flatnonzero(present)
    integers = to_integers(vectors, rows, peak)
    stored = to_bytes(integers) if settings.codes == "int8" else _halves(vectors, rows, integers)
    kind = settings.kind_of(len(integers))
    more: dict[str, Any] = {}
    arrays: dict[str, NDArray[Any]] = {"codes": stored}
    if kind == "ivf":
        arrays = _inverted_file(stored, integers, settings)
        more["probes"] = settings.probes_of(len(arrays["sizes"]))
    elif kind == "hnsw":
        from multimodal.memory.search.dense.hnsw_search import build_graph

        graph, entry = build_graph(stored, settings)
        arrays |= graph
        more = {"ef_search": settings.ef_search, "degree": settings.links, "entry": entry}
    if rows is not None:
        arrays["rows"] = rows
    length, width = vectors.shape
    return SpanContents(kind=kind, codes=settings.codes, length=length, width=width, arrays=arrays, **more)


def _halves(vectors: Vectors, rows: NDArray[np.int64] | None, like: Integers) -> NDArray[np.float16]:
    halves = np.empty(like.shape, np.float16)
    for part in blocks(len(like)):
        halves[part] = vectors[part if rows is None else rows[part]]
    return halves


def _inverted_file(stored: NDArray[Any], integers: Integers, settings: DenseSettings) -> dict[str, NDArray[Any]]:
    centroids = find_centroids(integers, settings.lists_of(len(integers)))
    nearest = nearest_centroids(integers, centroids)
    order = np.argsort(nearest, kind="stable")
    sizes = np.bincount(nearest, minlength=len(centroids)).astype(np.int64)
    code_bytes = stored.shape[1] * stored.dtype.itemsize
    lists = np.zeros(bytes_of_lists(sizes, code_bytes), np.uint8)
    ends = np.cumsum(sizes)
    for size, start, middle, end in zip(*layout(sizes, code_bytes), ends, strict=True):
        members = order[end - size : end]
        lists[start : start + size * code_bytes] = stored[members].reshape(-1).view(np.uint8)
        lists[middle : middle + size * members.itemsize] = members.view(np.uint8)
    return {"centroids": to_bytes(centroids), "sizes": sizes, "lists": lists}
