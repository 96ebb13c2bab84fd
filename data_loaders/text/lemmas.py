"""Reduce words to their dictionary forms with the optional package simplemma."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, lru_cache

import regex

from data_loaders.errors import ConfigError

LANGUAGE = "en"
# A word with letters outside a-z belongs to another language and is left alone.
_ENGLISH_WORD = regex.compile(r"(?<![\p{L}\p{M}\p{N}_\u200c\u200d])[a-z]{2,40}+(?![\p{L}\p{M}\p{N}_\u200c\u200d])")
_LETTERS = regex.compile(r"[a-z]+")
_LONGEST_CHAIN = 8


def lemmatise(text: str) -> str:
    """Replace every English word of a lower-case text by its lemma; words with other letters or digits are kept.

    Raises:
        ConfigError: simplemma is not installed.
    """
    return _ENGLISH_WORD.sub(lambda match: lemma(match.group()), text)


@lru_cache(maxsize=1 << 17)
def lemma(word: str) -> str:
    """Return a lemma that is its own lemma, so that lemmatising twice changes nothing.

    simplemma's lemmas can have lemmas themselves (`featuring`, `feature`). If the chain runs in a circle, the
    alphabetically first word of the circle is returned; if it does not end, the word itself.

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
            "pip install 'simplemma>=2.0,<3', or choose the caption profile 'tweet', which does not need it."
        ) from error

    def look_up(word: str) -> str:
        return str(simplemma.lemmatize(word, lang=LANGUAGE))

    return look_up
