"""Posts of one kind: those with equally many hits among the first K and equally many true hashtags.

Hit rate, precision, recall and F1 of a post depend on these two numbers alone, and there are few kinds. So means over
many posts are means over kinds, each with its number of posts: the same to the last bit, and several times faster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import Floats, Ints
from multimodal.evaluation.metrics.chunks import map_chunks

# Few enough that their kinds stay in the cache from one place to the next.
_POSTS_COUNTED_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True)
class Kinds:
    """M kinds of posts.

    Attributes:
        found: (M, 1) hits among the first K.
        true_count: (M,) true hashtags.
        posts: (M, n_k) how many posts are of each kind at each cut-off.
    """

    found: Floats
    true_count: Ints
    posts: Ints


def count_kinds(hits: NDArray[np.bool_], true_count: Ints, ks: Ints) -> Kinds:
    """Count the posts of each kind.

    Args:
        hits: (N, K) whether the hashtag at a rank is true.
        true_count: (N,) true hashtags, 0 or more; at least one post.
        ks: (n_k,) rising cut-offs; beyond K the last place holds.
    """
    sizes = np.flatnonzero(np.bincount(true_count))
    code = np.zeros(int(sizes[-1]) + 1, np.int64)
    code[sizes] = np.arange(len(sizes))
    shape = (len(ks), (hits.shape[1] + 1) * len(sizes))

    def count(chunk: slice) -> Ints:
        posts, kind, done = np.empty(shape, np.int64), code[true_count[chunk]], 0
        if not hits[chunk].any():
            posts[:] = np.bincount(kind, minlength=shape[1])
            return posts
        for number, k in enumerate(ks):
            for place in range(done, min(int(k), hits.shape[1])):
                kind += hits[chunk, place] * len(sizes)
            done = max(done, min(int(k), hits.shape[1]))
            posts[number] = np.bincount(kind, minlength=shape[1])
        return posts

    parts = map_chunks(count, len(hits), _POSTS_COUNTED_AT_ONCE, "Counting hits", threads=1)
    found = np.repeat(np.arange(hits.shape[1] + 1.0), len(sizes))[:, None]
    return Kinds(found, np.tile(sizes, hits.shape[1] + 1), np.sum(list(parts), axis=0).T)
