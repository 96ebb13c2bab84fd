"""`TfidfSystem`: the base of linear models on TF-IDF weights, with a grid search by F1@5."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from data_loaders.errors import ConfigError
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.bags import BagConfig, BagSystem, WordBags, best_model, f1_at_5
from multimodal.captions.linear.forms import LogisticForm
from multimodal.captions.linear.grid import GridConfig, Setting
from multimodal.captions.linear.learning import LinearSettings, learn_linear
from multimodal.captions.linear.model import LinearModel
from multimodal.captions.linear.scikit import fit_one_versus_rest, fit_softmax
from multimodal.storage.run_folder import RunFolder
from multimodal.training.large_vocabulary import LARGE_VOCABULARY


@dataclass(frozen=True, slots=True)
class FormModel:
    """A linear model and the form that turns its scores into scores of hashtags."""

    form: LogisticForm
    linear: LinearModel

    def scores(self, features: sparse.csr_matrix) -> NDArray[np.float64]:
        """Return scores of hashtags, (B, V), of (B, F) features."""
        return self.form.to_scores(self.linear.scores(features))


class TfidfConfig(BagConfig):
    """Settings of linear models on TF-IDF weights."""

    smallest_weight: float = Field(default=0.001, ge=0, description="smaller weights are dropped from the model")


class TfidfSystem(BagSystem):
    """TF-IDF → linear model → scores of hashtags, with the best settings of a grid."""

    config: TfidfConfig
    model: FormModel

    @abstractmethod
    def grid(self) -> GridConfig:
        """Return the settings to try."""

    @abstractmethod
    def make_form(self, train: LabelledCaptions) -> tuple[LogisticForm, sparse.csr_matrix]:
        """Return the form of the problem, and the classes of the train posts in it, (N, C)."""

    @abstractmethod
    def load_form(self, folder: Path) -> LogisticForm:
        """Return the form of a saved model."""

    def features(self, captions: Sequence[str]) -> sparse.csr_matrix:
        """Return TF-IDF weights, (B, F)."""
        return self.bags.tfidf(captions)

    def learn(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> None:
        """Fit every setting of the grid, log each and keep the best by F1@5, of equal ones the first."""
        self.bags = WordBags.learn(train.captions, self.config)
        best = self._best_by_folds(train, run) if self.grid().folds else self._best_on(train, validation, run)
        self.model = FormModel(best.form, best.linear.pruned(self.config.smallest_weight))

    def _best_on(self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder) -> FormModel:
        posts = validation.evenly(self.grid().tuning_posts)
        candidates = (
            (model, {**_facts(setting, iterations), "classes": model.form.classes, **model.form.facts})
            for setting, iterations, model in self._tries(train)
        )
        return best_model(candidates, self.features(posts.captions), posts, self.prior.scores, run)

    def _best_by_folds(self, train: LabelledCaptions, run: RunFolder) -> FormModel:
        """Return the model of the best setting by cross-validation, fitted to all train posts."""
        scores: dict[tuple[Setting, int], list[float]] = {}
        for part, held_out in self._folds(train):
            features = self.features(held_out.captions)
            for setting, iterations, model in self._tries(part):
                f1 = f1_at_5(model, features, held_out, self.prior.scores)
                scores.setdefault((setting, iterations), []).append(f1)
        means = {key: float(np.mean(values)) for key, values in scores.items()}
        for (setting, iterations), mean in means.items():
            facts = {**_facts(setting, iterations), "f1@5": mean, "folds": self.grid().folds}
            run.log({"event": "validation", **facts})
        setting, iterations = max(means, key=lambda key: means[key])
        form, targets = self.make_form(train)
        return FormModel(form, next(self._models(train, form, targets, setting, [iterations]))[1])

    def _tries(self, train: LabelledCaptions) -> Iterator[tuple[Setting, int, FormModel]]:
        form, targets = self.make_form(train)
        iterations = sorted(set(self.grid().iterations))
        for setting in self.grid().settings():
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
        if self.grid().solver == "lbfgs" and form.classes >= LARGE_VOCABULARY:
            raise ConfigError(
                f"grid.solver=lbfgs takes fewer than {LARGE_VOCABULARY:,} classes, here are {form.classes:,}; use "
                "grid.solver=stochastic, or prepare the data with a higher --minimum-frequency."
            )
        features = self.features(train.captions)
        kept = (np.diff(targets.indptr) > 0) & (np.diff(features.indptr) > 0)
        if kept.any():
            features, targets = features[kept], targets[kept]
        grid = self.grid()
        if grid.solver == "lbfgs":
            fit = fit_softmax if form.loss == "softmax" else fit_one_versus_rest
            for most in iterations:
                yield most, fit(features, targets, setting[1], most)
            return
        settings = LinearSettings(form.loss, setting[1], grid.learning_rate, grid.batch_size, self.config.seed)
        for done, model in enumerate(learn_linear(features, targets, settings, max(iterations)), start=1):
            if done in iterations:
                yield done, LinearModel(model.weights.copy(), model.bias.copy())

    def _folds(self, train: LabelledCaptions) -> list[tuple[LabelledCaptions, LabelledCaptions]]:
        count = min(self.grid().folds, len(train))
        parts = np.array_split(np.random.default_rng(self.config.seed).permutation(len(train)), count)
        if count < 2:
            return [(train, train)]
        return [
            (
                train.take(np.sort(np.concatenate([*parts[:i], *parts[i + 1 :]])).tolist()),
                train.take(part.tolist()),
            )
            for i, part in enumerate(parts)
        ]

    def save_learned(self, folder: Path) -> None:
        """Write words, idf, weights and, for the label powerset, the sets."""
        super().save_learned(folder)
        self.model.linear.save(folder)
        self.model.form.save(folder)

    def load_learned(self, folder: Path) -> None:
        """Restore what `save_learned` wrote."""
        super().load_learned(folder)
        form = self.load_form(folder)
        self.model = FormModel(form, LinearModel.load(folder, len(self.bags), form.classes))


def _facts(setting: Setting, iterations: int) -> dict[str, Any]:
    penalty, strength = setting
    return {"penalty": penalty, "C": strength if np.isfinite(strength) else None, "iterations": iterations}
