"""`HashtagValues`: sparse answers, a few hashtags for each question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_BITS = 32


@dataclass(frozen=True, slots=True)
class HashtagValues:
    """Values of hashtags for many questions, sorted by question and hashtag index, each pair once.

    Attributes:
        rows: (E,) the question.
        hashtags: (E,) hashtag index.
        values: (E, C) one column for each name.
        names: what the columns are.
    """

    rows: Ints
    hashtags: Ints
    values: Floats
    names: tuple[str, ...]

    def column(self, name: str) -> Floats:
        """Return one column, (E,)."""
        return self.values[:, self.names.index(name)]

    def at(self, hashtags: Ints) -> Floats:
        """Return the values of given hashtags, 0 where there are none.

        Args:
            hashtags: (Q, H) indices for each question, padded with -1.

        Returns:
            (Q, H, C).
        """
        wanted = pair_keys(np.arange(len(hashtags))[:, None], hashtags)
        places = np.searchsorted(pair_keys(self.rows, self.hashtags), wanted)
        padded = np.concatenate([self.values, np.zeros((1, len(self.names)))])
        known = np.append(pair_keys(self.rows, self.hashtags), -1)[places] == wanted
        return np.where((known & (hashtags >= 0))[..., None], padded[places], 0.0)

    def best(self, count: int, text_of: Callable[[int], str]) -> HashtagValues:
        """Return the `count` hashtags of each question with the largest values in the first column; ties by text."""
        order = np.lexsort((-self.values[:, 0], self.rows))
        rows, values = self.rows[order], self.values[order, 0]
        starts = run_starts(rows)
        sizes = np.diff(np.append(starts, len(rows)))
        cuts = starts[sizes > count] + count
        for cut in cuts[values[cuts - 1] == values[cuts]] if count else ():
            tied = order[(rows == rows[cut]) & (values == values[cut])]
            first = int(np.flatnonzero((rows == rows[cut]) & (values == values[cut]))[0])
            order[first : first + len(tied)] = sorted(tied, key=lambda entry: text_of(int(self.hashtags[entry])))
        ranks = np.arange(len(rows)) - np.repeat(starts, sizes)
        kept = np.sort(order[ranks < count])
        return HashtagValues(self.rows[kept], self.hashtags[kept], self.values[kept], self.names)


def pair_keys(rows: Ints, hashtags: Ints) -> Ints:
    """Return one number for each (row, hashtag) pair, in the order of the pairs."""
    return (rows << _BITS) + hashtags


def run_starts(values: Ints) -> Ints:
    """Return where each stretch of equal values starts."""
    changes = values[1:] != values[:-1]
    return np.flatnonzero(np.concatenate([[len(values) > 0], changes])) if len(values) else np.empty(0, np.int64)


def counted(rows: Ints, hashtags: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the distinct (row, hashtag) pairs in order, and how often each occurs."""
    keys = np.sort(pair_keys(rows, hashtags))
    starts = run_starts(keys)
    distinct = keys[starts]
    return distinct >> _BITS, distinct & (2**_BITS - 1), np.diff(np.append(starts, len(keys)))


def summed(rows: Ints, hashtags: Ints, weights: Sequence[Floats]) -> tuple[Ints, Ints, list[Floats], Ints]:
    """Return the distinct (row, hashtag) pairs in order, sums of weights, and where each comes first."""
    keys = pair_keys(rows, hashtags)
    order = np.argsort(keys, kind="stable")
    starts = run_starts(keys[order])
    groups = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(keys))))
    # One by one, not pairwise: a sum depends on its own summands alone.
    sums: list[Floats] = [np.bincount(groups, one[order], minlength=len(starts)).astype(np.float64) for one in weights]
    first: Ints = order[starts]
    return rows[first], hashtags[first], sums, first
