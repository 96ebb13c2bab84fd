"""Captions as hashed TF-IDF vectors."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.text.phrases import HAS_UNSPACED, WORD
from multimodal.memory.questions.hashtag_values import run_sizes, run_starts

SLOTS = 2**18


def caption_terms(caption: str) -> list[str]:
    """Return the words of a caption, case-folded; pairs of characters where a script has no spaces."""
    terms: list[str] = []
    for word in WORD.findall(caption.casefold()):
        if len(word) > 1 and HAS_UNSPACED.search(word):
            terms.extend(word[index : index + 2] for index in range(len(word) - 1))
        else:
            terms.append(word)
    return terms


def caption_bigrams(caption: str) -> list[str]:
    """Return each two terms of a caption that follow each other."""
    terms = caption_terms(caption)
    return [f"{first} {second}" for first, second in itertools.pairwise(terms)]


class CaptionVectors:
    """TF-IDF vectors of captions, hashed to a fixed number of slots, so that words not seen in training count too.

    tf = 1 + ln(count), idf = ln((1 + n) / (1 + df)) + 1 over the train captions, rows of length 1.

    Args:
        idf: (SLOTS,) weight of each slot.
        bigrams: weight of `caption_bigrams` beside the terms themselves; 0 for none.
    """

    def __init__(self, idf: NDArray[np.float32], bigrams: float = 0.0) -> None:
        self.idf, self.bigrams = idf, bigrams

    @classmethod
    def fit(cls, captions: Sequence[str], bigrams: float = 0.0) -> CaptionVectors:
        """Count in how many train captions each slot occurs.

        Args:
            captions: of the train split.
            bigrams: weight of pairs of terms; 0 for none.
        """
        occurs = np.bincount(_counts(captions, caption_terms).indices, minlength=SLOTS)
        if bigrams:
            occurs += np.bincount(_counts(captions, caption_bigrams).indices, minlength=SLOTS)
        return cls((np.log((1 + len(captions)) / (1 + occurs)) + 1).astype(np.float32), bigrams)

    def of(self, captions: Sequence[str]) -> sparse.csr_matrix:
        """Return (N, SLOTS) sparse float32 rows of length 1; an empty caption gives an empty row."""
        rows = self._weighted(captions, caption_terms)
        if self.bigrams:
            rows = sparse.csr_matrix(rows + self._weighted(captions, caption_bigrams) * self.bigrams)
        counts = np.diff(rows.indptr)
        norms = np.zeros(len(captions))
        norms[counts > 0] = np.sqrt(np.add.reduceat(rows.data * rows.data, rows.indptr[:-1][counts > 0]))
        rows.data = (rows.data / np.repeat(np.maximum(norms, 1e-12), counts)).astype(np.float32)
        return rows

    def _weighted(self, captions: Sequence[str], analyzer: Callable[[str], list[str]]) -> sparse.csr_matrix:
        rows = _counts(captions, analyzer)
        rows.data = (1 + np.log(rows.data)) * self.idf[rows.indices]
        return rows


def slots_of(terms: Sequence[str]) -> NDArray[np.int64]:
    """Return the slot of each term, a word or a pair of words, (n,)."""
    from sklearn.utils import murmurhash3_32

    hashes = np.array([murmurhash3_32(term.encode("utf-8")) for term in terms], np.int64)
    return np.abs(hashes) % SLOTS


def _counts(captions: Sequence[str], analyzer: Callable[[str], list[str]]) -> sparse.csr_matrix:
    """Return how often each slot occurs, as scikit-learn's `HashingVectorizer` counts without alternating signs."""
    texts = [analyzer(caption) for caption in captions]
    rows = np.repeat(np.arange(len(texts)), [len(terms) for terms in texts])
    slots = slots_of([term for terms in texts for term in terms])
    keys = np.sort(rows * SLOTS + slots)
    starts = run_starts(keys)
    keys, counts = keys[starts], run_sizes(starts, len(keys))
    ends = np.searchsorted(keys, np.arange(len(texts) + 1) * SLOTS)
    parts = counts.astype(np.float64), (keys % SLOTS).astype(np.int32), ends.astype(np.int32)
    return sparse.csr_matrix(parts, shape=(len(texts), SLOTS))
