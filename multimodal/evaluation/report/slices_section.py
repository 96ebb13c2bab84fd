"""The section of the page on kinds of posts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from multimodal.evaluation.report.inputs import COLUMNS, ReportInputs
from multimodal.evaluation.report.parts import figure, note, section, table, with_interval
from multimodal.evaluation.report.sections import NAMES, frame
from multimodal.evaluation.report.svg import Axis, dot_rows

_GAP = 1.08


def slices_section(inputs: ReportInputs) -> str:
    """Show the metrics by kind of post."""
    slices = inputs.slices
    if slices is None:
        return section(
            "slices", "Slices", note("Not worked out: run python scripts/evaluate.py … --slices, then --report again.")
        )
    if not {"slicing", "slice", "posts", "f1", "f1_low", "f1_high"} <= set(slices.columns):
        return section("slices", "Slices", frame(slices))
    from multimodal.evaluation.slices.slices import HASHTAG_FREQUENCY, TITLES

    groups = [(str(name), rows) for name, rows in slices.groupby("slicing", sort=False)]
    overall = float(groups[0][1]["f1"].iloc[0])
    columns = [name for name in ("f1", "f1_high", "recall", "recall_high") if name in slices]
    top = min(1.0, _GAP * float(np.nanmax(slices[columns].to_numpy(float), initial=0.05)))
    drawn: list[str] = []
    rows: list[list[object]] = []
    for name, part in groups:
        column = "recall" if name == HASHTAG_FREQUENCY else "f1"
        held = part[part["posts"] > 0]
        if name in TITLES:
            drawn.append(_slice_figure(TITLES[name], held, column, top, overall if column == "f1" else None))
        rows += [[TITLES[name]]] if name in TITLES else []
        rows += [
            [str(row["slice"]), f"{row['posts']:,}"]
            + [with_interval(row[metric], row[f"{metric}_low"], row[f"{metric}_high"]) for metric in COLUMNS[:4]]
            for row in part.to_dict("records")
        ]
    listed = table(["Slice", "Posts", *(NAMES[name] for name in COLUMNS[:4])], rows)
    k = int(slices["k"].iloc[0]) if "k" in slices else inputs.k
    lead = f"At K = {k}. Lines are 95 % intervals, the dotted line is F1 over all posts."
    return section("slices", "Slices", f'<div class="grid">{"".join(drawn)}</div>{listed}', lead)


def _slice_figure(title: str, rows: pd.DataFrame, column: str, top: float, mark: float | None) -> str:
    dots = [
        (f"{row['slice']} ({row['posts']:,})", row[column], row[f"{column}_low"], row[f"{column}_high"])
        for row in rows.to_dict("records")
    ]
    shown = f"{title}: {NAMES[column] if column == 'f1' else 'recall of hashtags'}"
    return figure(shown, dot_rows(dots, Axis("", 0, top), mark, shown))
