"""`UserTimelines`: each user's posts in order of time, so that "before t" is a binary search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


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
        """Insert a few more posts; costs a copy of the arrays but no sorting.

        Args:
            users: (n,) user numbers, -1 for none; new users have the next numbers.
            instants_us: (n,).
            first: position of the first of these posts; the others follow.
            user_count: U, new users included.
        """
        order = np.lexsort((instants_us, users))
        order = order[users[order] >= 0]
        known_users = len(self.starts) - 1
        slots = np.full(len(order), len(self.positions), np.int64)
        for row, (user, instant) in enumerate(zip(users[order], instants_us[order], strict=True)):
            if user < known_users:
                start, stop = self.starts[user], self.starts[user + 1]
                slots[row] = start + np.searchsorted(self.instants_us[start:stop], instant, side="right")
        counts = np.bincount(users[order], minlength=user_count)
        counts[:known_users] += np.diff(self.starts)
        return UserTimelines(
            np.insert(self.positions, slots, first + order),
            np.insert(self.instants_us, slots, instants_us[order]),
            _cumulate(counts),
        )

    def before(self, users: Ints, instants_us: Ints, limit: int) -> Ints:
        """Return the positions of each user's most recent posts strictly before an instant.

        All queries share one binary search, so a whole split costs as many steps as one post.

        Args:
            users: (Q,) user numbers, -1 for none.
            instants_us: (Q,).
            limit: how many posts at most, H.

        Returns:
            (Q, H) positions, newest first, padded with -1.
        """
        if not len(self.positions):
            return np.full((len(users), limit), -1, np.int64)
        known = users >= 0
        starts = np.where(known, self.starts[np.where(known, users, 0)], 0)
        high = np.where(known, self.starts[np.where(known, users + 1, 0)], 0)
        low = starts.copy()
        while (searching := low < high).any():
            middle = (low + high) // 2
            earlier = searching & (self.instants_us[np.where(searching, middle, 0)] < instants_us)
            low = np.where(earlier, middle + 1, low)
            high = np.where(searching & ~earlier, middle, high)
        entries = low[:, None] - 1 - np.arange(limit)[None, :]
        inside = entries >= starts[:, None]
        return np.where(inside, self.positions[np.where(inside, entries, 0)], -1)


def _cumulate(counts: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
