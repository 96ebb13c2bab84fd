"""Which hashtags were used strictly before an instant: by a user, or by anybody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.post_memory import PostMemory

Ints = NDArray[np.int64]
_UNUSED = np.iinfo(np.int64).max
_POSTS_FIRST, _MORE = 1_024, 16


def own_hashtags(memory: PostMemory, user_id: str | None, instant_us: int) -> list[str]:
    """Return the hashtags of a user's posts strictly before an instant, those used last first."""
    moments, limit = np.array([instant_us], np.int64), _POSTS_FIRST
    positions = memory.history([user_id], moments, limit)[0]
    while positions[-1] >= 0:
        limit *= _MORE
        positions = memory.history([user_id], moments, limit)[0]
    _, hashtags = memory.hashtag_pairs(positions)
    return [memory.id_map[index] for index in dict.fromkeys(hashtags.tolist())]


class FirstUses:
    """When each hashtag was used first, by anybody; all posts of a memory are read once.

    Args:
        memory: earlier and later posts.
        language: code of a language; only posts whose captions are in it count. None for all posts.
    """

    def __init__(self, memory: PostMemory, language: str | None = None) -> None:
        self._id_map = memory.id_map
        positions = np.arange(len(memory))
        if language is not None:
            number = memory.languages.index(language) if language in memory.languages else _UNUSED
            positions = np.flatnonzero(memory.language_numbers(positions) == number)
        posts, hashtags = memory.hashtag_pairs(positions)
        self._first_us = np.full(len(memory.id_map), _UNUSED, np.int64)
        np.minimum.at(self._first_us, hashtags, memory.instants_us[positions[posts]])

    def is_before(self, hashtag: str, instant_us: int) -> bool:
        """Return whether a hashtag was used strictly before an instant."""
        index = self._id_map.find(hashtag)
        return index is not None and int(self._first_us[index]) < instant_us

    def not_before(self, instant_us: int) -> list[str]:
        """Return the hashtags of the memory that were not used before an instant."""
        return [self._id_map[index] for index in np.flatnonzero(self._first_us >= instant_us).tolist()]
