"""From several hashtags per post to a linear model: label powerset, one versus rest, softmax with targets 1/k."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.errors import RunError
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.learning import LinearLoss
from multimodal.captions.linear.model import sigmoid, softmax
from multimodal.storage.run_folder import read_json, write_json

RareSets: TypeAlias = Literal["spread", "fold", "drop"]
Form: TypeAlias = Literal["label_powerset", "one_versus_rest", "softmax_1_over_k"]
_SETS_FILE, _SETS = "label_sets.json", "sets of hashtags"


class LogisticForm(ABC):
    """Turns the scores of a linear model into scores of hashtags.

    Attributes:
        loss: of the linear model.
        classes: C.
        facts: to log.
    """

    loss: ClassVar[LinearLoss] = "softmax"

    def __init__(self, classes: int, **facts: int) -> None:
        self.classes = classes
        self.facts: dict[str, Any] = {"classes": classes, **facts}

    @abstractmethod
    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (B, V) of the linear scores (B, C)."""

    def save(self, folder: Path) -> None:
        """Write what does not follow from the vocabulary; here, nothing."""
        return


class OneVersusRest(LogisticForm):
    """One independent logistic regression per hashtag."""

    loss = "logistic"

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return σ(s), the probability that the post carries each hashtag."""
        return sigmoid(scores)


class SoftmaxOverK(LogisticForm):
    """One softmax over the hashtags, with the target 1/k for each of a post's k (Mahajan et al. 2018)."""

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return softmax(s), the distribution of a hashtag drawn from the post."""
        return softmax(scores)


class LabelPowerset(LogisticForm):
    """One softmax over the sets of hashtags of train posts; P(hashtag) is the sum over the sets that contain it."""

    def __init__(self, sets: Sequence[tuple[int, ...]], vocabulary_size: int, **facts: int) -> None:
        super().__init__(len(sets), **facts)
        self.sets = list(sets)
        self._membership = membership(sets, vocabulary_size)

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Σ softmax(s) over the sets that contain each hashtag."""
        sums: NDArray[np.float64] = softmax(scores) @ self._membership
        return np.minimum(sums, 1.0)

    def save(self, folder: Path) -> None:
        """Write `label_sets.json`."""
        write_json(folder / _SETS_FILE, [list(labels) for labels in self.sets])


def make_form(
    form: Form, train: LabelledCaptions, minimum_count: int, rare: RareSets
) -> tuple[LogisticForm, sparse.csr_matrix]:
    """Return a form, and the classes of the train posts in it, (N, C) float32.

    Args:
        form: its name.
        train: posts with at least one hashtag each.
        minimum_count: of a label set, see `LabelSets.of`.
        rare: how rarer sets are treated.
    """
    if form == "label_powerset":
        labels = LabelSets.of(train.targets, minimum_count, rare)
        facts = {"rare_sets": labels.rare_sets, "rare_posts": labels.rare_posts}
        return LabelPowerset(labels.sets, train.vocabulary_size, **facts), labels.targets
    hashtags = train.multi_hot()
    hashtags.sum_duplicates()
    hashtags.data[:] = 1
    if form == "one_versus_rest":
        return OneVersusRest(train.vocabulary_size), hashtags
    return SoftmaxOverK(train.vocabulary_size), shared_equally(hashtags)


def load_form(form: Form, folder: Path, vocabulary_size: int) -> LogisticForm:
    """Return the form of a saved model.

    Raises:
        RunError: `label_sets.json` is missing, damaged or has hashtags outside the vocabulary.
    """
    if form != "label_powerset":
        return (OneVersusRest if form == "one_versus_rest" else SoftmaxOverK)(vocabulary_size)
    sets = read_json(folder / _SETS_FILE, _SETS)
    known = range(vocabulary_size)
    if not isinstance(sets, list) or not all(
        isinstance(row, list) and row and all(isinstance(label, int) and label in known for label in row)
        for row in sets
    ):
        raise RunError(f"{folder / _SETS_FILE} ({_SETS}) is damaged: it has no sets of {vocabulary_size} hashtags.")
    return LabelPowerset([tuple(row) for row in sets], vocabulary_size)


def shared_equally(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the rows with each entry divided by the sum of its row."""
    totals = np.maximum(np.asarray(rows.sum(1)).ravel(), 1e-12)
    shared = rows.copy()
    shared.data = (shared.data / np.repeat(totals, np.diff(rows.indptr))).astype(np.float32)
    return shared


@dataclass(frozen=True, slots=True)
class LabelSets:
    """S classes, each a set of hashtags.

    Attributes:
        sets: the hashtags of each class, ascending vocabulary indices.
        targets: (N, S) float32, the share of each train post in each class; a dropped post has none.
        rare_sets: number of distinct sets that are too rare for a class.
        rare_posts: number of posts with such a set.
    """

    sets: list[tuple[int, ...]]
    targets: sparse.csr_matrix
    rare_sets: int
    rare_posts: int

    @classmethod
    def of(cls, targets: Sequence[Sequence[int]], minimum_count: int, rare: RareSets) -> LabelSets:
        """Make a class of each frequent set, and assign the posts with rare sets.

        Args:
            targets: the hashtags of each of N train posts, at least one each.
            minimum_count: posts with exactly that set.
            rare: `spread` counts a post with a rare set as 1/k in each of the k classes of one hashtag; `fold` as one
                in the class of its most frequent hashtag; `drop` leaves it out, unless all sets are rare.
        """
        rows = [tuple(sorted(set(row))) for row in targets]
        counts = Counter(rows)
        frequent = {labels for labels, count in counts.items() if count >= minimum_count}
        if rare == "drop" and not frequent:
            frequent = set(counts)
        carriers = Counter(label for row in rows for label in row)
        shares = [_shares(row, rare, carriers) if row not in frequent else [(row, 1.0)] for row in rows]
        sets = sorted({labels for row in shares for labels, _ in row})
        number = {labels: index for index, labels in enumerate(sets)}
        ends = np.cumsum([0, *(len(row) for row in shares)])
        columns = np.array([number[labels] for row in shares for labels, _ in row], np.int32)
        values = np.array([share for row in shares for _, share in row], np.float32)
        matrix = sparse.csr_matrix((values, columns, ends), (len(rows), len(sets)))
        outside = [count for labels, count in counts.items() if labels not in frequent]
        return cls(sets, matrix, len(outside), sum(outside))


def _shares(row: tuple[int, ...], rare: RareSets, carriers: Counter[int]) -> list[tuple[tuple[int, ...], float]]:
    if rare == "drop":
        return []
    if rare == "spread":
        return [((label,), 1 / len(row)) for label in row]
    return [((min(row, key=lambda label: (-carriers[label], label)),), 1.0)]


def membership(sets: Sequence[Sequence[int]], vocabulary_size: int) -> sparse.csr_matrix:
    """Return which hashtags each set contains, (S, V) of ones."""
    ends = np.cumsum([0, *(len(labels) for labels in sets)])
    columns = np.array([label for labels in sets for label in labels], np.int32)
    return sparse.csr_matrix((np.ones(len(columns)), columns, ends), (len(sets), vocabulary_size))
