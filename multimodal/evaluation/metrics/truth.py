"""The true hashtags of many posts as two arrays, what train knows of each, and which recommended ones are true."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import DataError
from multimodal.evaluation.metrics.accuracy import Bools, Ints
from multimodal.ranking.rankings import GrowingIndex, Rankings


class KnownHashtags(Protocol):
    """A train vocabulary, such as `data_loaders.prepare.vocabulary.Vocabulary`."""

    @property
    def hashtags(self) -> Sequence[str]:
        """V hashtags in index order."""

    @property
    def frequencies(self) -> Sequence[int]:
        """How many train posts carry each of them."""


@dataclass(frozen=True)
class HashtagFacts:
    """Facts on C hashtags; the entry after the last one stands for an empty rank.

    Attributes:
        number: (C + 1,) int32 index in the vocabulary, V where it is not there.
        known: (C + 1,) bool, inside the vocabulary.
        new: (C + 1,) bool, never seen in train.
        frequency: (C + 1,) train posts that carry it.
        vocabulary_size: V.
        total_frequency: sum of the vocabulary's frequencies.
    """

    number: NDArray[np.int32]
    known: NDArray[np.bool_]
    new: NDArray[np.bool_]
    frequency: NDArray[np.int64]
    vocabulary_size: int
    total_frequency: int


def hashtag_facts(
    names: Sequence[str], vocabulary: KnownHashtags, train_hashtags: Collection[str] | None = None
) -> HashtagFacts:
    """Look up every name once.

    Args:
        names: C hashtags.
        train_hashtags: all hashtags of the train split, also those too rare for the vocabulary; by default the
            vocabulary's.
    """
    size = len(vocabulary.hashtags)
    index = {hashtag: number for number, hashtag in enumerate(vocabulary.hashtags)}
    number = np.fromiter((index.get(name, size) for name in names), np.int32, len(names))
    number = np.append(number, np.int32(size))
    known = number < size
    seen: Collection[str] = index if train_hashtags is None else frozenset(train_hashtags)
    is_seen = np.fromiter((name in seen for name in names), np.bool_, len(names))
    frequencies = np.append(np.asarray(vocabulary.frequencies, np.int64), 0)
    return HashtagFacts(
        number=number,
        known=known,
        new=~np.append(is_seen, True) & ~known,
        frequency=frequencies[number],
        vocabulary_size=size,
        total_frequency=int(frequencies.sum()),
    )


@dataclass(frozen=True, slots=True)
class Truth:
    """True hashtags of N posts, without repeats.

    Attributes:
        indices: (M,) int32, index into `names`, post after post, rising inside a post.
        offsets: (N + 1,) int64; post i owns `indices[offsets[i]:offsets[i + 1]]`.
        names: the names of the ranking, then the true hashtags that it does not hold.
        repeats: hashtags left out because their post named them twice.
    """

    indices: NDArray[np.int32]
    offsets: NDArray[np.int64]
    names: Sequence[str]
    repeats: int = 0

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> NDArray[np.int64]:
        """True hashtags per post, shape (N,)."""
        return np.diff(self.offsets)

    @classmethod
    def from_hashtags(cls, hashtags: Sequence[Sequence[str]], names: Sequence[str]) -> Truth:
        """Map the true hashtags of each post to numbers.

        Args:
            hashtags: per post, in any order; a repeat counts once.
            names: `Rankings.names`; true hashtags outside of it get the numbers that follow.

        Raises:
            DataError: a post's hashtags are one text instead of a list of them.
        """
        texts = tuple(kind for kind in set(map(type, hashtags)) if issubclass(kind, str))
        for row, tags in enumerate(hashtags if texts else ()):
            if isinstance(tags, texts):
                raise DataError(f"the truth of post number {row} is the text {tags!r}; it must be a list of hashtags.")
        index = GrowingIndex((name, number) for number, name in enumerate(names))
        flat, sizes = index.numbers(hashtags)
        extra = list(index)[len(names) :]
        all_names = [*names, *extra] if extra else names
        return cls._without_repeats(flat, sizes, all_names)

    @classmethod
    def _without_repeats(cls, flat: NDArray[np.int64], sizes: NDArray[np.int64], names: Sequence[str]) -> Truth:
        starts = np.repeat(np.arange(len(sizes)) * max(len(names), 1), sizes)
        keys = starts + flat
        keys.sort()
        fresh = np.ones(len(keys), bool)
        np.not_equal(keys[1:], keys[:-1], out=fresh[1:])
        indices = (keys - starts).astype(np.int32)
        offsets = np.append(0, np.cumsum(sizes))
        repeats = int(len(keys) - np.count_nonzero(fresh))
        if repeats:
            indices, offsets = indices[fresh], np.append(0, np.cumsum(fresh))[offsets]
        return cls(indices, offsets, names, repeats)


def hit_matrix(indices: NDArray[np.int32], truth: Truth, rows: Ints) -> Bools:
    """Return which ranks of each list hold a true hashtag of its post.

    Args:
        indices: (K, N) hashtag indices by rank, -1 for an empty rank.
        truth: of at least the posts asked for.
        rows: (N,) the post of `truth` that each column of `indices` belongs to.

    Returns:
        (K, N) bool.
    """
    # Posts with most true hashtags first, so that step j compares just the posts with more than j of them:
    # K x (true hashtags) comparisons in all, each over contiguous memory.
    counts = truth.offsets[rows + 1] - truth.offsets[rows]
    order = np.argsort(-counts, kind="stable")
    sorted_indices = indices[:, order]
    starts = truth.offsets[rows[order]]
    longest = int(counts.max(initial=0))
    longer = len(rows) - np.cumsum(np.bincount(counts, minlength=longest + 1))
    found = np.zeros(indices.shape, np.bool_)
    for step in range(longest):
        n = int(longer[step])
        found[:, :n] |= sorted_indices[:, :n] == truth.indices[starts[:n] + step]
    hits = np.empty_like(found)
    hits[:, order] = found
    return hits


def check_rankings(rankings: Rankings, rows: slice) -> None:
    """Check some lists of a ranking.

    Raises:
        DataError: an index outside the names, a gap before the end of a list, a hashtag named twice, a score that
            is NaN or infinite, or scores that rise along a list; the message names the post and the rank.
    """
    indices, scores = rankings.indices[rows], rankings.scores[rows]
    lowest, highest = indices.min(initial=0), indices.max(initial=-1)
    if lowest < -1 or highest >= len(rankings.names):
        outside = (indices < -1) | (indices >= len(rankings.names))
        _refuse(rankings, rows, outside, "is not the number of a hashtag", indices)
    finite = np.isfinite(scores)
    if lowest < 0:
        named = indices >= 0
        _refuse(rankings, rows, named[:, 1:] & ~named[:, :-1], "comes after an empty rank", indices, first_rank=2)
        finite |= ~named
    if not finite.all():
        _refuse(rankings, rows, ~finite, "is not a finite score", scores)
    _refuse(rankings, rows, scores[:, 1:] > scores[:, :-1], "is a higher score than that before it", scores, 2)
    ordered = np.sort(indices.astype(np.int32), axis=1)
    repeated = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if repeated.any():
        row, column = np.argwhere(repeated)[0]
        raise DataError(
            f"post {rankings.post_ids[rows.start + row]!r}: the hashtag {rankings.names[ordered[row, column]]!r} is "
            "recommended twice; a list must not repeat a hashtag."
        )


def _refuse(
    rankings: Rankings, rows: slice, wrong: Bools, what: str, values: NDArray[np.generic], first_rank: int = 1
) -> None:
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        rank = column + first_rank
        raise DataError(f"post {rankings.post_ids[rows.start + row]!r}, rank {rank}: {values[row, rank - 1]} {what}.")


def check_post_ids(post_ids: Sequence[str]) -> None:
    """Check that no post is there twice.

    Raises:
        DataError: it is; the message names the first and how many there are.
    """
    if len(set(post_ids)) == len(post_ids):
        return
    seen: set[str] = set()
    repeated = [post_id for post_id in post_ids if post_id in seen or seen.add(post_id)]  # type: ignore[func-returns-value]
    raise DataError(f"post {repeated[0]!r} is ranked twice ({len(repeated)} repeated post ids in all).")
