"""The metrics at every K as tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from multimodal.evaluation.metrics.catalogue import METRICS, DataMetric
from multimodal.evaluation.report.inputs import COLUMNS, ReportInputs
from multimodal.evaluation.report.tables import Cell, Table, data_table, with_interval
from multimodal.evaluation.report.text import number


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
            f"K = {row['k']:.0f}"
            if row["rule"] == "fixed"
            else f"scores of at least {row.get('threshold', np.nan):.3g}",
            row["tuned_on"] if isinstance(row.get("tuned_on"), str) else "",
            number(row["precision"]),
            number(row["recall"]),
            with_interval(row["f1"], row["f1_low"], row["f1_high"]),
            number(row["mean_length"], 2),
        ]
        for row in records
    ]
    best = int(np.nanargmax([row["f1"] for row in records]))
    return Table(["Length of the list", "Chosen on", "Precision", "Recall", "F1", "Mean length"], rows, (0, 1), best)
