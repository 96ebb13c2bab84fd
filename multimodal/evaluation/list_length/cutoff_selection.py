"""Which K: how certain the best one is, and whether choosing the length of each list separately does better."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from multimodal.evaluation.files.text_table import TextTable, number, percent, with_interval
from multimodal.evaluation.files.writing import Content
from multimodal.evaluation.list_length.list_lengths import ScoredHits, best_fixed_length, choose_threshold
from multimodal.evaluation.metrics.accuracy import f1_of_means
from multimodal.evaluation.metrics.metric_table import MetricTable
from multimodal.evaluation.uncertainty.intervals import Bootstrap
from multimodal.evaluation.uncertainty.resampling import draw_with_replacement, unit_terms, weighted_sums

_LEVEL = 0.95
# Smaller shares of the resamples are not mentioned.
_WORTH_TELLING = 0.05


@dataclass(frozen=True)
class WhichK:
    """What `which_k` gives.

    Attributes:
        table: one row per rule: rule (fixed or threshold), k, threshold, tuned_on, precision, recall, f1, f1_low,
            f1_high, mean_length, best_share (of the resamples in which this K is the best of the fixed ones).
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
        absent: why there is none.
    """
    shares = curves.best_k_shares()
    best = metrics.best_k()
    rows = _fixed_rows(metrics, curves, shares)
    notes = [absent] if absent else []
    if validation is not None and len(validation.scores):
        depth = min(scored.depth, validation.depth)
        scored, validation = _cut(scored, depth), _cut(validation, depth)
        row, note = _threshold_row(scored, validation, metrics, curves, seed)
        fixed = best_fixed_length(validation)
        rows.loc[rows["k"] == fixed, "tuned_on"] = "validation"
        rows = pd.concat([rows, pd.DataFrame([row])], ignore_index=True)
        notes += [note, f"the fixed K that the validation split chooses is {fixed}"]
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
    lengths = scored.lengths(threshold)
    values = scored.precision_and_recall(lengths)
    of_units, units = unit_terms(lambda chunk: np.insert(values[chunk], 2, 1.0, axis=1), len(values),
                                 metrics.outcomes.user_ids, curves.unit)  # fmt: skip
    resamples = len(curves.resampled["f1"])
    sums = weighted_sums(draw_with_replacement(units, resamples, seed), of_units, units, "Resampling lengths")
    resampled = f1_of_means(sums[:, 0] / sums[:, 2], sums[:, 1] / sums[:, 2])
    low, high = np.quantile(resampled, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    precision, recall = values.mean(axis=0)
    f1 = float(f1_of_means(precision, recall))
    row = {"rule": "threshold", "k": pd.NA, "threshold": threshold, "tuned_on": "validation",
           "precision": precision, "recall": recall, "f1": f1, "f1_low": low, "f1_high": high,
           "mean_length": float(lengths.mean()), "best_share": np.nan}  # fmt: skip
    at = "above every score" if math.isinf(threshold) else f"{threshold:.6g}"
    note = (
        f"length chosen for each list: scores of at least {at}, 1 to {scored.depth} hashtags "
        f"(F1 {tuned_f1:.4f} on the validation split, where the threshold was chosen; {f1:.4f} here)"
    )
    return row, note


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
    headings = ["List length", "Chosen on", "Precision", "Recall", "F1 [95 %]", "Mean length", "Best of resamples"]
    cells = []
    for row in chosen.table.to_dict("records"):
        fixed = row["rule"] == "fixed"
        cells.append(
            [
                f"K = {row['k']}" if fixed else "by score",
                str(row["tuned_on"]) if isinstance(row["tuned_on"], str) else "",
                number(row["precision"]),
                number(row["recall"]),
                with_interval(row["f1"], row["f1_low"], row["f1_high"]),
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
