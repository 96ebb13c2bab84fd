"""`Post`: the one record that travels from a dump to a recommendation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_loaders.images.loading import ImageSource

# Undated posts count as earlier than every dated one and keep the order of the prepared folder.
UNDATED_EPOCH_US = -(2**62)
# A post that is being written now is later than everything remembered.
NOW_US = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post.

    Attributes:
        post_id: unique within a dump, never empty.
        user_id: who posts; None when unknown.
        timestamp: when, timezone-aware; None when unknown.
        caption: the text; None when there is none. In a prepared folder hashtags are already taken out of it.
        image: the picture: in a prepared folder a path, when serving whatever `load_image` takes; None when
            there is none.
        hashtags: canonical hashtags (see `data_loaders.text.hashtags.normalise`), no repeats, in the order of the
            post; empty when there is none. The truth of the post: never an input for its own recommendation.
        sequence: place in the prepared folder; orders undated posts. None outside of a prepared folder.
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
        """Microseconds since 1970 (UTC) that order this post among others, see `instant_us`."""
        return instant_us(self.timestamp, self.sequence)


def instant_us(timestamp: datetime | None, sequence: int | None = None) -> int:
    """Return the instant that orders a post, in microseconds since 1970-01-01 UTC.

    Time zones are resolved; a naive timestamp counts as UTC. A post without a timestamp but with a place in a
    prepared folder comes before every dated post; with neither it is being written now: after all others.
    """
    if timestamp is None:
        return NOW_US if sequence is None else UNDATED_EPOCH_US + sequence
    if timestamp.tzinfo is None:
        timestamp = timestamp.replace(tzinfo=timezone.utc)
    delta = timestamp - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
