"""A comparison, as a whole and by slices, as tables for the terminal and as CSV, Markdown, LaTeX and JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from multimodal.evaluation.comparison.comparison import Comparison
from multimodal.evaluation.files.text_table import (
    DASH,
    TextTable,
    number,
    percent,
    probability,
    signed,
    with_interval,
    with_signed_interval,
)
from multimodal.evaluation.files.writing import Content, plain_values, write_files
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.slices.slices import TITLES

SIGNIFICANT = 0.05
_SLICE_HEADINGS = ("Slice", "Posts", "Value", "Against", "Difference [95 %]", "p (Holm)", "More than elsewhere [95 %]")


def comparison_table(comparison: Comparison) -> TextTable:
    """Return one row per system, metric and K; without a column of seeds where no system has several."""
    share = percent(comparison.protocol.level)
    seeds = ["± sd (seeds)"] if _has_seeds(comparison) else []
    return TextTable(
        headings=["System", "Metric", "K", f"Value [{share}]", *seeds, f"Difference [{share}]",
                  "p", "Holm", "Effect", "Win / tie / loss"],
        cells=[_cells(record, bool(seeds)) for record in comparison.table.to_dict("records")],
    )  # fmt: skip


def narrow_comparison_table(comparison: Comparison) -> TextTable:
    """Return the comparison for a terminal of 80 columns; differences that hold after Holm's correction stand out."""
    share = percent(comparison.protocol.level)
    records = comparison.table.to_dict("records")
    return TextTable(
        headings=["", "At", f"Value\n[{share}]", f"Difference\n[{share}]", "p\nHolm", "Effect", "Win\ntie\nloss"],
        cells=[_stacked(_cells(record, _has_seeds(comparison))) for record in records],
        title=f"Compared with {comparison.against}",
        text_columns=2,
        styles=[_difference_style(record) for record in records],
    )


def _difference_style(record: dict[Any, Any]) -> str:
    """Return the colour of a difference in the terminal; none unless it holds after Holm's correction."""
    if not record["p_holm"] < SIGNIFICANT:
        return ""
    return "green" if record["difference"] > 0 else "red"


def _has_seeds(comparison: Comparison) -> bool:
    return bool(comparison.table["sd_over_seeds"].notna().any())


def _stacked(cells: Sequence[str]) -> list[str]:
    name, metric, k, value, *seeds, difference, p, p_holm, effect, outcome = cells
    value = "\n".join([value, *(text for text in seeds if text != DASH)])
    stacked = [name, f"{metric}@{k}", value, difference, f"{p}\n{p_holm}", effect, outcome.replace(" / ", "\n")]
    return [cell.replace(" [", "\n[") for cell in stacked]


def _cells(record: dict[Any, Any], with_seeds: bool) -> list[str]:
    seeds = []
    if with_seeds:
        alone = math.isnan(record["sd_over_seeds"])
        seeds = [DASH if alone else f"± {number(record['sd_over_seeds'], 4)} ({record['runs']})"]
    first = [
        str(record["system"]),
        METRICS.label(str(record["metric"])),
        str(record["k"]),
        with_interval(record["value"], record["low"], record["high"]),
        *seeds,
    ]
    if pd.isna(record["against"]):
        return [*first, DASH, "", "", "", ""]
    return [
        *first,
        with_signed_interval(record["difference"], record["difference_low"], record["difference_high"]),
        probability(record["p"]),
        probability(record["p_holm"]),
        signed(record["effect_size"], 2),
        " / ".join(f"{int(record[name]):,}" for name in ("wins", "ties", "losses")),
    ]


def caption(comparison: Comparison) -> str:
    """Return what the figures are based on, in one sentence."""
    protocol, tests = comparison.protocol, int(comparison.table["p"].notna().sum())
    return (
        f"{len(comparison.aligned.post_ids):,} posts; {protocol.resamples:,} bootstrap samples and "
        f"{protocol.permutations:,} random swaps of {protocol.unit}; Holm over {tests} comparison{'s'[: tests != 1]}"
    )


def comparison_record(comparison: Comparison) -> dict[str, Any]:
    """Return the content of `comparison.json`."""
    protocol = comparison.protocol
    return {
        "against": comparison.against,
        "runs": {name: list(given) for name, given in comparison.runs.items()},
        "posts": len(comparison.aligned.post_ids),
        "unit": protocol.unit,
        "resamples": protocol.resamples,
        "permutations": protocol.permutations,
        "level": protocol.level,
        "seed": protocol.seed,
        "holm_over": int(comparison.table["p"].notna().sum()),
        "notes": list(comparison.notes),
        "table": plain_values(comparison.table),
    }


def write_comparison(folder: Path, comparison: Comparison) -> list[Path]:
    """Write `comparison.csv`, `.md`, `.tex` and `.json` and return their paths.

    Args:
        comparison: numbers in full precision go to CSV and JSON, rounded ones to Markdown and LaTeX.
    """
    shown, below = comparison_table(comparison), caption(comparison)
    notes = [f"\nNote: {note}." for note in comparison.notes]
    contents: dict[str, Content] = {
        "comparison.csv": comparison.table,
        "comparison.md": "\n".join([shown.markdown(), f"{below}.", *notes, ""]),
        "comparison.tex": shown.latex(f"Comparison with {comparison.against}. {below}."),
        "comparison.json": comparison_record(comparison),
    }
    return write_files(folder, contents)


def _groups(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    groups = []
    for key, rows in table.groupby(["slicing", "system", "against", "metric", "k"], sort=False):
        slicing, system, against, metric, k = map(str, key)
        groups.append((f"{TITLES[slicing]}: {METRICS.label(metric)}@{k} of {system} – {against}", rows))
    return groups


def _slice_cells(row: dict[Any, Any]) -> list[str]:
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
            headings=[re.sub(r" (?=[\[(])|(?<=than) ", "\n", heading) for heading in _SLICE_HEADINGS],
            cells=[[cell.replace(" [", "\n[") for cell in _slice_cells(row)] for row in rows.to_dict("records")],
            title=title,
            styles=[_difference_style(row) for row in rows.to_dict("records")],
        )
        for title, rows in _groups(table)
    ]


def write_slice_comparison(folder: Path, table: pd.DataFrame) -> list[Path]:
    """Write `comparison_slices.csv` and `.md` and return their paths."""
    parts = ["# Differences by slice", ""]
    for title, rows in _groups(table):
        cells = [_slice_cells(row) for row in rows.to_dict("records")]
        parts += [f"## {title}", "", TextTable(headings=_SLICE_HEADINGS, cells=cells).markdown()]
    return write_files(folder, {"comparison_slices.csv": table, "comparison_slices.md": "\n".join(parts)})
