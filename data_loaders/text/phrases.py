"""Words of a caption, alone or joined, as texts that may be hashtags."""

from __future__ import annotations

import regex

# A word is letters, marks and digits of any script.
WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
# Only so many first words of a caption are read, and up to so many are joined.
MOST_WORDS, MOST_JOINED = 400, 4
_PLURAL = "s"


def other_number(text: str) -> str:
    """Return a text with another grammatical number: without an English plural's s, or with one.

    >>> other_number("cats"), other_number("cat")
    ('cat', 'cats')
    """
    return text.removesuffix(_PLURAL) if text.endswith(_PLURAL) else text + _PLURAL
