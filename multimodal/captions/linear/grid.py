"""`LogisticGrid`: penalty, strength and iterations of `tfidf_logistic` tried out, the best by F1@5 kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy import sparse

from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.forms import LogisticForm
from multimodal.captions.linear.judging import evenly, f1_at_k
from multimodal.captions.linear.learning import LinearSettings, learn_linear
from multimodal.captions.linear.model import LinearModel
from multimodal.captions.linear.scikit import fit_one_versus_rest, fit_softmax
from multimodal.config import Section
from multimodal.distributed.processes import is_main_process

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder

Penalty = Literal["none", "l2"]
# Penalty and its C, of which there is one where there is no penalty.
Setting = tuple[Penalty, float]
MakeForm = Callable[[LabelledCaptions], tuple[LogisticForm, sparse.csr_matrix]]


def all_positive(values: tuple[float, ...]) -> tuple[float, ...]:
    """Return the values of a setting.

    Raises:
        ValueError: one is not above 0 or not finite.
    """
    if any(not 0 < value < float("inf") for value in values):
        raise ValueError(f"every one must be above 0 and finite, got {values!r}")
    return values


class GridConfig(Section):
    """What is tried. The slides: both penalties, C 0.1, 1, 10, iterations 50, 100, two folds."""

    solver: Literal["stochastic", "lbfgs"] = Field(
        default="stochastic", description="AdaGrad over batches (fast), or scikit-learn's L-BFGS (few hashtags only)"
    )
    penalties: tuple[Penalty, ...] = Field(default=("l2",), min_length=1, description="l2, none")
    strengths: tuple[float, ...] = Field(
        default=(10.0,), min_length=1, description="C of scikit-learn, for the penalty l2: loss over penalty"
    )
    iterations: tuple[int, ...] = Field(
        default=(2, 3, 4), min_length=1, description="passes over the train posts; of L-BFGS its iterations at most"
    )
    learning_rate: float = Field(default=2.0, gt=0, description="stochastic: of AdaGrad")
    batch_size: int = Field(default=1_024, ge=1, description="stochastic: posts a step")
    folds: int = Field(
        default=0, ge=0, le=20, description="judge by so many folds of the train split; 0: on the validation split"
    )
    tuning_posts: int = Field(default=5_000, ge=1, description="validation posts used to choose, evenly spaced")

    @field_validator("strengths", "iterations")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return all_positive(values)

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
class _Try:
    setting: Setting
    iterations: int
    score: float
    form: LogisticForm
    model: LinearModel


class LogisticGrid:
    """Tries every setting of the grid on one form of the problem.

    Args:
        config: the grid.
        make_form: posts → the form of the problem, and their classes in it.
        features_of: captions → features.
        prior: (V,) scores of a caption without a known word.
        seed: of batches and folds.
    """

    def __init__(
        self,
        config: GridConfig,
        make_form: MakeForm,
        features_of: Callable[[Sequence[str]], sparse.csr_matrix],
        prior: NDArray[np.float64],
        seed: int,
    ) -> None:
        self._config, self._make_form, self._features_of = config, make_form, features_of
        self._prior, self._seed = prior, seed

    def choose(
        self, train: LabelledCaptions, validation: LabelledCaptions, run: RunFolder
    ) -> tuple[LogisticForm, LinearModel]:
        """Return form and model of the best setting, learned from all train posts; each try goes to `metrics.jsonl`.

        Equal settings are decided for the earlier one.

        Args:
            train: what to learn from.
            validation: what to choose on where there are no folds.
            run: its log.
        """
        judged = evenly(validation, self._config.tuning_posts)
        if not self._config.folds:
            return self._best_on(train, judged, run)
        tried: dict[tuple[Setting, int], list[float]] = {}
        for learned, asked in self._folds(train):
            for tries in self._tries(learned, asked):
                tried.setdefault((tries.setting, tries.iterations), []).append(tries.score)
        means = {key: float(np.mean(scores)) for key, scores in tried.items()}
        for (setting, iterations), mean in means.items():
            self._log(run, setting, iterations, mean, {"folds": self._config.folds})
        setting, iterations = max(means, key=lambda key: means[key])
        form, targets = self._make_form(train)
        models = self._models(train, form, targets, setting, [iterations])
        return form, next(models)[1]

    def _best_on(
        self, train: LabelledCaptions, judged: LabelledCaptions, run: RunFolder
    ) -> tuple[LogisticForm, LinearModel]:
        best: _Try | None = None
        for one in self._tries(train, judged):
            self._log(run, one.setting, one.iterations, one.score, one.form.facts)
            if best is None or one.score > best.score:
                best = one
        if best is None:
            raise ValueError("the grid is empty")
        return best.form, best.model

    def _tries(self, train: LabelledCaptions, judged: LabelledCaptions) -> Iterator[_Try]:
        form, targets = self._make_form(train)
        features = self._features_of(judged.captions)
        empty = np.diff(features.indptr) == 0
        for setting in self._config.settings():
            iterations = sorted(set(self._config.iterations))
            for done, model in self._models(train, form, targets, setting, iterations):

                def scores_of(rows: slice, model: LinearModel = model) -> NDArray[np.float64]:
                    scores = form.probabilities(model.scores(features[rows]))
                    scores[empty[rows]] = self._prior
                    return scores

                yield _Try(setting, done, f1_at_k(scores_of, judged), form, model)

    def _models(
        self,
        train: LabelledCaptions,
        form: LogisticForm,
        targets: sparse.csr_matrix,
        setting: Setting,
        iterations: Sequence[int],
    ) -> Iterator[tuple[int, LinearModel]]:
        features = self._features_of(train.captions)
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
                train.take(np.sort(np.concatenate([*parts[:place], *parts[place + 1 :]])).tolist()),
                train.take(part.tolist()),
            )
            for place, part in enumerate(parts)
        ]

    def _log(self, run: RunFolder, setting: Setting, iterations: int, score: float, facts: dict[str, Any]) -> None:
        if is_main_process():
            strength = setting[1] if np.isfinite(setting[1]) else None
            tried = {"penalty": setting[0], "C": strength, "iterations": iterations, "f1@5": score}
            run.log({"event": "validation", **tried, **facts})
