"""`TimeOrder`: posts in order of time, frozen from the front, so that spans of them never change."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from multimodal.memory.posts.growing_array import GrowingArray
from multimodal.memory.search.columns import Ints
from multimodal.memory.search.settings import IndexSettings

_LINEAGES = itertools.count()
_LATE_SHARE = 8
_MANY_STEPS = 8


@dataclass(frozen=True, slots=True)
class Timed:
    """Posts sorted by instant, then by position.

    Attributes:
        positions: (n,).
        instants_us: (n,).
    """

    positions: Ints
    instants_us: Ints

    def __len__(self) -> int:
        return len(self.positions)

    @classmethod
    def nothing(cls) -> Timed:
        """Return no posts."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))

    def with_posts(self, positions: Ints, instants_us: Ints) -> Timed:
        """Return them with more posts, whose positions are larger."""
        both = np.concatenate([self.positions, positions])
        instants = np.concatenate([self.instants_us, instants_us])
        if len(both) > 1 and (np.diff(instants) < 0).any():
            order = np.argsort(instants, kind="stable")
            both, instants = both[order], instants[order]
        return Timed(both, instants)

    def before(self, instant_us: int) -> int:
        """Return how many are strictly earlier."""
        return int(np.searchsorted(self.instants_us, instant_us, side="left"))


@dataclass(frozen=True, slots=True)
class OrderedPosts:
    """All posts at one moment; nothing of it changes when more are appended.

    Attributes:
        frozen: posts whose order never changes but by `reindex`, whole slices.
        open: the posts behind them in time.
        late: posts that came after later ones were frozen; they belong to no slice.
        lineages: (first slice, number): slices of the same number and index hold the same posts, forks included.
        version: grows whenever late posts are sorted in.
    """

    frozen: Timed
    open: Timed
    late: Timed
    lineages: tuple[tuple[int, int], ...]
    version: int

    def before(self, instant_us: int) -> int:
        """Return n(t), how many posts of the order, late ones aside, are strictly earlier."""
        earlier = self.frozen.before(instant_us)
        return earlier + (self.open.before(instant_us) if earlier == len(self.frozen) else 0)

    def part(self, start: int, stop: int) -> Timed:
        """Return the posts from one place in the order to another."""
        edge = len(self.frozen)
        rear = slice(max(start - edge, 0), max(stop - edge, 0))
        if start >= edge:
            return Timed(self.open.positions[rear], self.open.instants_us[rear])
        front = Timed(self.frozen.positions[start:stop], self.frozen.instants_us[start:stop])
        if stop <= edge:
            return front
        positions = np.concatenate([front.positions, self.open.positions[rear]])
        return Timed(positions, np.concatenate([front.instants_us, self.open.instants_us[rear]]))

    def lineage(self, last_slice: int) -> int:
        """Return the number of the lineage that a slice belongs to."""
        return next(number for first, number in reversed(self.lineages) if first <= last_slice)


class TimeOrder:
    """Sorts posts as they arrive; what it becomes depends on the order of arrival alone, not on batches.

    Whenever a quarter of a slice has arrived, all whole slices but the last are frozen. A post older than the newest
    frozen instant is *late*. Late posts are sorted in, and the version grows, by `reindex`, or once they are more than
    a slice and an eighth of the frozen posts.

    Args:
        settings: sizes.
        reindexed: how many posts there were at the last `reindex`, and the version that it made.
    """

    def __init__(self, settings: IndexSettings, reindexed: tuple[int, int] = (0, 0)) -> None:
        self._settings, self.reindexed = settings, reindexed
        self._seen = 0
        self._positions, self._instants = GrowingArray(np.int64), GrowingArray(np.int64)
        self._publish(Timed.nothing(), Timed.nothing(), ((0, next(_LINEAGES)),), 0)

    def _publish(self, open_: Timed, late: Timed, lineages: tuple[tuple[int, int], ...], version: int) -> None:
        frozen = Timed(self._positions.values, self._instants.values)
        self.posts = OrderedPosts(frozen, open_, late, lineages, version)

    @property
    def seen(self) -> int:
        """How many posts have arrived."""
        return self._seen

    def extend(self, instants_us: Ints) -> None:
        """Take in the posts that have arrived since.

        Args:
            instants_us: (N,) of all posts by position, those known included.
        """
        while self._seen < len(instants_us):
            stop = self._next_stop(instants_us)
            self._take(np.arange(self._seen, stop), instants_us[self._seen : stop])
            self._seen = stop
            if stop == self.reindexed[0]:
                self._sort_in(instants_us, self.reindexed[1])
            elif stop % self._settings.freeze_posts == 0:
                self._freeze(instants_us)

    def _next_stop(self, instants_us: Ints) -> int:
        step, seen, total = self._settings.freeze_posts, self._seen, len(instants_us)
        if seen < self.reindexed[0]:
            # Nothing is late before the posts that were sorted anyway.
            return min(total, self.reindexed[0])
        if total - seen > _MANY_STEPS * step and self._all_newer(instants_us[seen:]):
            # In order, posts freeze the same slices one by one and at once.
            return total // step * step
        return min(total, (seen // step + 1) * step)

    def _all_newer(self, instants_us: Ints) -> bool:
        posts = self.posts.open if len(self.posts.open) else self.posts.frozen
        in_order = bool((instants_us[1:] >= instants_us[:-1]).all())
        return in_order and (not len(posts) or bool(instants_us[0] >= posts.instants_us[-1]))

    def _take(self, positions: Ints, instants_us: Ints) -> None:
        posts = self.posts
        late = instants_us < posts.frozen.instants_us[-1] if len(posts.frozen) else np.zeros(len(positions), bool)
        open_ = posts.open.with_posts(positions[~late], instants_us[~late])
        behind = posts.late.with_posts(positions[late], instants_us[late]) if late.any() else posts.late
        self._publish(open_, behind, posts.lineages, posts.version)

    def _freeze(self, instants_us: Ints) -> None:
        posts, size = self.posts, self._settings.slice_posts
        if len(posts.late) > max(size, len(posts.frozen) // _LATE_SHARE):
            self._sort_in(instants_us, posts.version + 1)
            return
        more = (len(posts.frozen) + len(posts.open)) // size * size - size - len(posts.frozen)
        if more > 0:
            self._positions.extend(posts.open.positions[:more])
            self._instants.extend(posts.open.instants_us[:more])
            rest = Timed(posts.open.positions[more:], posts.open.instants_us[more:])
            self._publish(rest, posts.late, posts.lineages, posts.version)

    def reindex(self, instants_us: Ints) -> None:
        """Sort late posts in.

        Args:
            instants_us: (N,) of all posts by position.
        """
        self.extend(instants_us)
        self.reindexed = (self._seen, self.posts.version + bool(len(self.posts.late)))
        self._sort_in(instants_us, self.reindexed[1])

    def _sort_in(self, instants_us: Ints, version: int) -> None:
        size, old = self._settings.slice_posts, self.posts
        everything = Timed.nothing().with_posts(np.arange(self._seen), instants_us[: self._seen])
        frozen = max(len(everything) // size * size - size, 0)
        common = min(frozen, len(old.frozen))
        changed = np.flatnonzero(everything.positions[:common] != old.frozen.positions[:common])
        same = int(changed[0]) if len(changed) else common
        self._positions, self._instants = GrowingArray(np.int64), GrowingArray(np.int64)
        self._positions.extend(everything.positions[:frozen])
        self._instants.extend(everything.instants_us[:frozen])
        rest = Timed(everything.positions[frozen:], everything.instants_us[frozen:])
        lineages = (*(entry for entry in old.lineages if entry[0] < same // size), (same // size, next(_LINEAGES)))
        self._publish(rest, Timed.nothing(), lineages, version)

    def fork(self) -> TimeOrder:
        """Return an order of the same posts; either may grow, unseen by the other."""
        fork = TimeOrder(self._settings, self.reindexed)
        fork._seen, posts = self._seen, self.posts
        fork._positions, fork._instants = self._positions.fork(), self._instants.fork()
        first = len(posts.frozen) // self._settings.slice_posts
        fork._publish(posts.open, posts.late, (*posts.lineages, (first, next(_LINEAGES))), posts.version)
        return fork
