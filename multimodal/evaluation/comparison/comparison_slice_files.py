"""A comparison by slices as a table for the terminal, and as CSV and Markdown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from multimodal.evaluation.comparison.comparison_files import difference_style
from multimodal.evaluation.files.text_table import TextTable, number, probability, with_signed_interval
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.slices.slices import TITLES
from multimodal.storage.run_folder import write_atomically

HEADINGS = ("Slice", "Posts", "Value", "Against", "Difference [95 %]", "p (Holm)", "More than elsewhere [95 %]")


def _groups(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    groups = []
    for key, rows in table.groupby(["slicing", "system", "against", "metric", "k"], sort=False):
        slicing, system, against, metric, k = map(str, key)
        groups.append((f"{TITLES[slicing]}: {METRICS.label(metric)}@{k} of {system} – {against}", rows))
    return groups


def _cells(row: dict[Any, Any]) -> list[str]:
    return [
        str(row["slice"]),
        f"{row['posts']:,}",
        number(row["value"]),
        number(row["value_against"]),
        with_signed_interval(row["difference"], row["difference_low"], row["difference_high"]),
        probability(row["p_holm"]),
        with_signed_interval(row["lead"], row["lead_low"], row["lead_high"]),
    ]


def slice_tables(table: pd.DataFrame) -> list[TextTable]:
    """Return a table for the terminal per slicing, system, metric and K; differences that hold stand out."""
    return [
        TextTable(
            headings=[re.sub(r" (?=[\[(])|(?<=than) ", "\n", heading) for heading in HEADINGS],
            cells=[[cell.replace(" [", "\n[") for cell in _cells(row)] for row in rows.to_dict("records")],
            title=title,
            styles=[difference_style(row) for row in rows.to_dict("records")],
        )
        for title, rows in _groups(table)
    ]


def write_slice_comparison(folder: Path, table: pd.DataFrame) -> list[Path]:
    """Write `comparison_slices.csv` and `.md` and return their paths."""
    parts = ["# Differences by slice", ""]
    for title, rows in _groups(table):
        cells = [_cells(row) for row in rows.to_dict("records")]
        parts += [f"## {title}", "", TextTable(headings=HEADINGS, cells=cells).markdown()]
    texts = {"comparison_slices.csv": table.to_csv(index=False), "comparison_slices.md": "\n".join(parts)}
    for name, text in texts.items():
        write_atomically(folder / name, lambda path, text=text: path.write_text(text, encoding="utf-8"))  # type: ignore[misc]
    return [folder / name for name in texts]
