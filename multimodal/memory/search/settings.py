"""`IndexSettings`: how posts are cut into spans and searched."""

from __future__ import annotations

from dataclasses import dataclass, field

from multimodal.memory.search.dense.settings import DenseSettings


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How posts are cut into spans and searched; answers depend on all of it.

    Attributes:
        slice_posts: posts of a slice, the shortest span; a question compares the last 1 1/4 to 2 1/4 slices exactly.
        fan_out: how many spans make a span of the next level, at least 2.
        most_span_posts: no span is longer.
        champions: for how many posts of a span, those in which it weighs most, a term is kept.
        postings: how many entries of the lists of its terms a question reads in a span, rare terms first.
        candidates: how many posts of a span each space proposes.
        dense: the indices of dense spaces.

    Raises:
        ValueError: a number is too small.
    """

    slice_posts: int = 4_096
    fan_out: int = 4
    most_span_posts: int = 2**22
    champions: int = 4_096
    postings: int = 8_192
    candidates: int = 64
    dense: DenseSettings = field(default_factory=DenseSettings)

    def __post_init__(self) -> None:
        least = {"fan_out": 2, "most_span_posts": self.slice_posts}
        for name in ("slice_posts", "fan_out", "most_span_posts", "champions", "postings", "candidates"):
            if getattr(self, name) < least.get(name, 1):
                value, accepted = getattr(self, name), least.get(name, 1)
                raise ValueError(f"{name}={value} is too small; at least {accepted} is needed")

    @property
    def freeze_posts(self) -> int:
        """After how many arrivals the order of time is frozen anew."""
        return max(self.slice_posts // 4, 1)

    def largest_span(self, posts: int) -> int:
        """Return the length of the longest span that so many posts hold; a slice at least."""
        length = self.slice_posts
        while length * self.fan_out <= min(posts, self.most_span_posts):
            length *= self.fan_out
        return length
