"""Which K: how sure the best one is, and whether a length of its own for each list does better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from multimodal.evaluation.files.text_table import TextTable, number, with_interval
from multimodal.evaluation.list_length.list_lengths import ScoredHits, best_fixed_length, choose_threshold
from multimodal.evaluation.metrics.accuracy import f1_of_means
from multimodal.evaluation.metrics.metric_table import Evaluation
from multimodal.evaluation.uncertainty.intervals import Bootstrap
from multimodal.evaluation.uncertainty.resampling import draw_with_replacement, unit_terms, weighted_sums
from multimodal.storage.run_folder import write_atomically

_LEVEL = 0.95
# Shares of resamples below this are not worth a word.
_WORTH_TELLING = 0.05


@dataclass(frozen=True)
class WhichK:
    """What `which_k` gives.

    Attributes:
        table: one row per rule: rule (fixed or threshold), k, threshold, tuned_on, precision, recall, f1, f1_low,
            f1_high, mean_length, best_share (of the resamples in which this K is the best of the fixed ones).
        sentence: the best K and how sure it is.
        notes: how the lengths were chosen, or why there are none.
    """

    table: pd.DataFrame
    sentence: str
    notes: tuple[str, ...]


def which_k(
    evaluation: Evaluation,
    curves: Bootstrap,
    judged: ScoredHits,
    validation: ScoredHits | None,
    *,
    absent: str = "",
    seed: int = 0,
) -> WhichK:
    """Compare fixed list lengths with each other and with a length of its own for each list.

    Args:
        evaluation: of the split that is judged.
        curves: its metrics resampled, at least `f1`.
        judged: scores and hits of the same posts.
        validation: scores and hits of the validation split, on which threshold and fixed K are chosen.
        absent: why there is none.
        seed: of the resamples for the threshold's interval.
    """
    shares = curves.best_k_shares()
    best = evaluation.best_k()
    rows = _fixed_rows(evaluation, curves, shares)
    notes = [absent] if absent else []
    if validation is not None and len(validation.scores):
        depth = min(judged.depth, validation.depth)
        judged, validation = _cut(judged, depth), _cut(validation, depth)
        row, note = _threshold_row(judged, validation, evaluation, curves, seed)
        fixed = best_fixed_length(validation)
        rows.loc[rows["k"] == fixed, "tuned_on"] = "validation"
        rows = pd.concat([rows, pd.DataFrame([row])], ignore_index=True)
        notes += [note, f"the fixed K that the validation split chooses is {fixed}"]
    return WhichK(rows, _sentence(best, evaluation.at(best)["f1"], shares), tuple(notes))


def _fixed_rows(evaluation: Evaluation, curves: Bootstrap, shares: dict[int, float]) -> pd.DataFrame:
    low, high = curves.interval("f1", _LEVEL)
    length = evaluation.per_post.outcomes.length
    return pd.DataFrame(
        {
            "rule": "fixed",
            "k": pd.array(evaluation.ks, dtype="Int64"),
            "threshold": np.nan,
            "tuned_on": None,
            "precision": evaluation.table["precision"],
            "recall": evaluation.table["recall"],
            "f1": evaluation.table["f1"],
            "f1_low": low,
            "f1_high": high,
            "mean_length": [float(np.minimum(length, k).mean()) for k in evaluation.ks],
            "best_share": [shares[k] for k in evaluation.ks],
        }
    )


def _cut(scored: ScoredHits, depth: int) -> ScoredHits:
    return ScoredHits(scored.scores[:, :depth], scored.hits[:, :depth], scored.true_count)


def _threshold_row(
    judged: ScoredHits, validation: ScoredHits, evaluation: Evaluation, curves: Bootstrap, seed: int
) -> tuple[dict[str, object], str]:
    threshold, tuned_f1 = choose_threshold(validation)
    lengths = judged.lengths(threshold)
    values = judged.precision_and_recall(lengths)
    of_units, units = unit_terms(lambda chunk: np.insert(values[chunk], 2, 1.0, axis=1), len(values),
                                 evaluation.user_ids, curves.unit)  # fmt: skip
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
        f"a length of its own for each list: scores from {at} on, 1 to {judged.depth} hashtags "
        f"(F1 {tuned_f1:.4f} on the validation split, where the threshold was chosen; {f1:.4f} here)"
    )
    return row, note


def _sentence(best: int, f1: float, shares: dict[int, float]) -> str:
    text = f"best K by F1: {best} (F1 {f1:.4f})"
    if len(shares) == 1:
        return text
    others = sorted(((share, -k) for k, share in shares.items() if k != best and share >= _WORTH_TELLING), reverse=True)
    told = "".join(f"; {-k} in {share:.0%}" for share, k in others)
    return f"{text}; wins in {shares[best]:.0%} of resamples{told}"


def write_which_k(folder: Path, found: WhichK, unit: str) -> list[Path]:
    """Write `which_k.csv` and `which_k.md` and return their paths."""
    writers = {
        "which_k.csv": lambda path: found.table.to_csv(path, index=False),
        "which_k.md": lambda path: path.write_text(which_k_markdown(found, unit), encoding="utf-8"),
    }
    for name, write in writers.items():
        write_atomically(folder / name, write)
    return [folder / name for name in writers]


def which_k_markdown(found: WhichK, unit: str) -> str:
    """Return the table and how to read it as Markdown.

    Args:
        found: from `which_k`.
        unit: what was resampled.
    """
    headings = ["List length", "Chosen on", "Precision", "Recall", "F1 [95%]", "Mean length", "Best of resamples"]
    cells = []
    for row in found.table.to_dict("records"):
        fixed = row["rule"] == "fixed"
        cells.append(
            [
                f"K = {row['k']}" if fixed else "by score",
                str(row["tuned_on"]) if isinstance(row["tuned_on"], str) else "",
                number(row["precision"]),
                number(row["recall"]),
                with_interval(row["f1"], row["f1_low"], row["f1_high"]),
                f"{row['mean_length']:.2f}",
                f"{row['best_share']:.1%}" if fixed else "",
            ]
        )
    lines = [
        "# Which K",
        "",
        f"{found.sentence} (of {unit}).",
        "",
        TextTable(headings=headings, cells=cells).markdown(),
        *(f"- {note}" for note in found.notes),
        "",
    ]
    return "\n".join(lines)
