"""The metrics of each kind of post: charts and a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.report.charts import Chart, interval_chart
from multimodal.evaluation.report.inputs import COLUMNS
from multimodal.evaluation.report.tables import Cell, Table, data_table, with_interval
from multimodal.evaluation.slices.slices import HASHTAG_FREQUENCY, TITLES

_GAP = 1.08
_NEEDED = frozenset({"slicing", "slice", "posts", "k", "f1", "f1_low", "f1_high"})


def slices_chartable(slices: pd.DataFrame) -> bool:
    """Return whether `slices.csv` holds the columns that charts need."""
    return set(slices.columns) >= _NEEDED


def _held(slices: pd.DataFrame) -> pd.DataFrame:
    """Return the slices that hold posts, of slicings that divide the posts: one slice is all of them."""
    held = slices[slices["posts"] > 0]
    sizes = held.groupby("slicing")["slice"].transform("size")
    return held[(sizes > 1) | ~held["slicing"].isin(TITLES)]


def slice_charts(slices: pd.DataFrame) -> list[Chart]:
    """Draw F1 with its interval for the slices of each slicing; recall for bands of hashtags."""
    overall = float(slices["f1"].iloc[0])
    columns = [name for name in ("f1", "f1_high", "recall", "recall_high") if name in slices]
    top = min(1.0, _GAP * float(np.nanmax(slices[columns].to_numpy(float), initial=0.05)))
    charts = []
    for name, rows in _held(slices).groupby("slicing", sort=False):
        if name not in TITLES:
            continue
        banded = name == HASHTAG_FREQUENCY
        column = "recall" if banded else "f1"
        dots = [
            (f"{row['slice']} ({row['posts']:,})", row[column], row[f"{column}_low"], row[f"{column}_high"])
            for row in rows.to_dict("records")
        ]
        title = f"{TITLES[str(name)]}: {'recall of hashtags' if banded else 'F1'}"
        charts.append(Chart(title, interval_chart(dots, top, None if banded else overall, title)))
    return charts


def slices_table(slices: pd.DataFrame) -> Table:
    """Return the metrics of every slice, or `slices.csv` as it is if it lacks columns."""
    if not slices_chartable(slices):
        return data_table(slices)
    rows: list[list[Cell]] = []
    for name, part in _held(slices).groupby("slicing", sort=False):
        rows += [[TITLES[str(name)]]] if name in TITLES else []
        for row in part.to_dict("records"):
            cells = [with_interval(row[metric], row[f"{metric}_low"], row[f"{metric}_high"]) for metric in COLUMNS[:4]]
            rows.append([str(row["slice"]), f"{row['posts']:,}", *cells])
    return Table(["Slice", "Posts", *(METRICS[name].label for name in COLUMNS[:4])], rows)
