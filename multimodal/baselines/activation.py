"""Base-level activation of each of a user's earlier hashtags: power laws of age and of rank.

B(h, u) = ln Σ_j (age_j + ε)^-d · rank_j^-r over the user's earlier posts j that carry h (Kowald, Pujari & Lex, WWW
2017, 10.1145/3038912.3052605, with r = 0); age in days, rank 1 is the newest post.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.post_memory import PostMemory

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class RememberedUses:
    """All uses of hashtags in the histories of Q posts: P uses of C (post, hashtag) candidates.

    Attributes:
        log_age: (P,) natural logarithm of the age in days plus ε.
        log_rank: (P,) natural logarithm of the post's rank in its history.
        candidate: (P,) the candidate of each use.
        hashtags: (C,) hashtag index of each candidate; candidates are sorted by post.
        starts: (Q + 1,) index of the first candidate of each post.
    """

    log_age: Floats
    log_rank: Floats
    candidate: Ints
    hashtags: Ints
    starts: Ints

    def activation(self, decay: float, rank_decay: float) -> Floats:
        """Return the activation B of each candidate, (C,).

        Args:
            decay: d, at least 0.
            rank_decay: r, at least 0.
        """
        weights = np.exp(-decay * self.log_age - rank_decay * self.log_rank)
        return np.log(np.bincount(self.candidate, weights=weights, minlength=len(self.hashtags)))

    def of(self, row: int) -> slice:
        """Return the slice of one post's candidates."""
        return slice(int(self.starts[row]), int(self.starts[row + 1]))


def remembered_uses(
    memory: PostMemory, user_ids: list[str | None], instants_us: Ints, limit: int, epsilon_days: float
) -> RememberedUses:
    """Return the hashtags of each user's most recent posts strictly before an instant.

    Args:
        memory: earlier posts.
        user_ids: Q users.
        instants_us: (Q,) instant of each user's post.
        limit: most earlier posts to read.
        epsilon_days: ε, above 0; keeps the activation of a very recent use finite.
    """
    positions = memory.history(user_ids, instants_us, limit)
    rows, ranks = np.nonzero(positions >= 0)
    posts, hashtags = memory.hashtag_pairs(positions[rows, ranks])
    rows, ranks = rows[posts], ranks[posts]
    now = memory.resolve(instants_us)
    used = memory.instants_us[positions[rows, ranks]]
    # In floating point, because the distance from an undated post does not fit an integer.
    age = (now[rows].astype(np.float64) - used.astype(np.float64)) / _DAY_US
    width = max(len(memory.id_map), 1)
    keys, candidate = np.unique(rows * width + hashtags, return_inverse=True)
    return RememberedUses(
        log_age=np.log(np.maximum(age, 0.0) + epsilon_days),
        log_rank=np.log(ranks + 1.0),
        candidate=candidate,
        hashtags=keys % width,
        starts=np.searchsorted(keys, np.arange(len(user_ids) + 1) * width),
    )
