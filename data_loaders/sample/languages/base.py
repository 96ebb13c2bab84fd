"""`Language`: the words from which the captions of one language are put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language.

    Attributes:
        code: ISO 639-1 code.
        script: the writing system, in lower case.
        share: how often this is an author's main language, relative to the others.
        words: for each topic the words that name it, the commonest first.
        about: sentences with the place `{word}` for a topic's word.
        fillers: sentences that tell nothing.
        shorts: one or two words that tell nothing.
        space: what stands between two sentences.
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
    """Read lines `topic: word | word | …` into a mapping from topic to words."""
    table: dict[str, tuple[str, ...]] = {}
    for line in text.strip().splitlines():
        topic, _, words = line.partition(":")
        table[topic.strip()] = tuple(word.strip() for word in words.split("|"))
    return table


def lines(text: str) -> tuple[str, ...]:
    """Return the lines of `text` without those that are blank."""
    return tuple(line.strip() for line in text.strip().splitlines() if line.strip())


def tokens(text: str) -> tuple[str, ...]:
    """Return what stands between white space."""
    return tuple(text.split())
