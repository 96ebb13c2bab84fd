"""`Languages`: the language of each post's caption, as a number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.posts.growing_array import GrowingArray
from multimodal.memory.posts.numbering import Numbering

Ints = NDArray[np.int64]


class Languages:
    """Languages by position, none for captions whose language is not known."""

    __slots__ = ("_codes", "_numbers")

    def __init__(self) -> None:
        self._codes = Numbering()
        self._numbers = GrowingArray(np.int16)

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def codes(self) -> Sequence[str]:
        """Codes of the languages by their number; do not change it."""
        return self._codes.names

    def at(self, positions: Ints) -> Ints:
        """Return the number of the language of each position, -1 for none; same shape."""
        return self._numbers.values[positions].astype(np.int64)

    def codes_at(self, positions: Ints) -> list[str | None]:
        """Return the code of the language of each position, (N,), None for none."""
        return [None if number < 0 else self._codes[number] for number in self.at(positions).tolist()]

    def extend(self, codes: Sequence[str | None]) -> None:
        """Append the languages of posts."""
        self._numbers.extend(np.array([-1 if code is None else self._codes.add(code) for code in codes], np.int16))

    def truncate(self, length: int) -> None:
        """Drop the posts from `length` on, which were appended since the last fork; a code keeps its number."""
        self._numbers.truncate(length)

    def fork(self) -> Languages:
        """Return the same languages; appending to either leaves the other as it is."""
        fork = Languages.__new__(Languages)
        fork._codes, fork._numbers = self._codes.fork(), self._numbers.fork()
        return fork

    def release(self, fork: Languages) -> None:
        """End a fork, see `GrowingArray.release`."""
        self._numbers.release(fork._numbers)
