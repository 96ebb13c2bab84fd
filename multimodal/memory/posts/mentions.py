"""The names that captions address, as slots of their hashes, as the words of captions are kept."""

from __future__ import annotations

from collections.abc import Sequence

from data_loaders.posts import Post
from data_loaders.text.mentions import find_mentions
from multimodal.memory.search.caption_vectors import slots_of

Slots = Sequence[Sequence[int]]


def mention_slots(captions: Sequence[str | None]) -> Slots:
    """Return the slots of the names that each caption addresses, in order, without repeats."""
    names = [find_mentions(caption) for caption in captions]
    slots = iter(slots_of([name for several in names for name in several]).tolist())
    return [list(dict.fromkeys(next(slots) for _ in several)) for several in names]


def mentions_of(posts: Sequence[Post], given: Slots | None, keep: bool) -> Slots:
    """Return the names of captions: none if they are not kept, those that are given, or those that are found.

    Raises:
        ValueError: there are more or fewer lists than posts.
    """
    if given is not None and len(given) != len(posts):
        raise ValueError(f"{len(given)} lists of mentions for {len(posts)} posts; give one for each, empty for none")
    if not keep:
        return [()] * len(posts)
    return mention_slots([post.caption for post in posts]) if given is None else given
