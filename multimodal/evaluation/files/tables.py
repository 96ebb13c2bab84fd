"""The sweep as a table for the terminal."""

from __future__ import annotations

import math

from rich.table import Table

from multimodal.evaluation.metrics.metric_table import Evaluation

COLUMNS = {
    "hit_rate": "Hit rate",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "ndcg": "NDCG",
    "map": "MAP",
}


def k_table(evaluation: Evaluation) -> Table:
    """Return one row per K with the main metrics; the best K by F1 is marked and stands out."""
    best = evaluation.best_k("f1")
    posts, left_out = evaluation.counts["posts"], evaluation.counts["posts_without_truth"]
    coverage = float(evaluation.table["coverage_of_truth"].iloc[0])
    caption = (
        f"{posts:,} posts; {left_out:,} without a true hashtag left out; vocabulary covers {coverage:.1%} of the truth"
    )
    table = Table(title="Metrics at K", caption=caption, caption_justify="left")
    table.add_column("K", justify="right")
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right")
    table.add_column("")
    for record in evaluation.table.to_dict("records"):
        k = int(record["k"])
        cells = [_number(float(record[column])) for column in COLUMNS]
        mark = "best F1" if k == best else ""
        table.add_row(str(k), *cells, mark, style="bold green" if k == best else None)
    return table


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
