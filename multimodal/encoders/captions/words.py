"""Words of a caption, the vocabulary learned from them, and word vectors read from a file."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import regex
import rich.progress
from numpy.typing import NDArray
from rich.console import Console

from data_loaders.errors import ConfigError
from data_loaders.text.phrases import UNSPACED
from multimodal.encoders.captions.tokenizer import repair_surrogates

PAD, UNKNOWN = 0, 1
SPECIAL_WORDS = ("[PAD]", "[UNKNOWN]")
# In scripts without spaces each character is a word; elsewhere words keep marks, joiners and apostrophes.
_WORD = regex.compile(
    rf"(?V1)[{UNSPACED}]\p{{M}}*|[[\p{{L}}\p{{N}}_]--[{UNSPACED}]]"
    rf"[[\p{{L}}\p{{M}}\p{{N}}_'’\u200c\u200d]--[{UNSPACED}]]*|[,.!?:;]|\p{{Emoji_Presentation}}"
)
# Longer words are noise and would only fill the vocabulary.
_LONGEST_WORD = 64


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case and NFKC; `,.!?:;` and emoji are words, other symbols are dropped.

    >>> split_words("Don't stop, 日本!")
    ["don't", 'stop', ',', '日', '本', '!']
    """
    return [word[:_LONGEST_WORD] for word in _WORD.findall(_normal(text))]


def word_spans(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text in lower case and NFKC, and where each of `split_words` stands in it.

    >>> word_spans("Don't stop")
    ("don't stop", [(0, 5), (6, 10)])
    """
    normal = _normal(text)
    return normal, [word.span() for word in _WORD.finditer(normal)]


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", repair_surrogates(text)).lower()


class WordVocabulary:
    """Word ⇄ id: `PAD`, `UNKNOWN`, then the known words, which are unique."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)
        self._id_of = {word: number for number, word in enumerate(self.words, start=len(SPECIAL_WORDS))}

    @classmethod
    def learn(cls, captions: Iterable[str], size: int, minimum_count: int = 2) -> WordVocabulary:
        """Return the most frequent words, ties in alphabetical order; `size` includes the two special ids."""
        counts = Counter(word for caption in captions for word in split_words(caption))
        frequent = (word for word, count in counts.items() if count >= minimum_count)
        ordered = sorted(frequent, key=lambda word: (-counts[word], word))
        room = max(size - len(SPECIAL_WORDS), 0)
        return cls(ordered[:room])

    def extended_by(self, words: Iterable[str], size: int) -> WordVocabulary:
        """Return the vocabulary extended by words, best first, up to `size` ids."""
        room = max(size - len(SPECIAL_WORDS), 0)
        return WordVocabulary(list(dict.fromkeys([*self.words, *words]))[:room])

    def __len__(self) -> int:
        return len(self.words) + len(SPECIAL_WORDS)

    def __contains__(self, word: str) -> bool:
        return word in self._id_of

    def ids(self, caption: str, limit: int) -> NDArray[np.int64]:
        """Return the ids of the first `limit` words; a caption without words becomes one unknown word."""
        words = split_words(caption)[:limit]
        return np.array([self._id_of.get(word, UNKNOWN) for word in words] or [UNKNOWN], np.int64)


def select_word_vectors(
    path: str | Path, option: str, words: WordVocabulary, size: int
) -> dict[str, NDArray[np.float32]]:
    """Return the vectors of known words, and of the first other words of the file up to `size` words in all.

    The file is read once, and only the returned vectors are kept in memory.

    Raises:
        ConfigError: see `read_word_vectors`; or no vector of the file can be used.
    """
    chosen: dict[str, NDArray[np.float32]] = {}
    room = size - len(words)
    for word, vector in read_word_vectors(path, option):
        if word in chosen or (word not in words and room <= 0):
            continue
        room -= word not in words
        chosen[word] = vector
    if not chosen:
        raise ConfigError(f"{option}={str(path)!r} holds no vector that could be used: {len(words):,} words are known.")
    return chosen


def word_vectors_file(path: str | Path, option: str) -> Path:
    """Return the path of a file of word vectors.

    Raises:
        ConfigError: it does not exist.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise ConfigError(f"{option}={str(path)!r}: there is no such file; give a word2vec or GloVe text file.")
    return file


def read_word_vectors(path: str | Path, option: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield (word, vector) from a text file in the format of word2vec (with a header line) or GloVe (without).

    Args:
        path: the file; each line holds a word and its numbers, separated by spaces.
        option: the configuration key, for messages.

    Raises:
        ConfigError: the file does not exist, or a line is not a word and as many numbers as in the other lines.
    """
    file = word_vectors_file(path, option)
    width: int | None = None
    with rich.progress.open(
        file, "r", encoding="utf-8", errors="replace", newline="\n", description="reading word vectors",
        console=Console(stderr=True), transient=True,
    ) as lines:  # fmt: skip
        for number, line in enumerate(lines, start=1):
            parts = line.rstrip().split(" ")
            if number == 1 and len(parts) == 2 and all(part.isdigit() for part in parts):
                width = int(parts[1])
                continue
            width = len(parts) - 1 if width is None else width
            # Some GloVe files contain words with spaces.
            word, numbers = " ".join(parts[: len(parts) - width]), parts[len(parts) - width :]
            try:
                vector = np.array(numbers, np.float32)
            except ValueError:
                vector = np.empty(0, np.float32)
            if not word or width < 1 or len(vector) != width or not np.isfinite(vector).all():
                raise ConfigError(
                    f"{option}={str(path)!r}: line {number} begins {line.rstrip()[:40]!r} and does not hold a word and "
                    f"{max(width, 1)} numbers; convert a binary word2vec file to text first."
                )
            yield word, vector
