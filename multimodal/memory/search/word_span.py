"""`WordSpan`: an inverted index of the caption terms of one span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.errors import RunError
from multimodal.memory.search.columns import Floats, Ints
from multimodal.memory.search.likeness import Question
from multimodal.storage.npy_files import map_array

_ARRAYS = ("slots", "lists", "rows", "weights")


@dataclass(frozen=True, slots=True)
class WordSpan:
    """For each term the posts in which it weighs most, heaviest first.

    Attributes:
        posts: n, how many posts the span has.
        slots: (T,) terms that occur, rising.
        lists: (T, 3) where the list of each term starts and ends, and how many posts have the term.
        rows: (E,) posts of the lists, rows of the span.
        weights: (E,) of the term in the post.
    """

    posts: int
    slots: NDArray[np.int32]
    lists: Ints
    rows: NDArray[np.int32]
    weights: Floats

    @classmethod
    def of(cls, terms: sparse.csr_matrix, champions: int) -> WordSpan:
        """Invert the rows of a span.

        Args:
            terms: (n, slots) rows in order of time.
            champions: the most posts kept for a term.
        """
        # Backwards, and sorted stably: the later post first among equal weights.
        owners = np.repeat(np.arange(terms.shape[0], dtype=np.int32), np.diff(terms.indptr))[::-1]
        weights = np.ascontiguousarray(terms.data[::-1], np.float32)
        # The bits of floating-point numbers of at least 0 rise with the numbers.
        falling = np.uint64(2**32 - 1) - weights.view(np.uint32)
        order = np.argsort((terms.indices[::-1].astype(np.uint64) << np.uint64(32)) | falling, kind="stable")
        slots = terms.indices[::-1][order]
        first = np.flatnonzero(np.diff(slots, prepend=-1))
        counts = np.diff(first, append=len(slots))
        kept = order[np.arange(len(order)) - np.repeat(first, counts) < champions]
        stops = np.cumsum(np.minimum(counts, champions))
        lists = np.stack([stops - np.minimum(counts, champions), stops, counts], 1).astype(np.int64)
        return cls(terms.shape[0], slots[first].astype(np.int32), lists, owners[kept], weights[kept])

    def save(self, folder: Path) -> None:
        """Write the arrays into a folder, which is made."""
        folder.mkdir(parents=True)
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))
        np.save(folder / "posts.npy", np.int64(self.posts))

    @classmethod
    def open(cls, folder: Path) -> WordSpan:
        """Map what `save` wrote into memory.

        Raises:
            RunError: a file is missing or is none of numpy's, or a list leads outside of the span.
        """
        try:
            posts = int(map_array(folder / "posts.npy"))
            arrays = [map_array(folder / f"{name}.npy") for name in _ARRAYS]
        except (OSError, TypeError, ValueError) as error:
            raise RunError(f"{folder} (the words of a span) cannot be read: {error}.") from None
        span = cls(posts, *arrays)
        if span._leads_outside():
            raise RunError(f"{folder} (the words of a span) is damaged: its lists do not fit its posts.")
        return span

    def _leads_outside(self) -> bool:
        forms: list[tuple[NDArray[Any], type, tuple[int, ...]]] = [
            (self.slots, np.int32, (self.slots.size,)),
            (self.lists, np.int64, (self.slots.size, 3)),
            (self.rows, np.int32, (self.rows.size,)),
            (self.weights, np.float32, (self.rows.size,)),
        ]
        if any(array.dtype != kind or array.shape != shape for array, kind, shape in forms):
            return True
        starts, stops, counts = self.lists.T
        lengths = stops - starts
        wrong = (starts < 0) | (lengths < 1) | (lengths > counts) | (stops > self.rows.size) | (counts > self.posts)
        outside = self.rows.size and (self.rows.min() < 0 or self.rows.max() >= self.posts)
        return bool(wrong.any() or outside or not np.isfinite([self.weights.sum(dtype=np.float64)]).all())

    def lists_of(self, question: Question) -> tuple[Ints, NDArray[np.float64]]:
        """Return the lists of a question's terms, (t, 3), and the weights of those terms in it."""
        if not len(self.slots):
            return self.lists, question.weights[:0]
        places = self.slots.searchsorted(question.slots)
        known = self.slots.take(places, mode="clip") == question.slots
        return self.lists[places[known]], question.weights[known]

    def products(self, question: Question) -> tuple[NDArray[np.int32], Floats]:
        """Return every entry of a question's terms: its row, and what the term adds to the cosine."""
        lists, weights = self.lists_of(question)
        parts = [slice(start, stop) for start, stop, _ in lists.tolist()]
        if not parts:
            return self.rows[:0], self.weights[:0]
        products: Floats = np.concatenate([self.weights[part] for part in parts])
        products *= np.repeat(weights.astype(np.float32), lists[:, 1] - lists[:, 0])
        return np.concatenate([self.rows[part] for part in parts]), products


def read_lists(
    spans: Sequence[tuple[WordSpan, int, float]], question: Question, postings: int
) -> tuple[Ints, Floats, bool]:
    """Read the lists of a question's terms in several spans, the terms that are rarest in their span first.

    Args:
        spans: each with its first row among all, and a factor for what its posts are worth.
        question: its terms are looked up.
        postings: about so many entries are read.

    Returns:
        Rows, one for each term that a post shares; what the term adds to the cosine, times the factor; whether
        nothing is left out.
    """
    found = [span.lists_of(question) for span, _, _ in spans]
    lists, weights = (np.concatenate(parts) for parts in zip(*found, strict=True))
    owners = np.repeat(np.arange(len(spans)), [len(part) for part, _ in found])
    lengths = lists[:, 1] - lists[:, 0]
    sizes, firsts = (
        np.array(values) for values in zip(*((span.posts, first) for span, first, _ in spans), strict=True)
    )
    rare = np.argsort(lists[:, 2] / sizes[owners], kind="stable")
    before = np.cumsum(lengths[rare]) - lengths[rare]
    read = rare[before < postings]
    if not len(read):
        return np.empty(0, np.int64), np.empty(0, np.float32), True
    owners, lengths, complete = owners[read], lengths[read], len(read) == len(rare)
    parts = list(zip(owners.tolist(), *lists[read, :2].T.tolist(), strict=True))
    rows = np.concatenate([spans[index][0].rows[start:stop] for index, start, stop in parts])
    added: Floats = np.concatenate([spans[index][0].weights[start:stop] for index, start, stop in parts])
    factors = weights[read] * np.array([factor for _, _, factor in spans])[owners]
    added *= np.repeat(factors.astype(np.float32), lengths)
    complete &= bool((lists[read, 2] == lengths).all())
    return rows + np.repeat(firsts[owners], lengths), added, complete
