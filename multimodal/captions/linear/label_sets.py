"""`LabelSets`: the label powerset, each set of hashtags that train posts carry together as one class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy import sparse

RareSets: TypeAlias = Literal["spread", "fold", "drop"]


@dataclass(frozen=True, slots=True)
class LabelSets:
    """S classes over V hashtags.

    Attributes:
        sets: the hashtags of each class, ascending vocabulary indices.
        vocabulary_size: V.
        targets: (N, S) float32, the classes of each train post and its share in each; a dropped post has none.
        rare_sets: how many distinct sets were too rare for a class.
        rare_posts: how many posts carry one of those.
    """

    sets: list[tuple[int, ...]]
    vocabulary_size: int
    targets: sparse.csr_matrix
    rare_sets: int
    rare_posts: int

    @classmethod
    def of(cls, targets: Sequence[Sequence[int]], size: int, minimum_count: int, rare: RareSets) -> LabelSets:
        """Make classes of the sets that enough posts carry, and decide where the other posts belong.

        Args:
            targets: the hashtags of each of N train posts, at least one each.
            size: V.
            minimum_count: posts with exactly that set.
            rare: `spread` counts a post with a rare set as 1/k in each of the k classes of one hashtag; `fold` as one
                in the class of the hashtag of the set that most posts carry; `drop` leaves it out. Should all sets be
                rare, none is dropped.
        """
        rows = [tuple(sorted(set(row))) for row in targets]
        counts = Counter(rows)
        frequent = {labels for labels, count in counts.items() if count >= minimum_count}
        if rare == "drop" and not frequent:
            frequent = set(counts)
        carriers = Counter(label for row in rows for label in row)
        shares = [_shares(row, rare, carriers) if row not in frequent else [(row, 1.0)] for row in rows]
        sets = sorted({labels for row in shares for labels, _ in row})
        number = {labels: index for index, labels in enumerate(sets)}
        ends = np.cumsum([0, *(len(row) for row in shares)])
        columns = np.array([number[labels] for row in shares for labels, _ in row], np.int32)
        values = np.array([share for row in shares for _, share in row], np.float32)
        matrix = sparse.csr_matrix((values, columns, ends), (len(rows), len(sets)))
        outside = [count for labels, count in counts.items() if labels not in frequent]
        return cls(sets, size, matrix, len(outside), sum(outside))


def _shares(row: tuple[int, ...], rare: RareSets, carriers: Counter[int]) -> list[tuple[tuple[int, ...], float]]:
    if rare == "drop":
        return []
    if rare == "spread":
        return [((label,), 1 / len(row)) for label in row]
    return [((min(row, key=lambda label: (-carriers[label], label)),), 1.0)]


def membership(sets: Sequence[Sequence[int]], vocabulary_size: int) -> sparse.csr_matrix:
    """Return which hashtags each set holds, (S, V) of ones: P(hashtag) = Σ of P(set) over the sets that hold it."""
    ends = np.cumsum([0, *(len(labels) for labels in sets)])
    columns = np.array([label for labels in sets for label in labels], np.int32)
    return sparse.csr_matrix((np.ones(len(columns)), columns, ends), (len(sets), vocabulary_size))
