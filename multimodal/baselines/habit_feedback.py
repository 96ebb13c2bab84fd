"""What a user's feedback does to the activation of hashtags: accepted ones count as uses, rejected ones lose.

B'(h, u) = ln(exp B(h, u) + α Σ_a w_a) - β n(h): over earlier feedback a that accepted h for a post that is not
remembered, with the weight w that a post of its instant would have (see `activation`); n counts the rejections of h
since it was used or accepted last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.user_notes import Feedback

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class FeedbackWeights:
    """How feedback counts.

    Attributes:
        accepted: α, at least 0.
        rejected: β, at least 0.
        decay: exponent of the age.
        rank_decay: exponent of the rank.
        epsilon_days: added to every age, in days.
    """

    accepted: float
    rejected: float
    decay: float
    rank_decay: float
    epsilon_days: float

    def applied(
        self,
        hashtags: Ints,
        activation: Floats,
        feedback: Sequence[Feedback],
        own: Ints,
        now_us: int,
        memory: PostMemory,
        id_map: HashtagIdMap,
    ) -> tuple[Ints, Floats, Ints]:
        """Return the candidates with their activation, and the hashtags that were rejected and never used.

        Args:
            hashtags: (C,) indices of the user's own.
            activation: (C,) without feedback.
            feedback: of the user; what counts from `now_us` on or later is left out.
            own: (H,) positions of the user's earlier posts, newest first.
            now_us: instant of the post.
            memory: has the posts.
            id_map: has all hashtags of the feedback, also those that nobody has used.
        """
        sums = dict(zip(hashtags.tolist(), np.exp(activation).tolist(), strict=True))
        last_us, rejections = _last_uses(own, memory), dict[int, list[int]]()
        own_us = memory.instants_us[own]
        for one in feedback:
            if one.instant_us >= now_us:
                continue
            weight = self._weight(now_us, one.instant_us, 1 + int(np.count_nonzero(own_us > one.instant_us)))
            for number in id_map.add(one.accepted):
                last_us[number] = max(last_us.get(number, one.instant_us), one.instant_us)
                if one.post_id is None or one.post_id not in memory:
                    sums[number] = sums.get(number, 0.0) + self.accepted * weight
            for number in id_map.add(one.rejected):
                rejections.setdefault(number, []).append(one.instant_us)
        counts = {
            number: sum(moment >= last_us.get(number, moment) for moment in moments)
            for number, moments in rejections.items()
        }
        kept = [number for number, total in sums.items() if total > 0]
        values = [np.log(sums[number]) - self.rejected * counts.get(number, 0) for number in kept]
        gone = [number for number, count in counts.items() if count and number not in sums]
        return np.array(kept, np.int64), np.array(values, np.float64), np.array(gone, np.int64)

    def _weight(self, now_us: int, instant_us: int, rank: int) -> float:
        age_days = (float(now_us) - float(instant_us)) / _DAY_US + self.epsilon_days
        return float(age_days**-self.decay * float(rank) ** -self.rank_decay)


def _last_uses(own: Ints, memory: PostMemory) -> dict[int, int]:
    posts, hashtags = memory.hashtag_pairs(own[::-1])
    return dict(zip(hashtags.tolist(), memory.instants_us[own[::-1][posts]].tolist(), strict=True))
