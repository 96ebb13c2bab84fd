"""The charts and tables of the error analysis."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from multimodal.evaluation.chances import FIRST, calibration_errors, errors_by_chance
from multimodal.evaluation.errors.analysis import ErrorAnalysis
from multimodal.evaluation.errors.curves import Curve
from multimodal.evaluation.files.text_table import percent
from multimodal.evaluation.report.charts import Axis, Chart, Series, bar_chart, line_chart, scatter_chart
from multimodal.evaluation.report.tables import Table
from multimodal.evaluation.report.text import number, shortened

_POINTS, _HASHTAGS, _PAIRS = 1_000, 25, 15
_LONGEST_NAME = 30
_AVERAGES = "Micro: all pairs pooled; macro: mean over hashtags."


def error_charts(errors: ErrorAnalysis, chances: str = "") -> list[Chart]:
    """Draw NDCG, errors by frequency, curves, hashtags and calibration.

    Args:
        chances: what the scores say of chances.
    """
    return [
        _ndcg(errors),
        _by_frequency(errors),
        _precision_recall(errors),
        _roc(errors),
        _hashtags(errors),
        _calibration(errors, chances),
    ]


def _ndcg(errors: ErrorAnalysis) -> Chart:
    rows = errors.ndcg_distribution
    names = [f"{low:g}–{high:g}" for low, high in zip(rows["low"], rows["high"], strict=True)]
    top = min(1.15 * max(float(rows["share"].max()), 0.05), 1.1)
    svg = bar_chart(
        names,
        [("share of posts", rows["share"].tolist())],
        f"NDCG@{errors.k}",
        Axis("share of posts", 0, top),
        f"distribution of NDCG@{errors.k} over the posts",
        [f"{count:,}" for count in rows["posts"]],
    )
    note = f"Mean {errors.ndcg.mean():.3f}. Above the bars: number of posts."
    return Chart(f"NDCG@{errors.k} of each post", svg, note)


def _by_frequency(errors: ErrorAnalysis) -> Chart:
    rows = errors.by_frequency
    groups = [
        ("false positives: recommended, not true", rows["share_of_fp"].tolist()),
        ("false negatives: true, not recommended", rows["share_of_fn"].tolist()),
    ]
    top = min(1.12 * max(max(values) for _, values in groups), 1.1) or 1
    svg = bar_chart(
        rows["train_frequency"].tolist(),
        groups,
        "train posts with the hashtag",
        Axis("share of all", 0, top),
        "false positives and false negatives by train frequency",
    )
    correlations = [number(errors.correlations[name], 2) for name in ("fp", "fn", "recall")]
    note = "Rank correlation with train frequency: false positives {}, false negatives {}, recall {}."
    return Chart("Errors by frequency of the hashtag", svg, note.format(*correlations))


def _precision_recall(errors: ErrorAnalysis) -> Chart:
    furthest = max(float(curve.x.max()) for curve in errors.curves if curve.kind == "precision_recall")
    x, y = Axis("recall", 0, min(1.0, max(0.02, furthest) * 1.03)), Axis("precision", 0, 1.02)
    note = (
        f"From the {errors.depth} saved scores of each post. Curves end where the saved lists end; what lies beyond "
        f"adds nothing to the average precision (in brackets). {_AVERAGES}"
    )
    return _curves(errors, "precision_recall", x, y, "Precision and recall by threshold", note)


def _roc(errors: ErrorAnalysis) -> Chart:
    x, y = Axis("false positive rate", 0, 1), Axis("true positive rate", 0, 1.02)
    note = (
        f"From the {errors.depth} saved scores of each post. Dotted straight lines stand for all pairs that were not "
        f"saved, as if their scores were equal. In brackets: area under the curve. {_AVERAGES}"
    )
    return _curves(errors, "roc", x, y, "ROC", note)


def _curves(errors: ErrorAnalysis, kind: str, x: Axis, y: Axis, title: str, note: str) -> Chart:
    series = [_series(curve) for curve in errors.curves if curve.kind == kind]
    return Chart(title, line_chart(series, x, y, f"{y.title} against {x.title}"), note)


def _series(curve: Curve) -> Series:
    name = curve.name if curve.name in {"micro", "macro"} else f"#{shortened(curve.name, _LONGEST_NAME)}"
    return Series(f"{name} ({curve.area:.2f})", curve.x, curve.y, tail=len(curve.x) - curve.saved)


def _hashtags(errors: ErrorAnalysis) -> Chart:
    rows = errors.hashtags[(errors.hashtags["train_frequency"] > 0) & (errors.hashtags["true_posts"] > 0)]
    points = [
        (row["train_frequency"], row["f1"], row["true_posts"], f"#{row['hashtag']}: F1 {row['f1']:.3f}, true of "
         f"{row['true_posts']:,} posts, in {row['train_frequency']:,} train posts")
        for row in rows.head(_POINTS).to_dict("records")
    ]  # fmt: skip
    most = max([frequency for frequency, *_ in points], default=10)
    svg = scatter_chart(
        points,
        Axis("train posts with the hashtag", 0.8, max(most * 1.25, 12), log=True),
        Axis("F1 of the hashtag", -0.02, 1.02),
        "F1 of each hashtag against its train frequency",
    )
    note = f"Area: posts of the split with the hashtag. The {len(points):,} most frequent in the split."
    return Chart("F1 of each hashtag by frequency", svg, note)


def _calibration(errors: ErrorAnalysis, chances: str) -> Chart:
    title, rows = "Is the score a probability?", errors.calibration
    if rows.empty:
        return Chart(title, Markup(), "Nothing was recommended.")
    low, high = min(0.0, float(rows["mean_score"].min())), max(1.0, float(rows["mean_score"].max()))
    lines = [Series("share that is true", rows["mean_score"].tolist(), rows["share_true"].tolist())]
    says = chances or "Scores are made for ordering; see the documentation."
    note = says
    if low >= 0 and high <= 1:
        lines.append(Series("a perfectly calibrated score", [0, 1], [0, 1]))
        note = f"Expected calibration error of the scores {number(errors.calibration_error)}. {says}"
    svg = line_chart(
        lines,
        Axis("mean score of the bin", low, high),
        Axis("share that is true", 0, 1.02),
        "share of true hashtags against score",
        markers=True,
    )
    return Chart(title, svg, note)


def chances_chart(reliability: pd.DataFrame) -> Chart:
    """Draw `chances.csv`: the share that is true against the chance, for all ranks and for the first."""
    lines = []
    for name in reliability["ranks"].drop_duplicates().tolist():
        rows = reliability[reliability["ranks"] == name]
        lines.append(Series(f"{name} ranks", rows["mean_chance"].tolist(), rows["share_true"].tolist()))
    lines.append(Series("probabilities that come true", [0, 1], [0, 1]))
    svg = line_chart(
        lines,
        Axis("mean probability of the bin", 0, 1),
        Axis("share that is true", 0, 1.02),
        "share of true hashtags against probability",
        markers=True,
    )
    every, first = map(number, calibration_errors(reliability))
    note = f"Their expected calibration error: {every} over all saved ranks, {first} within the first {FIRST}."
    return Chart("Do the probabilities come true?", svg, f"{note} {_by_chance(reliability)}")


def _by_chance(reliability: pd.DataFrame) -> str:
    every, first = (
        f"{number(one.mean)} (95 % of draws up to {number(one.most)})" for one in errors_by_chance(reliability)
    )
    return f"On so many hashtags, probabilities that come true exactly have {every} and {first}."


def chances_rows(reliability: pd.DataFrame) -> Table:
    """Return `chances.csv` as a table."""
    rows = [
        [row["ranks"], f"{row['low']:.1f}–{row['high']:.1f}", f"{row['named']:,}", number(row["mean_chance"]),
         number(row["share_true"])]
        for row in reliability.to_dict("records")
    ]  # fmt: skip
    return Table(["Ranks", "Chance", "Recommended", "Mean chance", "Share true"], rows, text=(0, 1))


def frequency_table(errors: ErrorAnalysis) -> Table:
    """Return the errors by train frequency of the hashtag."""
    rows = [
        [row["train_frequency"], *(f"{row[name]:,}" for name in ("hashtags", "true", "named", "tp", "fp", "fn")),
         *(number(row[name]) for name in ("precision", "recall"))]
        for row in errors.by_frequency[errors.by_frequency["hashtags"] > 0].to_dict("records")
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
