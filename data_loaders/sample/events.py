"""Events that come and go: captions mention them, and only other users' posts reveal their hashtags."""

from __future__ import annotations

from dataclasses import dataclass

from data_loaders.sample.tables import read_table

# As shares of the sample's time: the distance between two events, and how long each lasts; two overlap at any time.
_APART, _LASTS = 0.05, 0.1


@dataclass(frozen=True, slots=True)
class Event:
    """A festival, a tour, a campaign.

    Attributes:
        name: its name in captions, in every language; it contains none of the hashtags.
        hashtags: canonical hashtags of the event.
        start: share of the sample's posts (0..1) before which the event is unknown.
    """

    name: str
    hashtags: tuple[str, ...]
    start: float

    def is_on_at(self, moment: float) -> bool:
        """Return whether the event is on at `moment` (0..1)."""
        return self.start <= moment < self.start + _LASTS


EVENTS: tuple[Event, ...] = tuple(
    Event(name, tuple(hashtags), round((number - 1) * _APART, 2))
    for number, (name, hashtags) in enumerate(read_table("events").items())
)
