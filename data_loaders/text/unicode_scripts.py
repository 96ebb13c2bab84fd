"""Recognise the script (writing system) of a text."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

NO_SCRIPT = "none"
_LOOKED_AT = 1_000
# Unicode character names start with the script; these are the exceptions and synonyms.
_NAMES = {
    "CJK": "Han",
    "HIRAGANA": "Japanese kana",
    "KATAKANA": "Japanese kana",
    "HANGUL": "Hangul",
    "FULLWIDTH": "Latin",
    "MODIFIER": None,
    "FEMININE": "Latin",
    "MASCULINE": "Latin",
    "MICRO": "Greek",
}


@lru_cache(maxsize=4096)
def _script_of(character: str) -> str | None:
    if not character.isalpha():
        return None
    compatible = unicodedata.normalize("NFKC", character)[0]
    first = unicodedata.name(compatible, "").split(" ")[0].split("-")[0]
    return _NAMES.get(first, first.capitalize() or None)


def unicode_script(text: str | None) -> str:
    """Return the script of most letters among the first 1,000 characters: "Latin", "Han", "Devanagari", ….

    Returns "none" for a text without letters and for None.

    >>> unicode_script("low tide"), unicode_script("закат"), unicode_script("写真"), unicode_script("123")
    ('Latin', 'Cyrillic', 'Han', 'none')
    """
    if not text:
        return NO_SCRIPT
    sample = text[:_LOOKED_AT]
    if sample.isascii():
        return "Latin" if any(map(str.isalpha, sample)) else NO_SCRIPT
    counts = Counter(filter(None, map(_script_of, sample)))
    return counts.most_common(1)[0][0] if counts else NO_SCRIPT
