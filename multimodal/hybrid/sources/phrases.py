"""`CaptionPhrase`: a word of a caption, or words in a row, that joined may be a hashtag."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

import regex

from data_loaders.text.hashtags import normalise
from data_loaders.text.phrases import MOST_JOINED, MOST_WORDS, UNSPACED, WORD, other_number, parts_of, runs_of, unspaced

# Only pairs among so many first words may be new.
_BEGINNING = 12
_SENTENCE_END = regex.compile(rf"[.!?:](?=\s|$)|\n|(?<=[{UNSPACED}])[。!?]")
# What is written without spaces has pairs of characters as terms, see `caption_terms`.
_TERM = 2


@dataclass(slots=True)
class CaptionPhrase:
    """Words in a row of a caption that, joined, may be a hashtag; or a part of a word that is written without spaces.

    Attributes:
        text: the words joined, in the canonical form of hashtags; with or without a plural's s where it is a `variant`.
        term: the word, the first two words with a space between, or the first two characters of a part.
        words: how many words.
        place: of its beginning, as share of the caption.
        beginning: whether the first of them is among the first twelve words.
        title: whether it is in the first sentence, where titles are.
        capital: whether they begin with a capital letter.
        variant: whether the text is another number of the words.
        part: whether it is a part of a word that nothing but being known makes a hashtag.
        count: how often the caption has it.
    """

    text: str
    term: str
    words: int
    place: float
    beginning: bool
    title: bool
    capital: bool
    variant: bool = False
    part: bool = False
    count: int = 1

    @property
    def may_be_new(self) -> bool:
        """Whether it is looked at even if nobody knows the hashtag: a word, or a pair in the beginning."""
        return not self.variant and not self.part and _may_be_new(self.words, self.beginning)


def phrases_of(caption: str, known: Callable[[str], bool]) -> list[CaptionPhrase]:
    """Return what of a caption may be a hashtag, each text once: words, up to four joined, and parts of unspaced ones.

    Those that `may_be_new` are returned as if nothing were known; all others only if they are known.

    Args:
        caption: cleaned.
        known: whether a text is any hashtag, of whatever time.
    """
    words, found = _Words.of(caption), dict[str, CaptionPhrase]()
    # What may be new comes before what is only known, so that this cannot change it.
    _add_joined(found, words, 1, known)
    _add_runs(found, words)
    for count in range(2, MOST_JOINED + 1):
        _add_joined(found, words, count, known)
    _add_parts(found, words, known)
    _add_variants(found, known)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a caption as written, case-folded and as hashtags, and how many are in the first sentence."""

    surfaces: list[str]
    folded: list[str]
    canonical: list[str]
    title: int

    @classmethod
    def of(cls, caption: str) -> _Words:
        text = unicodedata.normalize("NFKC", caption)
        surfaces = WORD.findall(text)[:MOST_WORDS]
        sentence = _SENTENCE_END.search(text)
        title = len(surfaces) if sentence is None else len(WORD.findall(text[: sentence.start()]))
        folded = [word.casefold() for word in surfaces]
        return cls(surfaces, folded, [normalise(word) or word for word in folded], title)

    def joined(self, first: int, count: int, text: str) -> CaptionPhrase:
        """Return some words in a row."""
        term, place = " ".join(self.folded[first : first + min(count, 2)]), first / len(self.folded)
        capital = self.surfaces[first][:1].isupper()
        return CaptionPhrase(text, term, count, place, first < _BEGINNING, first < self.title, capital)

    def inside(self, word: int, first: int, text: str) -> CaptionPhrase:
        """Return the part of a word that begins at a character."""
        place = (word + first / len(self.folded[word])) / len(self.folded)
        beginning = word < _BEGINNING and first < _BEGINNING * _TERM
        return CaptionPhrase(text, text[:_TERM], 1, place, beginning, word < self.title, False)


def _add_joined(found: dict[str, CaptionPhrase], words: _Words, count: int, known: Callable[[str], bool]) -> None:
    for first in range(len(words.folded) - count + 1):
        text = "".join(words.canonical[first : first + count])
        old = found.get(text)
        if old is not None:
            old.count += old.words == count
        elif (_may_be_new(count, first < _BEGINNING) and normalise(text) == text) or known(text):
            found[text] = words.joined(first, count, text)


def _add_runs(found: dict[str, CaptionPhrase], words: _Words) -> None:
    for number, word in unspaced(words.folded):
        for first, run in runs_of(word):
            if run in found:
                found[run].count += 1
            elif normalise(run) == run:
                found[run] = words.inside(number, first, run)


def _add_parts(found: dict[str, CaptionPhrase], words: _Words, known: Callable[[str], bool]) -> None:
    for number, word in unspaced(words.folded):
        for first, part in parts_of(word):
            old = found.get(part)
            if old is not None:
                old.count += old.part
            elif known(part):
                found[part] = replace(words.inside(number, first, part), part=True)


def _add_variants(found: dict[str, CaptionPhrase], known: Callable[[str], bool]) -> None:
    for one in list(found.values()):
        text = other_number(one.text)
        if text and text not in found and known(text):
            found[text] = replace(one, text=text, variant=True)


def _may_be_new(words: int, beginning: bool) -> bool:
    return words == 1 or (words == 2 and beginning)
