"""`TrendTable`: exponentially decayed counts of every hashtag at any instant, for one half-life."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.questions.decayed_cells import UNIT_BITS, Cells, joined, weights_of
from multimodal.memory.questions.hashtag_values import run_starts
from multimodal.memory.questions.runs import with_run

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# (since, until) -> instants and hashtag indices of the uses from one instant to strictly before another, by time.
Uses = Callable[[int, int], tuple[Ints, Ints]]

# Uses further back count as nothing: together less than the number of posts times 2^-64.
WINDOW = 64
_BASES = 4


class TopHashtags(NamedTuple):
    """The leading hashtags of each question.

    Attributes:
        hashtags: (Q, K) hashtag indices, largest value first, -1 where fewer were used.
        values: (Q, K), 0 where fewer were used.
    """

    hashtags: Ints
    values: Floats


@dataclass(frozen=True, slots=True)
class _Base:
    """What the half-lives before one contribute at its start, (H + 1,) in units of 2^-36 uses; the last one is 0."""

    values: Floats
    known: dict[int, Ints] = field(default_factory=dict)

    def leading(self, count: int) -> Ints:
        """Return the hashtags with the largest values, and all that are equal to the last of them."""
        if count not in self.known:
            self.known[count] = _leading(self.values, count)
        return self.known[count]


@dataclass(frozen=True, slots=True)
class _Moment:
    """One instant of a sweep: the questions of this instant, and what was used before it in its half-life.

    Attributes:
        rows: the questions.
        opens: whether it is the first instant asked for in its half-life.
        base: what earlier half-lives contribute.
        running: (H + 1,) what this half-life contributes; the last one is 0.
        used: hashtags used since the instant before.
        leaders: of the first instant, the leading hashtags by how many were asked for, and their values.
    """

    rows: Ints | slice
    opens: bool
    base: _Base
    running: Ints
    used: Ints
    leaders: dict[int, tuple[Ints, Floats]] = field(default_factory=dict)

    def values_of(self, hashtags: Ints) -> Floats:
        """Return the sums of hashtags, 0 for -1: values before they are multiplied with the factor of the instant."""
        sums: Floats = self.base.values[hashtags] + self.running[hashtags]
        return sums


class TrendTable:
    """Decayed counts Σ 2^-((t - t_i) / half-life) over the uses of each hashtag strictly before t.

    Time is cut into half-lives, counted from 1970. A use at t_i weighs 2^(elapsed share of its half-life), rounded to
    36 binary digits: weights of one half-life are added as whole numbers, in any order exactly. Half-lives are added
    oldest first, over the last 64. So a value at t is a function of the uses before t alone, whatever was asked before.

    Kept are one sum for each hashtag and half-life in which it was used (never more than there are uses), one vector
    of all hashtags for each of the last four half-lives that were asked for, and one for the last instant that was
    asked for alone, as the several questions of one post do; behind all uses, of its half-life only the factor depends
    on the instant. A table does not change.

    Args:
        half_life_us: in microseconds.
        cells: the uses.
        newest_us: the latest instant of a use.
        size: more than any hashtag index of them.
    """

    def __init__(
        self, half_life_us: int, cells: tuple[Cells, ...] = (), newest_us: int | None = None, size: int = 0
    ) -> None:
        self.half_life_us = half_life_us
        self._cells = cells
        self._newest_us = newest_us
        self._size = size
        self._bases: dict[int, _Base] = {}
        self._last: tuple[tuple[int, int | None], _Moment] | None = None

    def with_uses(self, instants_us: Ints, hashtags: Ints, sign: int = 1) -> TrendTable:
        """Return a table with more uses, (U,) each, or without uses that it has (sign -1)."""
        if not len(hashtags):
            return self
        periods, weights = weights_of(instants_us, self.half_life_us)
        new = Cells.of(periods, hashtags, sign * weights)
        newest_us = max(int(instants_us.max()), int(instants_us.max()) if self._newest_us is None else self._newest_us)
        size = max(self._size, 1 + int(hashtags.max()))
        table = TrendTable(self.half_life_us, with_run(self._cells, new, joined), newest_us, size)
        for period, base in list(self._bases.items()):
            table._bases[period] = table._amended(base, period, np.unique(new.within(period - WINDOW, period).hashtags))
        return table

    def values_at(self, moments_us: Ints, hashtags: Ints, uses: Uses) -> Floats:
        """Return the values of given hashtags, (Q, C).

        Args:
            moments_us: (Q,).
            hashtags: (Q, C) indices, padded with -1.
            uses: gives uses of the memory that the table was made of.
        """
        values = np.zeros(hashtags.shape)
        known = np.where(hashtags < self._size, hashtags, -1)
        for moment, factor in self._moments(moments_us, uses):
            values[moment.rows] = moment.values_of(known[moment.rows]) * factor
        return values

    def top_at(self, moments_us: Ints, count: int, uses: Uses, text_of: Callable[[int], str]) -> TopHashtags:
        """Return the `count` hashtags with the largest values; equal ones in the order of their texts.

        Args:
            moments_us: (Q,).
            count: K.
            uses: gives uses of the memory that the table was made of.
            text_of: gives the text of a hashtag index.
        """
        top = TopHashtags(np.full((len(moments_us), count), -1, np.int64), np.zeros((len(moments_us), count)))
        leading: Ints = np.empty(0, np.int64)
        for moment, factor in self._moments(moments_us, uses):
            if count not in moment.leaders:
                # Within a half-life a hashtag overtakes others by being used, and in no other way.
                before = moment.base.leading(count) if moment.opens else leading
                candidates = np.union1d(before, moment.used)
                values = moment.values_of(candidates)
                order = _largest(values, candidates, count, text_of)
                moment.leaders[count] = candidates[order], values[order]
            leading, values = moment.leaders[count]
            top.hashtags[moment.rows, : len(leading)] = leading
            top.values[moment.rows, : len(leading)] = values * factor
        return top

    def _moments(self, moments_us: Ints, uses: Uses) -> Iterator[tuple[_Moment, float]]:
        """Yield every instant, with what turns its sums into values."""
        if not self._size:
            return
        if len(moments_us) == 1:
            yield self._only_moment(moments_us, uses)
            return
        order = np.argsort(moments_us, kind="stable")
        periods = moments_us[order] // self.half_life_us
        for rows in np.split(order, run_starts(periods)[1:]):
            if len(rows):
                yield from self._moments_within(int(moments_us[rows[0]] // self.half_life_us), moments_us, rows, uses)

    def _only_moment(self, moments_us: Ints, uses: Uses) -> tuple[_Moment, float]:
        """Return the moment of the only question."""
        instant_us, last = int(moments_us[0]), self._last
        period = instant_us // self.half_life_us
        known = period, None if self._is_behind_all(instant_us) else instant_us
        if last is None or last[0] != known:
            moment, _ = next(self._moments_within(period, moments_us, np.zeros(1, np.int64), uses))
            last = self._last = known, replace(moment, rows=slice(None))
        return last[1], float(self._factors(period, moments_us)[0])

    def _is_behind_all(self, instant_us: int) -> bool:
        return self._newest_us is not None and instant_us > self._newest_us

    def _factors(self, period: int, moments: Ints) -> Floats:
        """Return what turns sums of a half-life into values at moments within it."""
        elapsed = (moments - period * self.half_life_us) / self.half_life_us
        return np.ldexp(np.exp2(-elapsed), -UNIT_BITS)

    def _moments_within(self, period: int, moments_us: Ints, rows: Ints, uses: Uses) -> Iterator[tuple[_Moment, float]]:
        start_us, moments = period * self.half_life_us, moments_us[rows]
        factors = self._factors(period, moments)
        base, running = self._base(period), np.zeros(self._size + 1, np.int64)
        starts = run_starts(moments)
        stops, hashtags, weights = self._uses_within(period, start_us, moments[starts], uses)
        for index, same in enumerate(np.split(rows, starts[1:])):
            new = slice(stops[index - 1] if index else 0, stops[index])
            np.add.at(running, hashtags[new], weights[new])
            yield _Moment(same, not index, base, running, hashtags[new]), float(factors[starts[index]])

    def _uses_within(self, period: int, start_us: int, moments: Ints, uses: Uses) -> tuple[Ints, Ints, Ints]:
        """Return the uses of a half-life before the last of some moments, and how many are before each."""
        if self._is_behind_all(int(moments[0])):
            cells = [part.within(period, period + 1) for part in self._cells]
            hashtags = np.concatenate([part.hashtags for part in cells])
            return np.full(len(moments), len(hashtags)), hashtags, np.concatenate([part.sums for part in cells])
        instants_us, hashtags = uses(start_us, int(moments[-1]))
        return np.searchsorted(instants_us, moments), hashtags, weights_of(instants_us, self.half_life_us)[1]

    def _base(self, period: int) -> _Base:
        base = self._bases.get(period)
        if base is None:
            base = _Base(self._summed(period, [part.within(period - WINDOW, period) for part in self._cells]))
        elif len(base.values) <= self._size:
            base = replace(base, values=self._extended(base.values))
        else:
            return base
        # A new dictionary: other threads may be reading the old one.
        others = [item for item in self._bases.items() if item[0] != period]
        self._bases = {**dict(others[1 - _BASES :]), period: base}
        return base

    def _extended(self, values: Floats) -> Floats:
        """Return values with zeros behind them."""
        return np.pad(values, (0, self._size + 1 - len(values)))

    def _amended(self, base: _Base, period: int, hashtags: Ints) -> _Base:
        if not len(hashtags):
            return base
        chosen = np.zeros(self._size, np.bool_)
        chosen[hashtags] = True
        values = self._extended(base.values)
        cells = [part.within(period - WINDOW, period).among(chosen) for part in self._cells]
        values[hashtags] = self._summed(period, cells)[hashtags]
        return _Base(values)

    def _summed(self, period: int, cells: list[Cells]) -> Floats:
        all_cells = joined(*cells)
        # Powers of two are exact, and the sum is made one by one in order of time.
        terms = np.ldexp(all_cells.sums.astype(np.float64), all_cells.periods - period)
        return np.bincount(all_cells.hashtags, terms, minlength=self._size + 1).astype(np.float64)


def _leading(values: Floats, count: int) -> Ints:
    places = np.flatnonzero(values > 0)
    if not count or len(places) <= count:
        return places if count else places[:0]
    threshold = np.partition(values[places], len(places) - count)[len(places) - count]
    leading: Ints = places[values[places] >= threshold]
    return leading


def _largest(values: Floats, hashtags: Ints, count: int, text_of: Callable[[int], str]) -> Ints:
    """Return the places of the largest values, largest first, equal ones in the order of their texts."""
    places = _leading(values, count)
    places = places[np.argsort(-values[places], kind="stable")]
    if (values[places[1:]] == values[places[:-1]]).any():
        ordered = sorted(places.tolist(), key=lambda place: (-values[place], text_of(int(hashtags[place]))))
        places = np.array(ordered, np.int64)
    return places[:count]
