"""Bands of hashtags by their frequency in train, and which true hashtags of which band were found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.metrics.accuracy import Floats, Ints
from multimodal.evaluation.metrics.train_statistics import KnownHashtags

BANDS = ("unseen in train", "outside the vocabulary", "rare", "middle", "frequent")
_UNSEEN, _OUTSIDE, _RARE, _MIDDLE, _FREQUENT = range(len(BANDS))


@dataclass(frozen=True, slots=True)
class HashtagBands:
    """From a hashtag to its band.

    Attributes:
        band_of: index in `BANDS`.
        middle_from: train posts from which on a hashtag of the vocabulary is in the middle band.
        frequent_from: train posts from which on it is frequent.
    """

    band_of: Callable[[str], int]
    middle_from: int
    frequent_from: int


def hashtag_bands(vocabulary: KnownHashtags, train_hashtags: Collection[str]) -> HashtagBands:
    """Divide the vocabulary at thirds of its uses in train: the few hashtags of the first third are the frequent ones.

    Hashtags of equal frequency are in the same band. Nothing but train decides.
    """
    frequencies = -np.sort(-np.asarray(vocabulary.frequencies, np.int64))
    before = np.cumsum(frequencies) - frequencies
    total = int(frequencies.sum())

    def least(share: float) -> int:
        first = frequencies[before < share * total]
        return int(first[-1]) if len(first) else 1

    frequent_from, middle_from = least(1 / 3), least(2 / 3)
    known = dict(zip(vocabulary.hashtags, vocabulary.frequencies, strict=True))
    seen = frozenset(train_hashtags)

    def band_of(hashtag: str) -> int:
        frequency = known.get(hashtag)
        if frequency is None:
            return _OUTSIDE if hashtag in seen else _UNSEEN
        return _FREQUENT if frequency >= frequent_from else _MIDDLE if frequency >= middle_from else _RARE

    return HashtagBands(band_of, middle_from, frequent_from)


@dataclass(frozen=True, slots=True)
class BandedHits:
    """True hashtags of N posts by band, and the hits among them with their ranks.

    Attributes:
        true_count: (N, bands) true hashtags.
        rows: (H,) post of each hit, rising.
        ranks: (H,) its rank, from 1.
        bands: (H,) its band.
        middle_from: see `HashtagBands`.
        frequent_from: see `HashtagBands`.
    """

    true_count: Ints
    rows: Ints
    ranks: Ints
    bands: Ints
    middle_from: int
    frequent_from: int

    def found(self, k: int) -> Floats:
        """Return the hits among the first K by post and band, (N, bands)."""
        shape = self.true_count.shape
        inside = self.ranks <= k
        cells = self.rows[inside] * shape[1] + self.bands[inside]
        return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)

    def take(self, rows: Ints) -> BandedHits:
        """Return some of the posts, each at most once, in the order of `rows`."""
        new_row = np.full(len(self.true_count), -1, np.int64)
        new_row[rows] = np.arange(len(rows))
        kept = np.flatnonzero(new_row[self.rows] >= 0)
        kept = kept[np.argsort(new_row[self.rows[kept]], kind="stable")]
        return BandedHits(self.true_count[rows], new_row[self.rows[kept]], self.ranks[kept], self.bands[kept],
                          self.middle_from, self.frequent_from)  # fmt: skip


def banded_hits(
    bands: HashtagBands,
    truth: Sequence[Sequence[str]],
    hits: NDArray[np.bool_],
    indices: NDArray[np.int64],
    names: Sequence[str],
) -> BandedHits:
    """Sort true hashtags and hits by band.

    Args:
        truth: the true hashtags of N posts, without repeats.
        hits: (N, K) whether the hashtag at a rank is true.
        indices: (N, K) index of that hashtag in `names`.
    """
    count = len(BANDS)
    owners = np.repeat(np.arange(len(truth)), [len(set(tags)) for tags in truth])
    of_truth = np.fromiter((bands.band_of(tag) for tags in truth for tag in set(tags)), np.int64, len(owners))
    true_count = np.bincount(owners * count + of_truth, minlength=len(truth) * count).reshape(-1, count)
    rows, ranks = np.nonzero(hits)
    named, which = np.unique(indices[rows, ranks], return_inverse=True)
    of_named = np.array([bands.band_of(names[index]) for index in named], np.int64)
    of_hits = of_named[which] if len(named) else np.zeros(0, np.int64)
    return BandedHits(true_count, rows, ranks + 1, of_hits, bands.middle_from, bands.frequent_from)
