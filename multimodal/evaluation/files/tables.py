"""The sweep as a table for the terminal."""

from __future__ import annotations

import math

from rich.table import Table

from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.metric_table import Evaluation


def k_table(evaluation: Evaluation) -> Table:
    """Return one row per K with the main metrics; the best K by F1 is marked and stands out."""
    best = evaluation.best_k()
    posts, left_out = evaluation.counts["posts"], evaluation.counts["posts_without_truth"]
    coverage = float(evaluation.table["coverage_of_truth"].iloc[0])
    caption = (
        f"{posts:,} posts; {left_out:,} without a true hashtag left out; vocabulary covers {coverage:.1%} of the truth"
    )
    table = Table(title="Metrics at K", caption=caption, caption_justify="left")
    table.add_column("K", justify="right")
    for name in METRICS.headline:
        table.add_column(METRICS.label(name), justify="right")
    table.add_column("")
    for record in evaluation.table.to_dict("records"):
        k = int(record["k"])
        cells = [_number(float(record[column])) for column in METRICS.headline]
        mark = "best F1" if k == best else ""
        table.add_row(str(k), *cells, mark, style="bold green" if k == best else None)
    return table


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
