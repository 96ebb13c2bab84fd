r"""Hashtags in any script: find them in a text, take them out, and fold them to one canonical form.

A hashtag is `#` or `＃` and letters, marks, numbers and underscores (`[\p{L}\p{M}\p{N}_]`) with at least one letter.
It starts where a word starts or directly after another hashtag (`#a#b`), never inside a word (`a#b`), an HTML entity
(`&#39;`) or a web address (`example.com/#about`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
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
    """A hashtag in a text: its surface form without the sign, and where sign and form stand (`text[start:end]`)."""

    surface: str
    start: int
    end: int


def normalise(hashtag: str) -> str:
    """Return the canonical form: no sign, NFKC, case folded, NFC; `''` when no valid hashtag is left.

    Characters outside of letters, marks, numbers and underscores are dropped and the rest is joined. Zero-width
    joiners go too, so that the spellings with and without them are one hashtag.

    >>> normalise("#Straße"), normalise("＃ＮＹＣ"), normalise("User-centred design"), normalise("#2022")
    ('strasse', 'nyc', 'usercentreddesign', '')
    """
    return _cached(hashtag) if len(hashtag) <= _LONGEST_CACHED else _normalise(hashtag)


def _normalise(hashtag: str) -> str:
    folded = unicodedata.normalize("NFKC", hashtag).casefold()
    # Folding can bring forth a form that folds once more (iota subscripts), hence the second turn.
    folded = unicodedata.normalize("NFKC", folded).casefold()
    kept = _LEADING_MARKS.sub("", _OUTSIDE.sub("", folded))
    return unicodedata.normalize("NFC", kept) if _LETTER.search(kept) else ""


# The same few hashtags make up most of a dump.
_cached = lru_cache(maxsize=65_536)(_normalise)


def find_hashtags(text: str) -> list[FoundHashtag]:
    """Return the hashtags of a text in order, repeats included."""
    return list(_iterate(text))


def extract(text: str) -> list[str]:
    """Return the surface forms of the hashtags of a text in order, without the sign, repeats included.

    >>> extract("🌅#sunset🌊 #a#b ＃日本 c#d &#39; #2022 example.com/#about")
    ['sunset', 'a', 'b', '日本']
    """
    return [found.surface for found in _iterate(text)]


def remove_hashtags(text: str) -> str:
    """Return the text without its hashtags, wherever they stand, and without the spaces they leave; lines are kept."""
    pieces, position = [], 0
    for found in _iterate(text):
        pieces.append(text[position : found.start])
        position = found.end
    if not pieces:
        return text
    pieces.append(text[position:])
    return tidy_spaces(" ".join(pieces))


def tidy_spaces(text: str) -> str:
    """Return the text without repeated spaces and spaces around line ends, the first and the last line included."""
    return _SPACES_AT_LINE_END.sub("\n", _SPACES.sub(" ", text)).strip()


def canonical_list(surfaces: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return canonical forms without repeats, and for each the surface form that was seen first; order is kept.

    Forms that are empty once normalised are left out of both.

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
    """Return the words of a surface form, told apart by capitals, digits and underscores.

    >>> split_words("#ThrowbackThursday_NASAImages2022")
    ['Throwback', 'Thursday', 'NASA', 'Images', '2022']
    """
    spaced = _WORD_BREAK.sub(" ", hashtag_surface.strip().lstrip(_SIGNS))
    return spaced.split()


def _iterate(text: str) -> Iterator[FoundHashtag]:
    if not MAY_HOLD_HASHTAG.search(text):
        return
    for run in RUN.finditer(text):
        if not MAY_HOLD_HASHTAG.search(run.group()):
            continue
        for match in HASHTAG_OR_URL.finditer(text, run.start(), run.end()):
            surface = match.group("tag")
            if surface is not None:
                yield FoundHashtag(surface, match.start(), match.end())
