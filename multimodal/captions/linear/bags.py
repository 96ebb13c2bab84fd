"""`WordBags`: captions as sparse rows of word counts or of TF-IDF weights, for the linear models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from data_loaders.errors import RunError
from multimodal.captions.linear.array_files import load_arrays, save_arrays
from multimodal.captions.system import CaptionSystemConfig
from multimodal.encoders.captions.words import split_words
from multimodal.storage.run_folder import read_json, write_json

_WORDS_FILE, _IDF_FILE = "words.json", "idf.safetensors"
_WHAT = "words of the captions"


class BagConfig(CaptionSystemConfig):
    """What the configuration of every model over bags of words holds."""

    maximum_features: int = Field(
        default=50_000, ge=1, le=1_000_000, description="words known at most, the most frequent of the train captions"
    )
    minimum_count: int = Field(default=2, ge=1, description="a known word occurs this often in the train captions")


class WordBags:
    """Words of a caption without their order.

    Args:
        words: F known words, without repeats.
        idf: (F,) weight of each, ln((1 + N) / (1 + n)) + 1 where n of N train captions hold it.
    """

    def __init__(self, words: Sequence[str], idf: NDArray[np.float32]) -> None:
        self.words, self.idf = list(words), idf
        self._column = {word: number for number, word in enumerate(self.words)}

    @classmethod
    def learn(cls, captions: Sequence[str], config: BagConfig) -> WordBags:
        """Take the most frequent words of the train captions; equals in alphabetical order."""
        split = [split_words(caption) for caption in captions]
        counts = Counter(word for words in split for word in words)
        frequent = (word for word, count in counts.items() if count >= config.minimum_count)
        words = sorted(frequent, key=lambda word: (-counts[word], word))[: config.maximum_features]
        holders = Counter(word for words in split for word in set(words))
        occurs = np.array([holders[word] for word in words], np.float64)
        return cls(words, (np.log((1 + len(split)) / (1 + occurs)) + 1).astype(np.float32))

    def __len__(self) -> int:
        return len(self.words)

    def known(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of B captions hold a known word, (B,)."""
        return np.array([any(word in self._column for word in split_words(one)) for one in captions], np.bool_)

    def counts(self, captions: Sequence[str]) -> sparse.csr_matrix:
        """Return how often each caption holds each known word, (B, F), float32; one without any is an empty row."""
        columns: list[int] = []
        ends = [0]
        for caption in captions:
            columns += [self._column[word] for word in split_words(caption) if word in self._column]
            ends.append(len(columns))
        shape = (len(captions), len(self))
        rows = sparse.csr_matrix((np.ones(len(columns), np.float32), np.array(columns, np.int32), ends), shape)
        rows.sum_duplicates()
        return rows

    def tfidf(self, captions: Sequence[str]) -> sparse.csr_matrix:
        """Return counts times idf, each row divided by its length, (B, F), float32."""
        rows = self.counts(captions).astype(np.float64)
        rows.data *= self.idf[rows.indices]
        lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(1)).ravel())
        rows.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(rows.indptr))
        return rows.astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write `words.json` and `idf.safetensors`."""
        write_json(folder / _WORDS_FILE, self.words)
        save_arrays(folder / _IDF_FILE, {"idf": self.idf})

    @classmethod
    def load(cls, folder: Path) -> WordBags:
        """Read what `save` wrote.

        Raises:
            RunError: a file is missing or damaged, or they do not fit together.
        """
        words = read_json(folder / _WORDS_FILE, _WHAT)
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise RunError(f"{folder / _WORDS_FILE} ({_WHAT}) is damaged: it holds no list of words.")
        return cls(words, load_arrays(folder / _IDF_FILE, _WHAT, ("idf", (len(words),)))["idf"])
