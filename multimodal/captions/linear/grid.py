"""`LogisticGrid`: grid search over penalty, strength and iterations of the linear models, by F1@5."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy import sparse

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.bags import PositiveFloats, PositiveInts, best_model, f1_at_5
from multimodal.captions.linear.forms import LogisticForm
from multimodal.captions.linear.learning import LinearSettings, learn_linear
from multimodal.captions.linear.model import LinearModel
from multimodal.captions.linear.scikit import fit_one_versus_rest, fit_softmax
from multimodal.config import Section
from multimodal.distributed.processes import is_main_process

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder

Penalty = Literal["none", "l2"]
# Penalty and its C, which is infinite without a penalty.
Setting = tuple[Penalty, float]
MakeForm = Callable[[LabelledCaptions], tuple[LogisticForm, sparse.csr_matrix]]


class GridConfig(Section):
    """The grid. That of the slides: both penalties, C 0.1, 1, 10, iterations 50, 100, two folds."""

    solver: Literal["stochastic", "lbfgs"] = Field(
        default="stochastic", description="AdaGrad on batches (fast), or scikit-learn's L-BFGS (few hashtags only)"
    )
    penalties: tuple[Penalty, ...] = Field(default=("l2",), min_length=1, description="l2, none")
    strengths: PositiveFloats = Field(
        default=(10.0,), min_length=1, description="C of scikit-learn, for the penalty l2: loss over penalty"
    )
    iterations: PositiveInts = Field(
        default=(2, 3, 4), min_length=1, description="passes over the train posts; for L-BFGS its most iterations"
    )
    learning_rate: float = Field(default=2.0, gt=0, description="stochastic: of AdaGrad")
    batch_size: int = Field(default=1_024, ge=1, description="stochastic: posts per step")
    folds: int = Field(
        default=0, ge=0, le=20, description="folds of the train split to cross-validate on; 0: use the validation split"
    )
    tuning_posts: int = Field(default=5_000, ge=1, description="validation posts used to choose, evenly spaced")

    @field_validator("folds")
    @classmethod
    def _not_one_fold(cls, folds: int) -> int:
        if folds == 1:
            raise ValueError("one fold would learn from nothing; give 0 (the validation split) or at least 2")
        return folds

    def settings(self) -> list[Setting]:
        """Return the pairs of penalty and strength, without repeats."""
        pairs: list[Setting] = [("none", float("inf"))]
        pairs += [("l2", strength) for strength in self.strengths]
        return list(dict.fromkeys(pair for penalty in self.penalties for pair in pairs if pair[0] == penalty))


@dataclass(frozen=True, slots=True)
class FormModel:
    """A linear model and the form that turns its scores into scores of hashtags."""

    form: LogisticForm
    linear: LinearModel

    def scores(self, features: sparse.csr_matrix) -> NDArray[np.float64]:
        """Return scores of hashtags, (B, V), of (B, F) features."""
        return self.form.to_scores(self.linear.scores(features))


class LogisticGrid:
    """Tries every setting of a grid on one form of the problem.

    Args:
        config: the grid.
        make_form: posts → the form, and their classes in it.
        features: captions → features.
        prior: (V,) scores of a caption without a known word.
        seed: of batches and folds.
    """

    def __init__(
        self,
        config: GridConfig,
        make_form: MakeForm,
        features: Callable[[Sequence[str]], sparse.csr_matrix],
        prior: NDArray[np.float64],
        seed: int,
    ) -> None:
        self._config, self._make_form, self._features = config, make_form, features
        self._prior, self._seed = prior, seed

    def choose(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> FormModel:
        """Return the model of the best setting, of equal ones the first, fitted to all train posts; log each.

        Args:
            train: what to learn from.
            validation: what to choose on if there are no folds.
            run: its log.
        """
        if not self._config.folds:
            posts = validation.evenly(self._config.tuning_posts)
            candidates = (
                (model, {**_facts(setting, iterations), "classes": model.form.classes, **model.form.facts})
                for setting, iterations, model in self._tries(train)
            )
            return best_model(candidates, self._features(posts.captions), posts, self._prior, run)
        scores: dict[tuple[Setting, int], list[float]] = {}
        for part, held_out in self._folds(train):
            features = self._features(held_out.captions)
            for setting, iterations, model in self._tries(part):
                f1 = f1_at_5(model, features, held_out, self._prior)
                scores.setdefault((setting, iterations), []).append(f1)
        means = {key: float(np.mean(values)) for key, values in scores.items()}
        for (setting, iterations), mean in means.items() if is_main_process() else ():
            facts = {**_facts(setting, iterations), "f1@5": mean, "folds": self._config.folds}
            run.log({"event": "validation", **facts})
        setting, iterations = max(means, key=lambda key: means[key])
        form, targets = self._make_form(train)
        return FormModel(form, next(self._models(train, form, targets, setting, [iterations]))[1])

    def _tries(self, train: LabelledCaptions) -> Iterator[tuple[Setting, int, FormModel]]:
        form, targets = self._make_form(train)
        iterations = sorted(set(self._config.iterations))
        for setting in self._config.settings():
            for done, model in self._models(train, form, targets, setting, iterations):
                yield setting, done, FormModel(form, model)

    def _models(
        self,
        train: LabelledCaptions,
        form: LogisticForm,
        targets: sparse.csr_matrix,
        setting: Setting,
        iterations: Sequence[int],
    ) -> Iterator[tuple[int, LinearModel]]:
        features = self._features(train.captions)
        kept = (np.diff(targets.indptr) > 0) & (np.diff(features.indptr) > 0)
        if kept.any():
            features, targets = features[kept], targets[kept]
        if self._config.solver == "lbfgs":
            fit = fit_softmax if form.loss == "softmax" else fit_one_versus_rest
            for most in iterations:
                yield most, fit(features, targets, setting[1], most)
            return
        config = self._config
        settings = LinearSettings(form.loss, setting[1], config.learning_rate, config.batch_size, self._seed)
        for done, model in enumerate(learn_linear(features, targets, settings, max(iterations)), start=1):
            if done in iterations:
                yield done, LinearModel(model.weights.copy(), model.bias.copy())

    def _folds(self, train: LabelledCaptions) -> list[tuple[LabelledCaptions, LabelledCaptions]]:
        count = min(self._config.folds, len(train))
        parts = np.array_split(np.random.default_rng(self._seed).permutation(len(train)), count)
        if count < 2:
            return [(train, train)]
        return [
            (
                train.take(np.sort(np.concatenate([*parts[:i], *parts[i + 1 :]])).tolist()),
                train.take(part.tolist()),
            )
            for i, part in enumerate(parts)
        ]


def _facts(setting: Setting, iterations: int) -> dict[str, Any]:
    penalty, strength = setting
    return {"penalty": penalty, "C": strength if np.isfinite(strength) else None, "iterations": iterations}
