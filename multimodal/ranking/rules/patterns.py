"""Hashtags with the wildcards `*` and `?`, in canonical form."""

from __future__ import annotations

import re
from collections.abc import Iterable

from data_loaders.text.hashtags import normalise
from multimodal.ranking.rules.wildcards import WILDCARD, Wildcards

# Signs of regular expressions, of other patterns, of lists and of code: no hashtag is written with them.
_FOREIGN_SIGNS = "[]{}()|^$\\+=,;<>%/"
_FULL_WIDTH = {ord(sign) + 0xFEE0: sign for sign in f"*?.{_FOREIGN_SIGNS}"}
_FOREIGN = re.compile(rf"[{re.escape(_FOREIGN_SIGNS)}]|\.(?=[*?])")
# A piece between wildcards need not be a hashtag by itself, as one without a letter is not.
_LETTER = "x"


def has_wildcard(pattern: str) -> bool:
    """Return whether a pattern can stand for several hashtags."""
    return WILDCARD.search(pattern) is not None


def foreign_sign(text: str) -> str | None:
    """Return the first sign in a hashtag or pattern that is none of theirs, but of another way to write rules.

    >>> foreign_sign("[a-z]*"), foreign_sign("sun.*"), foreign_sign("rock'n'roll"), foreign_sign("St. Patrick")
    ('[', '.', None, None)
    """
    found = _FOREIGN.search(text.translate(_FULL_WIDTH))
    return None if found is None else text[found.start()]


def canonical_pattern(text: str) -> str:
    """Return a hashtag or a pattern in canonical form, full-width wildcards too; `''` if nothing valid remains.

    >>> canonical_pattern("#NYC"), canonical_pattern("Ｎew＊2024"), canonical_pattern("!")
    ('nyc', 'new*2024', '')
    """
    text = text.translate(_FULL_WIDTH)
    if not has_wildcard(text):
        return normalise(text)
    pieces = WILDCARD.split(text)
    return "".join(piece if has_wildcard(piece) else normalise(_LETTER + piece)[len(_LETTER) :] for piece in pieces)


class Patterns:
    """A set of hashtags, some of them given by wildcards: `*` for any characters, `?` for one.

    Args:
        patterns: in canonical form.

    Attributes:
        exact: the hashtags without wildcards.

    >>> ["newyork" in Patterns(["new*", "nyc"]), "york" in Patterns(["new*", "nyc"])]
    [True, False]
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        given = list(patterns)
        self.exact = frozenset(pattern for pattern in given if not has_wildcard(pattern))
        wild = [pattern for pattern in dict.fromkeys(given) if has_wildcard(pattern)]
        self._wild = Wildcards(wild) if wild else None
        self._known: dict[str, bool] = {}

    def __contains__(self, hashtag: str) -> bool:
        if hashtag in self.exact or self._wild is None:
            return hashtag in self.exact
        found = self._known.get(hashtag)
        if found is None:
            found = self._known[hashtag] = self._wild.first(hashtag) is not None
        return found


class Replacements:
    """Hashtags that others take the place of; one named itself counts before wildcards, and of these the first.

    Args:
        pairs: of a pattern and the hashtag in its place, both in canonical form.

    >>> Replacements([("new*", "york"), ("newport", "harbour")]).of("newport")
    'harbour'
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        given = list(pairs)
        self._exact = {pattern: place for pattern, place in given if not has_wildcard(pattern)}
        wild = {pattern: place for pattern, place in given if has_wildcard(pattern)}
        self._wild, self._places = Wildcards(list(wild)), list(wild.values())
        self._known: dict[str, int | None] = {}

    def __bool__(self) -> bool:
        return bool(self._exact or self._places)

    def of(self, hashtag: str) -> str:
        """Return what is recommended in the place of a hashtag, itself if nothing is."""
        if hashtag in self._exact:
            return self._exact[hashtag]
        if hashtag not in self._known:
            self._known[hashtag] = self._wild.first(hashtag)
        first = self._known[hashtag]
        return hashtag if first is None else self._places[first]
