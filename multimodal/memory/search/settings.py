"""`IndexSettings`: how posts are cut into spans and searched."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from multimodal.memory.search.dense.settings import DenseSettings

_LONG_SPAN = 2**18


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How posts are cut into spans and searched; answers depend on all of it.

    Attributes:
        exact_posts: while no more posts are earlier than a question, it compares all, exactly.
        slice_posts: posts of a slice, the shortest span; a question compares the last 1 1/4 to 2 1/4 slices exactly.
        fan_out: how many spans make a span of the next level, at least 2.
        most_span_posts: no span is longer.
        champions: for how many posts of a span, those in which it weighs most, a term is kept.
        postings: about how many entries of the lists of its terms a question reads in all spans, rare terms first.
        word_candidates: how many posts the words propose.
        candidates: how many posts of each span a dense space proposes; of spans of more than 262,144 posts more, as the
            square root of their length.
        dense: the indices of dense spaces.

    Raises:
        ValueError: a number is too small.
    """

    exact_posts: int = 16_384
    slice_posts: int = 1_024
    fan_out: int = 2
    most_span_posts: int = 2**22
    champions: int = 4_096
    postings: int = 16_384
    word_candidates: int = 128
    candidates: int = 24
    dense: DenseSettings = field(default_factory=DenseSettings)

    def __post_init__(self) -> None:
        least = {"fan_out": 2, "most_span_posts": self.slice_posts}
        for name in (one.name for one in fields(self) if one.name != "dense"):
            if getattr(self, name) < least.get(name, 1):
                value, accepted = getattr(self, name), least.get(name, 1)
                raise ValueError(f"{name}={value} is too small; at least {accepted} is needed")

    @property
    def freeze_posts(self) -> int:
        """After how many arrivals the order of time is frozen again."""
        return max(self.slice_posts // 4, 1)

    def candidates_of(self, posts: int) -> int:
        """Return how many posts a dense space proposes of a span of so many."""
        return int(self.candidates * max(1.0, math.sqrt(posts / _LONG_SPAN)))

    def largest_span(self, posts: int) -> int:
        """Return the length of the longest span that so many posts hold; a slice at least."""
        length = self.slice_posts
        while length * self.fan_out <= min(posts, self.most_span_posts):
            length *= self.fan_out
        return length
