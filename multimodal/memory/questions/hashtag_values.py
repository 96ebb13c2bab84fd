"""`HashtagValues`: sparse answers, a few hashtags for each question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_BITS = 32
# So much room is used to group entries without sorting them.
_ROOM, _ROOM_AN_ENTRY = 4_096, 16


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

    def take(self, entries: Ints) -> HashtagValues:
        """Return some entries, given in order."""
        return HashtagValues(self.rows[entries], self.hashtags[entries], self.values[entries], self.names)

    def best(self, count: int, text_of: Callable[[int], str]) -> HashtagValues:
        """Return the `count` hashtags of each question with the largest values in the first column; ties by text."""
        if len(self.rows) <= count:
            return self
        counts = np.full(int(self.rows[-1]) + 1, count)
        kept = leading(self.rows, self.hashtags, self.values[:, 0], counts, text_of)
        return self if len(kept) == len(self.rows) else self.take(kept)


@dataclass(frozen=True, slots=True)
class PairGroups:
    """E entries by (row, hashtag) pair, G distinct ones.

    Attributes:
        rows, hashtags: (G,) the pairs, in order.
        of: (E,) the pair of each entry.
    """

    rows: Ints
    hashtags: Ints
    of: Ints

    @classmethod
    def by(cls, rows: Ints, hashtags: Ints) -> PairGroups:
        """Group entries by their row and hashtag, (E,) each."""
        width = int(hashtags.max(initial=0)) + 1
        keys, room = rows * width + hashtags, (int(rows.max(initial=0)) + 1) * width
        if room > _ROOM + _ROOM_AN_ENTRY * len(keys):
            pairs, of = np.unique(keys, return_inverse=True)
        else:
            # Faster than sorting.
            present, number = np.zeros(room, np.bool_), np.empty(room, np.int64)
            present[keys] = True
            pairs = present.nonzero()[0]
            number[pairs] = np.arange(len(pairs))
            of = number[keys]
        of_rows = pairs // width
        return cls(of_rows, pairs - of_rows * width, of)

    def counts(self) -> Ints:
        """Return how many entries each pair has, (G,)."""
        return np.bincount(self.of, minlength=len(self.rows))

    def sums(self, weights: Floats) -> Floats:
        """Return the sum of the weights of each pair's entries, (G,)."""
        # One by one, not pairwise: a sum depends on its own summands alone.
        return np.bincount(self.of, weights, minlength=len(self.rows)).astype(np.float64, copy=False)

    def largest(self, values: Floats) -> Floats:
        """Return the largest of the values of each pair's entries, (G,)."""
        largest = np.full(len(self.rows), -np.inf)
        np.maximum.at(largest, self.of, values)
        return largest

    def firsts(self) -> Ints:
        """Return the first entry of each pair, (G,)."""
        firsts = np.empty(len(self.rows), np.int64)
        firsts[self.of[::-1]] = np.arange(len(self.of) - 1, -1, -1)
        return firsts


def leading(rows: Ints, hashtags: Ints, values: Floats, counts: Ints, text_of: Callable[[int], str]) -> Ints:
    """Return which entries have the largest values of their row, ascending; ties go by text.

    Args:
        rows: (E,) ascending.
        hashtags: (E,) hashtag index.
        values: (E,).
        counts: how many entries of each row, by row.
        text_of: gives the text of a hashtag index.
    """
    starts = run_starts(rows)
    sizes, limits = run_sizes(starts, len(rows)), counts[rows[starts]]
    longer = sizes > limits
    if not longer.any():
        return np.arange(len(rows))
    order = np.lexsort((-values, rows))
    falling = values[order]
    for cut, limit in zip((starts + limits)[longer].tolist(), limits[longer].tolist(), strict=True):
        if limit and falling[cut - 1] == falling[cut]:
            tied = ((rows == rows[cut]) & (falling == falling[cut])).nonzero()[0]
            order[tied] = sorted(order[tied].tolist(), key=lambda entry: text_of(int(hashtags[entry])))
    return np.sort(order[places_in_runs(starts, sizes) < limits.repeat(sizes)])


def pair_keys(rows: Ints, hashtags: Ints) -> Ints:
    """Return one number for each (row, hashtag) pair, in the order of the pairs."""
    return (rows << _BITS) + hashtags


def run_starts(values: Ints) -> Ints:
    """Return where each stretch of equal values starts."""
    opens = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=opens[1:])
    return opens.nonzero()[0]


def run_sizes(starts: Ints, length: int) -> Ints:
    """Return how long each stretch is, of those that begin at `starts` and are `length` long together."""
    sizes = np.empty(len(starts), np.int64)
    np.subtract(starts[1:], starts[:-1], out=sizes[:-1])
    sizes[-1:] = length - starts[-1:]
    return sizes


def places_in_runs(starts: Ints, sizes: Ints) -> Ints:
    """Return the place of each value in its stretch, from 0."""
    return np.arange(int(sizes.sum())) - starts.repeat(sizes)
