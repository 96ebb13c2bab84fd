"""Hashtags in the middle of a text as plain words, those at its end left out.

This is how the slide-deck models clean tweets. It leaks: the word that stays is the answer. See `captions.leaks`.
"""

from __future__ import annotations

import regex

from data_loaders.text.hashtags import find_hashtags, tidy_spaces
from data_loaders.text.patterns import MAY_HOLD_HASHTAG, MAY_HOLD_TOKEN, RUN, TOKEN

# An HTML entity such as "&amp;" is no word.
_WORD_CHARACTER = regex.compile(r"&\#?[A-Za-z0-9]{1,32}+;(*SKIP)(*FAIL)|[\p{L}\p{N}]")


def keep_inline_words(text: str) -> str:
    """Take the sign off hashtags that are followed by words, and take out those that are not.

    A hashtag stands at the end of the text when only hashtags, web addresses, mentions, emoji and punctuation follow.
    Lines are kept.

    >>> keep_inline_words("My #cat sleeps #pets #caturday https://t.co/x")
    'My cat sleeps https://t.co/x'
    """
    if not MAY_HOLD_HASHTAG.search(text):
        return text
    end = _end_of_words(text)
    pieces, position = [], 0
    for found in find_hashtags(text):
        pieces.append(text[position : found.start])
        if found.start < end:
            apart = found.start > 0 and not text[found.start - 1].isspace()
            pieces.append(" " + found.surface if apart else found.surface)
        else:
            pieces.append(" ")
        position = found.end
    if not pieces:
        return text
    pieces.append(text[position:])
    return tidy_spaces("".join(pieces))


def _end_of_words(text: str) -> int:
    """Return the place after the last letter or number that belongs to no hashtag, address or mention; 0 for none."""
    for run in reversed(list(RUN.finditer(text))):
        end = _end_in_run(run.group())
        if end:
            return run.start() + end
    return 0


def _end_in_run(run: str) -> int:
    if not MAY_HOLD_TOKEN.search(run):
        return _last_word_character(run, 0, len(run))
    end = position = 0
    for token in TOKEN.finditer(run):
        end = _last_word_character(run, position, token.start()) or end
        position = token.end()
    return _last_word_character(run, position, len(run)) or end


def _last_word_character(text: str, start: int, stop: int) -> int:
    end = 0
    for match in _WORD_CHARACTER.finditer(text, start, stop):
        end = match.end()
    return end
