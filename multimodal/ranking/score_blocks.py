"""`posts_at_once`: how many posts are scored together, so that scores take bounded memory whatever the vocabulary."""

from __future__ import annotations

MOST_SCORES = 1 << 24
"""Scores of a block: 64 MB in single precision."""


def posts_at_once(hashtags: int, most: int) -> int:
    """Return how many posts are scored together: `most`, or fewer if they would have more than `MOST_SCORES` scores.

    Args:
        hashtags: number of scores of a post.
        most: where the vocabulary is small, at least 1.

    >>> posts_at_once(5_000, 128), posts_at_once(200_000, 128), posts_at_once(10**9, 128)
    (128, 83, 1)
    """
    return max(1, min(most, MOST_SCORES // max(hashtags, 1)))
