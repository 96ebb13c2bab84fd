"""The charts of metrics against the length of the list."""

from __future__ import annotations

import numpy as np

from multimodal.evaluation.files.text_table import percent
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.report.charts import Axis, Chart, Series, bar_chart, line_chart
from multimodal.evaluation.report.inputs import ReportInputs

_GAP = 1.08


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
        [percent(share) if share else "" for share in shares.values()],
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
