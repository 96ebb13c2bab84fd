"""Copies of a memory: cut off at an instant, or with other hashtags. Nothing is encoded again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data_loaders.posts import UNDATED_EPOCH_US, Post
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.dense_spaces import CONTENT
from multimodal.systems.base import System
from multimodal.systems.queries import moment

_UNDATED_BEFORE_US = -(2**61)
_POSTS_AT_ONCE = 8_192


class Remembered:
    """The living posts of a memory, which must not change meanwhile, to be copied into others."""

    def __init__(self, memory: PostMemory) -> None:
        self._memory = memory
        self._user_ids = memory.user_ids
        alive = memory.alive
        self.positions = np.arange(len(memory)) if alive is None else np.flatnonzero(alive)
        self.order = self.positions[np.argsort(memory.instants_us[self.positions], kind="stable")]
        self.instants_us = memory.instants_us[self.order]

    def post(self, position: int) -> Post:
        """Return one post as far as the memory knows it."""
        memory = self._memory
        user = int(memory.users[position])
        post = Post(
            post_id=memory.post_ids[position],
            user_id=None if user < 0 else self._user_ids[user],
            hashtags=tuple(memory.id_map[int(index)] for index in memory.hashtags_of(position)),
        )
        return at_instant(post, int(memory.instants_us[position]))

    def copy_into(
        self, target: PostMemory, positions: NDArray[np.int64], hashtags: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        """Append posts in this order to another memory of the System, some with other hashtags, given by post id."""
        for start in range(0, len(positions), _POSTS_AT_ONCE):
            part = positions[start : start + _POSTS_AT_ONCE]
            posts = [self.post(int(position)) for position in part]
            if hashtags:
                posts = [replace(post, hashtags=hashtags.get(post.post_id, post.hashtags)) for post in posts]
            memory = self._memory
            vectors = memory.vectors_at(CONTENT, part) if memory.width else None
            terms = memory.terms_at(part) if memory.slots else None
            spaces = {space: memory.vectors_at(space, part) for space in memory.spaces}
            target.append(posts, vectors, terms, spaces, memory.languages_at(part), memory.mentions_at(part))


def at_instant(post: Post, instant_us: int) -> Post:
    """Return the post at another instant; an undated post stays undated and moves in the order of the folder."""
    if instant_us < _UNDATED_BEFORE_US:
        return replace(post, timestamp=None, sequence=instant_us - UNDATED_EPOCH_US)
    return replace(post, timestamp=moment(instant_us))


def memories_before(system: System, memory: PostMemory, posts: Sequence[Post]) -> Iterator[tuple[Post, PostMemory]]:
    """Yield each post, by rising instant, with a memory of all strictly earlier ones; that memory grows."""
    source, known, done = Remembered(memory), system.new_memory(), 0
    for post in posts:
        end = int(np.searchsorted(source.instants_us, post.instant_us, side="left"))
        source.copy_into(known, source.order[done:end])
        done = end
        yield post, known


def with_hashtags(system: System, memory: PostMemory, hashtags: Mapping[str, tuple[str, ...]]) -> PostMemory:
    """Return a memory of the same posts, some of them with other hashtags, given by post id."""
    source, other = Remembered(memory), system.new_memory()
    source.copy_into(other, source.positions, hashtags)
    return other
