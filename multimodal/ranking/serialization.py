"""Joining rankings of several batches or processes, whose new hashtags may be numbered differently."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.rankings import Rankings


@dataclass(frozen=True, slots=True)
class SerializedRanking:
    """The ranking of one post without the names of others; small enough to send between processes.

    Attributes:
        indices: (K,) hashtag indices; -1 for an empty rank and for a hashtag that is not in the id map.
        scores: (K,).
        further: (index of the rank, hashtag) of each hashtag that is not in the id map.
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float64]
    further: tuple[tuple[int, str], ...] = ()


def concatenate(parts: Sequence[Rankings], k: int, id_map: HashtagIdMap) -> Rankings:
    """Put rankings behind each other.

    Args:
        parts: lists of k hashtags each.
        k: length of the lists.
        id_map: numbers the hashtags of the result, except new ones; nothing is added to it.
    """
    post_ids = [post_id for part in parts for post_id in part.post_ids]
    if any(part.names is not id_map.names for part in parts):
        return merge(post_ids, [one for part in parts for one in serialize(part, id_map)], k, id_map)
    indices = np.concatenate([np.empty((0, k), np.int64), *(part.indices for part in parts)])
    scores = np.concatenate([np.empty((0, k)), *(part.scores for part in parts)])
    return Rankings(post_ids, indices, scores, id_map.names)


def serialize(rankings: Rankings, id_map: HashtagIdMap) -> list[SerializedRanking]:
    """Return the ranking of each post on its own.

    Args:
        rankings: may name hashtags that are not in the id map.
        id_map: numbers the others; nothing is added to it.
    """
    if rankings.names is id_map.names:
        return [SerializedRanking(*row) for row in zip(rankings.indices, rankings.scores, strict=True)]
    used = np.unique(rankings.indices[rankings.indices >= 0])
    texts = [rankings.names[index] for index in used.tolist()]
    known = [id_map.find(text) for text in texts]
    # The last entry is for an empty rank, whose index is -1.
    numbers = np.full(len(rankings.names) + 1, -1, np.int64)
    numbers[used] = [-1 if number is None else number for number in known]
    new = {index: text for index, text, number in zip(used.tolist(), texts, known, strict=True) if number is None}
    lists = []
    for indices, scores in zip(rankings.indices, rankings.scores, strict=True):
        further = tuple((i, new[index]) for i, index in enumerate(indices.tolist()) if index in new)
        lists.append(SerializedRanking(numbers[indices], scores, further))
    return lists


def merge(post_ids: Sequence[str], lists: Iterable[SerializedRanking], k: int, id_map: HashtagIdMap) -> Rankings:
    """Join the rankings of single posts.

    Args:
        post_ids: N ids.
        lists: N rankings of k hashtags.
        k: length of the lists.
        id_map: the one they were serialized with; nothing is added to it.
    """
    indices = np.full((len(post_ids), k), -1, np.int64)
    scores = np.full((len(post_ids), k), np.nan)
    naming = None
    for row, one in enumerate(lists):
        indices[row], scores[row] = one.indices, one.scores
        for i, hashtag in one.further:
            naming = id_map.fork() if naming is None else naming
            indices[row, i] = naming.add([hashtag])[0]
    return Rankings(post_ids, indices, scores, (id_map if naming is None else naming).names)
