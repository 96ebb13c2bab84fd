"""The three ways to make one hashtag question of many: label powerset, one versus rest, softmax over 1/k."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.errors import RunError
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.label_sets import LabelSets, RareSets, membership
from multimodal.captions.linear.losses import LinearLoss
from multimodal.captions.linear.model import sigmoid, softmax
from multimodal.storage.run_folder import read_json, write_json

Form: TypeAlias = Literal["label_powerset", "one_versus_rest", "softmax_1_over_k"]
_SETS_FILE, _SETS = "label_sets.json", "sets of hashtags"


class LogisticForm(ABC):
    """From the scores of a linear model to probabilities of hashtags.

    Attributes:
        loss: the model is learned with.
        classes: C.
        facts: what to log.
    """

    loss: ClassVar[LinearLoss] = "softmax"

    def __init__(self, classes: int, **facts: int) -> None:
        self.classes = classes
        self.facts: dict[str, Any] = {"classes": classes, **facts}

    @abstractmethod
    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (B, V) of the linear scores (B, C)."""

    def save(self, folder: Path) -> None:
        """Write what the vocabulary does not say; nothing here."""
        return


class OneVersusRest(LogisticForm):
    """One independent logistic regression per hashtag."""

    loss = "logistic"

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return σ(s): how likely a post carries each hashtag."""
        return sigmoid(scores)


class SoftmaxOverK(LogisticForm):
    """One softmax over the hashtags; each of the k of a post has the target 1/k (Mahajan et al. 2018)."""

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return softmax(s): how likely a hashtag drawn from the post is each one."""
        return softmax(scores)


class LabelPowerset(LogisticForm):
    """One softmax over the sets of hashtags that train posts carry; a hashtag is as likely as the sets that hold it."""

    def __init__(self, sets: Sequence[tuple[int, ...]], vocabulary_size: int, **facts: int) -> None:
        super().__init__(len(sets), **facts)
        self.sets = list(sets)
        self._membership = membership(sets, vocabulary_size)

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Σ softmax(s) over the sets that hold each hashtag."""
        sums: NDArray[np.float64] = softmax(scores) @ self._membership
        return np.minimum(sums, 1.0)

    def save(self, folder: Path) -> None:
        """Write `label_sets.json`."""
        write_json(folder / _SETS_FILE, [list(labels) for labels in self.sets])


def make_form(
    form: Form, train: LabelledCaptions, minimum_count: int, rare: RareSets
) -> tuple[LogisticForm, sparse.csr_matrix]:
    """Return a form and the classes of the train posts in it, (N, C) float32.

    Args:
        form: its name.
        train: posts with a hashtag each.
        minimum_count: of a label set, see `LabelSets.of`.
        rare: what becomes of rarer ones.
    """
    if form == "label_powerset":
        found = LabelSets.of(train.targets, train.vocabulary_size, minimum_count, rare)
        facts = {"rare_sets": found.rare_sets, "rare_posts": found.rare_posts}
        return LabelPowerset(found.sets, train.vocabulary_size, **facts), found.targets
    hashtags = train.multi_hot()
    hashtags.sum_duplicates()
    hashtags.data[:] = 1
    if form == "one_versus_rest":
        return OneVersusRest(train.vocabulary_size), hashtags
    return SoftmaxOverK(train.vocabulary_size), shared_equally(hashtags)


def load_form(form: Form, folder: Path, vocabulary_size: int) -> LogisticForm:
    """Return a form for answering.

    Raises:
        RunError: `label_sets.json` is missing, damaged or names hashtags that the vocabulary does not hold.
    """
    if form != "label_powerset":
        return (OneVersusRest if form == "one_versus_rest" else SoftmaxOverK)(vocabulary_size)
    sets = read_json(folder / _SETS_FILE, _SETS)
    known = range(vocabulary_size)
    if not isinstance(sets, list) or not all(
        isinstance(row, list) and row and all(isinstance(label, int) and label in known for label in row)
        for row in sets
    ):
        raise RunError(f"{folder / _SETS_FILE} ({_SETS}) is damaged: it holds no sets of {vocabulary_size} hashtags.")
    return LabelPowerset([tuple(row) for row in sets], vocabulary_size)


def shared_equally(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the rows with each entry divided by the sum of its row."""
    totals = np.maximum(np.asarray(rows.sum(1)).ravel(), 1e-12)
    shared = rows.copy()
    shared.data = (shared.data / np.repeat(totals, np.diff(rows.indptr))).astype(np.float32)
    return shared
