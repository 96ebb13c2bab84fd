"""`FirstPosts`: a prepared folder as if its train split had ended earlier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data_loaders.errors import DataError
from data_loaders.post_table import PostTable
from data_loaders.prepare.vocabulary import Vocabulary
from data_loaders.prepared import PreparedData

_VALIDATION_SHARE = 0.1


class FirstPosts(PreparedData):
    """The first train posts of a prepared folder, by time; the last tenth of them is the validation split.

    The vocabulary is that of these posts: which hashtags become frequent later is not known.

    Args:
        data: the whole folder.
        order: rows of the train split by time.
        count: how many of them are known.

    Raises:
        DataError: no hashtag is frequent enough in so few posts.
    """

    def __init__(self, data: PreparedData, order: Sequence[int], count: int) -> None:
        chosen = np.asarray(order[:count], np.int64)
        cut = len(chosen) - max(int(len(chosen) * _VALIDATION_SHARE), 1)
        train = data.split("train")
        self._known = train.take(chosen)
        self._parts = {"train": train.take(chosen[:cut]), "validation": train.take(chosen[cut:]), "test": train[:0]}
        tagged = (post.hashtags for post in self._parts["train"])
        super().__init__(
            data.folder, Vocabulary.from_posts(tagged, data.vocabulary.minimum_frequency), data.statistics, train
        )
        self._whole, self._order, self._count = data, order, count

    @property
    def fingerprint(self) -> str:
        """That of the whole folder, and how much of it is known."""
        return f"{self._whole.fingerprint}-{self._count}"

    def with_inline_words(self) -> FirstPosts:
        """Return the same posts with LEAKING captions; see `PreparedData`."""
        return FirstPosts(self._whole.with_inline_words(), self._order, self._count)

    def posts(self) -> PostTable:
        """Return the posts that are known, by time."""
        return self._known

    def split(self, name: str) -> PostTable:
        """Return the posts of `train` or `validation`; `test` is empty.

        Raises:
            DataError: there is no split of that name.
        """
        if name not in self._parts:
            raise DataError(f"split {name!r} is unknown; accepted: {', '.join(self._parts)}.")
        return self._parts[name]
