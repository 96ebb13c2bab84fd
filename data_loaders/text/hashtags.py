r"""Hashtags in any script: find them in a text, remove them, and reduce them to a canonical form.

A hashtag is `#` or `＃` followed by letters, marks, numbers and underscores (`[\p{L}\p{M}\p{N}_]`) with at least one
letter. It starts at the beginning of a word or directly after another hashtag (`#a#b`), never inside a word (`a#b`),
an HTML entity (`&#39;`) or a web address (`example.com/#about`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import regex

from data_loaders.text.patterns import HASHTAG_OR_URL, MAY_HOLD_HASHTAG, RUN

_SIGNS = "#＃"
_LONGEST_CACHED = 100
_OUTSIDE = regex.compile(r"[^\p{L}\p{M}\p{N}_]|\p{Variation_Selector}|\p{Me}")
_LEADING_MARKS = regex.compile(r"\A\p{M}+")
_LETTER = regex.compile(r"\p{L}")
_WORD_BREAK = regex.compile(
    r"_+"
    r"|(?<=[\p{Ll}\p{Lo}\p{Lm}]\p{M}*)(?=\p{Lu})"  # throwback|Thursday
    r"|(?<=\p{Lu}\p{M}*)(?=\p{Lu}\p{M}*\p{Ll})"  # NASA|Images
    r"|(?<=\p{L}\p{M}*)(?=\p{N})"  # covid|19
    r"|(?<=\p{N})(?=\p{L})"
)
_SPACES = regex.compile(r"[^\S\n]{2,}")
_SPACES_AT_LINE_END = regex.compile(r"[^\S\n]*+\n[^\S\n]*+")


@dataclass(frozen=True, slots=True)
class FoundHashtag:
    """A hashtag in a text: its surface form without the sign, and its span with the sign (`text[start:end]`)."""

    surface: str
    start: int
    end: int


def normalise(hashtag: str) -> str:
    """Return the canonical form: no sign, NFKC, case-folded, NFC; `''` when no valid hashtag remains.

    Characters other than letters, marks, numbers and underscores are dropped and the rest is joined. Zero-width
    joiners are dropped too, so that spellings with and without them are the same hashtag.

    >>> normalise("#Straße"), normalise("＃ＮＹＣ"), normalise("User-centred design"), normalise("#2022")
    ('strasse', 'nyc', 'usercentreddesign', '')
    """
    return _cached(hashtag) if len(hashtag) <= _LONGEST_CACHED else _normalise(hashtag)


def _normalise(hashtag: str) -> str:
    folded = unicodedata.normalize("NFKC", hashtag).casefold()
    # Case folding can give a form that folds again (iota subscripts), hence the second pass.
    folded = unicodedata.normalize("NFKC", folded).casefold()
    kept = _LEADING_MARKS.sub("", _OUTSIDE.sub("", folded))
    return unicodedata.normalize("NFC", kept) if _LETTER.search(kept) else ""


# A few hashtags make up most of a dump.
_cached = lru_cache(maxsize=65_536)(_normalise)


def find_hashtags(text: str) -> list[FoundHashtag]:
    """Return the hashtags of a text in order, with repeats.

    >>> find_hashtags("low #Tide")
    [FoundHashtag(surface='Tide', start=4, end=9)]
    """
    if not MAY_HOLD_HASHTAG.search(text):
        return []
    runs = (run.span() for run in RUN.finditer(text) if MAY_HOLD_HASHTAG.search(run.group()))
    matches = (match for start, end in runs for match in HASHTAG_OR_URL.finditer(text, start, end))
    return [FoundHashtag(match["tag"], *match.span()) for match in matches if match["tag"] is not None]


def extract(text: str) -> list[str]:
    """Return the surface forms of a text's hashtags in order, without signs, with repeats.

    >>> extract("🌅#sunset🌊 #a#b ＃日本 c#d &#39; #2022 example.com/#about")
    ['sunset', 'a', 'b', '日本']
    """
    return [found.surface for found in find_hashtags(text)]


def remove_hashtags(text: str) -> str:
    """Return the text without its hashtags and the spaces they leave behind; line breaks are kept.

    >>> remove_hashtags("Low #tide at dusk #beach")
    'Low at dusk'
    """
    pieces, position = [], 0
    for found in find_hashtags(text):
        pieces.append(text[position : found.start])
        position = found.end
    if not pieces:
        return text
    pieces.append(text[position:])
    return tidy_spaces(" ".join(pieces))


def tidy_spaces(text: str) -> str:
    """Return the text without repeated spaces, spaces around line breaks, and white space at either end."""
    return _SPACES_AT_LINE_END.sub("\n", _SPACES.sub(" ", text)).strip()


def canonical_list(surfaces: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the canonical forms without repeats, and the first surface form of each; the order is kept.

    Forms that are empty after normalisation are left out of both.

    >>> canonical_list(["NYC", "#nyc", "Food"])
    (('nyc', 'food'), ('NYC', 'Food'))
    """
    first: dict[str, str] = {}
    for surface in surfaces:
        canonical = normalise(surface)
        if canonical and canonical not in first:
            first[canonical] = surface.strip().lstrip(_SIGNS).strip()
    return tuple(first), tuple(first.values())


def split_words(hashtag_surface: str) -> list[str]:
    """Return the words of a surface form, split at capitals, digits and underscores.

    >>> split_words("#ThrowbackThursday_NASAImages2022")
    ['Throwback', 'Thursday', 'NASA', 'Images', '2022']
    """
    spaced = _WORD_BREAK.sub(" ", hashtag_surface.strip().lstrip(_SIGNS))
    return spaced.split()
