"""`Language`: the words and sentences that the captions of a language are composed of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """The vocabulary of one language.

    Attributes:
        code: ISO 639-1 code.
        script: name of the script, in lower case.
        share: how often this is an author's main language, relative to the others.
        words: words for each topic, the most common first.
        about: sentences with the placeholder `{word}` for a topic's word.
        fillers: sentences without a topic.
        shorts: phrases of one or a few words without a topic.
        space: separator between sentences.
    """

    code: str
    script: str
    share: float
    words: Mapping[str, tuple[str, ...]]
    about: tuple[str, ...]
    fillers: tuple[str, ...]
    shorts: tuple[str, ...]
    space: str = " "


def word_table(text: str) -> dict[str, tuple[str, ...]]:
    """Return a mapping from topic to words, read from lines `topic: word | word | …`.

    >>> word_table("film: cinema | movies")
    {'film': ('cinema', 'movies')}
    """
    table: dict[str, tuple[str, ...]] = {}
    for line in text.strip().splitlines():
        topic, _, words = line.partition(":")
        table[topic.strip()] = tuple(word.strip() for word in words.split("|"))
    return table


def lines(text: str) -> tuple[str, ...]:
    """Return the lines of `text` that are not blank, without white space around them."""
    return tuple(line.strip() for line in text.strip().splitlines() if line.strip())


def tokens(text: str) -> tuple[str, ...]:
    """Return the parts of `text` between white space."""
    return tuple(text.split())
