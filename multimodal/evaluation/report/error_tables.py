"""The tables of the error analysis."""

from __future__ import annotations

from multimodal.evaluation.errors.analysis import ErrorAnalysis
from multimodal.evaluation.files.text_table import percent
from multimodal.evaluation.report.tables import Table
from multimodal.evaluation.report.text import number

_HASHTAGS, _PAIRS = 25, 15


def frequency_table(errors: ErrorAnalysis) -> Table:
    """Return the errors by train frequency of the hashtag."""
    rows = [
        [row["train_frequency"], *(f"{row[name]:,}" for name in ("hashtags", "true", "named", "tp", "fp", "fn")),
         *(number(row[name]) for name in ("precision", "recall"))]
        for row in errors.by_frequency.to_dict("records")
    ]  # fmt: skip
    headings = ["Train posts", "Hashtags", "True", "Recommended", "TP", "FP", "FN", "Precision", "Recall"]
    return Table(headings, rows)


def hashtag_table(errors: ErrorAnalysis) -> Table:
    """Return the confusion counts of the most frequent hashtags."""
    rows = [
        [f"#{row['hashtag']}", *(f"{row[name]:,}" for name in ("train_frequency", "tp", "fp", "fn", "tn")),
         *(number(row[name]) for name in ("precision", "recall", "f1"))]
        for row in errors.hashtags.head(_HASHTAGS).to_dict("records")
    ]  # fmt: skip
    return Table(["Hashtag", "Train posts", "TP", "FP", "FN", "TN", "Precision", "Recall", "F1"], rows)


def pair_table(errors: ErrorAnalysis) -> Table:
    """Return the hashtags that are most often confused with each other."""
    rows = [
        [f"#{row['missed']}", f"#{row['instead']}", f"{row['posts']:,}", percent(row["share"]), number(row["lift"], 1)]
        for row in errors.pairs.head(_PAIRS).to_dict("records")
    ]
    return Table(["True, but missed", "Recommended instead", "Posts", "Share", "Lift"], rows, text=(0, 1))
