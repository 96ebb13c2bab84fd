"""Which spans a question asks: a pure function of how many posts are earlier."""

from __future__ import annotations

from dataclasses import dataclass

from multimodal.memory.search.settings import IndexSettings


@dataclass(frozen=True, slots=True)
class SpanPlace:
    """A span's place in the order of time.

    Attributes:
        start: the first post.
        stop: behind the last post.
    """

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


def cover(earlier: int, settings: IndexSettings) -> list[SpanPlace]:
    """Return the spans that a question asks; it compares the posts behind the last of them exactly.

    From the front the largest spans, each of which ends a slice and a quarter, and a quarter of its own length, before
    the question or earlier: by then its posts are frozen, and there was time to build it.

    Args:
        earlier: n(t), how many posts are strictly earlier than the question.
        settings: sizes.
    """
    if earlier <= settings.exact_posts:
        return []
    return _places(earlier, settings, settings.slice_posts + settings.freeze_posts, 4)


def frozen_spans(frozen: int, settings: IndexSettings) -> list[SpanPlace]:
    """Return the spans that questions will ask next: the largest over all frozen posts, none while they are few.

    Args:
        frozen: how many posts are frozen.
        settings: sizes.
    """
    return _places(frozen, settings, 0, frozen + 1) if 2 * frozen > settings.exact_posts else []


def _places(posts: int, settings: IndexSettings, least: int, share: int) -> list[SpanPlace]:
    places: list[SpanPlace] = []
    start, length = 0, settings.largest_span(posts)
    while length >= settings.slice_posts:
        if start % length == 0 and start + length + max(least, length // share) <= posts:
            places.append(SpanPlace(start, start + length))
            start += length
        else:
            length //= settings.fan_out
    return places
