"""Tell hashtags that were cut off together with their text from those that a writer lets trail off."""

from __future__ import annotations

import html
from collections.abc import Sequence

_ELLIPSIS = "…"
_RETWEET = "RT @"
_LONGEST_CUT = 140


def without_cut(text: str, surfaces: Sequence[str]) -> list[str]:
    """Return the hashtags of a text without its last, if the text was cut off inside or right behind it.

    Twitter cuts retweets to 140 characters, of which the last is an ellipsis. So did clients that posted for their
    users. Elsewhere, behind three dots, and before an address, hashtags with an ellipsis are nearly always whole.

    Args:
        text: the text.
        surfaces: all its hashtags in order, see `extract`.

    >>> without_cut("RT @ann: low #tide at #sunse…", ["tide", "sunse"]), without_cut("so #tired…", ["tired"])
    (['tide'], ['tired'])
    """
    text = text.strip()
    if not surfaces or not text.endswith(surfaces[-1] + _ELLIPSIS):
        return list(surfaces)
    cut = text.startswith(_RETWEET) or len(html.unescape(text)) == _LONGEST_CUT
    return list(surfaces[:-1] if cut else surfaces)
