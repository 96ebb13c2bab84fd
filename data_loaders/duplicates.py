"""Near-duplicate posts: the same words or the same picture posted again."""

from __future__ import annotations

import hashlib
import unicodedata

import numpy as np
from numpy.typing import NDArray

from data_loaders.captions import clean_caption

# Shorter captions ("good morning") are said by everyone and would glue a data set into one lump.
MINIMUM_CAPTION_LENGTH = 20
NO_KEY = 0


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
    """Join posts that share a caption or an image, also through others.

    Args:
        caption_keys: (N,) see `caption_key`; `NO_KEY` joins nothing.
        image_keys: (N,) perceptual hashes, `NO_KEY` for none.

    Returns:
        (N,) for every post the position of the first post of its group; its own when it stands alone.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(caption_keys)
    pairs = [_links(caption_keys), _links(image_keys)]
    firsts = np.concatenate([first for first, _ in pairs])
    if not len(firsts):
        return np.arange(count)
    others = np.concatenate([other for _, other in pairs])
    edges = coo_array((np.ones(len(firsts), np.int8), (firsts, others)), shape=(count, count))
    _, labels = connected_components(edges, directed=False)
    _, first, group_of = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(first[group_of], np.int64)


def _links(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (first post with a key, another post with it) for every repeat of a key."""
    positions = np.flatnonzero(keys != NO_KEY)
    _, first, key_of = np.unique(keys[positions], return_index=True, return_inverse=True)
    firsts = positions[first[key_of]]
    repeats = firsts != positions
    return firsts[repeats], positions[repeats]
