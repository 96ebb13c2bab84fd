"""Turn hashtags in the middle of a text into plain words and remove those at its end.

The slide-deck models clean tweets this way. It leaks: the remaining word is the answer. See `captions.leaks`.
"""

from __future__ import annotations

import regex

from data_loaders.text.hashtags import find_hashtags, tidy_spaces
from data_loaders.text.patterns import MAY_HOLD_HASHTAG, MAY_HOLD_TOKEN, RUN, TOKEN

# An HTML entity such as "&amp;" is not a word.
_WORD_CHARACTER = regex.compile(r"&\#?[A-Za-z0-9]{1,32}+;(*SKIP)(*FAIL)|[\p{L}\p{N}]")


def keep_inline_words(text: str) -> str:
    """Remove the sign of hashtags that are followed by words, and remove other hashtags entirely.

    A hashtag is at the end of the text when only hashtags, web addresses, mentions, emoji and punctuation follow.
    Line breaks are kept.

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
    """Return the index after the last letter or number outside hashtags, addresses and mentions; 0 for none."""
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
