"""Joining answers whose hashtags are numbered each in its own way: new hashtags have no number of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.rankings import Rankings


@dataclass(frozen=True, slots=True)
class PortableList:
    """One post's list, apart from the answer it was part of; small enough to send between processes.

    Attributes:
        indices: (K,) hashtag indices; -1 for an empty place and for a hashtag that the id map does not hold.
        scores: (K,).
        further: place and text of each hashtag that the id map does not hold.
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float64]
    further: tuple[tuple[int, str], ...] = ()


def portable_lists(rankings: Rankings, id_map: HashtagIdMap) -> list[PortableList]:
    """Take an answer apart.

    Args:
        rankings: may name hashtags that nobody else has a number for.
        id_map: gives the others their numbers; nothing is added to it.
    """
    if rankings.names is id_map.names:
        return [PortableList(*row) for row in zip(rankings.indices, rankings.scores, strict=True)]
    used = np.unique(rankings.indices[rankings.indices >= 0])
    texts = [rankings.names[index] for index in used.tolist()]
    found = [id_map.find(text) for text in texts]
    # The last entry is for the empty place, whose index is -1.
    numbers = np.full(len(rankings.names) + 1, -1, np.int64)
    numbers[used] = [-1 if number is None else number for number in found]
    new = {index: text for index, text, number in zip(used.tolist(), texts, found, strict=True) if number is None}
    lists = []
    for indices, scores in zip(rankings.indices, rankings.scores, strict=True):
        further = tuple((place, new[index]) for place, index in enumerate(indices.tolist()) if index in new)
        lists.append(PortableList(numbers[indices], scores, further))
    return lists


def join_lists(post_ids: Sequence[str], lists: Iterable[PortableList], k: int, id_map: HashtagIdMap) -> Rankings:
    """Make one answer of many lists.

    Args:
        post_ids: N ids.
        lists: N lists, each of k places.
        k: length of the lists.
        id_map: the one that the lists were made with; nothing is added to it.
    """
    indices = np.full((len(post_ids), k), -1, np.int64)
    scores = np.full((len(post_ids), k), np.nan)
    naming = None
    for row, one in enumerate(lists):
        indices[row], scores[row] = one.indices, one.scores
        for place, hashtag in one.further:
            naming = id_map.fork() if naming is None else naming
            indices[row, place] = naming.add([hashtag])[0]
    return Rankings(post_ids, indices, scores, (id_map if naming is None else naming).names)
