"""Base-level activation: how present each of a user's own earlier hashtags is, by power laws of age and of rank.

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
    """Every use of a hashtag in the histories of Q posts, P uses of C (post, hashtag) candidates.

    Attributes:
        log_age: (P,) natural logarithm of the age in days plus ε.
        log_rank: (P,) natural logarithm of the post's rank in its history.
        candidate: (P,) which candidate a use belongs to.
        hashtags: (C,) hashtag index of each candidate; candidates are sorted by post.
        starts: (Q + 1,) where each post's candidates start.
    """

    log_age: Floats
    log_rank: Floats
    candidate: Ints
    hashtags: Ints
    starts: Ints

    def activation(self, decay: float, rank_decay: float) -> Floats:
        """Return B of every candidate, (C,).

        Args:
            decay: d, at least 0.
            rank_decay: r, at least 0.
        """
        weights = np.exp(-decay * self.log_age - rank_decay * self.log_rank)
        return np.log(np.bincount(self.candidate, weights=weights, minlength=len(self.hashtags)))

    def of(self, row: int) -> slice:
        """Return where one post's candidates stand."""
        return slice(int(self.starts[row]), int(self.starts[row + 1]))


def remembered_uses(
    memory: PostMemory, user_ids: list[str | None], instants_us: Ints, limit: int, epsilon_days: float
) -> RememberedUses:
    """Look up the hashtags of each user's most recent posts strictly before an instant.

    Args:
        memory: what was posted.
        user_ids: Q users.
        instants_us: (Q,) when each of them posts.
        limit: how many earlier posts at most.
        epsilon_days: ε, above 0; keeps the use of a moment ago finite.
    """
    positions = memory.history(user_ids, instants_us, limit)
    rows, ranks = np.nonzero(positions >= 0)
    places, hashtags = memory.hashtag_pairs(positions[rows, ranks])
    rows, ranks = rows[places], ranks[places]
    asked = memory.resolve(instants_us)
    used = memory.instants_us[positions[rows, ranks]]
    # In floating point, because the distance from an undated post does not fit an integer.
    age = (asked[rows].astype(np.float64) - used.astype(np.float64)) / _DAY_US
    width = max(len(memory.id_map), 1)
    keys, candidate = np.unique(rows * width + hashtags, return_inverse=True)
    return RememberedUses(
        log_age=np.log(np.maximum(age, 0.0) + epsilon_days),
        log_rank=np.log(ranks + 1.0),
        candidate=candidate,
        hashtags=keys % width,
        starts=np.searchsorted(keys, np.arange(len(user_ids) + 1) * width),
    )
