"""From several hashtags per post to a linear model: label powerset, one versus rest, softmax with targets 1/k."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.errors import RunError
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.learning import LinearLoss
from multimodal.captions.linear.model import sigmoid, softmax
from multimodal.storage.model_files import Count, read_json_as
from multimodal.storage.run_folder import write_json

Floats = NDArray[np.float64]
RareSets: TypeAlias = Literal["spread", "fold", "drop"]
Form: TypeAlias = Literal["label_powerset", "one_versus_rest", "softmax_1_over_k"]
_SETS_FILE, _SETS = "label_sets.json", "sets of hashtags"


@dataclass(frozen=True, slots=True)
class LogisticForm:
    """How a linear model relates to hashtags: its classes, and what their scores mean.

    Attributes:
        loss: of the linear model.
        to_scores: scores of the classes, (B, C) → scores of hashtags, (B, V).
        classes: C.
        sets: for the label powerset, the hashtags of each class.
        facts: to log.
    """

    loss: LinearLoss
    to_scores: Callable[[Floats], Floats]
    classes: int
    sets: list[tuple[int, ...]] | None = None
    facts: dict[str, int] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write `label_sets.json` for the label powerset; the other forms follow from the vocabulary."""
        if self.sets is not None:
            write_json(folder / _SETS_FILE, [list(labels) for labels in self.sets])


def margins(vocabulary_size: int) -> LogisticForm:
    """Return one support vector machine per hashtag; scores are the margins."""
    return LogisticForm("squared_hinge", lambda scores: scores, vocabulary_size)


def one_versus_rest(vocabulary_size: int) -> LogisticForm:
    """Return one independent logistic regression per hashtag; scores are σ(s)."""
    return LogisticForm("logistic", sigmoid, vocabulary_size)


def softmax_over_k(vocabulary_size: int) -> LogisticForm:
    """Return one softmax over the hashtags, with the target 1/k for each of a post's k (Mahajan et al. 2018)."""
    return LogisticForm("softmax", softmax, vocabulary_size)


def label_powerset(sets: Sequence[tuple[int, ...]], vocabulary_size: int, **facts: int) -> LogisticForm:
    """Return one softmax over the sets of hashtags of train posts; P(hashtag) sums over the sets that contain it."""
    contained = membership(sets, vocabulary_size)

    def to_scores(scores: Floats) -> Floats:
        sums: Floats = softmax(scores) @ contained
        return np.minimum(sums, 1.0)

    return LogisticForm("softmax", to_scores, len(sets), list(sets), facts)


_FORMS = {"one_versus_rest": one_versus_rest, "softmax_1_over_k": softmax_over_k}


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
        return label_powerset(labels.sets, train.vocabulary_size, **facts), labels.targets
    hashtags = binary_targets(train)
    return _FORMS[form](train.vocabulary_size), hashtags if form == "one_versus_rest" else shared_equally(hashtags)


def binary_targets(train: LabelledCaptions) -> sparse.csr_matrix:
    """Return which hashtags each post carries, (N, V) of ones."""
    hashtags = train.multi_hot()
    hashtags.sum_duplicates()
    hashtags.data[:] = 1
    return hashtags


def load_form(form: Form, folder: Path, vocabulary_size: int) -> LogisticForm:
    """Return the form of a saved model.

    Raises:
        RunError: `label_sets.json` is missing, damaged or has hashtags outside the vocabulary.
    """
    if form != "label_powerset":
        return _FORMS[form](vocabulary_size)
    sets = read_json_as(folder / _SETS_FILE, _SETS, list[list[Count]])
    # Each set in rising order, and none twice, as they were made.
    if not all(row and row[-1] < vocabulary_size and row == sorted(set(row)) for row in sets):
        raise RunError(f"{folder / _SETS_FILE} ({_SETS}) is damaged: it has no sets of {vocabulary_size} hashtags.")
    return label_powerset([tuple(row) for row in sets], vocabulary_size)


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
