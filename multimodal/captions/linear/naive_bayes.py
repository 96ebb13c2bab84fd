"""`naive_bayes`: multinomial naive Bayes on word counts, a baseline of the SA-LSTM article."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy import sparse

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.array_files import load_arrays, save_arrays
from multimodal.captions.linear.bags import BagConfig, WordBags
from multimodal.captions.linear.forms import shared_equally
from multimodal.captions.linear.grid import all_positive
from multimodal.captions.linear.judging import evenly, f1_at_k
from multimodal.captions.linear.model import LinearModel, softmax
from multimodal.captions.system import CaptionSystem
from multimodal.distributed.processes import is_main_process
from multimodal.systems.registry import register_system

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder

_FILE = "naive_bayes.safetensors"


class NaiveBayesConfig(BagConfig):
    """Configuration of `naive_bayes`."""

    system: Literal["naive_bayes"] = Field(default="naive_bayes", description="name of the System")
    smoothings: tuple[float, ...] = Field(
        default=(0.001, 0.01, 0.1, 1.0),
        min_length=1,
        description="α added to every count, the best on the validation split is kept; each above 0",
    )
    tuning_posts: int = Field(default=5_000, ge=1, description="validation posts used to choose, evenly spaced")

    @field_validator("smoothings")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return all_positive(values)


@register_system("naive_bayes")
class NaiveBayes(CaptionSystem):
    """P(h | d) ∝ P(h) Π_w P(w | h)^n(w, d), each of the k hashtags of a train post counting 1/k.

    P(w | h) = (n(w, h) + α) / (Σ_w n(w, h) + α F): linear in the counts with the weights ln P(w | h). What α alone
    gives is the same for all words a hashtag was never seen with, so only ln(1 + n(w, h) / α) is kept, where it
    is not 0.
    """

    config_type = NaiveBayesConfig
    config: NaiveBayesConfig
    bags: WordBags
    model: LinearModel
    unseen: NDArray[np.float32]

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Count, then choose α by F1@5 on the validation split; see `CaptionSystem.learn`."""
        self.bags = WordBags.learn(train.captions, self.config)
        counts, targets = self.bags.counts(train.captions), shared_equally(train.multi_hot())
        together = sparse.csr_matrix(counts.T @ targets)
        hashtags = np.asarray(targets.sum(0), np.float64).ravel()
        judged = evenly(validation, self.config.tuning_posts)
        asked = self.bags.counts(judged.captions)
        empty = np.diff(asked.indptr) == 0
        tried: list[tuple[float, LinearModel, NDArray[np.float32]]] = []

        def scores_of(rows: slice) -> NDArray[np.float64]:
            scores = self._scores(asked[rows])
            scores[empty[rows]] = self._prior_scores
            return scores

        for smoothing in self.config.smoothings:
            self.model, self.unseen = _fit(together, hashtags, smoothing)
            tried.append((f1_at_k(scores_of, judged), self.model, self.unseen))
            if is_main_process():
                run.log({"event": "validation", "smoothing": smoothing, "f1@5": tried[-1][0]})
        _, self.model, self.unseen = max(tried, key=lambda one: one[0])

    def judges(self, captions: Sequence[str]) -> NDArray[np.bool_]:
        """Return which captions hold a known word."""
        return self.bags.known(captions)

    def scores(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Return P(h | d), (B, V)."""
        return self._scores(self.bags.counts(captions))

    def _scores(self, counts: sparse.csr_matrix) -> NDArray[np.float64]:
        words = np.asarray(counts.sum(1), np.float64).reshape(-1, 1)
        return softmax(self.model.scores(counts) + words * self.unseen)

    def save_learned(self, folder: Path) -> None:
        """Write words and logarithms of probabilities."""
        self.bags.save(folder)
        self.model.save(folder)
        save_arrays(folder / _FILE, {"unseen": self.unseen})

    def load_learned(self, folder: Path) -> None:
        """Read what `save_learned` wrote."""
        self.bags = WordBags.load(folder)
        size = self.id_map.vocabulary_size
        self.model = LinearModel.load(folder, len(self.bags), size)
        self.unseen = load_arrays(folder / _FILE, "logarithms of naive Bayes", ("unseen", (size,)))["unseen"]


def _fit(
    together: sparse.csr_matrix, hashtags: NDArray[np.float64], smoothing: float
) -> tuple[LinearModel, NDArray[np.float32]]:
    """Return ln(1 + n(w, h) / α) with ln P(h) as bias, and ln(α / (Σ_w n(w, h) + α F))."""
    weights = together.astype(np.float64)
    totals = np.asarray(weights.sum(0)).ravel() + smoothing * max(weights.shape[0], 1)
    weights.data = np.log1p(weights.data / smoothing)
    # A hashtag without any learnable post keeps a logarithm by half a post.
    posts = np.where(hashtags > 0, hashtags, 0.5)
    prior = np.log(posts / posts.sum())
    unseen: NDArray[np.float32] = np.log(smoothing / totals).astype(np.float32)
    return LinearModel(sparse.csr_matrix(weights.astype(np.float32)), prior.astype(np.float32)), unseen
