"""Bags of words: `WordBags`, and `BagSystem`, the base of models over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from scipy import sparse

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.system import CaptionSystem, CaptionSystemConfig
from multimodal.captions.validation import validate_scores
from multimodal.config import Choice, SearchSpace
from multimodal.encoders.captions.words import split_words
from multimodal.storage.array_files import ArrayForm, load_arrays, save_arrays
from multimodal.storage.model_files import Names, read_json_as
from multimodal.storage.run_folder import RunFolder, write_json

BagModelType = TypeVar("BagModelType", bound="BagModel")
_WORDS_FILE, _IDF_FILE = "words.json", "idf.safetensors"
_WHAT = "words of the captions"


def _all_positive(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(not 0 < value < float("inf") for value in values):
        raise ValueError(f"every one must be above 0 and finite, got {values!r}")
    return values


# Values of a setting to choose from, each above 0.
PositiveFloats = Annotated[tuple[float, ...], AfterValidator(_all_positive)]
PositiveInts = Annotated[tuple[int, ...], AfterValidator(_all_positive)]


class BagConfig(CaptionSystemConfig):
    """Settings of every model over bags of words."""

    search_space: ClassVar[SearchSpace] = {
        "minimum_count": Choice((1, 2, 3, 5)),
        "maximum_features": Choice((20_000, 50_000, 100_000)),
    }
    maximum_features: int = Field(
        default=50_000,
        ge=1,
        le=1_000_000,
        description="most known words, by frequency in the train captions",
    )
    minimum_count: int = Field(default=2, ge=1, description="least occurrences of a known word in the train captions")


class WordBags:
    """Captions as sparse rows of word counts or of TF-IDF weights.

    Args:
        words: F known words, without repeats.
        idf: (F,) weight of each, ln((1 + N) / (1 + n)) + 1 if n of N train captions contain it.
    """

    def __init__(self, words: Sequence[str], idf: NDArray[np.float32]) -> None:
        self.words, self.idf = list(words), idf
        self._column = {word: number for number, word in enumerate(self.words)}

    @classmethod
    def learn(cls, captions: Sequence[str], config: BagConfig) -> WordBags:
        """Choose the most frequent words of the train captions; equally frequent ones in alphabetical order."""
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
        """Return which of B captions have a known word, (B,)."""
        return np.array([any(word in self._column for word in split_words(one)) for one in captions], np.bool_)

    def counts(self, captions: Sequence[str]) -> sparse.csr_matrix:
        """Return how often each known word occurs in each caption, (B, F), float32."""
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
        """Return counts times idf, each row divided by its Euclidean length, (B, F), float32."""
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
        """Restore what `save` wrote.

        Raises:
            RunError: a file is missing or damaged, or the files do not belong together.
        """
        words = read_json_as(folder / _WORDS_FILE, _WHAT, Names)
        # Of a word in every post the weight is 1.
        form = ArrayForm("float32", (len(words),), 0.5)
        return cls(words, load_arrays(folder / _IDF_FILE, _WHAT, {"idf": form})["idf"])


class BagModel(Protocol):
    """Scores hashtags by the features of captions."""

    def scores(self, features: sparse.csr_matrix) -> NDArray[np.float64]:
        """Return (B, V) of (B, F) features; a row's scores depend on it alone."""


class BagSystem(CaptionSystem):
    """A text-only model over bags of words; a caption without a known word gets the prior.

    Attributes:
        bags: the known words.
        model: scores `features`.
    """

    config: BagConfig
    bags: WordBags
    model: BagModel

    def features(self, captions: Sequence[str]) -> sparse.csr_matrix:
        """Return the features of captions, (B, F); here, word counts."""
        return self.bags.counts(captions)

    def can_score(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions have a known word, (B,)."""
        return self.bags.known(captions)

    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return the scores of the model, (B, V)."""
        return self.model.scores(self.features(captions))

    def save_learned(self, folder: Path) -> None:
        """Write the known words."""
        self.bags.save(folder)

    def load_learned(self, folder: Path) -> None:
        """Restore the known words."""
        self.bags = WordBags.load(folder)


def f1_at_5(model: BagModel, features: sparse.csr_matrix, posts: LabelledCaptions, prior: NDArray[np.float64]) -> float:
    """Return the F1@5 of a model on posts, by their features; posts without a known word get the prior, (V,)."""
    empty = np.diff(features.indptr) == 0

    def score_rows(rows: Sequence[int]) -> NDArray[np.float64]:
        scores = model.scores(features[list(rows)])
        scores[empty[list(rows)]] = prior
        return scores

    return validate_scores(score_rows, posts, 5)["score"]


def best_model(
    candidates: Iterable[tuple[BagModelType, dict[str, Any]]],
    features: sparse.csr_matrix,
    posts: LabelledCaptions,
    prior: NDArray[np.float64],
    run: RunFolder,
) -> BagModelType:
    """Return the model with the highest `f1_at_5`, of equal ones the first, and log each.

    Args:
        candidates: models, and what to log of each; at least one.
        features, posts, prior: see `f1_at_5`.
        run: its log.
    """
    best: tuple[float, BagModelType] | None = None
    for model, facts in candidates:
        score = f1_at_5(model, features, posts, prior)
        run.log({"event": "validation", **facts, "f1@5": score})
        if best is None or score > best[0]:
            best = score, model
    if best is None:
        raise ValueError("there is no model to choose from")
    return best[1]
