"""`Post`: the record that travels from a dump to a recommendation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_loaders.images.loading import ImageSource

# Undated posts come before all dated posts, in the order of the prepared folder.
UNDATED_EPOCH_US = -(2**62)
# A post that is being written now comes after every post in the memory.
NOW_US = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post.

    Attributes:
        post_id: unique within a dump, never empty.
        user_id: the author; None when unknown.
        timestamp: time of posting, timezone-aware; None when unknown.
        caption: the text; None when there is none. In a prepared folder its hashtags are already removed.
        image: the picture: a path in a prepared folder, anything `load_image` accepts when serving; None when
            there is none.
        hashtags: canonical hashtags (see `data_loaders.text.hashtags.normalise`) in the order of the post, without
            repeats. They are the truth of the post and never an input to its own recommendation.
        sequence: row in the prepared folder, which orders undated posts; None outside a prepared folder.
    """

    post_id: str
    user_id: str | None = None
    timestamp: datetime | None = None
    caption: str | None = None
    image: ImageSource | None = None
    hashtags: tuple[str, ...] = ()
    sequence: int | None = None

    @property
    def instant_us(self) -> int:
        """The post's time in microseconds since 1970 (UTC), see `instant_us`."""
        return instant_us(self.timestamp, self.sequence)


def instant_us(timestamp: datetime | None, sequence: int | None = None) -> int:
    """Return the time that orders a post, in microseconds since 1970-01-01 UTC.

    Time zones are resolved; a naive timestamp counts as UTC. A post without a timestamp comes before all dated posts
    if it has a row in a prepared folder; otherwise it is being written now and comes after all other posts.

    >>> instant_us(datetime(1970, 1, 1, 0, 0, 2, tzinfo=timezone.utc))
    2000000
    >>> instant_us(None, sequence=5) < instant_us(datetime(1990, 1, 1)) < instant_us(None)
    True
    """
    if timestamp is None:
        return NOW_US if sequence is None else UNDATED_EPOCH_US + sequence
    if timestamp.tzinfo is None:
        timestamp = timestamp.replace(tzinfo=timezone.utc)
    delta = timestamp - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
