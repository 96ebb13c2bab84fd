"""Near-duplicate posts: the same words or the same picture posted again."""

from __future__ import annotations

import hashlib
import unicodedata
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_loaders.captions import clean_caption

# Shorter captions ("good morning") are said by everyone and would glue a data set into one lump.
MINIMUM_CAPTION_LENGTH = 20
NO_KEY = 0
# Of the 64 bits of a perceptual hash. A picture that is scaled and compressed again stays within 4 bits nineteen times
# in twenty and keeps all of them only one time in three; different pictures are far more than 8 apart.
IMAGE_DISTANCE_BITS = 4


def caption_key(caption: str | None) -> int:
    """Return a 64-bit fingerprint that captions with the same words share.

    Hashtags, web addresses, mentions, white space, letter case and compatibility forms (NFKC) make no difference.

    Returns:
        The fingerprint, or `NO_KEY` when fewer than `MINIMUM_CAPTION_LENGTH` characters remain.
    """
    if caption is None or len(caption) < MINIMUM_CAPTION_LENGTH:
        return NO_KEY
    words = "".join(unicodedata.normalize("NFKC", clean_caption(caption)).casefold().split())
    if len(words) < MINIMUM_CAPTION_LENGTH:
        return NO_KEY
    digest = hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1


def group_duplicates(caption_keys: NDArray[np.uint64], image_keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Join posts with the same caption or with images at most `IMAGE_DISTANCE_BITS` apart, also through others.

    Args:
        caption_keys: (N,) see `caption_key`; `NO_KEY` joins nothing.
        image_keys: (N,) perceptual hashes, `NO_KEY` for none.

    Returns:
        (N,) for every post the position of the first post of its group; its own when it stands alone.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(caption_keys)
    pairs = [_links(caption_keys), _links(image_keys), _near_links(image_keys)]
    firsts = np.concatenate([first for first, _ in pairs])
    if not len(firsts):
        return np.arange(count)
    others = np.concatenate([other for _, other in pairs])
    edges = coo_array((np.ones(len(firsts), np.int8), (firsts, others)), shape=(count, count))
    _, labels = connected_components(edges, directed=False)
    _, first, group_of = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(first[group_of], np.int64)


_Links: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]


def _links(keys: NDArray[np.uint64]) -> _Links:
    """Return (first post with a key, another post with it) for every repeat of a key."""
    positions = np.flatnonzero(keys != NO_KEY)
    _, first, key_of = np.unique(keys[positions], return_index=True, return_inverse=True)
    firsts = positions[first[key_of]]
    repeats = firsts != positions
    return firsts[repeats], positions[repeats]


def _near_links(keys: NDArray[np.uint64]) -> _Links:
    """Return pairs of posts whose keys differ in 1 to `IMAGE_DISTANCE_BITS` bits.

    Of one band of bits more than may differ at least one is equal, so only keys that share a band are compared.
    """
    positions = np.flatnonzero(keys != NO_KEY)
    unique, first = np.unique(keys[positions], return_index=True)
    pairs = [_pairs_in_band(unique, *band) for band in _bands(IMAGE_DISTANCE_BITS + 1)]
    lower = np.concatenate([low for low, _ in pairs])
    upper = np.concatenate([high for _, high in pairs])
    return positions[first[lower]], positions[first[upper]]


def _bands(count: int) -> list[tuple[int, int]]:
    """Return (shift, width) of bands that part 64 bits as evenly as can be."""
    edges = [64 * number // count for number in range(count + 1)]
    return [(low, high - low) for low, high in pairwise(edges)]


def _pairs_in_band(keys: NDArray[np.uint64], shift: int, width: int) -> _Links:
    bands = (keys >> np.uint64(shift)) & np.uint64((1 << width) - 1)
    order = np.argsort(bands, kind="stable")
    keys, bands = keys[order], bands[order]
    left = np.arange(len(keys))
    found: list[_Links] = [(order[:0], order[:0])]
    step = 1
    # Each key against the next of its band, then the one after that, until no band is that long.
    while len(left):
        left = left[left + step < len(keys)]
        left = left[bands[left] == bands[left + step]]
        apart = _count_bits(keys[left] ^ keys[left + step])
        near = left[apart <= IMAGE_DISTANCE_BITS]
        found.append((order[near], order[near + step]))
        step += 1
    return np.concatenate([low for low, _ in found]), np.concatenate([high for _, high in found])


_BITS_OF_16 = np.array([number.bit_count() for number in range(1 << 16)], np.uint8)


def _count_bits(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.asarray(_BITS_OF_16[values.view(np.uint16).reshape(-1, 4)].sum(axis=1, dtype=np.int64))
