"""`Languages`: the language of each post's caption, as a number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_loaders.posts import Post
from data_loaders.text.languages import language_of
from multimodal.memory.posts.growing_array import GrowingArray
from multimodal.memory.posts.numbering import Numbering

Ints = NDArray[np.int64]
_NOBODY: NDArray[np.bool_] = np.empty(0, np.bool_)


class Languages:
    """Languages by position, none for captions whose language is not known.

    Args:
        codes: of the first languages, without repeats.
    """

    __slots__ = ("_codes", "_masks", "_numbers")

    def __init__(self, codes: Sequence[str] = ()) -> None:
        self._codes = Numbering(codes)
        self._numbers = GrowingArray(np.int16)
        self._masks: dict[str, NDArray[np.bool_]] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def codes(self) -> Sequence[str]:
        """Codes of the languages by their number; do not change it."""
        return self._codes.names

    @property
    def numbers(self) -> NDArray[np.int16]:
        """(N,) language numbers, -1 for none."""
        return self._numbers.values

    def at(self, positions: Ints) -> Ints:
        """Return the number of the language of each position, -1 for none; same shape."""
        return self._numbers.values[positions].astype(np.int64)

    def codes_at(self, positions: Ints) -> list[str | None]:
        """Return the code of the language of each position, (N,), None for none."""
        return [None if number < 0 else self._codes[number] for number in self.at(positions).tolist()]

    def mask(self, code: str, length: int) -> NDArray[np.bool_]:
        """Return which of the first posts have a caption in a language, (length,); do not change it."""
        known, number = self._masks.get(code, _NOBODY), self._codes.find(code)
        if len(known) < length and number is not None:
            known = np.concatenate([known, self._numbers.values[len(known) : length] == number])
            self._masks = {**self._masks, code: known}
        return known[:length] if number is not None else np.zeros(length, np.bool_)

    def extend(self, codes: Sequence[str | None]) -> None:
        """Append the languages of posts."""
        self._numbers.extend(np.array([-1 if code is None else self._codes.add(code) for code in codes], np.int16))

    def extend_numbers(self, numbers: NDArray[np.int16]) -> None:
        """Append the languages of posts by their numbers."""
        self._numbers.extend(numbers)

    def truncate(self, length: int) -> None:
        """Drop the posts from `length` on, which were appended since the last fork; a code keeps its number."""
        self._numbers.truncate(length)
        self._masks = {}

    def fork(self) -> Languages:
        """Return the same languages; appending to either leaves the other as it is."""
        fork = Languages.__new__(Languages)
        fork._codes, fork._numbers, fork._masks = self._codes.fork(), self._numbers.fork(), self._masks
        return fork

    def release(self, fork: Languages) -> None:
        """End a fork, see `GrowingArray.release`."""
        self._numbers.release(fork._numbers)


def refuse_unknown(language: str | None, known: Sequence[str], detects: bool) -> None:
    """Refuse a question about a language to a memory that knows the language of no post and does not find it out.

    Args:
        language: that is asked for; None for none.
        known: the languages of remembered posts.
        detects: whether the memory finds out the languages of captions that come in.

    Raises:
        ValueError: see above.
    """
    if language is not None and not known and not detects:
        raise ValueError(
            f"language is {language!r}, but this memory does not know the languages of its captions; make it with "
            "detect_languages=True before posts come in, or ask without a language"
        )


def languages_of(posts: Sequence[Post], given: Sequence[str | None] | None, detect: bool) -> Sequence[str | None]:
    """Return the languages of captions: those that are given, or those that are found out, or none.

    Raises:
        ValueError: there are more or fewer languages than posts.
    """
    if given is None:
        return [language_of(post.caption) if detect else None for post in posts]
    if len(given) != len(posts):
        raise ValueError(
            f"{len(given)} languages for {len(posts)} posts; give one for each, None where it is not known"
        )
    return given
