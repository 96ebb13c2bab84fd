"""Find near-duplicate posts: the same words or the same picture, posted again."""

from __future__ import annotations

import hashlib
import unicodedata
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_loaders.images.fingerprints import NO_KEY
from data_loaders.text.captions import clean_caption

# Shorter captions ("good morning") are so common that they would join unrelated posts.
MINIMUM_CAPTION_LENGTH = 20
# Out of the 64 bits of a perceptual hash. After rescaling and recompression, 19 in 20 pictures differ by at most 4
# bits, but only 1 in 3 keeps all bits; different pictures differ by far more than 8.
IMAGE_DISTANCE_BITS = 4
# Between the mean colours (0..255) of a picture's quarters; rescaling and recompression change them by at most 6.
COLOUR_DISTANCE = 8
# A key is compared with at most so many others of its band, which bounds the work on thousands of look-alikes.
_MOST_COMPARED = 1_000


def caption_key(caption: str | None) -> int:
    """Return a 64-bit fingerprint, equal for captions with the same words.

    Hashtags, web addresses, mentions, white space, letter case and compatibility forms (NFKC) are ignored.

    Returns:
        The fingerprint, or `NO_KEY` when fewer than `MINIMUM_CAPTION_LENGTH` characters remain.

    >>> caption_key("Low tide at dusk, and no one here") == caption_key("low  tide at dusk, and no one HERE #beach")
    True
    """
    if caption is None or len(caption) < MINIMUM_CAPTION_LENGTH:
        return NO_KEY
    words = "".join(unicodedata.normalize("NFKC", clean_caption(caption)).casefold().split())
    if len(words) < MINIMUM_CAPTION_LENGTH:
        return NO_KEY
    digest = hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1


def group_duplicates(
    caption_keys: NDArray[np.uint64], image_keys: NDArray[np.uint64], image_colours: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Group posts that have the same caption or the same picture, directly or through other posts.

    Pictures are the same when their hashes differ by at most `IMAGE_DISTANCE_BITS` bits and no colour differs by more
    than `COLOUR_DISTANCE`.

    Args:
        caption_keys: (N,) see `caption_key`; `NO_KEY` matches nothing.
        image_keys: (N,) perceptual hashes, `NO_KEY` for none.
        image_colours: (N, 12) colour signatures.

    Returns:
        (N,) for each post the position of the first post of its group, which may be the post itself.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(caption_keys)
    pairs = [_same_caption(caption_keys), *_same_image(image_keys, image_colours)]
    firsts = np.concatenate([first for first, _ in pairs])
    if not len(firsts):
        return np.arange(count)
    others = np.concatenate([other for _, other in pairs])
    edges = coo_array((np.ones(len(firsts), np.int8), (firsts, others)), shape=(count, count))
    _, labels = connected_components(edges, directed=False)
    _, first, group_of = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(first[group_of], np.int64)


_Links: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]


def _same_caption(keys: NDArray[np.uint64]) -> _Links:
    """Return (first post with a key, later post with the same key) for every repeat of a key."""
    positions = np.flatnonzero(keys != NO_KEY)
    _, first, key_of = np.unique(keys[positions], return_index=True, return_inverse=True)
    return _repeats(positions, first, key_of)


def _repeats(positions: NDArray[np.int64], first: NDArray[np.int64], key_of: NDArray[np.int64]) -> _Links:
    firsts = positions[first[key_of]]
    repeats = firsts != positions
    return firsts[repeats], positions[repeats]


def _same_image(keys: NDArray[np.uint64], colours: NDArray[np.uint8]) -> list[_Links]:
    """Return pairs of posts whose pictures are the same.

    The keys are cut into one band more than the number of bits that may differ. Similar keys are equal in at least one
    band, so only keys that share a band are compared.
    """
    positions = np.flatnonzero(keys != NO_KEY)
    whole = np.column_stack([keys[positions, None].view(np.uint8), colours[positions]])
    _, first, key_of = np.unique(whole, axis=0, return_index=True, return_inverse=True)
    distinct = positions[first]
    links = [_repeats(positions, first, key_of.ravel())]
    for shift, width in _bands(IMAGE_DISTANCE_BITS + 1):
        low, high = _pairs_in_band(keys[distinct], colours[distinct], shift, width)
        links.append((distinct[low], distinct[high]))
    return links


def _bands(count: int) -> list[tuple[int, int]]:
    """Return (shift, width) of bands that divide 64 bits as evenly as possible."""
    edges = [64 * number // count for number in range(count + 1)]
    return [(low, high - low) for low, high in pairwise(edges)]


def _pairs_in_band(keys: NDArray[np.uint64], colours: NDArray[np.uint8], shift: int, width: int) -> _Links:
    bands = (keys >> np.uint64(shift)) & np.uint64((1 << width) - 1)
    order = np.lexsort((keys, bands))
    keys, colours, bands = keys[order], colours[order].astype(np.int16), bands[order]
    left = np.arange(len(keys))
    found: list[_Links] = [(order[:0], order[:0])]
    # Compare each key with the next one of its band, then with the one after that, until no band is that long.
    for step in range(1, _MOST_COMPARED + 1):
        left = left[left + step < len(keys)]
        left = left[bands[left] == bands[left + step]]
        if not len(left):
            break
        near = left[_count_bits(keys[left] ^ keys[left + step]) <= IMAGE_DISTANCE_BITS]
        near = near[np.abs(colours[near] - colours[near + step]).max(axis=1, initial=0) <= COLOUR_DISTANCE]
        found.append((order[near], order[near + step]))
    return np.concatenate([low for low, _ in found]), np.concatenate([high for _, high in found])


_BITS_OF_16 = np.array([number.bit_count() for number in range(1 << 16)], np.uint8)


def _count_bits(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.asarray(_BITS_OF_16[values.view(np.uint16).reshape(-1, 4)].sum(axis=1, dtype=np.int64))
