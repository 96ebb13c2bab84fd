"""The sweep as a table for the terminal."""

from __future__ import annotations

from multimodal.evaluation.files.text_table import TextTable, number, percent
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.metric_table import MetricTable


def k_table(metrics: MetricTable) -> TextTable:
    """Return one row per K with the main metrics; the best K by F1 is marked and stands out."""
    best = metrics.best_k()
    posts, left_out = metrics.counts["posts"], metrics.counts["posts_without_truth"]
    coverage = float(metrics.table["coverage_of_truth"].iloc[0])
    caption = (
        f"{posts:,} posts; {left_out:,} without a true hashtag left out; "
        f"vocabulary covers {percent(coverage, 1)} of the truth"
    )
    rows = [
        [str(int(row["k"])), *(number(row[name]) for name in METRICS.headline), "best F1" if row["k"] == best else ""]
        for row in metrics.table.to_dict("records")
    ]
    return TextTable(
        headings=["K", *map(METRICS.label, METRICS.headline), ""],
        cells=rows,
        title="Metrics at K",
        caption=caption,
        text_columns=0,
        styles=["bold green" if k == best else "" for k in metrics.ks],
    )
