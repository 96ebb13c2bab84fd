"""The section of the page on what goes wrong."""

from __future__ import annotations

from collections.abc import Sequence

from multimodal.evaluation.errors.analysis import ErrorAnalysis
from multimodal.evaluation.errors.curves import Curve
from multimodal.evaluation.report.parts import figure, note, number, percent, section, table
from multimodal.evaluation.report.svg import Axis, Series, bar_chart, line_chart, scatter

_HASHTAGS, _PAIRS, _POINTS = 25, 15, 1_000
_CURVE_NAMES = {"micro": "micro: all pairs pooled", "macro": "macro: mean of hashtags"}


def error_section(errors: ErrorAnalysis) -> str:
    """Return the section: NDCG, frequency, curves, calibration, hashtags and pairs."""
    figures = [
        _ndcg(errors),
        _by_frequency(errors),
        _curves(errors, "precision_recall"),
        _curves(errors, "roc"),
        _scatter(errors),
        _calibration(errors),
    ]
    body = f'<div class="grid">{"".join(figures)}</div>{_frequency_table(errors)}{_hashtags(errors)}{_pairs(errors)}'
    lead = f"Among the first {errors.k} of every list, over {errors.posts:,} posts."
    return section("errors", "What goes wrong", body, lead)


def _ndcg(errors: ErrorAnalysis) -> str:
    rows = errors.ndcg_distribution
    names = [f"{low:g}–{high:g}" for low, high in zip(rows["low"], rows["high"], strict=True)]
    top = 1.15 * max(float(rows["share"].max()), 0.05)
    chart = bar_chart(
        names,
        [("posts", rows["share"].tolist())],
        Axis("share of posts", 0, min(top, 1.1)),
        f"NDCG@{errors.k}",
        "how NDCG spreads over the posts",
        [[f"{count:,}" for count in rows["posts"]]],
    )
    return figure(f"NDCG@{errors.k} of each post", chart, f"Mean {errors.ndcg.mean():.3f}. Above the bars: posts.")


def _by_frequency(errors: ErrorAnalysis) -> str:
    rows = errors.by_frequency
    groups = [
        ("false positives: named, not true", rows["share_of_fp"].tolist()),
        ("false negatives: true, not named", rows["share_of_fn"].tolist()),
    ]
    top = 1.12 * max(max(values) for _, values in groups)
    chart = bar_chart(
        rows["train_frequency"].tolist(),
        groups,
        Axis("share of all", 0, min(top, 1.1) or 1),
        "train posts that carry the hashtag",
        "false positives and false negatives by train frequency",
    )
    found = errors.correlations
    remark = (
        f"Rank correlation with train frequency: false positives {number(found['fp'], 2)}, false negatives "
        f"{number(found['fn'], 2)}, recall {number(found['recall'], 2)}."
    )
    return figure("Errors by frequency of the hashtag", chart, remark)


def _curves(errors: ErrorAnalysis, kind: str) -> str:
    chosen = [curve for curve in errors.curves if curve.kind == kind]
    lines = [Series(_named(curve), curve.x, curve.y, tail=_tail(curve)) for curve in chosen]
    recall = kind == "precision_recall"
    x, y = ("recall", "precision") if recall else ("false positive rate", "true positive rate")
    top = 1.0 if not recall else min(1.0, max(0.02, max(float(curve.x.max()) for curve in chosen)) * 1.03)
    chart = line_chart(lines, Axis(x, 0, top), Axis(y, 0, 1.02), label=f"{y} against {x}")
    area = "average precision" if recall else "area under the curve"
    depth = f"From the saved scores, {errors.depth} a post: "
    remark = depth + (
        f"curves end where the saved lists do, and what lies beyond adds nothing to the {area}."
        if recall
        else f"the dotted straight lines stand for all that was not saved, as if equal. In brackets: {area}."
    )
    return figure("Precision and recall by threshold" if recall else "ROC", chart, remark)


def _named(curve: Curve) -> str:
    return f"{_CURVE_NAMES.get(curve.name, '#' + curve.name)} ({curve.area:.2f})"


def _tail(curve: Curve) -> int:
    return len(curve.x) - curve.saved


def _scatter(errors: ErrorAnalysis) -> str:
    rows = errors.hashtags[(errors.hashtags["train_frequency"] > 0) & (errors.hashtags["true_posts"] > 0)]
    rows = rows.head(_POINTS)
    points = [
        (row["train_frequency"], row["f1"], row["true_posts"], f"#{row['hashtag']}: F1 {row['f1']:.2f}, true of "
         f"{row['true_posts']:,} posts, in {row['train_frequency']:,} train posts")
        for row in rows.to_dict("records")
    ]  # fmt: skip
    most = max([frequency for frequency, *_ in points], default=10)
    chart = scatter(points, Axis("train posts that carry the hashtag", 1, max(most * 1.2, 10), log=True),
                    Axis("F1 of the hashtag", 0, 1.02), "F1 of each hashtag against its train frequency")  # fmt: skip
    return figure(
        "Each hashtag: frequency and F1",
        chart,
        f"Area: posts of the split that carry it. The {len(rows):,} most frequent in the split.",
    )


def _calibration(errors: ErrorAnalysis) -> str:
    rows = errors.calibration
    if rows.empty:
        return figure("Calibration", "", "Nothing was recommended.")
    low, high = min(0.0, float(rows["mean_score"].min())), max(1.0, float(rows["mean_score"].max()))
    lines = [Series("share that is true", rows["mean_score"].tolist(), rows["share_true"].tolist())]
    probable = low >= 0 and high <= 1
    if probable:
        lines.append(Series("a score that were a probability", [0, 1], [0, 1]))
    chart = line_chart(lines, Axis("mean score of the bin", low, high), Axis("share that is true", 0, 1.02),
                       markers=True, label="share of true hashtags against score")  # fmt: skip
    remark = f"Expected calibration error {number(errors.calibration_error)}." if probable else ""
    return figure(
        "Does the score say how likely?", chart, f"{remark} Scores are made for ordering; see the docs.".strip()
    )


def _frequency_table(errors: ErrorAnalysis) -> str:
    rows = [
        [row["train_frequency"], *(f"{row[name]:,}" for name in ("hashtags", "true", "named", "tp", "fp", "fn")),
         *(number(row[name]) for name in ("precision", "recall"))]
        for row in errors.by_frequency.to_dict("records")
    ]  # fmt: skip
    headings = ["Train posts", "Hashtags", "True", "Named", "TP", "FP", "FN", "Precision", "Recall"]
    return "<h3>By frequency of the hashtag in train</h3>" + table(headings, rows)


def _hashtags(errors: ErrorAnalysis) -> str:
    rows: list[Sequence[object]] = [
        [f"#{row['hashtag']}", *(f"{row[name]:,}" for name in ("train_frequency", "tp", "fp", "fn", "tn")),
         *(number(row[name]) for name in ("precision", "recall", "f1"))]
        for row in errors.hashtags.head(_HASHTAGS).to_dict("records")
    ]  # fmt: skip
    headings = ["Hashtag", "Train posts", "TP", "FP", "FN", "TN", "Precision", "Recall", "F1"]
    remark = note(f"The {len(rows)} most frequent of {len(errors.hashtags):,}; all are in hashtags.csv.")
    return "<h3>Confusion of each hashtag</h3>" + table(headings, rows) + remark


def _pairs(errors: ErrorAnalysis) -> str:
    if errors.pairs.empty:
        return ""
    rows = [
        [f"#{row['missed']}", f"#{row['instead']}", f"{row['posts']:,}", percent(row["share"]), number(row["lift"], 1)]
        for row in errors.pairs.head(_PAIRS).to_dict("records")
    ]
    remark = note(
        "Posts that carry the first, were not recommended it, and were wrongly recommended the second. Share: of the "
        "posts that missed the first. Lift: times oftener than if the two errors had nothing to do with each other."
    )
    headings = ["True, but missed", "Recommended instead", "Posts", "Share", "Lift"]
    return "<h3>Most confused pairs</h3>" + table(headings, rows, text=(0, 1)) + remark
