"""`CaptionPhrase`: a word of a caption, or words in a row, that joined may be a hashtag."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

import regex

from data_loaders.text.hashtags import normalise
from data_loaders.text.phrases import MOST_JOINED, MOST_WORDS, WORD, other_number

# Only pairs among so many first words may be new.
_BEGINNING = 12
_SENTENCE_END = regex.compile(r"[.!?:](?=\s|$)|\n")


@dataclass(slots=True)
class CaptionPhrase:
    """Words in a row of a caption that, joined, may be a hashtag.

    Attributes:
        text: the words joined, in the canonical form of hashtags; with or without a plural's s where it is a `variant`.
        term: the word, or the first two words with a space between.
        words: how many words.
        place: of the first of them, as share of the caption.
        beginning: whether the first of them is among the first twelve words.
        title: whether it is in the first sentence, where titles are.
        capital: whether they begin with a capital letter.
        variant: whether the text is another number of the words.
        count: how often the caption has them.
    """

    text: str
    term: str
    words: int
    place: float
    beginning: bool
    title: bool
    capital: bool
    variant: bool = False
    count: int = 1

    @property
    def may_be_new(self) -> bool:
        """Whether it is looked at even if nobody knows the hashtag: a word, or a pair in the beginning."""
        return not self.variant and _may_be_new(self.words, self.beginning)


def phrases_of(caption: str, known: Callable[[str], bool]) -> list[CaptionPhrase]:
    """Return what of a caption may be a hashtag, each text once: single words, and up to four words joined.

    Words that `may_be_new` are returned as if nothing were known; all others only if they are known.

    Args:
        caption: cleaned.
        known: whether a text is any hashtag, of whatever time.
    """
    text = unicodedata.normalize("NFKC", caption)
    surfaces = WORD.findall(text)[:MOST_WORDS]
    sentence = _SENTENCE_END.search(text)
    title = len(surfaces) if sentence is None else len(WORD.findall(text[: sentence.start()]))
    folded = [word.casefold() for word in surfaces]
    canonical = [normalise(word) or word for word in folded]
    found: dict[str, CaptionPhrase] = {}
    for words in range(1, MOST_JOINED + 1):
        for first in range(len(folded) - words + 1):
            text = "".join(canonical[first : first + words])
            old = found.get(text)
            if old is not None:
                old.count += old.words == words
            elif (_may_be_new(words, first < _BEGINNING) and normalise(text) == text) or known(text):
                found[text] = CaptionPhrase(
                    text,
                    " ".join(folded[first : first + min(words, 2)]),
                    words,
                    first / len(folded),
                    first < _BEGINNING,
                    first < title,
                    surfaces[first][:1].isupper(),
                )
    for one in list(found.values()):
        text = other_number(one.text)
        if text and text not in found and known(text):
            found[text] = replace(one, text=text, variant=True)
    return list(found.values())


def _may_be_new(words: int, beginning: bool) -> bool:
    return words == 1 or (words == 2 and beginning)
