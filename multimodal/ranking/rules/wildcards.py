"""`Wildcards`: many patterns with `*` and `?` looked at as one, by a piece that each of them needs."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence

WILDCARD = re.compile(r"([*?])")
_START, _ANYWHERE, _END = "start", "anywhere", "end"
_LONGEST = 8


class Wildcards:
    """Patterns of which a text is compared with those alone whose longest piece it contains.

    Args:
        patterns: with wildcards.

    >>> Wildcards(["new*", "*york"]).first("newyork"), Wildcards(["new*"]).first("york")
    (0, None)
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = patterns
        self._places: dict[tuple[str, str], list[int]] = {}
        for place, pattern in enumerate(patterns):
            self._places.setdefault(_piece(pattern), []).append(place)
        self._lengths = sorted({len(piece) for _, piece in self._places})
        self._compiled: dict[int, re.Pattern[str]] = {}

    def first(self, text: str) -> int | None:
        """Return the place of the first pattern that a text matches; None if it matches none."""
        found = {place for piece in self._pieces(text) for place in self._places.get(piece, ())}
        return next((place for place in sorted(found) if self._matches(place, text)), None)

    def _pieces(self, text: str) -> Iterator[tuple[str, str]]:
        for length in self._lengths:
            if length <= len(text):
                last = len(text) - length
                yield _START, text[:length]
                yield _END, text[last:]
                yield from ((_ANYWHERE, text[start : start + length]) for start in range(last + 1))

    def _matches(self, place: int, text: str) -> bool:
        pattern = self._patterns[place]
        if "*" in pattern and "?" not in pattern and "[" not in pattern:
            return _holds_in_order(text, pattern.split("*"))
        # Most patterns are never compared with anything, and to compile one takes long.
        if place not in self._compiled:
            self._compiled[place] = re.compile(fnmatch.translate(pattern))
        return self._compiled[place].match(text) is not None


def _holds_in_order(text: str, pieces: Sequence[str]) -> bool:
    """Return whether a text is these pieces, with anything between them."""
    first, *inner, last = pieces
    position, end = len(first), len(text) - len(last)
    if position > end or not text.startswith(first) or not text.endswith(last):
        return False
    for piece in inner:
        position = text.find(piece, position, end) + len(piece)
        if position < len(piece):
            return False
    return True


def _piece(pattern: str) -> tuple[str, str]:
    """Return where the longest piece between wildcards stands, and its beginning or end."""
    if "[" in pattern:  # a set of characters is not a piece
        return _ANYWHERE, ""
    pieces = WILDCARD.split(pattern)[::2]
    longest = max(range(len(pieces)), key=lambda number: len(pieces[number]))
    if longest == len(pieces) - 1 > 0:
        return _END, pieces[longest][-_LONGEST:]
    return _ANYWHERE if longest else _START, pieces[longest][:_LONGEST]
