"""`IndexSettings`: how posts are cut into spans and searched."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How posts are cut into spans and searched; answers depend on all of it.

    Attributes:
        slice_posts: posts of a slice, the shortest span; of so many to about twice as many every question compares
            all, exactly.
        fan_out: how many spans make a span of the next level, at least 2.

    Raises:
        ValueError: a number is too small.
    """

    slice_posts: int = 4_096
    fan_out: int = 4

    def __post_init__(self) -> None:
        for name, least in (("slice_posts", 1), ("fan_out", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)} is too small; at least {least} is needed")

    @property
    def freeze_posts(self) -> int:
        """After how many arrivals the order of time is frozen anew."""
        return max(self.slice_posts // 4, 1)
