"""Which earlier posts a post reads: a sample that follows from the post and from what is earlier alone.

A random sample must not change when later posts come in, nor with the place of a post in the memory. So every candidate
draws a number from its instant and the question, and those with the smallest numbers are the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.post_memory import PostMemory
from multimodal.peers.macon.config import HabitConfig

Ints = NDArray[np.int64]
Numbers = NDArray[np.uint64]
_QUESTIONS_AT_ONCE = 1_024
# How many of the user's newest posts say which hashtags are the user's.
_OWN_POSTS = 50


def sampled_history(
    memory: PostMemory, user_ids: Sequence[str | None], instants_us: Ints, config: HabitConfig, seed: int
) -> Ints:
    """Return the positions of the earlier posts that each of Q posts reads, (Q, H), newest first, padded with -1.

    Args:
        memory: of earlier posts; only those strictly before the instant are read.
        user_ids: of the posts.
        instants_us: (Q,).
        config: how to sample.
        seed: of the random samples.
    """
    if config.sampling == "user_temporal":
        return memory.history(user_ids, instants_us, config.posts)
    find = _of_user if config.sampling == "user_random" else _of_community
    parts = [np.empty((0, config.posts), np.int64)]
    for start in range(0, len(user_ids), _QUESTIONS_AT_ONCE):
        part = slice(start, start + _QUESTIONS_AT_ONCE)
        users, instants = user_ids[part], instants_us[part]
        rows, positions = find(memory, users, instants, config)
        keys = question_keys(users, instants, seed)
        parts.append(_smallest(memory.instants_us, rows, positions, keys, config.posts))
    return np.concatenate(parts)


def _of_user(
    memory: PostMemory, user_ids: Sequence[str | None], instants_us: Ints, config: HabitConfig
) -> tuple[Ints, Ints]:
    """Return the question and the position of each candidate: the user's newest posts."""
    found = memory.history(user_ids, instants_us, config.candidates)
    rows, places = np.nonzero(found >= 0)
    return rows, found[rows, places]


def _of_community(
    memory: PostMemory, user_ids: Sequence[str | None], instants_us: Ints, config: HabitConfig
) -> tuple[Ints, Ints]:
    """Return the question and the position of each candidate: posts of anybody with the user's most used hashtags."""
    own = memory.questions.own_hashtags(user_ids, instants_us, last=_OWN_POSTS)
    own = own.best(config.hashtags, memory.id_map.__getitem__)
    hashtags = np.full((len(user_ids), config.hashtags), -1, np.int64)
    places = np.arange(len(own.rows)) - np.searchsorted(own.rows, own.rows)
    hashtags[own.rows, places] = own.hashtags
    return memory.questions.posts_with(hashtags, instants_us, last=config.candidates)


def question_keys(user_ids: Sequence[str | None], instants_us: Ints, seed: int) -> Numbers:
    """Return a number for each post from its user and instant, (Q,); a question has no id to draw from."""
    users = [blake2b(repr(user).encode("utf-8", "surrogatepass"), digest_size=8).digest() for user in user_ids]
    numbers = np.frombuffer(b"".join(users), np.dtype("<u8")).astype(np.uint64)
    return _mixed(_mixed(numbers ^ np.uint64(seed)) ^ instants_us.astype(np.uint64))


def _smallest(instants_us: Ints, rows: Ints, positions: Ints, keys: Numbers, count: int) -> Ints:
    """Return for each question the candidates with the smallest numbers, newest first, (Q, count)."""
    moments = instants_us[positions]
    drawn = _mixed(keys[rows] ^ moments.astype(np.uint64))
    order = np.lexsort((positions, moments, drawn, rows))
    kept = order[_ranks(rows[order]) < count]
    kept = kept[np.lexsort((-positions[kept], -moments[kept], rows[kept]))]
    sample = np.full((len(keys), count), -1, np.int64)
    sample[rows[kept], _ranks(rows[kept])] = positions[kept]
    return sample


def _ranks(rows: Ints) -> Ints:
    """Return the place of each entry among those of its row; rows are sorted."""
    return np.arange(len(rows)) - np.searchsorted(rows, rows)


def _mixed(numbers: Numbers) -> Numbers:
    """Return well mixed numbers (SplitMix64, Steele, Lea & Flood 2014, doi 10.1145/2660193.2660195)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
