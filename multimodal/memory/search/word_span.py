"""`WordSpan`: an inverted index of the caption terms of one span."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.errors import RunError
from multimodal.memory.search.columns import Floats, Ints, Mask
from multimodal.memory.search.likeness import Question, Workspace

# How many entries are looked at for each post that is wanted: a post has one for each term that it shares.
_ENTRIES_A_POST = 3
_ARRAYS = ("slots", "starts", "rows", "weights", "cut")


@dataclass(frozen=True, slots=True)
class WordSpan:
    """For each term the posts in which it weighs most, heaviest first.

    Attributes:
        posts: n, how many posts the span has.
        slots: (T,) terms that occur, rising.
        starts: (T + 1,) where the list of each term starts.
        rows: (E,) posts of the lists, rows of the span.
        weights: (E,) of the term in the post.
        cut: (T,) whether the list of a term leaves posts out.
    """

    posts: int
    slots: NDArray[np.int32]
    starts: Ints
    rows: NDArray[np.int32]
    weights: Floats
    cut: Mask

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
        parts = found.astype(np.int32), starts, owners[kept], weights[kept], counts > champions
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

    def candidates(
        self, question: Question, count: int, postings: int, usable: Mask | None, workspace: Workspace
    ) -> tuple[Ints, bool]:
        """Return rows of posts that share terms with a question, and whether they are all that do.

        Args:
            question: its terms are compared.
            count: at most so many rows.
            postings: how many entries are read, those of rare terms first.
            usable: (n,) which rows may be found; None for all.
            workspace: of this thread.
        """
        parts, complete = self._lists(question, postings)
        if not parts:
            return np.empty(0, np.int64), complete
        sums = workspace.scores(self.posts)
        for part, weight in parts:
            sums[self.rows[part]] += np.float32(weight) * self.weights[part]
        rows = np.concatenate([self.rows[part] for part, _ in parts])
        values = sums[rows]
        sums[rows] = 0
        if usable is not None:
            kept = usable[rows]
            rows, values = rows[kept], values[kept]
        best = _largest(rows, values, count)
        return best, complete and len(best) < count

    def _lists(self, question: Question, postings: int) -> tuple[list[tuple[slice, float]], bool]:
        """Return which entries to read with the weight of their term, and whether nothing is left out."""
        if not len(self.slots):
            return [], True
        places = np.minimum(np.searchsorted(self.slots, question.slots), len(self.slots) - 1)
        known = self.slots[places] == question.slots
        places, weights = places[known], question.weights[known]
        starts, stops = self.starts[places], self.starts[places + 1]
        complete = not self.cut[places].any()
        parts = []
        for index in np.argsort(stops - starts, kind="stable"):
            start, stop = int(starts[index]), int(stops[index])
            if stop - start > postings:
                complete, stop = False, start + postings
            if stop == start:
                break
            postings -= stop - start
            parts.append((slice(start, stop), float(weights[index])))
        return parts, complete


def _largest(rows: NDArray[np.int32], values: Floats, count: int) -> Ints:
    """Return the rows with the largest values, each once; the later first among equals."""
    most = count * _ENTRIES_A_POST
    if len(rows) > most:
        kept = values >= np.partition(values, len(values) - most)[len(values) - most]
        rows, values = rows[kept], values[kept]
    unique, first = np.unique(rows, return_index=True)
    if len(unique) > count:
        unique = unique[np.lexsort((-unique, -values[first]))[:count]]
    return unique.astype(np.int64)
