"""`GrowingTimelines`: users' posts in order of time, sorted but for the last few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.posts.user_timelines import UserTimelines

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
_FEWEST_SORTED_IN, _SHARE_SORTED_IN = 4_096, 64
# Sorting everything again is faster than inserting from this share of all posts on.
_MANY = 10


@dataclass(frozen=True, slots=True)
class GrowingTimelines:
    """Timelines of the first posts of a memory, and the rule for those behind them.

    Posts are sorted in when they are many, a share of all: appending one costs a constant time on average, and a
    question looks through at most that share. All methods take the columns of the memory.

    Attributes:
        sorted: timelines of the first `count` positions.
        count: the others are searched one by one.
        withdrawn: by user number, how many posts of `sorted` are dead.
    """

    sorted: UserTimelines = field(default_factory=lambda: UserTimelines.of(_NONE, _NONE, 0))
    count: int = 0
    withdrawn: Mapping[int, int] = field(default_factory=dict)

    def grown(self, users: Ints, instants_us: Ints, alive: Flags, user_count: int) -> GrowingTimelines:
        """Return timelines for longer columns: sorted in if the posts behind the sorted ones are many.

        Args:
            users: (N,) user numbers, -1 for none.
            instants_us: (N,).
            alive: (N,) False for withdrawn posts.
            user_count: U.
        """
        new, limit = len(users) - self.count, max(_FEWEST_SORTED_IN, self.count // _SHARE_SORTED_IN)
        if new <= limit and sum(self.withdrawn.values()) <= limit:
            return self
        living = np.where(alive, users, -1)
        if new * _MANY > len(users):
            return GrowingTimelines(UserTimelines.of(living, instants_us, user_count), len(users))
        kept = self.sorted.only(alive) if self.withdrawn else self.sorted
        tail = slice(self.count, None)
        return GrowingTimelines(kept.with_posts(living[tail], instants_us[tail], self.count, user_count), len(users))

    def without(self, positions: Ints, users: Ints) -> GrowingTimelines:
        """Return timelines that expect posts of `positions` to be dead from now on; `users` are their users."""
        died = Counter(users[(positions < self.count) & (users >= 0)].tolist())
        return GrowingTimelines(self.sorted, self.count, Counter(self.withdrawn) + died) if died else self

    def before(self, users: Ints, moments: Ints, limit: int, columns: tuple[Ints, Ints], alive: Flags | None) -> Ints:
        """Return the positions of each user's most recent living posts strictly before an instant.

        Args:
            users: (Q,) user numbers, -1 for none.
            moments: (Q,) instants.
            limit: how many posts at most, H.
            columns: users and instants, (N,) each.
            alive: (N,) False for withdrawn posts; None if all are alive.

        Returns:
            (Q, H) positions, newest first, padded with -1.
        """
        extra = max((self.withdrawn.get(user, 0) for user in users.tolist()), default=0) if self.withdrawn else 0
        found = self.sorted.before(users, moments, limit + extra)
        recent = self._behind(users, moments, limit, columns, alive)
        if not extra and recent is None:
            return found
        both = found if recent is None else np.concatenate([found, recent], axis=1)
        usable = both >= 0 if alive is None else (both >= 0) & alive[both]
        both = np.where(usable, both, -1)
        instants_us = np.where(usable, columns[1][both], _BEFORE_ALL_US)
        order = np.lexsort((both, instants_us))[:, ::-1][:, :limit]
        return np.take_along_axis(both, order, axis=1)

    def _behind(
        self, users: Ints, moments: Ints, limit: int, columns: tuple[Ints, Ints], alive: Flags | None
    ) -> Ints | None:
        """Return what `before` returns, of the posts behind the sorted ones; None if no user has one there."""
        asked, behind = users[users >= 0], columns[0][self.count :]
        # Most often one user is asked about.
        asked = np.unique(asked) if len(asked) > 1 else asked
        rows = np.flatnonzero(behind == asked[0] if len(asked) == 1 else np.isin(behind, asked)) + self.count
        rows = rows if alive is None else rows[alive[rows]]
        if not len(rows):
            return None
        # Numbered among the users that are asked for, so that the cost does not depend on how many there are.
        timelines = UserTimelines.of(np.searchsorted(asked, columns[0][rows]), columns[1][rows], len(asked))
        positions = timelines.before(np.where(users >= 0, np.searchsorted(asked, users), -1), moments, limit)
        return np.where(positions >= 0, rows[positions], -1)


_NONE: Ints = np.empty(0, np.int64)
_BEFORE_ALL_US = np.iinfo(np.int64).min
