r"""Hashtags in any script: find them in a text, remove them, and reduce them to a canonical form.

A hashtag is `#` or `＃` followed by letters, marks, numbers and underscores (`[\p{L}\p{M}\p{N}_]`) with at least one
letter, and the special characters of twitter-text (`il·lusió`). It starts at the beginning of a word or directly after
another hashtag (`#a#b`), never inside a word (`a#b`), an HTML entity (`&#39;`) or a web address (`example.com/#about`).
Chinese topics stand between two signs (`paired_signs`). Hashtags that a dump lists are also found where that is no
hashtag by this rule (`vibes#sunset`).
"""

from __future__ import annotations

import html
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

import regex

from data_loaders.text.paired_signs import find_topics
from data_loaders.text.patterns import ENTITY, HASHTAG_OR_URL, MAY_HOLD_HASHTAG, RUN, SIGNED_RUN

_SIGNS = "#＃"
_LONGEST_CACHED = 100
_LONGEST_CAPTION_CACHED = 4_000
_OUTSIDE = regex.compile(r"[^\p{L}\p{M}\p{N}_]|\p{Variation_Selector}|\p{Me}")
_LEADING_MARKS = regex.compile(r"\A\p{M}+")
_LETTER = regex.compile(r"\p{L}")
# Case folding leaves a dot above the i of "İ", which "i" does not have; Twitter and Instagram take them for equal.
_SECOND_DOT = regex.compile(r"(?<=\p{Soft_Dotted})\u0307+")
_WORD_BREAK = regex.compile(
    r"_+"
    r"|(?<=[\p{Ll}\p{Lo}\p{Lm}]\p{M}*)(?=\p{Lu})"  # throwback|Thursday
    r"|(?<=\p{Lu}\p{M}*)(?=\p{Lu}\p{M}*\p{Ll})"  # NASA|Images
    r"|(?<=\p{L}\p{M}*)(?=\p{N})"  # covid|19
    r"|(?<=\p{N})(?=\p{L})"
)
_SPACES = regex.compile(r"[^\S\n]{2,}")
_SPACES_AT_LINE_END = regex.compile(r"[^\S\n]*+\n[^\S\n]*+")
# Any sign, also small or a sharp, as an HTML entity ("&#35;") as long as no other entity begins with it, or as in an
# address.
_ANY_SIGN = regex.compile(
    rf"&(?:amp;)*+(?:\#(?:0*+35|x0*+23)|num);|(?:{ENTITY})(*SKIP)(*FAIL)|[#＃﹟♯]|%(?:25)*+23|%EF%BC%83",
    regex.IGNORECASE,
)
# What can stand between a sign and its hashtag: what is not seen, quotes, brackets and marks of emphasis that open
# (`#"sunset"`, `**#**sunset`), and tags of HTML (`#<span>sunset</span>`, as Mastodon writes).
_BETWEEN = r"\p{Cf}\uFE0F\u20E3\p{Ps}\p{Pi}\p{Pf}\"'`*~\\"
_HTML_TAG = r"</?[A-Za-z][^<>]{0,1000}+>|&lt;/?[A-Za-z](?:(?!&[lg]t;)[^<>]){0,1000}+&gt;"
_BEHIND = regex.compile(rf"(?:[{_BETWEEN}]|{_HTML_TAG})*+")
# The same where the sign stands alone (`# sunset`, not `C# sunset`): blanks as well.
_BEHIND_AND_BLANKS = regex.compile(rf"(?:[{_BETWEEN}\s]|{_HTML_TAG})*+")
_INSIDE_WORD = regex.compile(r"(?<=[\p{L}\p{M}\p{N}_])")
_PIECE = regex.compile(r"[\p{L}\p{M}\p{N}_\u200c\u200d]++|&\#?[A-Za-z0-9]{1,32};|(?:%[0-9A-Fa-f]{2})++")
_MOST_PIECES = 64


class FoundHashtag(NamedTuple):
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
    >>> normalise("İstanbul") == normalise("istanbul")
    True
    """
    return _cached(hashtag) if len(hashtag) <= _LONGEST_CACHED else _normalise(hashtag)


def _normalise(hashtag: str) -> str:
    folded = unicodedata.normalize("NFKC", hashtag).casefold()
    # Case folding can give a form that folds again (iota subscripts), hence the second pass.
    folded = unicodedata.normalize("NFKC", folded).casefold()
    kept = unicodedata.normalize("NFC", _LEADING_MARKS.sub("", _OUTSIDE.sub("", folded)))
    if "\u0307" in kept:
        kept = unicodedata.normalize("NFC", _SECOND_DOT.sub("", kept))
    return kept if _LETTER.search(kept) else ""


# A few hashtags make up most of a dump.
_cached = lru_cache(maxsize=65_536)(_normalise)


def find_hashtags(text: str) -> list[FoundHashtag]:
    """Return the hashtags of a text in order, with repeats.

    >>> find_hashtags("low #Tide")
    [FoundHashtag(surface='Tide', start=4, end=9)]
    """
    if not MAY_HOLD_HASHTAG.search(text):
        return []
    return list((_found_of_late if len(text) <= _LONGEST_CAPTION_CACHED else _found)(text))


def _found(text: str) -> tuple[FoundHashtag, ...]:
    found = [FoundHashtag(*topic) for topic in find_topics(text)]
    if not found:
        runs = (run.span() for run in SIGNED_RUN.finditer(text))
        matches = (match for start, end in runs for match in HASHTAG_OR_URL.finditer(text, start, end))
        found = [FoundHashtag(tag, *match.span()) for match in matches if (tag := match["tag"]) is not None]
        if found and sum(map(text.count, _SIGNS)) > len(found) + 1:  # the other signs may be pairs
            topics = find_topics(_blanked(text, found))
            found = sorted([*found, *(FoundHashtag(*topic) for topic in topics)], key=lambda tag: tag.start)
    return tuple(found)


# A caption is asked about several times, when it is read and when its batch is worked on.
_found_of_late = lru_cache(maxsize=512)(_found)


def _blanked(text: str, found: Iterable[FoundHashtag]) -> str:
    pieces, position = [], 0
    for tag in found:
        pieces += [text[position : tag.start], " " * (tag.end - tag.start)]
        position = tag.end
    return "".join([*pieces, text[position:]])


def extract(text: str) -> list[str]:
    """Return the surface forms of a text's hashtags in order, without signs, with repeats.

    >>> extract("🌅#sunset🌊 #a#b ＃日本 c#d &#39; #2022 example.com/#about")
    ['sunset', 'a', 'b', '日本']
    """
    return [found.surface for found in find_hashtags(text)]


def remove_hashtags(text: str, listed: Collection[str] = ()) -> str:
    """Return the text without its hashtags and the spaces they leave behind; line breaks are kept.

    Args:
        text: the text.
        listed: hashtags of the post, in any form; they are removed wherever `find_listed` finds them.

    >>> remove_hashtags("Low #tide at dusk #beach"), remove_hashtags("vibes#sunset and more", ["Sunset"])
    ('Low at dusk', 'vibes and more')
    """
    if not _ANY_SIGN.search(text):
        return text
    spans = _hashtag_spans(text)
    signed = [] if _are_all_signs(text, spans, listed) else find_listed(text, listed)
    while spans or signed:
        text = _without(text, spans + signed)
        # What stood behind what was removed may have become a hashtag itself.
        spans, signed = (_hashtag_spans(text) if signed else []), _listed_spans(text, listed, with_signs_before=True)
    return text


def _are_all_signs(text: str, spans: list[tuple[int, int]], listed: Collection[str]) -> bool:
    """Return whether nothing but these hashtags can be listed ones with a sign: each sign begins one that stands apart.

    A listed hashtag without a blank in it ends before the next blank.
    """
    starts = {start for start, _ in spans}
    return (
        all(sign.start() in starts for sign in _ANY_SIGN.finditer(text))
        and all(end == len(text) or text[end].isspace() for _, end in spans)
        and not any(map(_holds_blank, listed))
    )


def _holds_blank(tag: str) -> bool:
    return len(tag.split()) > 1


def _hashtag_spans(text: str) -> list[tuple[int, int]]:
    return [(tag.start, tag.end) for tag in find_hashtags(text)]


def find_listed(text: str, listed: Collection[str]) -> list[tuple[int, int]]:
    """Return the spans of the listed hashtags with a sign before them, be they hashtags by the rule or not.

    A sign counts inside of words and addresses too, and an HTML entity, `%23` or `♯` may stand for it. Invisible
    characters, opening quotes and brackets, emphasis and tags of HTML may stand behind it; blanks too, unless a word
    ends with the sign. Of an address that holds `%23` all is found. A longer
    word is another hashtag: `#sunsets` is not `sunset`.

    >>> find_listed("2024#Goals set, no goals", ["goals"]), find_listed("# goals, C# goals", ["goals"])
    ([(4, 10)], [(0, 7)])
    """
    return _listed_spans(text, listed)


def _listed_spans(text: str, listed: Collection[str], with_signs_before: bool = False) -> list[tuple[int, int]]:
    """Return what `find_listed` does, with the signs that stand alone before a hashtag if they are asked for."""
    tags = {normalise(tag) for tag in listed} - {""} if _ANY_SIGN.search(text) else set()
    if not tags:
        return []
    spaced = any(map(_holds_blank, listed))
    signs = list(_ANY_SIGN.finditer(text))
    begins = [*(sign.start() for sign in signs), len(text)]
    spans, encoded, edge, first = list[tuple[int, int]](), False, -1, 0
    for number, sign in enumerate(signs):
        if spans and sign.start() < spans[-1][1]:
            continue
        alone = _INSIDE_WORD.match(text, sign.start()) is None
        between = (_BEHIND_AND_BLANKS if alone else _BEHIND).match(text, sign.end())
        start = between.end() if between else sign.end()
        first = first if sign.start() == edge else sign.start()
        edge = start if alone else -1
        # A tag of HTML between them may hold signs itself (`#<a href="#">sunset</a>`).
        end = _listed_end(text, start, begins[bisect_left(begins, start, number + 1)], tags, spaced)
        if end:
            spans.append((first if with_signs_before else sign.start(), end))
            encoded = encoded or sign.group().startswith("%")
    return _with_addresses(text, spans) if encoded else spans


def _with_addresses(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans, widened to the addresses that they are within: what is left of one would be words."""
    runs = (run.span() for run in RUN.finditer(text) if "%" in run.group())
    matches = (match for start, end in runs for match in HASHTAG_OR_URL.finditer(text, start, end))
    addresses = [match.span() for match in matches if match["tag"] is None]
    starts = [start for start, _ in addresses]
    widened = []
    for start, end in spans:
        place = bisect_right(starts, start) - 1
        within = place >= 0 and start < addresses[place][1] and text[start] == "%"
        widened.append((addresses[place][0], max(end, addresses[place][1])) if within else (start, end))
    return widened


def _listed_end(text: str, start: int, limit: int, tags: Collection[str], spaced: bool) -> int:
    """Return where the longest of the hashtags ends that begins right at `start`; 0 for none."""
    position, longest, end, known = start, max(map(len, tags)), 0, ""
    for count, piece in enumerate(_PIECE.finditer(text, start, limit)):
        gap = text[position : piece.start()]
        canonical = normalise(html.unescape(unquote(text[start : piece.end()])))
        if (gap and not count) or count == _MOST_PIECES or len(canonical) > longest or not _joins(gap, spaced):
            break
        if canonical in tags and canonical != known:
            end, known = piece.end(), canonical
        position = piece.end()
    return end


def _joins(gap: str, spaced: bool) -> bool:
    return "\n" not in gap if spaced else not any(map(str.isspace, gap))


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    if not spans:
        return text
    pieces, position = [], 0
    for start, end in sorted(spans):
        pieces.append(text[position : max(start, position)])
        position = max(end, position)
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
