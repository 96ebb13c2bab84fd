"""`Postings`: the positions of the posts of each key in order of time, read backwards from any instant."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.questions.runs import Run, with_run

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_NONE: Ints = np.empty(0, np.int64)
_LATE_SHARE = 8


class Found(NamedTuple):
    """Posts that were found for many questions, flat, question by question, each from its newest post.

    Attributes:
        rows: (E,) the question of each.
        positions: (E,) the post.
    """

    rows: Ints
    positions: Ints


class Postings:
    """Keys (hashtags, words, languages …) with the posts that have them, growing at the end.

    Entries lie in immutable sorted runs of growing length, each later than the one before, so that adding costs
    O(log N) amortised, a fork shares them, and a reader is not disturbed by a writer. Entries that come late, older
    than what is there, lie in runs of their own until they are an eighth of all; then all is sorted anew.
    """

    __slots__ = ("_late", "_newest_us", "_runs")

    def __init__(self) -> None:
        self._runs: tuple[Run, ...] = ()
        self._late: tuple[Run, ...] = ()
        self._newest_us = int(np.iinfo(np.int64).min)

    def __len__(self) -> int:
        return sum(map(len, (*self._runs, *self._late)))

    def fork(self) -> Postings:
        """Return postings with the same entries; adding to either leaves the other as it is."""
        fork = Postings()
        fork._runs, fork._late, fork._newest_us = self._runs, self._late, self._newest_us
        return fork

    def add(self, keys: Ints, positions: Ints, instants_us: Ints) -> None:
        """Add entries.

        Args:
            keys: (E,) at least 0, no (key, position) twice.
            positions: (E,) of posts that have no entries yet.
            instants_us: (N,) instants by position.
        """
        if not len(keys):
            return
        order = np.lexsort((positions, instants_us[positions]))
        keys, positions = keys[order], positions[order]
        moments = instants_us[positions]
        late = int(np.searchsorted(moments, self._newest_us))
        if late:
            run = Run.of(keys[:late], positions[:late], int(moments[0]), int(moments[late - 1]))
            self._late = with_run(self._late, run, lambda one, other: _sorted_anew([one, other], instants_us))
        if late < len(keys):
            run = Run.of(keys[late:], positions[late:], int(moments[late]), int(moments[-1]))
            self._runs = with_run(self._runs, run, Run.then)
            self._newest_us = int(moments[-1])
        if _LATE_SHARE * sum(map(len, self._late)) > sum(map(len, self._runs)):
            self._runs, self._late = (_sorted_anew([*self._runs, *self._late], instants_us),), ()

    def count(self, keys: Ints, moments_us: Ints, instants_us: Ints) -> Ints:
        """Return how many entries each key has strictly before a moment, dead ones included, (Q,)."""
        counts = np.zeros(len(keys), np.int64)
        for run in (*self._runs, *self._late):
            starts, stops = run.before(keys, moments_us, instants_us)
            counts += stops - starts
        return counts

    def between(self, key: int, since_us: int, until_us: int, instants_us: Ints) -> Ints:
        """Return the positions of one key from one instant to strictly before another, in order of time."""
        moments = np.array([since_us, until_us], np.int64)
        parts = [_NONE]
        for run in (*self._runs, *self._late):
            _, (start, stop) = run.before(np.array([key, key], np.int64), moments, instants_us)
            parts.append(run.positions[start:stop].astype(np.int64))
        positions = np.concatenate(parts)
        return positions[np.lexsort((positions, instants_us[positions]))] if self._late else positions

    def last(self, keys: Ints, moments_us: Ints, count: int, instants_us: Ints, alive: Flags | None = None) -> Found:
        """Find the newest posts of each key strictly before a moment; dead ones are passed over, not counted.

        Args:
            keys: (Q,).
            moments_us: (Q,).
            count: how many to find.
            instants_us: (N,) instants by position.
            alive: (N,) by position; None if all are alive.
        """
        if alive is None:
            return self._newest(keys, moments_us, count, instants_us)
        open_rows, wanted, parts = np.arange(len(keys)), count, list[Found]()
        while len(open_rows):
            asked = self._newest(keys[open_rows], moments_us[open_rows], wanted, instants_us)
            kept = alive[asked.positions]
            living = Found(asked.rows[kept], asked.positions[kept])
            exhausted = np.bincount(asked.rows, minlength=len(open_rows)) < wanted
            done = exhausted | (np.bincount(living.rows, minlength=len(open_rows)) >= count)
            final = done[living.rows] & (_ranks(living.rows) < count)
            parts.append(Found(open_rows[living.rows[final]], living.positions[final]))
            open_rows, wanted = open_rows[~done], 2 * wanted
        return _by_row(parts)

    def _newest(self, keys: Ints, moments_us: Ints, count: int, instants_us: Ints) -> Found:
        rows, missing, parts = np.arange(len(keys)), np.full(len(keys), count, np.int64), list[Found]()
        for run in reversed(self._runs):
            rows = rows[missing[rows] > 0]
            if not len(rows):
                break
            starts, stops = run.before(keys[rows], moments_us[rows], instants_us)
            taken = np.minimum(missing[rows], stops - starts)
            missing[rows] -= taken
            parts.append(Found(rows.repeat(taken), run.newest_first(stops, taken)))
        found = _by_row(parts)
        late = [self._newest_of(run, keys, moments_us, count, instants_us) for run in self._late]
        if not any(len(part.rows) for part in late):
            return found
        merged = Found(*map(np.concatenate, zip(found, *late, strict=True)))
        order = np.lexsort((-merged.positions, -instants_us[merged.positions], merged.rows))
        order = order[_ranks(merged.rows[order]) < count]
        return Found(merged.rows[order], merged.positions[order])

    @staticmethod
    def _newest_of(run: Run, keys: Ints, moments_us: Ints, count: int, instants_us: Ints) -> Found:
        starts, stops = run.before(keys, moments_us, instants_us)
        taken = np.minimum(count, stops - starts)
        return Found(np.repeat(np.arange(len(keys)), taken), run.newest_first(stops, taken))


def _sorted_anew(runs: list[Run], instants_us: Ints) -> Run:
    keys = np.concatenate([run.entry_keys for run in runs])
    positions = np.concatenate([run.positions for run in runs])
    order = np.lexsort((positions, instants_us[positions]))
    ends = [(run.oldest_us, run.newest_us) for run in runs]
    return Run.of(keys[order], positions[order], min(end[0] for end in ends), max(end[1] for end in ends))


def _by_row(parts: list[Found]) -> Found:
    if len(parts) < 2:
        return parts[0] if parts else Found(_NONE, _NONE)
    rows, positions = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(rows, kind="stable")
    return Found(rows[order], positions[order])


def _ranks(rows: Ints) -> Ints:
    """Return how many entries of the same row stand before each, for rows in ascending order."""
    firsts = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]])) if len(rows) else _NONE
    return np.arange(len(rows)) - np.repeat(firsts, np.diff(np.concatenate([firsts, [len(rows)]])))
