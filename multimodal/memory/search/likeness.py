"""`Likeness`: how much an earlier post resembles a question, over any mix of spaces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.search.columns import WORDS, Ints, PostColumns

Doubles = NDArray[np.float64]
_HOUR_US = 3_600_000_000
_DIGITS = 5
# How many entries are looked at for each row that is wanted: a post has one for each term that it shares.
_ENTRIES_A_ROW = 3


@dataclass(frozen=True, slots=True)
class Likeness:
    """(Σ weight · max(cosine, 0))^power · (age in hours + 1)^-decay, the sum rounded to 5 decimals.

    Attributes:
        weights: of each space, at least 0, one of them positive: "words" and names of dense spaces.
        power: of the similarity, above 0.
        decay: how fast a post's weight falls with its age, at least 0; 0: similarity alone.

    Raises:
        ValueError: a number is out of range.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: {WORDS: 1.0})
    power: float = 1.0
    decay: float = 0.0

    def __post_init__(self) -> None:
        for space, weight in self.weights.items():
            if not 0 <= weight < math.inf:
                raise ValueError(f"the weight of {space!r} is {weight}; at least 0 and finite is needed")
        if not any(self.weights.values()):
            raise ValueError(f"weights={dict(self.weights)} give no space a weight; one above 0 is needed")
        if not 0 < self.power < math.inf or not 0 <= self.decay < math.inf:
            raise ValueError(f"power={self.power}, decay={self.decay}; above 0 and at least 0 are needed")

    @property
    def spaces(self) -> tuple[str, ...]:
        """The spaces that count, in order."""
        return tuple(space for space, weight in self.weights.items() if weight)

    def values(self, similarity: Doubles, instants_us: Ints, asked_us: int) -> Doubles:
        """Return the likeness of posts from their similarity, (n,), at an instant."""
        powered = similarity if self.power == 1 else similarity**self.power
        if not self.decay:
            return powered
        # In floating point: the distance between a dated and an undated post overflows an integer.
        hours = (float(asked_us) - instants_us.astype(np.float64)) / _HOUR_US
        aged: Doubles = powered * (hours + 1) ** -self.decay
        return aged


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared with earlier posts.

    Attributes:
        instant_us: only posts strictly before it count.
        slots: (T,) slots of its caption's terms.
        weights: (T,) their weights, float64.
        vectors: of each dense space, (width,) float64 of length 1 or 0.
    """

    instant_us: int
    slots: NDArray[np.int32]
    weights: Doubles
    vectors: Mapping[str, Doubles]


class Workspace:
    """Room that is used again for every question; each thread has its own."""

    def __init__(self) -> None:
        self._row: Doubles = np.zeros(0, np.float64)
        self._filled: NDArray[np.int32] = np.empty(0, np.int32)
        self._sums: NDArray[np.float32] = np.zeros(0, np.float32)

    def row(self, question: Question, slots: int) -> Doubles:
        """Return (slots,) weights of the question's terms, valid until the next call."""
        if len(self._row) != slots:
            self._row, self._filled = np.zeros(slots, np.float64), question.slots[:0]
        self._row[self._filled] = 0
        self._row[question.slots] = question.weights
        self._filled = question.slots
        return self._row

    def largest_sums(self, rows: Ints, added: NDArray[np.float32], count: int) -> Ints:
        """Add up what belongs to the same row; return the rows with the largest sums, rising.

        Args:
            rows: (n,) each at least 0.
            added: (n,).
            count: at most so many rows; the later ones among equals.
        """
        if not len(rows):
            return rows
        if len(self._sums) <= rows.max():
            self._sums = np.zeros(int(rows.max()) * 3 // 2 + 1, np.float32)
        np.add.at(self._sums, rows, added)
        values = self._sums[rows]
        self._sums[rows] = 0
        most = count * _ENTRIES_A_ROW
        if len(rows) > most:
            kept = values >= np.partition(values, len(values) - most)[len(values) - most]
            rows, values = rows[kept], values[kept]
        unique, first = np.unique(rows, return_index=True)
        if len(unique) > count:
            unique = np.sort(unique[np.lexsort((-unique, -values[first]))[:count]])
        return unique


def similarity_of(
    question: Question, columns: PostColumns, positions: Ints, likeness: Likeness, workspace: Workspace
) -> Doubles:
    """Return the similarity of a question to remembered posts, (n,), rounded; each alone determines its number."""
    total = np.zeros(len(positions))
    for space in likeness.spaces:
        compare = _compare_words if space == WORDS else _compare_vectors
        total += likeness.weights[space] * np.maximum(compare(question, columns, positions, space, workspace), 0)
    rounded: Doubles = np.round(total, _DIGITS)
    return rounded


def _compare_words(question: Question, columns: PostColumns, positions: Ints, _: str, workspace: Workspace) -> Doubles:
    rows = columns.terms_at(positions)
    owners = np.repeat(np.arange(len(positions)), np.diff(rows.indptr))
    products = workspace.row(question, rows.shape[1])[rows.indices] * rows.data
    # In the order in which a row holds its terms.
    return np.bincount(owners, products, len(positions)).astype(np.float64)


def _compare_vectors(question: Question, columns: PostColumns, positions: Ints, space: str, _: Workspace) -> Doubles:
    rows = columns.vectors_at(space, positions).astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    products = np.einsum("ij,j->i", rows, question.vectors[space])
    cosines: Doubles = products / np.where(lengths > 0, lengths, 1)
    return cosines


def best_first(values: Doubles, instants_us: Ints, positions: Ints, count: int) -> Ints:
    """Return which posts have the largest positive values, best first; the later first among equals."""
    kept = np.flatnonzero(values > 0)
    if len(kept) > count:
        threshold = np.partition(values[kept], len(kept) - count)[len(kept) - count]
        kept = kept[values[kept] >= threshold]
    order = np.lexsort((-positions[kept], -instants_us[kept], -values[kept]))
    return kept[order[:count]]
