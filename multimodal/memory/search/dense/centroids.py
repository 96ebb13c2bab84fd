"""The centroids of an inverted file: spherical k-means in whole numbers, the same for any number of threads.

Products of vectors of bytes are whole numbers, which every order of summation gives alike. So neither the number of
threads, nor the library that multiplies, nor the size of a block decides which centroid is nearest.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.search.dense.codes import LARGEST, Integers, blocks

_ROUNDS = 6
_SAMPLED_A_LIST = 32
_PRODUCTS_AT_ONCE = 2**22
# Up to here float32 holds every whole number.
_EXACT = 2**24


def find_centroids(codes: Integers, lists: int) -> Integers:
    """Return (L, D) centroids of evenly spaced codes, at most 32 of them for each centroid.

    Args:
        codes: (n, D) vectors of about equal lengths.
        lists: the number of centroids, L, at most n.
    """
    sample = codes[_evenly(len(codes), lists * _SAMPLED_A_LIST)]
    centroids = sample[_evenly(len(sample), lists)]
    for _ in range(_ROUNDS):
        nearest = nearest_centroids(sample, centroids)
        order = np.argsort(nearest, kind="stable")
        filled, starts = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(sample[order], starts, axis=0, dtype=np.int32).astype(np.float64)
        sums /= np.maximum(np.sqrt((sums * sums).sum(1, keepdims=True)), 1e-12)
        moved = centroids.copy()
        moved[filled] = np.rint(sums * (LARGEST / np.abs(sums).max()))
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids


def _evenly(size: int, count: int) -> NDArray[np.int64]:
    count = min(size, count)
    return np.arange(count, dtype=np.int64) * size // max(count, 1)


def nearest_centroids(codes: Integers, centroids: Integers) -> NDArray[np.int64]:
    """Return the centroid with the largest product for each code, the first of equals: (n,).

    Args:
        codes: (n, D).
        centroids: (L, D).
    """
    nearest: NDArray[np.int64] = np.zeros(len(codes), np.int64)
    for part in blocks(len(codes), max(_PRODUCTS_AT_ONCE // len(centroids), 1)):
        nearest[part] = products(codes[part], centroids).argmax(1)
    return nearest


def products(left: Integers, right: Integers) -> NDArray[np.int32] | NDArray[np.float32] | NDArray[np.float64]:
    """Return the exact inner products of all pairs of rows, (n, D) and (m, D) ▶ (n, m)."""
    if _multiplies_bytes():
        return _in_bytes(left, right)
    kind = np.float32 if left.shape[1] * LARGEST**2 <= _EXACT else np.float64
    exact: NDArray[np.float32] | NDArray[np.float64] = left.astype(kind) @ right.T.astype(kind)
    return exact


@cache
def _multiplies_bytes() -> bool:
    """Return whether torch multiplies bytes exactly: without VNNI some processors lose what exceeds 16 bits."""
    extreme = np.full((64, 64), LARGEST, np.int8)
    extreme[::2] = -LARGEST
    try:
        found = _in_bytes(extreme, extreme)
    except (AttributeError, RuntimeError):
        return False
    return np.array_equal(found, extreme.astype(np.int32) @ extreme.T.astype(np.int32))


def _in_bytes(left: Integers, right: Integers) -> NDArray[np.int32]:
    import torch

    # Ten times as fast as products in float32 where there is VNNI or AMX.
    found: NDArray[np.int32] = torch._int_mm(torch.from_numpy(left), torch.from_numpy(right).T).numpy()
    return found
