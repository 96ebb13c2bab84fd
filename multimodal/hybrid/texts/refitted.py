"""`RefittedHeads`: how near hashtags were to posts as texts, by what was known at several times."""

from __future__ import annotations

from multimodal.hybrid.spaces import CAPTION
from multimodal.hybrid.texts.head import TextHead
from multimodal.hybrid.texts.vectors import HashtagVectors
from multimodal.memory.post_memory import PostMemory


class RefittedHeads:
    """A `TextHead` of the first posts of a memory, for each number of them that is asked for.

    Args:
        memory: its first posts are in order of time.
        vectors: of hashtags.
        last: over how many posts with a hashtag its mean is.
    """

    def __init__(self, memory: PostMemory, vectors: HashtagVectors, last: int) -> None:
        self._memory, self._vectors, self._last = memory, vectors, last
        self._fitted: dict[int, TextHead] = {}

    def of_first(self, posts: int) -> TextHead:
        """Return the head that learned from the first posts, at most from the last 4,096 of them; fitted once."""
        if posts not in self._fitted:
            self._fitted[posts] = TextHead.fit(self._memory, CAPTION, self._vectors, posts, self._last)
        return self._fitted[posts]
