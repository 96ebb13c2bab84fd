"""`naive_bayes`: multinomial naive Bayes on word counts, a baseline of the SA-LSTM article."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.bags import BagConfig, BagSystem, PositiveFloats, WordBags, best_model
from multimodal.captions.linear.forms import shared_equally
from multimodal.captions.linear.model import LinearModel, softmax
from multimodal.storage.array_files import ArrayForm, load_arrays, save_arrays
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.registry import register_system

_FILE = "naive_bayes.safetensors"


class NaiveBayesConfig(BagConfig):
    """Configuration of `naive_bayes`."""

    system: Literal["naive_bayes"] = Field(default="naive_bayes", description="name of the System")
    smoothings: PositiveFloats = Field(
        default=(0.001, 0.01, 0.1, 1.0),
        min_length=1,
        description="values of α, added to every count, to choose from on the validation split; each above 0",
    )
    tuning_posts: int = Field(default=5_000, ge=1, description="validation posts used to choose, evenly spaced")


@dataclass(frozen=True, slots=True)
class NaiveBayesModel:
    """P(h | d) ∝ P(h) Π_w P(w | h)^n(w, d), with P(w | h) = (n(w, h) + α) / (Σ_w n(w, h) + α F).

    The logarithm is linear in the counts. All words never seen with a hashtag have the same P(w | h), so weights are
    relative to it: ln(1 + n(w, h) / α), which is sparse.

    Attributes:
        seen: those weights, with ln P(h) as bias.
        unseen: (V,) ln(α / (Σ_w n(w, h) + α F)).
    """

    seen: LinearModel
    unseen: NDArray[np.float32]

    @classmethod
    def of(cls, together: sparse.csr_matrix, hashtags: NDArray[np.float64], smoothing: float) -> NaiveBayesModel:
        """Return the model of counts.

        Args:
            together: (F, V) n(w, h).
            hashtags: (V,) posts with each hashtag, each of the k hashtags of a post counting 1/k.
            smoothing: α.
        """
        weights = together.astype(np.float64)
        totals = np.asarray(weights.sum(0)).ravel() + smoothing * max(weights.shape[0], 1)
        weights.data = np.log1p(weights.data / smoothing)
        # A hashtag that no learnable post carries counts as half a post, so that it has a logarithm.
        posts = np.where(hashtags > 0, hashtags, 0.5)
        prior = np.log(posts / posts.sum())
        seen = LinearModel(sparse.csr_matrix(weights.astype(np.float32)), prior.astype(np.float32))
        return cls(seen, np.log(smoothing / totals).astype(np.float32))

    def scores(self, features: sparse.csr_matrix) -> NDArray[np.float64]:
        """Return P(h | d) of word counts, (B, V)."""
        words = np.asarray(features.sum(1), np.float64).reshape(-1, 1)
        return softmax(self.seen.scores(features) + words * self.unseen)


@register_system("naive_bayes")
class NaiveBayes(BagSystem):
    """Multinomial naive Bayes, each of the k hashtags of a train post counting 1/k; see `NaiveBayesModel`."""

    config_type = NaiveBayesConfig
    scores_are_chances = True
    config: NaiveBayesConfig
    model: NaiveBayesModel

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Count, then choose α by F1@5 on the validation split; see `CaptionSystem.learn`."""
        self.bags = WordBags.learn(train.captions, self.config)
        counts, targets = self.bags.counts(train.captions), shared_equally(train.multi_hot())
        together = sparse.csr_matrix(counts.T @ targets)
        hashtags = np.asarray(targets.sum(0), np.float64).ravel()
        candidates = (
            (NaiveBayesModel.of(together, hashtags, smoothing), {"smoothing": smoothing})
            for smoothing in self.config.smoothings
        )
        posts = validation.evenly(self.config.tuning_posts)
        self.model = best_model(candidates, self.features(posts.captions), posts, self.prior.scores, run)

    def save_learned(self, folder: Path) -> None:
        """Write words and log probabilities."""
        super().save_learned(folder)
        self.model.seen.save(folder)
        save_arrays(folder / _FILE, {"unseen": self.model.unseen})

    def load_learned(self, folder: Path) -> None:
        """Restore what `save_learned` wrote."""
        super().load_learned(folder)
        size = self.id_map.vocabulary_size
        form = ArrayForm("float32", (size,), None, 0)
        unseen = load_arrays(folder / _FILE, "log probabilities of naive Bayes", {"unseen": form})["unseen"]
        self.model = NaiveBayesModel(LinearModel.load(folder, len(self.bags), size), unseen)
