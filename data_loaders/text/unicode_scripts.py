"""Which writing system a text is in."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

NO_SCRIPT = "none"
_LOOKED_AT = 1_000
# Unicode names start with the script; these start otherwise or go by several names.
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


def writing_script(text: str | None) -> str:
    """Return the script of most letters among the first 1,000 characters: "Latin", "Han", "Devanagari", ….

    A text without letters, or no text, gives "none".
    """
    if not text:
        return NO_SCRIPT
    sample = text[:_LOOKED_AT]
    if sample.isascii():
        return "Latin" if any(map(str.isalpha, sample)) else NO_SCRIPT
    counts = Counter(filter(None, map(_script_of, sample)))
    return counts.most_common(1)[0][0] if counts else NO_SCRIPT
