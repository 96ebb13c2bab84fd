"""Events that come and go: captions mention them, and only other users' posts reveal their hashtags."""

from __future__ import annotations

from dataclasses import dataclass

from data_loaders.sample.languages.base import tokens

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


# Each name with its hashtags, in order of time. The first event is on when the sample begins; the last four start
# after the first four fifths of the posts.
_NAMES_AND_HASHTAGS = """
    Velmora     lanternwalk23       lightsonwater
    Tindrik     paperboatrace       floatandfold
    Osquay      cellarsessions      lowceiling
    Brambury    appleparade23       orchardnights
    Kelvati     blueribbonride      twowheelsup
    Sornette    mapmakersball       lostandfound23
    Halvik      firstfrostfair      mittenmarket
    Drumelo     thousanddrums       beatbythebridge
    Ystrana     chalkthestreets     pavementart
    Pellworth   kitesoverus         windyweekend
    Quilara     midnightplunge      coldandproud
    Ombrett     umbrellasky         rainorshine24
    Fenwick     barefootopen        grasscourt24
    Zandori     silentparade        headphonecrowd
    Mirrowick   mirrormaze24        secondself
    Calduna     embernight          sparksandcinders
    Rothmere    longtable25         thousandplates
    Ilvanta     roofgardensopen     greenabove
    Norrigan    whisperedition      smallpressweek
    Tavolet     tinytheatre25       curtainnine
"""


def _events() -> tuple[Event, ...]:
    lines = [tokens(line) for line in _NAMES_AND_HASHTAGS.strip().splitlines()]
    return tuple(
        Event(name, tuple(hashtags), round((number - 1) * _APART, 2)) for number, (name, *hashtags) in enumerate(lines)
    )


EVENTS: tuple[Event, ...] = _events()
