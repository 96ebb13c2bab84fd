"""`Run`: an immutable, sorted part of `Postings`; and how runs are joined as they become many."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
AnyRun = TypeVar("AnyRun", bound=Sized)

_SMALL = 512
_RATIO = 4


def with_run(runs: tuple[AnyRun, ...], run: AnyRun, join: Callable[[AnyRun, AnyRun], AnyRun]) -> tuple[AnyRun, ...]:
    """Return runs with one more, joined with the runs before it while those are small or not much longer.

    So there are never more than about log4(entries / 512) runs, and an entry is joined that often, times a constant.
    """
    while runs and len(runs[-1]) <= max(_RATIO * len(run), _SMALL):
        run, runs = join(runs[-1], run), runs[:-1]
    return (*runs, run)


@dataclass(frozen=True, slots=True)
class Run:
    """Entries (key, position), sorted by key, then instant, then position.

    Attributes:
        keys: (K,) the distinct keys, ascending.
        starts: (K + 1,) where the entries of each key start; the last one is E.
        positions: (E,) int32.
        oldest_us, newest_us: the first and last instant of any entry.
    """

    keys: Ints
    starts: Ints
    positions: NDArray[np.int32]
    oldest_us: int
    newest_us: int

    @classmethod
    def of(cls, keys: Ints, positions: NDArray[np.integer], oldest_us: int, newest_us: int) -> Run:
        """Sort entries that are given in order of instant and position, at least one."""
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        ends = np.concatenate([starts, [len(keys)]])
        return cls(keys[starts], ends, positions[order].astype(np.int32), oldest_us, newest_us)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def entry_keys(self) -> Ints:
        """(E,) the key of each entry."""
        return np.repeat(self.keys, np.diff(self.starts))

    def then(self, later: Run) -> Run:
        """Return this run and one that has no earlier entry, joined."""
        keys = np.concatenate([self.entry_keys, later.entry_keys])
        positions = np.concatenate([self.positions, later.positions])
        return Run.of(keys, positions, self.oldest_us, later.newest_us)

    def before(self, keys: Ints, moments_us: Ints, instants_us: Ints) -> tuple[Ints, Ints]:
        """Return where the entries of each key that are strictly earlier than a moment start and stop.

        Args:
            keys: (Q,).
            moments_us: (Q,).
            instants_us: (N,) instants by position.
        """
        places = np.minimum(self.keys.searchsorted(keys), len(self.keys) - 1)
        starts = self.starts[places]
        high = np.where(self.keys[places] == keys, self.starts[places + 1], starts)
        behind = moments_us > self.newest_us
        if behind.all():
            return starts, high
        low = np.where(behind, high, starts)
        high = np.where(moments_us <= self.oldest_us, low, high)
        while (searching := (low < high).nonzero()[0]).size:
            middle = (low[searching] + high[searching]) // 2
            earlier = instants_us[self.positions[middle]] < moments_us[searching]
            low[searching[earlier]] = middle[earlier] + 1
            high[searching[~earlier]] = middle[~earlier]
        return starts, low

    def newest_first(self, stops: Ints, counts: Ints) -> Ints:
        """Return `counts` entries' positions before each of `stops`, newest first, one list behind the other."""
        ends = counts.cumsum()
        first = stops - 1 + ends - counts
        entries = first.repeat(counts) - np.arange(int(ends[-1]) if len(ends) else 0)
        positions: Ints = self.positions[entries].astype(np.int64)
        return positions
