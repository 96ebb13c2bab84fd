"""How many hashtags to recommend: how certain the best K is, and whether a length chosen for each list does better.

Two rules choose a length for each list. `threshold`: the best hashtag, and further ones down to a threshold on the
score, which is set on the validation split. `auto`, where scores are chances: the list that is expected to have the
highest F1, see `ranking/list_length.py`. Both name at most as many as asked for. Precision of such a list is |C| / its
own length; F1 is, as everywhere, that of the mean precision and the mean recall.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.files.results import read_per_post
from multimodal.evaluation.files.text_table import TextTable, number, percent, with_interval
from multimodal.evaluation.files.writing import Content
from multimodal.evaluation.metrics.accuracy import Floats, Ints, f1_of_means
from multimodal.evaluation.metrics.outcomes import Outcomes
from multimodal.evaluation.metrics.sweep import MetricTable
from multimodal.evaluation.uncertainty.intervals import Bootstrap
from multimodal.evaluation.uncertainty.resampling import draw_with_replacement, unit_terms, weighted_sums

_LEVEL = 0.95
# Smaller shares of the resamples are not mentioned.
_WORTH_TELLING = 0.05
_RULES = {"threshold": "by score", "auto": "auto"}


@dataclass(frozen=True, slots=True)
class ScoredHits:
    """What the choice of list lengths is based on.

    Attributes:
        scores: (N, K) by rank, never rising; NaN for an empty rank.
        hits: (N, K) whether the hashtag is true.
        true_count: (N,) at least 1.
        auto: (N,) the lengths that probabilities choose; None where scores are not probabilities.
    """

    scores: Floats
    hits: NDArray[np.bool_]
    true_count: Ints
    auto: Ints | None = None

    @classmethod
    def of(cls, scores: Floats, outcomes: Outcomes, longest: int, auto: Ints | None = None) -> ScoredHits:
        """Join the scores of N posts with what came of them, up to a rank."""
        depth = min(longest, scores.shape[1], outcomes.hits.shape[1])
        return cls(scores[:, :depth], outcomes.hits[:, :depth], outcomes.true_count, auto)

    @property
    def depth(self) -> int:
        """Length of the longest list."""
        return int(self.scores.shape[1])

    def lengths(self, threshold: float) -> Ints:
        """Return the length of each list, (N,): 1 at least, 0 where nothing is recommended."""
        above = np.count_nonzero(self.scores >= threshold, axis=1)
        named = np.count_nonzero(~np.isnan(self.scores), axis=1)
        return np.asarray(np.minimum(np.maximum(above, 1), named))

    def precision_and_recall(self, lengths: Ints) -> Floats:
        """Return both for each post, (N, 2), with lists of these lengths; precision of an empty list is 0."""
        inside = np.arange(self.depth) < lengths[:, None]
        found = np.count_nonzero(self.hits & inside, axis=1)
        return np.stack([found / np.maximum(lengths, 1), found / self.true_count], axis=1)


def read_scored_hits(folder: Path, longest: int) -> ScoredHits:
    """Read an evaluation folder.

    Raises:
        DataError: a file is missing or damaged.
    """
    outcomes = read_per_post(folder / "per_post.parquet")
    rankings = read_predictions(folder / "predictions.parquet")
    row_of = {post_id: row for row, post_id in enumerate(rankings.post_ids)}
    rows = np.array([row_of.get(post_id, -1) for post_id in outcomes.post_ids], np.int64)
    # A post with an empty list has no prediction: the row behind the last one stands for it.
    scores = np.concatenate([rankings.scores, np.full((1, rankings.k), np.nan)])[rows]
    return ScoredHits.of(scores, outcomes, longest)


def choose_threshold(scored: ScoredHits) -> tuple[float, float]:
    """Return the threshold on the score whose lists have the highest F1, and that F1; of equals the highest.

    All distinct scores are tried at once: a list that grows by one rank changes its precision and recall by a
    known amount, so sums over the ranks in the order of their scores give the figures at every threshold.
    """
    named = ~np.isnan(scored.scores)
    found = np.cumsum(scored.hits & named, axis=1)
    precision = found / np.arange(1, scored.depth + 1)
    steps = np.stack([precision, found / scored.true_count[:, None]])
    steps[:, :, 1:] -= steps[:, :, :-1].copy()
    steps[:, ~named] = 0.0
    first = steps[:, :, 0].sum(axis=1)
    further = named[:, 1:]
    scores, changes = scored.scores[:, 1:][further], steps[:, :, 1:][:, further]
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    sums = first[:, None] + np.concatenate([np.zeros((2, 1)), np.cumsum(changes[:, order], axis=1)], axis=1)
    f1 = f1_of_means(*(sums / len(scored.scores)))
    # A threshold takes in all ranks of equal score; above the first of them the lists have one hashtag each.
    candidates = np.append(np.inf, scores)
    last_of_equals = np.append(candidates[1:] != candidates[:-1], True)
    best = np.flatnonzero(last_of_equals)[int(np.argmax(f1[last_of_equals]))]
    return float(candidates[best]), float(f1[best])


def best_fixed_length(scored: ScoredHits) -> int:
    """Return the K from 1 to the depth whose fixed length has the highest F1, the smallest of equals."""
    found = np.cumsum(scored.hits, axis=1)
    mean_precision = (found / np.arange(1, scored.depth + 1)).mean(axis=0)
    mean_recall = (found / scored.true_count[:, None]).mean(axis=0)
    return int(np.argmax(f1_of_means(mean_precision, mean_recall))) + 1


@dataclass(frozen=True)
class WhichK:
    """What `which_k` gives.

    Attributes:
        table: one row per rule: rule (fixed, threshold or auto), k, threshold, tuned_on, precision, recall, f1, f1_low,
            f1_high, f1_per_post, mean_length, best_share (of the resamples in which this K is the best of the fixed
            ones).
        sentence: the best K and how certain it is.
        notes: how the lengths were chosen, or why there are none.
    """

    table: pd.DataFrame
    sentence: str
    notes: tuple[str, ...]


def which_k(
    metrics: MetricTable,
    curves: Bootstrap,
    scored: ScoredHits,
    validation: ScoredHits | None,
    *,
    absent: str = "",
    seed: int = 0,
) -> WhichK:
    """Compare fixed list lengths with each other and with choosing the length of each list separately.

    Args:
        curves: its metrics resampled, at least `f1`.
        scored: scores and hits of the same posts.
        validation: scores and hits of the validation split, on which threshold and fixed K are chosen.
        absent: why there is no validation split.
    """
    shares = curves.best_k_shares()
    best = metrics.best_k()
    rows = _fixed_rows(metrics, curves, shares)
    notes = [absent] if absent else []
    if validation is not None and len(validation.scores):
        depth = min(scored.depth, validation.depth)
        validation = _cut(validation, depth)
        row, note = _threshold_row(_cut(scored, depth), validation, metrics, curves, seed)
        fixed = best_fixed_length(validation)
        rows.loc[rows["k"] == fixed, "tuned_on"] = "validation"
        rows = pd.concat([rows, pd.DataFrame([row])], ignore_index=True)
        notes += [note, f"the fixed K that the validation split chooses is {fixed}"]
    if scored.auto is not None:
        row, note = _auto_row(scored, scored.auto, metrics, curves, seed)
        rows = pd.concat([rows, pd.DataFrame([row])], ignore_index=True)
        notes.append(note)
    return WhichK(rows, _sentence(best, metrics.at(best)["f1"], shares), tuple(notes))


def _fixed_rows(metrics: MetricTable, curves: Bootstrap, shares: dict[int, float]) -> pd.DataFrame:
    low, high = curves.interval("f1", _LEVEL)
    length = metrics.outcomes.length
    return pd.DataFrame(
        {
            "rule": "fixed",
            "k": pd.array(metrics.ks, dtype="Int64"),
            "threshold": np.nan,
            "tuned_on": None,
            "precision": metrics.table["precision"],
            "recall": metrics.table["recall"],
            "f1": metrics.table["f1"],
            "f1_low": low,
            "f1_high": high,
            "f1_per_post": metrics.table["f1_per_post"],
            "mean_length": [float(np.minimum(length, k).mean()) for k in metrics.ks],
            "best_share": [shares[k] for k in metrics.ks],
        }
    )


def _cut(scored: ScoredHits, depth: int) -> ScoredHits:
    return ScoredHits(scored.scores[:, :depth], scored.hits[:, :depth], scored.true_count)


def _threshold_row(
    scored: ScoredHits, validation: ScoredHits, metrics: MetricTable, curves: Bootstrap, seed: int
) -> tuple[dict[str, object], str]:
    threshold, tuned_f1 = choose_threshold(validation)
    row = {**_length_row(scored, scored.lengths(threshold), metrics, curves, seed), "rule": "threshold",
           "threshold": threshold, "tuned_on": "validation"}  # fmt: skip
    at = "above every score" if math.isinf(threshold) else f"{threshold:.6g}"
    note = (
        f"length chosen for each list: scores of at least {at}, 1 to {scored.depth} hashtags "
        f"(F1 {tuned_f1:.4f} on the validation split, where the threshold was chosen; {row['f1']:.4f} here)"
    )
    return row, note


def _auto_row(
    scored: ScoredHits, lengths: Ints, metrics: MetricTable, curves: Bootstrap, seed: int
) -> tuple[dict[str, object], str]:
    row = {**_length_row(scored, lengths, metrics, curves, seed), "rule": "auto", "tuned_on": "validation"}
    note = (
        f"k = auto, the length with the highest expected F1 by the probabilities, at most {scored.depth} hashtags: "
        f"{row['mean_length']:.2f} on average, F1 {row['f1']:.4f} (mean F1 of the posts {row['f1_per_post']:.4f})"
    )
    return row, note


def _length_row(
    scored: ScoredHits, lengths: Ints, metrics: MetricTable, curves: Bootstrap, seed: int
) -> dict[str, object]:
    values = scored.precision_and_recall(lengths)
    of_units, units = unit_terms(lambda chunk: np.insert(values[chunk], 2, 1.0, axis=1), len(values),
                                 metrics.outcomes.user_ids, curves.unit)  # fmt: skip
    resamples = len(curves.resampled["f1"])
    sums = weighted_sums(draw_with_replacement(units, resamples, seed), of_units, units, "Resampling lengths")
    resampled = f1_of_means(sums[:, 0] / sums[:, 2], sums[:, 1] / sums[:, 2])
    low, high = np.quantile(resampled, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    precision, recall = values.mean(axis=0)
    f1 = float(f1_of_means(precision, recall))
    return {"rule": "", "k": pd.NA, "threshold": np.nan, "tuned_on": None,
            "precision": precision, "recall": recall, "f1": f1, "f1_low": low, "f1_high": high,
            "f1_per_post": float(f1_of_means(*values.T).mean()), "mean_length": float(lengths.mean()),
            "best_share": np.nan}  # fmt: skip


def _sentence(best: int, f1: float, shares: dict[int, float]) -> str:
    text = f"best K by F1: {best} (F1 {f1:.4f})"
    if len(shares) == 1:
        return text
    others = sorted(((share, -k) for k, share in shares.items() if k != best and share >= _WORTH_TELLING), reverse=True)
    told = "".join(f"; {-k} in {percent(share)}" for share, k in others)
    return f"{text}; wins in {percent(shares[best])} of resamples{told}"


def which_k_files(chosen: WhichK, unit: str) -> dict[str, Content]:
    """Return `which_k.csv` and `which_k.md`."""
    return {"which_k.csv": chosen.table, "which_k.md": which_k_markdown(chosen, unit)}


def which_k_markdown(chosen: WhichK, unit: str) -> str:
    """Return the table and how to read it as Markdown."""
    headings = ["List length", "Chosen on", "Precision", "Recall", "F1 [95 %]", "F1 per post", "Mean length",
                "Best of resamples"]  # fmt: skip
    cells = []
    for row in chosen.table.to_dict("records"):
        fixed = row["rule"] == "fixed"
        cells.append(
            [
                f"K = {row['k']}" if fixed else _RULES[str(row["rule"])],
                str(row["tuned_on"]) if isinstance(row["tuned_on"], str) else "",
                number(row["precision"]),
                number(row["recall"]),
                with_interval(row["f1"], row["f1_low"], row["f1_high"]),
                number(row["f1_per_post"]),
                f"{row['mean_length']:.2f}",
                percent(row["best_share"], 1) if fixed else "",
            ]
        )
    lines = [
        "# Which K",
        "",
        f"{chosen.sentence} (of {unit}).",
        "",
        TextTable(headings=headings, cells=cells).markdown(),
        *(f"- {note}" for note in chosen.notes),
        "",
    ]
    return "\n".join(lines)
