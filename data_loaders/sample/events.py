"""Events that come and go: while one lasts, captions name it, and only the posts of others tell its hashtags."""

from __future__ import annotations

from dataclasses import dataclass

from data_loaders.sample.languages.base import tokens

# Shares of the sample's time: when an event begins after the one before, and how long it lasts; two go on at once.
_APART, _LASTS = 0.05, 0.1


@dataclass(frozen=True, slots=True)
class Event:
    """A festival, a tour, a campaign.

    Attributes:
        name: what captions call it, in every language; it spells none of the hashtags.
        hashtags: canonical hashtags of the event.
        start: share of the sample's posts (0..1) before which nobody knows of it.
    """

    name: str
    hashtags: tuple[str, ...]
    start: float

    def goes_on_at(self, moment: float) -> bool:
        """Tell whether the event goes on at `moment`."""
        return self.start <= moment < self.start + _LASTS


# Each beside its hashtags, in order of time. The first goes on when the sample begins; the last four are unknown
# to the first four fifths of the posts.
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
