"""`Cells`: how much each hashtag was used in each half-life, as whole numbers, which add up exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.questions.hashtag_values import run_starts

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# The weight of a use at the start of a half-life; the last digit of a weight is 2^-36 of it.
UNIT_BITS = 36


@dataclass(frozen=True, slots=True)
class Cells:
    """Sums of weights, sorted by half-life and hashtag, each pair once.

    Attributes:
        periods: (C,) which half-life, counted from 1970.
        hashtags: (C,) hashtag index.
        sums: (C,) in units of 2^-36 uses at the start of the half-life; exact below 2^26 uses.
    """

    periods: Ints
    hashtags: Ints
    sums: Ints

    @classmethod
    def of(cls, periods: Ints, hashtags: Ints, weights: Ints) -> Cells:
        """Add up the weights of each (half-life, hashtag) pair."""
        order = np.lexsort((hashtags, periods))
        periods, hashtags, weights = periods[order], hashtags[order], weights[order]
        starts = np.union1d(run_starts(periods), run_starts(hashtags))
        return cls(periods[starts], hashtags[starts], np.add.reduceat(weights, starts) if len(starts) else weights)

    def __len__(self) -> int:
        return len(self.periods)

    def within(self, first: int, stop: int) -> Cells:
        """Return the cells of some half-lives, views."""
        start, end = np.searchsorted(self.periods, [first, stop])
        return Cells(self.periods[start:end], self.hashtags[start:end], self.sums[start:end])

    def among(self, chosen: NDArray[np.bool_]) -> Cells:
        """Return the cells of some hashtags, given by a flag for each."""
        kept = chosen[self.hashtags]
        return Cells(self.periods[kept], self.hashtags[kept], self.sums[kept])


def joined(*parts: Cells) -> Cells:
    """Return the sums of all parts."""
    parts = tuple(part for part in parts if len(part))
    if not parts:
        return Cells(*np.empty((3, 0), np.int64))
    if len(parts) == 1:
        return parts[0]
    columns = ([getattr(part, name) for part in parts] for name in ("periods", "hashtags", "sums"))
    return Cells.of(*map(np.concatenate, columns))


def weights_of(instants_us: Ints, half_life_us: int) -> tuple[Ints, Ints]:
    """Return the half-life in which each instant lies, and its weight 2^(elapsed share of it) in units of 2^-36."""
    periods, elapsed = np.divmod(instants_us, half_life_us)
    return periods, np.rint(np.ldexp(np.exp2(elapsed / half_life_us), UNIT_BITS)).astype(np.int64)
