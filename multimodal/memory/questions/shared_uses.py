"""Which hashtags the posts that a question finds carry, and how often: used together, and in the own history."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.questions.columns import QuestionColumns
from multimodal.memory.questions.following import FollowingPostings
from multimodal.memory.questions.hashtag_values import HashtagValues, PairGroups, pair_keys
from multimodal.memory.questions.postings import Found

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NAMES = ("share", "count", "rank")
_HOUR_US = 3_600_000_000


def uses_of(columns: QuestionColumns, found: Found, moments_us: Ints, decay: float) -> HashtagValues:
    """Count the hashtags of found posts.

    Args:
        columns: the memory.
        found: posts for Q questions, newest first.
        moments_us: (Q,) instants of the questions.
        decay: a post weighs (age in hours + 1)^-decay.

    Returns:
        `count`: sum of the weights of the posts with the hashtag; `share`: the same over the weight of all found
        posts; `rank`: how many of the found posts stand before the first one with the hashtag.
    """
    weights = _weights(columns.instants_us[found.positions], moments_us[found.rows], decay)
    totals = np.bincount(found.rows, weights, minlength=len(moments_us))
    firsts = np.searchsorted(found.rows, np.arange(len(moments_us)))
    posts, hashtags = columns.hashtag_pairs(found.positions, dead=True)
    pairs = PairGroups.by(found.rows[posts], hashtags)
    counts, total = pairs.sums(weights[posts]), totals[pairs.rows]
    ranks = posts[pairs.firsts()] - firsts[pairs.rows]
    # Weights of posts that are old for their decay are 0.
    shares = np.divide(counts, total, out=np.zeros(len(counts)), where=total > 0)
    return HashtagValues(pairs.rows, pairs.hashtags, np.stack([shares, counts, ranks], axis=1), NAMES)


def used_together(
    columns: QuestionColumns, postings: FollowingPostings, hashtags: Ints, moments_us: Ints, last: int, decay: float
) -> HashtagValues:
    """Count the hashtags of the last posts with given hashtags, see `MemoryQuestions.cooccurrence`."""
    rows, places = np.nonzero(hashtags >= 0)
    given = hashtags[rows, places]
    found = postings.last(columns, given, moments_us[rows], last)
    uses = uses_of(columns, Found(rows[found.rows], found.positions), moments_us, decay)
    if not len(uses.rows):
        return uses
    keys, wanted = pair_keys(uses.rows, uses.hashtags), pair_keys(rows, given)
    places = np.minimum(keys.searchsorted(wanted), len(keys) - 1)
    other = np.ones(len(keys), np.bool_)
    other[places[keys[places] == wanted]] = False
    return uses.take(np.flatnonzero(other))


def used_by(columns: QuestionColumns, positions: Ints, moments_us: Ints, decay: float) -> HashtagValues:
    """Count the hashtags of each question's own posts, (Q, H) newest first and padded with -1."""
    rows, places = np.nonzero(positions >= 0)
    return uses_of(columns, Found(rows, positions[rows, places]), moments_us, decay)


def _weights(instants_us: Ints, moments_us: Ints, decay: float) -> Floats:
    if not decay:
        return np.ones(len(instants_us))
    # In floating point: the distance between a dated and an undated post overflows an integer.
    hours = (moments_us.astype(np.float64) - instants_us.astype(np.float64)) / _HOUR_US
    weights: Floats = (hours + 1) ** -decay
    return weights
