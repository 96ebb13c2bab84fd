"""Whether a recommended hashtag is right, relevant or wrong, where the truth is known."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.synonyms import one_of_each

Verdict = Literal["right", "relevant", "wrong"]
Ints = NDArray[np.int64]
_LAST = 200
_LEAST_POSTS, _LEAST_SHARE, _LEAST_LIFT = 3, 0.2, 2.0
RELEVANT = (
    "spelled and used like a true one, or used together with one: of the last 200 posts with either, at least 3 and a "
    "fifth carry the other too, twice as often as all posts do"
)
"""What relevant means here, for the legend."""


def verdicts(hashtags: Sequence[str], truth: Collection[str], memory: PostMemory) -> list[Verdict]:
    """Return of each hashtag whether it is true; if not, whether it is close to a true one by what was posted so far.

    A hashtag is `relevant` if it and a true one

    - are one of the pairs that `one_of_each` takes for the same, or
    - are used together: of the last 200 posts with one of them, at least 3 and at least a fifth carry the other, which
      is at least twice as often as among all posts. The latter keeps out hashtags that stand under everything.

    Args:
        hashtags: K of them.
        truth: those that the post carries.
        memory: what was posted so far.
    """
    return [
        "right" if hashtag in truth else "relevant" if any(_close(hashtag, true, memory) for true in truth) else "wrong"
        for hashtag in hashtags
    ]


def _close(hashtag: str, true: str, memory: PostMemory) -> bool:
    return not all(one_of_each((true, hashtag), memory, None, memory.now_us)) or _used_together(hashtag, true, memory)


def _used_together(first: str, second: str, memory: PostMemory) -> bool:
    numbers = memory.id_map.find(first), memory.id_map.find(second)
    if None in numbers:
        return False
    pair, now = np.array(numbers, np.int64), np.full(2, memory.now_us, np.int64)
    questions = memory.questions
    share, count = questions.cooccurrence(pair, now, last=_LAST).at(pair[::-1, None])[:, 0, :2].T
    usual = questions.uses(pair[::-1], now) / questions.posts_before(now)
    enough = (count >= _LEAST_POSTS) & (share >= _LEAST_SHARE) & (share >= _LEAST_LIFT * usual)
    return bool(enough.any())
