"""`QuestionColumns`: what the questions read of a memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from multimodal.memory.hashtag_id_map import HashtagIdMap

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Extent(NamedTuple):
    """How far a memory goes.

    Attributes:
        length: N, how many posts there are.
        dead: how many of them no answer may contain.
        alive: (N,) False for those; None if all are alive.
    """

    length: int
    dead: int
    alive: Flags | None


class QuestionColumns(Protocol):
    """Remembered posts by position, N of them. Positions are never reused; a post may die, but not come back."""

    @property
    def id_map(self) -> HashtagIdMap:
        """Numbers of the hashtags."""

    @property
    def slots(self) -> int:
        """Length of a sparse vector of caption terms, 0 for none."""

    @property
    def users(self) -> Ints:
        """(N,) user numbers, -1 for none."""

    @property
    def instants_us(self) -> Ints:
        """(N,) instants, microseconds since 1970."""

    @property
    def extent(self) -> Extent:
        """How far the memory goes; other threads may append posts, and let posts die, at any time."""

    @property
    def languages(self) -> Sequence[str]:
        """Codes of the languages by language number."""

    @property
    def detect_languages(self) -> bool:
        """Whether the languages of captions that come in are found out."""

    def resolve(self, instants_us: Ints) -> Ints:
        """Return instants with that of a post that is being written now in place of `NOW_US`."""

    def language_numbers(self, positions: Ints) -> Ints:
        """Return the language number of the caption of each position, -1 for none."""

    def hashtag_pairs(self, positions: Ints, *, dead: bool) -> tuple[Ints, Ints]:
        """Return the index into `positions` and the hashtag index of every (post, hashtag) pair, in order.

        Args:
            positions: (n,).
            dead: of dead posts too.
        """

    def mention_pairs(self, positions: Ints) -> tuple[Ints, Ints]:
        """Return the index into `positions` and the slot of every name that a caption addresses, in order."""

    def user_numbers(self, user_ids: Sequence[str | None]) -> Ints:
        """Return the number of each user, -1 for unknown ones and None."""

    def terms_at(self, positions: Ints) -> sparse.csr_matrix:
        """Return the caption terms of each position, (n, slots)."""

    def history(self, user_ids: Sequence[str | None], instants_us: Ints, limit: int) -> Ints:
        """Return (Q, limit) positions of each user's newest posts strictly before an instant, padded with -1."""
