"""What train knows of each hashtag that a ranking or its truth names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class KnownHashtags(Protocol):
    """A train vocabulary, such as `data_loaders.prepare.vocabulary.Vocabulary`."""

    @property
    def hashtags(self) -> Sequence[str]:
        """V hashtags in index order."""

    @property
    def frequencies(self) -> Sequence[int]:
        """How many train posts carry each of them."""


@dataclass(frozen=True)
class HashtagFacts:
    """Facts on C hashtags; the entry after the last one stands for an empty rank.

    Attributes:
        number: (C + 1,) int32 index in the vocabulary, V where it is not there.
        known: (C + 1,) bool, inside the vocabulary.
        new: (C + 1,) bool, never seen in train.
        frequency: (C + 1,) train posts that carry it.
        vocabulary_size: V.
        total_frequency: sum of the vocabulary's frequencies.
    """

    number: NDArray[np.int32]
    known: NDArray[np.bool_]
    new: NDArray[np.bool_]
    frequency: NDArray[np.int64]
    vocabulary_size: int
    total_frequency: int


def hashtag_facts(
    names: Sequence[str], vocabulary: KnownHashtags, train_hashtags: Collection[str] | None = None
) -> HashtagFacts:
    """Look up every name once.

    Args:
        names: C hashtags.
        train_hashtags: all hashtags of the train split, also those too rare for the vocabulary; by default the
            vocabulary's.
    """
    size = len(vocabulary.hashtags)
    index = {hashtag: number for number, hashtag in enumerate(vocabulary.hashtags)}
    number = np.fromiter((index.get(name, size) for name in names), np.int32, len(names))
    number = np.append(number, np.int32(size))
    known = number < size
    seen: Collection[str] = index if train_hashtags is None else frozenset(train_hashtags)
    is_seen = np.fromiter((name in seen for name in names), np.bool_, len(names))
    frequencies = np.append(np.asarray(vocabulary.frequencies, np.int64), 0)
    return HashtagFacts(
        number=number,
        known=known,
        new=~np.append(is_seen, True) & ~known,
        frequency=frequencies[number],
        vocabulary_size=size,
        total_frequency=int(frequencies.sum()),
    )
