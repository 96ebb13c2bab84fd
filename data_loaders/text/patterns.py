r"""Regular expressions for the tokens that are removed from captions, shared by `hashtags` and `captions`.

Every pattern runs in linear time: repeats are possessive and start only at a boundary. `\G` (the end of the previous
token) lets a token follow another directly, as in `#a#b` or `@user#tag`. A token includes the combining marks after
it, so that searching the remaining text again finds nothing new. No token contains white space.
"""

from __future__ import annotations

import re

import regex

_WORD = r"[\p{L}\p{M}\p{N}_]"
# The two zero-width joiners occur inside words of Persian and Indic scripts, never at their ends.
_TAG_WORD = rf"[\p{{L}}\p{{N}}_]{_WORD}*+(?:[\u200c\u200d]++{_WORD}++)*+"
_HOLDS_A_LETTER = r"(?=[\p{N}\p{M}_\u200c\u200d]*+\p{L})"
# An enclosing mark closes a keycap emoji, so a hashtag may follow it; "&#x27;" is an HTML entity.
_TAG_BOUNDARY = r"(?:\G|(?<![\p{L}\p{N}_&][\p{Mn}\p{Mc}]*))"
_TAG = rf"{_TAG_BOUNDARY}[#＃]{_HOLDS_A_LETTER}(?P<tag>{_TAG_WORD})"

_URL_CHARACTER = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
_HOST_BOUNDARY = r"(?:\G|(?<![\w.\-]))"
_URL = (
    rf"(?:https?|ftp)://{_URL_CHARACTER}++"
    rf"|{_HOST_BOUNDARY}www\.{_URL_CHARACTER}++"
    rf"|{_HOST_BOUNDARY}(?:[a-z0-9][a-z0-9\-]*+\.)++[a-z]{{2,24}}+/{_URL_CHARACTER}*+"
)
_HOST = r"[a-z0-9\-]++(?:\.[a-z0-9\-]++)++"
_EMAIL = rf"(?:\G|(?<![\w.+\-]))[\w.+\-]++@{_HOST}"
_MENTION = rf"(?:\G|(?<![A-Za-z0-9_]))[@＠][A-Za-z0-9_]++(?:\.[A-Za-z0-9_]++)*+(?:@{_HOST})?+"

HASHTAG_OR_URL = regex.compile(rf"{_URL}|{_TAG}", regex.IGNORECASE)
TOKEN = regex.compile(rf"(?:{_URL}|{_EMAIL}|{_MENTION}|{_TAG})\p{{M}}*+", regex.IGNORECASE)

# A run without white space is searched for tokens only if it contains one of these.
RUN = re.compile(r"\S+")
MAY_HOLD_TOKEN = re.compile(r"[#＃@＠/]|www\.", re.IGNORECASE)
MAY_HOLD_HASHTAG = re.compile(r"[#＃]")
