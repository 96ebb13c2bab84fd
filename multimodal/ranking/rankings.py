"""`Rankings`: the recommendations of a System for many posts, as arrays."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import UserError, short_repr


@dataclass(frozen=True, slots=True)
class Rankings:
    """Ranked hashtags for N posts, best first, at most K each.

    Attributes:
        post_ids: N ids.
        indices: (N, K) int64, index into `names`; a list shorter than K is padded with -1.
        scores: (N, K) float64, never increasing along a row; NaN where `indices` is -1.
        names: hashtag text by index; not all need be used.
    """

    post_ids: Sequence[str]
    indices: NDArray[np.int64]
    scores: NDArray[np.float64]
    names: Sequence[str]

    @classmethod
    def from_lists(
        cls,
        post_ids: Sequence[str],
        lists: Iterable[tuple[NDArray[np.int64], NDArray[np.float64]]],
        k: int,
        names: Sequence[str],
    ) -> Rankings:
        """Stack one (indices, scores) pair per post, each best first and at most `k` long."""
        indices = np.full((len(post_ids), k), -1, np.int64)
        scores = np.full((len(post_ids), k), np.nan)
        for row, (chosen, values) in enumerate(lists):
            indices[row, : len(chosen)] = chosen
            scores[row, : len(chosen)] = values
        return cls(post_ids, indices, scores, names)

    @classmethod
    def from_hashtags(
        cls, lists: Mapping[str, Sequence[str]], scores: Mapping[str, Sequence[float]] | None = None
    ) -> Rankings:
        """Make a ranking of lists of text.

        Args:
            lists: post id → hashtags, best first.
            scores: post id → as many scores, which do not rise; by default minus the rank.

        Raises:
            UserError: a value is of another type, or a post has more or fewer scores than hashtags.
        """
        _check_lists(lists, scores)
        index = GrowingIndex()
        flat, sizes = index.numbers(lists.values())
        ranks = np.arange(int(sizes.max(initial=0)))
        inside = ranks < sizes[:, None]
        if inside.all():
            indices = flat.reshape(inside.shape)
        else:
            indices = np.full(inside.shape, -1, np.int64)
            indices[inside] = flat
        if scores is None:
            values = np.where(inside, -1.0 - ranks, np.nan)
        else:
            values = np.full(inside.shape, np.nan)
            values[inside] = np.fromiter(chain.from_iterable(scores[post_id] for post_id in lists), np.float64)
        return cls(list(lists), indices, values, list(index))

    def __len__(self) -> int:
        return len(self.post_ids)

    @property
    def k(self) -> int:
        """The length of the lists."""
        return int(self.indices.shape[1])

    def lengthened(self, k: int) -> Rankings:
        """Return the same lists with room for `k` hashtags, which is not less than they have."""
        padding = ((0, 0), (0, k - self.k))
        indices = np.pad(self.indices, padding, constant_values=-1)
        return Rankings(self.post_ids, indices, np.pad(self.scores, padding, constant_values=np.nan), self.names)

    def of(self, row: int) -> list[tuple[str, float]]:
        """Return the (hashtag, score) pairs of one post, best first."""
        return [
            (self.names[index], float(score))
            for index, score in zip(self.indices[row], self.scores[row], strict=True)
            if index >= 0
        ]

    def __iter__(self) -> Iterator[list[tuple[str, float]]]:
        return (self.of(row) for row in range(len(self)))


class GrowingIndex(dict[str, int]):
    """Name → number; a name asked for the first time gets the next number."""

    def __missing__(self, name: str) -> int:
        number = self[name] = len(self)
        return number

    def numbers(self, lists: Collection[Sequence[str]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the numbers of all names of N lists, one list after the other, and the length of each list, (N,)."""
        sizes = np.fromiter(map(len, lists), np.int64, len(lists))
        return np.fromiter(map(self.__getitem__, chain.from_iterable(lists)), np.int64, int(sizes.sum())), sizes


def _check_lists(lists: Mapping[str, Sequence[str]], scores: Mapping[str, Sequence[float]] | None) -> None:
    for name, given in (("lists", lists), ("scores", {} if scores is None else scores)):
        if not isinstance(given, Mapping):
            raise UserError(f"{name}: {short_repr(given)} is not a dictionary of post id and list.")
    no_lists = tuple(kind for kind in set(map(type, lists.values())) if not _is_list(kind))
    for post_id, hashtags in lists.items() if no_lists or scores is not None else ():
        if isinstance(hashtags, no_lists):
            raise UserError(f"post {post_id!r}: {short_repr(hashtags)} is not a list of hashtags, best first.")
        if scores is not None and len(scores.get(post_id, ())) != len(hashtags):
            raise UserError(
                f"post {post_id!r}: {len(scores.get(post_id, ()))} scores for {len(hashtags)} hashtags; give one each."
            )


def _is_list(kind: type) -> bool:
    return issubclass(kind, Sequence) and not issubclass(kind, (str, bytes))
