"""The languages of the sample's captions: the words and sentences that captions are composed of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from data_loaders.sample.tables import read_table


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
    words: Mapping[str, list[str]]
    about: list[str]
    fillers: list[str]
    shorts: list[str]
    space: str = " "


_NAMES = (
    *("english", "spanish", "german", "russian", "french", "ukrainian"),
    *("hindi", "arabic", "japanese", "turkish", "chinese"),
)

LANGUAGES: tuple[Language, ...] = tuple(Language(**read_table(f"languages/{name}")) for name in _NAMES)
