"""The metrics at every K, as tables and as charts against K."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from multimodal.evaluation.files.text_table import percent
from multimodal.evaluation.metrics.catalogue import METRICS, DataMetric
from multimodal.evaluation.report.charts import Axis, Chart, Series, bar_chart, line_chart
from multimodal.evaluation.report.inputs import COLUMNS, ReportInputs
from multimodal.evaluation.report.tables import Cell, Table, data_table, with_interval
from multimodal.evaluation.report.text import number

_GAP = 1.08
# Smaller shares read 0 %.
_WORTH_A_LABEL = 0.005


def value_at(inputs: ReportInputs, column: str, k: int) -> tuple[float, float, float]:
    """Return a metric with the ends of its interval at one K."""
    rows = inputs.interval_table
    row = rows[(rows["metric"] == column) & (rows["k"] == k)].iloc[0]
    return float(row["value"]), float(row["low"]), float(row["high"])


def metrics_table(inputs: ReportInputs) -> Table:
    """Return the main metrics at every K with their intervals."""
    ks = inputs.metrics["k"].tolist()
    rows = [[str(k), *(with_interval(*value_at(inputs, name, k)) for name in COLUMNS)] for k in ks]
    return Table(["K", *(METRICS[name].label for name in COLUMNS)], rows, text=(), best=ks.index(inputs.k))


def further_metrics_table(inputs: ReportInputs) -> Table:
    """Return the metrics that have no interval, at every K."""
    further = [
        name
        for name, metric in METRICS.items()
        if not metric.headline and not isinstance(metric, DataMetric) and inputs.metrics[name].notna().any()
    ]
    rows = [
        [str(record["k"]), *(number(record[name]) for name in further)] for record in inputs.metrics.to_dict("records")
    ]
    best = inputs.metrics["k"].tolist().index(inputs.k)
    return Table(["K", *(METRICS[name].label for name in further)], rows, text=(), best=best)


def which_k_table(values: pd.DataFrame) -> Table:
    """Return `which_k.csv`: one K for all posts, and a list length for each post by its scores."""
    if not {"rule", "k", "precision", "recall", "f1", "f1_low", "f1_high", "mean_length"} <= set(values.columns):
        return data_table(values)
    records = values.to_dict("records")
    rows: list[list[Cell]] = [
        [
            _length(row),
            row["tuned_on"] if isinstance(row.get("tuned_on"), str) else "",
            number(row["precision"]),
            number(row["recall"]),
            with_interval(row["f1"], row["f1_low"], row["f1_high"]),
            number(row.get("f1_per_post", np.nan)),
            number(row["mean_length"], 2),
        ]
        for row in records
    ]
    best = int(np.nanargmax([row["f1"] for row in records]))
    headings = ["Length of the list", "Chosen on", "Precision", "Recall", "F1", "F1 per post", "Mean length"]
    return Table(headings, rows, (0, 1), best)


def _length(row: Mapping[Hashable, Any]) -> str:
    if row["rule"] == "fixed":
        return f"K = {row['k']:.0f}"
    if row["rule"] == "auto":
        return "auto: the highest expected F1"
    return f"scores of at least {row.get('threshold', np.nan):.3g}"


def sweep_charts(inputs: ReportInputs) -> list[Chart]:
    """Draw precision and recall, and hit rate and F1, against K."""
    return [
        _against_k(inputs, ("precision", "recall"), "Precision and recall"),
        _against_k(inputs, ("hit_rate", "f1"), "Hit rate and F1"),
    ]


def _against_k(inputs: ReportInputs, columns: tuple[str, str], title: str) -> Chart:
    series = [_series(inputs, column) for column in columns]
    top = min(1.0, _GAP * max(float(np.nanmax(np.asarray(line.high, float))) for line in series))
    svg = line_chart(
        series, _k_axis(inputs), Axis("", 0, top or 1), f"{title} against K", markers=True, mark_x=inputs.k
    )
    return Chart(title, svg, f"Bands: 95 % intervals. Dotted line and rings: best K by F1, {inputs.k}.")


def best_k_charts(inputs: ReportInputs) -> list[Chart]:
    """Draw F1 in close-up, and how often each K is the best in resamples."""
    f1 = _series(inputs, "f1")
    low, high = float(np.nanmin(np.asarray(f1.low))), float(np.nanmax(np.asarray(f1.high)))
    margin = 0.05 * (high - low)
    y = Axis("F1", max(low - margin, 0), high + margin + 1e-9)
    curve = line_chart([f1], _k_axis(inputs), y, "F1 against K, in close-up", markers=True, mark_x=inputs.k)
    shares = inputs.intervals.best_k_shares()
    bars = bar_chart(
        [str(k) for k in shares],
        [("share of resamples", list(shares.values()))],
        "K",
        Axis("share of resamples", 0, 1),
        "share of resamples in which each K is the best",
        [percent(share) if share >= _WORTH_A_LABEL else "" for share in shares.values()],
    )
    often = (
        f"K = {inputs.k} is the best in {percent(shares[inputs.k])} of {len(inputs.intervals.resampled['f1']):,} "
        f"resamples of the {inputs.intervals.unit}."
    )
    return [
        Chart("F1 in close-up", curve, "Band: 95 % interval. The vertical axis does not start at 0."),
        Chart("How often each K is the best by F1", bars, often),
    ]


def _series(inputs: ReportInputs, column: str) -> Series:
    rows = inputs.interval_table
    rows = rows[rows["metric"] == column]
    k, value, low, high = (rows[name].tolist() for name in ("k", "value", "low", "high"))
    return Series(METRICS[column].label, k, value, low, high)


def _k_axis(inputs: ReportInputs) -> Axis:
    ks = inputs.metrics["k"].tolist()
    return Axis("K, length of the list", ks[0] - 0.3, ks[-1] + 0.3, whole=True)
