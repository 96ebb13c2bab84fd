"""Words of a caption, alone, joined or cut, as texts that may be hashtags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex

# Scripts that are written without spaces, for a character class of a regular expression.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# A word is letters, marks and digits of any script; what is written without spaces is one word up to the next sign.
WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
# Only so many first words of a caption are read, and up to so many are joined.
MOST_WORDS, MOST_JOINED = 400, 4
_PLURAL = "s"
# Of what is written without spaces, so many first characters of a word and of a caption are read, and parts of so many
# at most.
_MOST_CHARACTERS, _MOST_OF_A_CAPTION, _LONGEST_PART = 400, 2_000, 12
HAS_UNSPACED = regex.compile(f"[{UNSPACED}]")
# The prolonged sound of kana belongs to no script.
_CHARACTER = regex.compile(rf"[{UNSPACED}\u30fc]\p{{M}}*|[^{UNSPACED}\u30fc]+")
# What may be words of Japanese, which has hiragana between them, with the most characters that one has.
_RUNS = (
    (regex.compile(r"\p{Han}+"), 6),
    (regex.compile(r"[\p{Katakana}\u30fc]+"), 16),
    (regex.compile(rf"[^{UNSPACED}\u30fc]+"), 16),
    (regex.compile(r"[^\p{Hiragana}]+"), 16),
)


def other_number(text: str) -> str:
    """Return a text with another grammatical number: without an English plural's s, or with one.

    >>> other_number("cats"), other_number("cat")
    ('cat', 'cats')
    """
    return text.removesuffix(_PLURAL) if text.endswith(_PLURAL) else text + _PLURAL


def unspaced(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each word that is written without spaces, up to 2,000 characters in all.

    >>> list(unspaced(["tower", "東京タワー"]))
    [(1, '東京タワー')]
    """
    read = 0
    for number, word in enumerate(words):
        if HAS_UNSPACED.search(word):
            read += min(len(word), _MOST_CHARACTERS)
            if read > _MOST_OF_A_CAPTION:
                return
            yield number, word


def parts_of(word: str) -> Iterator[tuple[int, str]]:
    """Yield each shorter part of a word that is written without spaces, with the index of its first character.

    A part has two to twelve characters, where letters of other scripts in a row count as one; they are a part too.

    >>> [part for _, part in parts_of("京都駅")]
    ['京都', '都駅']
    """
    if not HAS_UNSPACED.search(word):
        return
    pieces = [found.span() for found in _CHARACTER.finditer(word[:_MOST_CHARACTERS])]
    for first, (start, end) in enumerate(pieces):
        if end - start > 1 and not HAS_UNSPACED.search(word, start, end):
            yield start, word[start:end]
        for _, end in pieces[first + 1 : first + _LONGEST_PART]:
            if (start, end) != (0, len(word)):
                yield start, word[start:end]


def runs_of(word: str) -> Iterator[tuple[int, str]]:
    """Yield the parts of a word without spaces that likely are words, each once.

    They are two to six kanji in a row; and two to sixteen katakana, letters of other scripts, or all but hiragana.

    >>> [run for _, run in runs_of("スタバ倉敷店でラーメンを食べた")]
    ['倉敷店', 'スタバ', 'ラーメン', 'スタバ倉敷店']
    """
    if not HAS_UNSPACED.search(word):
        return
    told = {word}
    for pattern, longest in _RUNS:
        for found in pattern.finditer(word[:_MOST_CHARACTERS]):
            run = found.group()
            if 2 <= len(run) <= longest and run not in told:
                told.add(run)
                yield found.start(), run
