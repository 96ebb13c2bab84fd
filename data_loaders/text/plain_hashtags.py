"""Keep only hashtags that are plain words: letters only, and not stop words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import regex

_LETTERS = regex.compile(r"[\p{L}\p{M}]+")


def plain_hashtags(hashtags: Sequence[str], surfaces: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keep the hashtags that consist of letters and are not English stop words (scikit-learn's list).

    The slide-deck models clean hashtags this way; they do not say which stop words they remove.

    Args:
        hashtags: canonical hashtags.
        surfaces: their surface forms, in the same order.

    Returns:
        The remaining hashtags and surface forms.

    >>> plain_hashtags(("beach", "covid19", "the", "low_tide"), ("Beach", "Covid19", "The", "low_tide"))
    (('beach',), ('Beach',))
    """
    kept = [(hashtag, surface) for hashtag, surface in zip(hashtags, surfaces, strict=True) if _is_plain(hashtag)]
    return tuple(hashtag for hashtag, _ in kept), tuple(surface for _, surface in kept)


def _is_plain(hashtag: str) -> bool:
    return _LETTERS.fullmatch(hashtag) is not None and hashtag not in _stop_words()


@cache
def _stop_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(ENGLISH_STOP_WORDS)
