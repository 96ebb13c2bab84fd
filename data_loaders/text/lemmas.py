"""Words as their dictionary forms, by simplemma (https://pypi.org/project/simplemma), an optional package."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, lru_cache

import regex

from data_loaders.errors import ConfigError

LANGUAGE = "en"
# A word of letters that English does not use is of another language, and stays as it is.
_ENGLISH_WORD = regex.compile(r"(?<![\p{L}\p{M}\p{N}_\u200c\u200d])[a-z]{2,40}+(?![\p{L}\p{M}\p{N}_\u200c\u200d])")
_LETTERS = regex.compile(r"[a-z]+")
_LONGEST_CHAIN = 8


def lemmatise(text: str) -> str:
    """Replace every English word of a lower-case text by its lemma; words with other letters or digits stay.

    Raises:
        ConfigError: simplemma is not installed.
    """
    return _ENGLISH_WORD.sub(lambda match: lemma(match.group()), text)


@lru_cache(maxsize=1 << 17)
def lemma(word: str) -> str:
    """Return the lemma that is its own lemma, so that asking again changes nothing.

    simplemma's lemmas can have lemmas in turn (`featuring`, `feature`). Where they lead round in a circle, the first of
    the circle by the alphabet is taken; where they lead nowhere, the word stays.

    Raises:
        ConfigError: simplemma is not installed.
    """
    look_up = _dictionary()
    chain = [word]
    while len(chain) <= _LONGEST_CHAIN:
        form = look_up(chain[-1]).lower()
        if not _LETTERS.fullmatch(form):
            return chain[-1]
        if form in chain:
            return min(chain[chain.index(form) :])
        chain.append(form)
    return word


@cache
def _dictionary() -> Callable[[str], str]:
    try:
        simplemma = importlib.import_module("simplemma")
    except ImportError as error:
        raise ConfigError(
            "Lemmas need the package simplemma, which is not installed. Install it with "
            "pip install 'multimodal-hashtags[text]', or choose the caption profile 'tweet', which does without."
        ) from error

    def look_up(word: str) -> str:
        return str(simplemma.lemmatize(word, lang=LANGUAGE))

    return look_up
