"""The words of posts in a memory, stored as its content vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_loaders.posts import Post
from multimodal.encoders.captions.words import PAD, UNKNOWN, WordVocabulary
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.dense_spaces import CONTENT

# A float32 represents every integer up to here, so word ids can be stored as content vectors.
MOST_WORDS = 2**24


def word_vectors_of(
    posts: Sequence[Post], vocabulary: WordVocabulary, profile: str, width: int, with_hashtags: bool
) -> NDArray[np.float32]:
    """Return the ids of the known words of posts, (N, width), padded with `PAD`, to store in a `PostMemory`.

    A memory stores one vector per post and saves it with the model. Here it is not a point in a space but the list of
    the post's word ids, hashtags first, so that a long caption does not displace them.

    Args:
        posts: to be stored; they are read for later posts only, so their hashtags are known by then.
        vocabulary: at most `MOST_WORDS`.
        profile: how captions are cleaned.
        width: words kept of each post.
        with_hashtags: whether the hashtags count as words.
    """
    rows = np.full((len(posts), width), PAD, np.float32)
    for row, caption, post in zip(rows, cleaned_captions(posts, profile), posts, strict=True):
        text = " ".join([*post.hashtags, caption]) if with_hashtags else caption
        ids = vocabulary.ids(text, max(len(text), 1))
        known = ids[ids != UNKNOWN][:width]
        row[: len(known)] = known
    return rows


def words_at(memory: PostMemory, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the word ids of posts in a memory.

    Args:
        memory: its content vectors are those of `word_vectors_of`.
        positions: (B, H), -1 for none.

    Returns:
        (B, H, L) ids, `PAD` for missing words and posts.
    """
    ids = np.full((*positions.shape, memory.width), PAD, np.int64)
    ids[positions >= 0] = memory.vectors_at(CONTENT, positions[positions >= 0])
    return ids


def histories(memory: PostMemory, posts: Sequence[Post], limit: int) -> NDArray[np.int64]:
    """Return the positions of the most recent posts of each post's user, strictly earlier, (B, limit), newest first."""
    instants = np.array([post.instant_us for post in posts], np.int64)
    return memory.history([post.user_id for post in posts], instants, limit)
