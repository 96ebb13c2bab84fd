"""Captions as hashed TF-IDF vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import regex
from numpy.typing import NDArray
from scipy import sparse

SLOTS = 2**18
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
# Scripts written without spaces are cut into pairs of characters.
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")


def caption_terms(caption: str) -> list[str]:
    """Return the words of a caption, case-folded; pairs of characters where a script has no spaces."""
    terms: list[str] = []
    for word in _WORD.findall(caption.casefold()):
        if len(word) > 1 and _UNSPACED.search(word):
            terms.extend(word[index : index + 2] for index in range(len(word) - 1))
        else:
            terms.append(word)
    return terms


class CaptionVectors:
    """TF-IDF vectors of captions, hashed to a fixed number of slots, so that words not seen in training count too.

    tf = 1 + ln(count), idf = ln((1 + n) / (1 + df)) + 1 over the train captions, rows of length 1.

    Args:
        idf: (SLOTS,) weight of each slot.
    """

    def __init__(self, idf: NDArray[np.float32]) -> None:
        self.idf = idf

    @classmethod
    def fit(cls, captions: Sequence[str]) -> CaptionVectors:
        """Count in how many train captions each slot occurs."""
        counts = _counts(captions)
        occurs = np.bincount(counts.indices, minlength=SLOTS)
        return cls((np.log((1 + len(captions)) / (1 + occurs)) + 1).astype(np.float32))

    def of(self, captions: Sequence[str]) -> sparse.csr_matrix:
        """Return (N, SLOTS) sparse float32 rows of length 1; an empty caption gives an empty row."""
        rows = _counts(captions)
        rows.data = (1 + np.log(rows.data)) * self.idf[rows.indices]
        norms = np.sqrt(np.asarray(rows.multiply(rows).sum(1)).ravel())
        rows.data /= np.repeat(np.maximum(norms, 1e-12), np.diff(rows.indptr))
        return rows.astype(np.float32)


def _counts(captions: Sequence[str]) -> sparse.csr_matrix:
    from sklearn.feature_extraction.text import HashingVectorizer

    if not captions:
        return sparse.csr_matrix((0, SLOTS))
    hasher = HashingVectorizer(analyzer=caption_terms, n_features=SLOTS, alternate_sign=False, norm=None)
    rows = sparse.csr_matrix(hasher.transform(captions))
    rows.sum_duplicates()
    return rows
