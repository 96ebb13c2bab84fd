"""Ids of posts and users: the same id, written by different programs, is one; ids that were rounded are recognised."""

from __future__ import annotations

import math
import re

import regex

_WHOLE = re.compile(r"([+-]?\d+)\.0+", re.ASCII)
# What keeps a spreadsheet from reading a number: ="77", and '77 as text.
_GUARDED = re.compile(r"=\"(.*)\"|'(\d+)", re.ASCII)
# Byte order marks, zero-width spaces and direction marks, which files put together and copied texts hold; not the tags
# that tell the flags of Scotland and Wales.
_UNSEEN = regex.compile(r"(?:[\s\p{Cf}](?<![\U000E0000-\U000E007F]))*+")
_ROUNDED = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+\d+", re.ASCII)
# Beyond, floating point cannot tell neighbouring whole numbers apart.
_EXACT = 2**53


# How pandas, SQL, spreadsheets and JavaScript write a missing value; R's word is one in capitals only.
_MISSING_WORDS = frozenset({"nan", "none", "null", "nat", "<na>", "n/a", "#n/a", "\\n", "undefined"})
_MISSING_IN_R = "NA"


def says_missing(text: str) -> bool:
    """Return whether a text is what programs write where there is no value; as an id it would be one person, or many.

    >>> says_missing(" NaN "), says_missing("NA"), says_missing("na")
    (True, True, False)
    """
    word = text.strip()
    return word.lower() in _MISSING_WORDS or word == _MISSING_IN_R


def plain_identifier(text: str) -> str:
    """Return an id without white space and what is not seen around it, and a whole number without what tables give it.

    >>> plain_identifier(" 77.0 "), plain_identifier("77.5"), plain_identifier("v1.0"), plain_identifier('="77"')
    ('77', '77.5', 'v1.0', '77')
    >>> plain_identifier("\ufeffann\u200b ")
    'ann'
    """
    stripped = text.strip() if text.isascii() else _without_unseen(text)
    if guarded := _GUARDED.fullmatch(stripped):
        stripped = (guarded[1] or guarded[2] or "").strip()
    match = _WHOLE.fullmatch(stripped)
    return match[1] if match else stripped


def _without_unseen(text: str) -> str:
    # Both ends by a match at the beginning: a search for the end would begin again at each of many such characters.
    for _ in range(2):
        begin = _UNSEEN.match(text)
        text = (text[begin.end() :] if begin else text)[::-1]
    return text


def is_rounded(value: str | float) -> bool:
    """Return whether an id has lost digits, as those of spreadsheets and of floating-point columns have.

    >>> is_rounded("1.05012E+18"), is_rounded(1.05012e18), is_rounded("1e5"), is_rounded(77.0)
    (True, True, False, False)
    """
    if isinstance(value, str):
        return _ROUNDED.fullmatch(value.strip()) is not None
    return isinstance(value, float) and _EXACT <= abs(value) < math.inf
