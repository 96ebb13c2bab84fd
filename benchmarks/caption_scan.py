"""The search that `NeighbourIndex` replaced, to compare with: every caption is compared with every question."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy import sparse

from data_loaders.batches import Related
from multimodal.distributed.processes import is_main_process

Ints = NDArray[np.int64]

_QUERIES_A_BLOCK = 128
_FEW_QUERIES = 8
_BAR_FROM_QUERIES = 5_000
_HOUR_US = 3_600_000_000


def find_neighbours(
    queries: sparse.csr_matrix,
    query_instants_us: Ints,
    remembered: sparse.csr_matrix,
    instants_us: Ints,
    count: int,
    decay: float = 0.0,
) -> Related:
    """Find the most similar remembered posts strictly before each query's instant: cosine · (age + 1 h)^-decay.

    Ties go to the later instant, then to the later position: the result for a query depends only on the posts
    before it.

    Args:
        queries: (Q, SLOTS) rows of length 1 (or empty).
        query_instants_us: (Q,).
        remembered: (N, SLOTS) rows of the remembered posts by position.
        instants_us: (N,) their instants.
        count: how many to find, n.
        decay: how fast the weight of a post falls with its age, at least 0; 0: similarity alone.

    Returns:
        Positions (Q, n), best first, -1 where fewer share a word, and their similarity (the cosine).
    """
    positions = np.full((queries.shape[0], count), -1, np.int64)
    similarity = np.zeros((queries.shape[0], count), np.float32)
    if not count or not remembered.shape[0]:
        return Related(positions, similarity)
    search = _one_by_one if queries.shape[0] <= _FEW_QUERIES else _in_blocks
    # In double precision, so that both searches round to the same similarity.
    for row, candidates, values in search(queries.astype(np.float64), query_instants_us, remembered, instants_us):
        values = np.round(values, 5)
        # In floating point: the distance between a dated and an undated post overflows an integer.
        hours = (float(query_instants_us[row]) - instants_us[candidates].astype(np.float64)) / _HOUR_US
        best = _largest(values * (hours + 1) ** -decay, candidates, instants_us, count)
        positions[row, : len(best)] = candidates[best]
        similarity[row, : len(best)] = values[best]
    return Related(positions, similarity)


_Found = Iterator[tuple[int, Ints, NDArray[np.float64]]]


def _one_by_one(queries: sparse.csr_matrix, moments: Ints, remembered: sparse.csr_matrix, instants_us: Ints) -> _Found:
    """Compare each query with every post: nothing to sort or transpose, which is fastest for a few queries."""
    for row in range(queries.shape[0]):
        values = remembered @ queries[row].toarray().ravel()
        candidates = np.flatnonzero((values > 0) & (instants_us < moments[row]))
        yield row, candidates, values[candidates]


def _in_blocks(queries: sparse.csr_matrix, moments: Ints, remembered: sparse.csr_matrix, instants_us: Ints) -> _Found:
    """Compare blocks of queries of about the same time with all posts earlier than the last of them."""
    by_time = np.argsort(instants_us, kind="stable")
    earlier = np.searchsorted(instants_us[by_time], moments, side="left")
    columns = remembered[by_time].T.tocsr()
    for rows in _blocks(np.argsort(moments, kind="stable")):
        scores = (queries[rows] @ columns[:, : int(earlier[rows].max())]).tocsr()
        for index, row in enumerate(rows):
            entries = slice(scores.indptr[index], scores.indptr[index + 1])
            order, values = scores.indices[entries], scores.data[entries]
            usable = (order < earlier[row]) & (values > 0)
            yield int(row), by_time[order[usable]], values[usable]


def _largest(values: NDArray[np.float64], candidates: Ints, instants_us: Ints, count: int) -> Ints:
    """Return which of the candidates have the largest positive values, the later first among equals."""
    kept = np.flatnonzero(values > 0)
    if len(kept) > count:
        threshold = np.partition(values[kept], len(kept) - count)[len(kept) - count]
        kept = kept[values[kept] >= threshold]
    positions = candidates[kept]
    return kept[np.lexsort((-positions, -instants_us[positions], -values[kept]))[:count]]


def _blocks(order: Ints) -> Iterator[Ints]:
    starts = range(0, len(order), _QUERIES_A_BLOCK)
    quiet = len(order) < _BAR_FROM_QUERIES or not is_main_process()
    for start in track(starts, "finding similar posts", disable=quiet):
        yield order[start : start + _QUERIES_A_BLOCK]
