"""The sections of the page on the length of the list."""

from __future__ import annotations

import numpy as np
import pandas as pd

from multimodal.evaluation.report.inputs import COLUMNS, ReportInputs
from multimodal.evaluation.report.parts import figure, number, percent, section, table, with_interval
from multimodal.evaluation.report.sections import NAMES, frame, value_at
from multimodal.evaluation.report.svg import Axis, Series, bar_chart, line_chart

_GAP = 1.08


def k_section(inputs: ReportInputs) -> str:
    """Return the metrics at every K with their intervals, and below the further ones."""
    ks = inputs.metrics["k"].tolist()
    rows = [[k, *(with_interval(*value_at(inputs, name, k)) for name in COLUMNS)] for k in ks]
    main = table(["K", *(NAMES[name] for name in COLUMNS)], rows, text=(), best=ks.index(inputs.k))
    further = [name for name in NAMES if name not in COLUMNS and inputs.metrics[name].notna().any()]
    others = table(
        ["K", *(NAMES[name] for name in further)],
        [
            [int(record["k"]), *(number(record[name]) for name in further)]
            for record in inputs.metrics.to_dict("records")
        ],
        text=(),
        best=ks.index(inputs.k),
    )
    return section("metrics", "Metrics at K", f"{main}<h3>Further metrics</h3>{others}")


def figures_section(inputs: ReportInputs) -> str:
    """Draw precision and recall, and hit rate and F1, against K."""
    drawn = [_against_k(inputs, ("precision", "recall")), _against_k(inputs, ("hit_rate", "f1"))]
    return section("figures", "Against the length of the list", f'<div class="grid">{"".join(drawn)}</div>')


def _against_k(inputs: ReportInputs, columns: tuple[str, str]) -> str:
    rows = inputs.interval_table
    series = []
    for column in columns:
        of = rows[rows["metric"] == column]
        series.append(
            Series(NAMES[column], of["k"].tolist(), of["value"].tolist(), of["low"].tolist(), of["high"].tolist())
        )
    ks = inputs.metrics["k"].tolist()
    top = min(1.0, _GAP * max(float(np.nanmax(np.asarray(line.high, float))) for line in series))
    title = " and ".join(NAMES[column].lower() if place and column != "f1" else NAMES[column]
                         for place, column in enumerate(columns))  # fmt: skip
    chart = line_chart(
        series,
        Axis("K, length of the list", ks[0] - 0.3, ks[-1] + 0.3),
        Axis("", 0, top or 1),
        markers=True,
        mark_x=inputs.k,
        label=f"{title} against K",
    )
    return figure(title, chart, f"Bands: 95 % intervals. Dotted: best K by F1, {inputs.k}.")


def which_k_section(inputs: ReportInputs) -> str:
    """Show how sure the best K is."""
    shares = inputs.intervals.best_k_shares()
    ks = list(shares)
    f1 = inputs.interval_table.query("metric == 'f1'")
    low, high = float(f1["low"].min()), float(f1["high"].max())
    curve = line_chart(
        [Series("F1", f1["k"].tolist(), f1["value"].tolist(), f1["low"].tolist(), f1["high"].tolist())],
        Axis("K, length of the list", ks[0] - 0.3, ks[-1] + 0.3),
        Axis("F1", max(low - 0.05 * (high - low), 0), high + 0.05 * (high - low) + 1e-9),
        markers=True,
        mark_x=inputs.k,
        label="F1 against K",
    )
    chart = bar_chart(
        [str(k) for k in ks],
        [("share", list(shares.values()))],
        Axis("share of resamples", 0, 1),
        "K",
        "share of resamples in which each K is best",
        [[percent(share) if share else "" for share in shares.values()]],
    )
    resamples = len(inputs.intervals.resampled["f1"])
    parts = [
        '<div class="grid">',
        figure("F1 from close", curve, "Band: 95 % interval. The vertical axis does not begin at 0."),
        figure(
            "How often each K is the best by F1",
            chart,
            f"In {shares[inputs.k]:.0%} of {resamples:,} resamples of the {inputs.intervals.unit}, K = {inputs.k} is "
            "the best.",
        ),
        "</div>",
    ]
    if inputs.which_k is not None:
        parts.append("<h3>One K for all, and a K for each post</h3>" + _which_k_table(inputs.which_k))
    return section("which-k", "Which K?", "".join(parts))


def _which_k_table(values: pd.DataFrame) -> str:
    if not {"rule", "k", "precision", "recall", "f1", "f1_low", "f1_high", "mean_length"} <= set(values.columns):
        return frame(values)
    records = values.to_dict("records")
    rows = [
        [
            f"K = {row['k']:.0f}"
            if row["rule"] == "fixed"
            else f"by score, from {row.get('threshold', np.nan):.3g} on",
            row["tuned_on"] if isinstance(row.get("tuned_on"), str) else "",
            number(row["precision"]),
            number(row["recall"]),
            with_interval(row["f1"], row["f1_low"], row["f1_high"]),
            number(row["mean_length"], 2),
        ]
        for row in records
    ]
    best = int(np.nanargmax([row["f1"] for row in records]))
    return table(["Length of the list", "Chosen on", "Precision", "Recall", "F1", "Mean length"], rows, (0, 1), best)
