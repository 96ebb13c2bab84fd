"""`WordSpan`: an inverted index of the caption terms of one span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.errors import RunError
from multimodal.memory.search.columns import Floats, Ints
from multimodal.memory.search.likeness import Question

_ARRAYS = ("slots", "starts", "rows", "weights", "counts")


@dataclass(frozen=True, slots=True)
class WordSpan:
    """For each term the posts in which it weighs most, heaviest first.

    Attributes:
        posts: n, how many posts the span has.
        slots: (T,) terms that occur, rising.
        starts: (T + 1,) where the list of each term starts.
        rows: (E,) posts of the lists, rows of the span.
        weights: (E,) of the term in the post.
        counts: (T,) how many posts have the term; its list may leave some out.
    """

    posts: int
    slots: NDArray[np.int32]
    starts: Ints
    rows: NDArray[np.int32]
    weights: Floats
    counts: Ints

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
        found, first, counts = np.unique(terms.indices[::-1][order], return_index=True, return_counts=True)
        kept = order[np.arange(len(order)) - np.repeat(first, counts) < champions]
        starts = np.concatenate([[0], np.cumsum(np.minimum(counts, champions))]).astype(np.int64)
        parts = found.astype(np.int32), starts, owners[kept], weights[kept], counts.astype(np.int64)
        return cls(terms.shape[0], *parts)

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
            RunError: a file is missing or is none of numpy's.
        """
        try:
            posts = int(np.load(folder / "posts.npy", allow_pickle=False))
            arrays = [np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS]
        except (OSError, ValueError) as error:
            raise RunError(f"{folder} (the words of a span) cannot be read: {error}.") from None
        return cls(posts, *(np.asarray(array) for array in arrays))

    def lists(self, question: Question) -> TermLists:
        """Return where the lists of a question's terms lie."""
        places = np.searchsorted(self.slots, question.slots)
        places[places == len(self.slots)] = 0
        known = np.flatnonzero(self.slots[places] == question.slots) if len(self.slots) else places[:0]
        places = places[known]
        return TermLists(self.starts[places], self.starts[places + 1], self.counts[places], question.weights[known])

    def products(self, question: Question) -> tuple[NDArray[np.int32], Floats]:
        """Return every entry of a question's terms: its row, and what the term adds to the cosine."""
        lists = self.lists(question)
        parts = [slice(start, stop) for start, stop in zip(lists.starts.tolist(), lists.stops.tolist(), strict=True)]
        if not parts:
            return self.rows[:0], self.weights[:0]
        factors = np.repeat(lists.weights.astype(np.float32), lists.stops - lists.starts)
        weights: Floats = np.concatenate([self.weights[part] for part in parts])
        return np.concatenate([self.rows[part] for part in parts]), weights * factors


@dataclass(frozen=True, slots=True)
class TermLists:
    """The lists of some terms in a span.

    Attributes:
        starts: (t,) where each starts.
        stops: (t,) where each ends.
        counts: (t,) how many posts have the term.
        weights: (t,) of the terms in the question.
    """

    starts: Ints
    stops: Ints
    counts: Ints
    weights: NDArray[np.float64]


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
    lists = [span.lists(question) for span, _, _ in spans]
    owners = np.repeat(np.arange(len(spans)), [len(part.starts) for part in lists])
    starts, stops, counts, weights = (
        np.concatenate([getattr(part, name) for part in lists]) for name in ("starts", "stops", "counts", "weights")
    )
    shares = counts / np.array([span.posts for span, _, _ in spans])[owners]
    rare = np.argsort(shares, kind="stable")
    lengths = (stops - starts)[rare]
    read = rare[np.cumsum(lengths) - lengths < postings]
    rows, added = [], []
    for index, start, stop in zip(owners[read].tolist(), starts[read].tolist(), stops[read].tolist(), strict=True):
        span, first, _ = spans[index]
        rows.append(span.rows[start:stop] + np.int64(first))
        added.append(span.weights[start:stop])
    if not rows:
        return np.empty(0, np.int64), np.empty(0, np.float32), len(read) == len(rare)
    factors = (weights * np.array([factor for _, _, factor in spans])[owners])[read].astype(np.float32)
    complete = len(read) == len(rare) and bool((stops - starts == counts).all())
    return np.concatenate(rows), np.concatenate(added) * np.repeat(factors, (stops - starts)[read]), complete
