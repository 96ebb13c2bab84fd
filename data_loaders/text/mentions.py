"""The people whom a caption addresses by @name."""

from __future__ import annotations

import unicodedata

from data_loaders.text.captions import MAXIMUM_CHARACTERS
from data_loaders.text.paired_signs import remove_topics
from data_loaders.text.patterns import MAY_HOLD_MENTION, TOKEN


def find_mentions(caption: str | None) -> tuple[str, ...]:
    """Return the names that caption cleaning removes as mentions: NFKC, case-folded, without @ and repeats, in order.

    E-mail addresses are not mentions, nor are hashtags behind them.

    >>> find_mentions("With @Ann and @bob@example.social, cc ＠ann, ann@example.com @eve#sunset")
    ('ann', 'bob@example.social', 'eve')
    """
    if not caption or not MAY_HOLD_MENTION.search(caption):
        return ()
    runs = (run for run in remove_topics(caption[:MAXIMUM_CHARACTERS]).split() if MAY_HOLD_MENTION.search(run))
    names = (match["mention"] for run in runs for match in TOKEN.finditer(run))
    return tuple(dict.fromkeys(unicodedata.normalize("NFKC", name).casefold() for name in names if name))
