"""`UserTimelines`: each user's posts in order of time, so that "before t" is a binary search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class UserTimelines:
    """Positions of posts, sorted by (user, instant, position). Adding posts gives new timelines.

    Attributes:
        positions: (N,) of all posts that have a user.
        instants_us: (N,) their instants, in the same order.
        starts: (U + 1,) where each user's posts start; the last entry is N.
    """

    positions: Ints
    instants_us: Ints
    starts: Ints

    @classmethod
    def of(cls, users: Ints, instants_us: Ints, user_count: int) -> UserTimelines:
        """Sort all posts.

        Args:
            users: (M,) user numbers by position, -1 for none.
            instants_us: (M,) by position.
            user_count: U.
        """
        known = np.flatnonzero(users >= 0)
        order = known[np.lexsort((known, instants_us[known], users[known]))]
        counts = np.bincount(users[known], minlength=user_count)
        return cls(order, instants_us[order], _cumulate(counts))

    def with_posts(self, users: Ints, instants_us: Ints, first: int, user_count: int) -> UserTimelines:
        """Insert later positions; costs a copy of the arrays, but only the new posts are sorted.

        Args:
            users: (n,) user numbers, -1 for none; new users have the next numbers.
            instants_us: (n,).
            first: position of the first of these posts; the others follow.
            user_count: U, new users included.
        """
        order = np.lexsort((instants_us, users))
        order = order[users[order] >= 0]
        starts = np.concatenate([self.starts, np.full(user_count + 1 - len(self.starts), self.starts[-1])])
        slots = self._find(users[order], instants_us[order] + 1, starts)
        counts = np.bincount(users[order], minlength=user_count) + np.diff(starts)
        return UserTimelines(
            np.insert(self.positions, slots, first + order),
            np.insert(self.instants_us, slots, instants_us[order]),
            _cumulate(counts),
        )

    def only(self, kept: Flags) -> UserTimelines:
        """Leave out posts.

        Args:
            kept: (M,) by position, False for those to leave out.
        """
        inside = kept[self.positions]
        ends = np.concatenate([[0], np.cumsum(inside)])
        return UserTimelines(self.positions[inside], self.instants_us[inside], ends[self.starts].astype(np.int64))

    def before(self, users: Ints, instants_us: Ints, limit: int) -> Ints:
        """Return the positions of each user's most recent posts strictly before an instant.

        Args:
            users: (Q,) user numbers, -1 for none.
            instants_us: (Q,).
            limit: how many posts at most, H.

        Returns:
            (Q, H) positions, newest first, padded with -1.
        """
        if not len(self.positions):
            return np.full((len(users), limit), -1, np.int64)
        known = (users >= 0) & (users < len(self.starts) - 1)
        safe = np.where(known, users, 0)
        stops = self._find(safe, instants_us, self.starts)
        entries = stops[:, None] - 1 - np.arange(limit)[None, :]
        inside = known[:, None] & (entries >= self.starts[safe][:, None])
        return np.where(inside, self.positions[np.where(inside, entries, 0)], -1)

    def _find(self, users: Ints, instants_us: Ints, starts: Ints) -> Ints:
        """Return the entry of each user's first post that is not before an instant, where the user's posts end if none.

        All queries share one binary search, so a whole split costs as many steps as one post.
        """
        if len(users) == 1:
            first, stop = int(starts[users[0]]), int(starts[users[0] + 1])
            return first + self.instants_us[first:stop].searchsorted(instants_us)
        low, high = starts[users], starts[users + 1]
        while (searching := low < high).any():
            middle = (low + high) // 2
            earlier = searching & (self.instants_us[np.where(searching, middle, 0)] < instants_us)
            low = np.where(earlier, middle + 1, low)
            high = np.where(searching & ~earlier, middle, high)
        return low


def _cumulate(counts: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
