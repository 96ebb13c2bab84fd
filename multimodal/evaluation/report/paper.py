"""Tables for a paper: `report.md` and `table.tex`."""

from __future__ import annotations

from pathlib import Path

from multimodal.evaluation.files.text_table import TextTable, number, percent, with_interval
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.report.inputs import COLUMNS, ReportInputs
from multimodal.evaluation.report.metric_parts import value_at

_PAIRS, _HASHTAGS = 10, 15


def report_markdown(inputs: ReportInputs) -> str:
    """Return the figures of the report as Markdown."""
    settings, counts = inputs.settings, inputs.counts
    data = Path(str(settings["data"])).name
    lines = [
        f"# {settings['system']} on {data}, {settings['split']} split",
        "",
        f"History {settings['history']}, seed {settings['seed']}. {counts['posts']:,} posts with a true hashtag "
        f"({counts['posts_without_truth']:,} without left out), {counts['true_hashtags']:,} true hashtags, of which "
        f"{counts['true_hashtags_in_vocabulary']:,} are in the train vocabulary. Intervals: 95 %, bootstrap over "
        f"{inputs.intervals.units:,} {inputs.intervals.unit}. Best K by F1: {inputs.k}.",
        "",
        "## Metrics at K",
        "",
        _markdown(_headings(), _rows(inputs)),
    ]
    if inputs.slices is not None and {"slicing", "slice", "f1_low"} <= set(inputs.slices.columns):
        rows = [
            [str(row["slicing"]).replace("_", " "), str(row["slice"]), f"{row['posts']:,}"]
            + [with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"]) for name in ("recall", "f1")]
            for row in inputs.slices.to_dict("records")
        ]
        lines += ["## Slices", "", _markdown(["By", "Slice", "Posts", "Recall", "F1"], rows)]
    lines += _errors(inputs)
    if inputs.audit is not None:
        findings = [
            [str(finding["status"]), str(finding["name"]).replace("_", " "), str(finding["measured"])]
            for finding in inputs.audit["findings"]
        ]
        lines += [f"## Leak audit: {inputs.audit['verdict']}", "", _markdown(["", "Check", "Measured"], findings)]
    return "\n".join(lines)


def report_latex(inputs: ReportInputs) -> str:
    """Return the metrics at K as a LaTeX table."""
    settings = inputs.settings
    caption = (
        f"{settings['system']} on {Path(str(settings['data'])).name} ({settings['split']}, history "
        f"{settings['history']}, {inputs.counts['posts']:,} posts); 95 % bootstrap intervals over "
        f"{inputs.intervals.unit}."
    )
    return TextTable(headings=_headings(), cells=_rows(inputs)).latex(caption)


def _markdown(headings: list[str], cells: list[list[str]]) -> str:
    return TextTable(headings=headings, cells=cells).markdown()


def _headings() -> list[str]:
    return ["K", *(METRICS[name].label for name in COLUMNS)]


def _rows(inputs: ReportInputs) -> list[list[str]]:
    ks = inputs.metrics["k"].tolist()
    return [[str(k), *(with_interval(*value_at(inputs, name, k)) for name in COLUMNS)] for k in ks]


def _errors(inputs: ReportInputs) -> list[str]:
    errors = inputs.errors
    spread = [
        [f"{row['low']:g}–{row['high']:g}", f"{row['posts']:,}", percent(row["share"], 1)]
        for row in errors.ndcg_distribution.to_dict("records")
    ]
    bands = [
        [row["train_frequency"], *(f"{row[name]:,}" for name in ("hashtags", "tp", "fp", "fn")),
         number(row["precision"]), number(row["recall"])]
        for row in errors.by_frequency.to_dict("records")
    ]  # fmt: skip
    tags = [
        [row["hashtag"], *(f"{row[name]:,}" for name in ("tp", "fp", "fn", "tn")), number(row["f1"])]
        for row in errors.hashtags.head(_HASHTAGS).to_dict("records")
    ]
    pairs = [
        [row["missed"], row["instead"], f"{row['posts']:,}", f"{row['lift']:.1f}"]
        for row in errors.pairs.head(_PAIRS).to_dict("records")
    ]
    areas = [[curve.name, curve.kind.replace("_", " "), number(curve.area)] for curve in errors.curves]
    return [
        f"## Errors at K = {errors.k}",
        "",
        _markdown([f"NDCG@{errors.k}", "Posts", "Share"], spread),
        _markdown(["Train posts", "Hashtags", "TP", "FP", "FN", "Precision", "Recall"], bands),
        f"Areas under the curves, over the {errors.depth} saved scores of each post:",
        "",
        _markdown(["Curve", "Kind", "Area"], areas),
        _markdown(["Hashtag", "TP", "FP", "FN", "TN", "F1"], tags),
        _markdown(["Missed", "Instead", "Posts", "Lift"], pairs),
    ]
