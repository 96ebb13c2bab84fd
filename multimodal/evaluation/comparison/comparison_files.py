"""A comparison, as a whole and by slices, as tables for the terminal and as CSV, Markdown, LaTeX and JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from multimodal.evaluation.comparison.comparison import SIGNIFICANT, Comparison
from multimodal.evaluation.comparison.pictures import PICTURES
from multimodal.evaluation.comparison.pivots import marks_explained, paper_tables
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

_OLDER = ("comparison.*", "comparison_slices.*", "tables.md", "tables.tex", *PICTURES)
_SLICE_HEADINGS = ("Slice", "Posts", "Value", "Against", "Difference [95 %]", "p (Holm)", "More than elsewhere [95 %]")


def comparison_table(comparison: Comparison) -> TextTable:
    """Return one row per system, metric and K that is tested; without a column of seeds where no system has several."""
    share = percent(comparison.protocol.level)
    seeds = ["± sd (seeds)"] if _has_seeds(comparison) else []
    return TextTable(
        headings=["System", "Metric", "K", f"Value [{share}]", *seeds, f"Difference [{share}]",
                  "p", "Holm", "Effect", "Win / tie / loss"],
        cells=[_cells(record, bool(seeds)) for record in _tested(comparison)],
    )  # fmt: skip


def narrow_comparison_table(comparison: Comparison) -> TextTable:
    """Return what is tested for a terminal of 80 columns; differences that hold after Holm's correction stand out."""
    share = percent(comparison.protocol.level)
    records = _tested(comparison)
    return TextTable(
        headings=["", "At", f"Value\n[{share}]", f"Difference\n[{share}]", "p\nHolm", "Effect\nwin/tie/loss"],
        cells=[_stacked(_cells(record, _has_seeds(comparison))) for record in records],
        title=f"Compared with {comparison.against}",
        text_columns=2,
        styles=[_difference_style(record) for record in records],
    )


def _tested(comparison: Comparison) -> list[dict[Any, Any]]:
    ks = comparison.protocol.test_ks
    table = comparison.table if ks is None else comparison.table[comparison.table["k"].isin(ks)]
    return table.to_dict("records")


def _difference_style(record: dict[Any, Any]) -> str:
    """Return the colour of a difference in the terminal; none unless it holds after Holm's correction."""
    if not (record["p_holm"] < SIGNIFICANT or record.get("differs") is True):
        return ""
    return "green" if record["difference"] > 0 else "red"


def _has_seeds(comparison: Comparison) -> bool:
    return bool(comparison.table["sd_over_seeds"].notna().any())


def _stacked(cells: Sequence[str]) -> list[str]:
    name, metric, k, value, *seeds, difference, p, p_holm, effect, outcome = cells
    value = "\n".join([value, *(text for text in seeds if text != DASH)])
    outcome = outcome.replace(" / ", "/")
    stacked = [name, f"{metric}@{k}", value, difference, f"{p}\n{p_holm}", f"{effect}\n{outcome}"]
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
    protocol, tests = comparison.protocol, int(comparison.table["p_holm"].notna().sum())
    least, most = protocol.swaps_at_once, int(comparison.table["swaps"].max())
    swaps = f"{least:,}" if most <= least else f"{least:,} to {most:,}"
    return (
        f"{len(comparison.aligned.post_ids):,} posts; {protocol.resamples:,} bootstrap samples and "
        f"{swaps} random swaps of {protocol.unit}; Holm over {tests} comparison{'s'[: tests != 1]}"
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
        "permutations": protocol.swaps_at_once,
        "tested_ks": sorted(set(comparison.table.loc[comparison.table["p_holm"].notna(), "k"].tolist())),
        "level": protocol.level,
        "seed": protocol.seed,
        "holm_over": int(comparison.table["p_holm"].notna().sum()),
        "notes": list(comparison.notes),
        "table": plain_values(comparison.table),
    }


def write_comparison(
    folder: Path,
    comparison: Comparison,
    *,
    slices: pd.DataFrame | None = None,
    further: Mapping[str, Content] | None = None,
    wide: bool = False,
) -> list[Path]:
    """Write `comparison.csv`, `.md`, `.tex` and `.json`, the tables for a paper and the slices; return their paths.

    Files of an earlier comparison that are not written again are removed.

    Args:
        comparison: numbers in full precision go to CSV and JSON, rounded ones to Markdown and LaTeX.
        slices: what `compare_slices` gives.
        further: more files: pictures and page.
        wide: LaTeX tables go across both columns of a page of two.
    """
    shown, below = comparison_table(comparison), caption(comparison)
    notes = [f"\nNote: {note}." for note in comparison.notes]
    contents: dict[str, Content] = {
        "comparison.csv": comparison.table,
        "comparison.md": "\n".join([shown.markdown(), f"{below}.", *notes, ""]),
        "comparison.tex": shown.latex(f"Comparison with {comparison.against}. {below}.", wide=wide),
        "comparison.json": comparison_record(comparison),
        **_paper_files(comparison, wide),
        **({} if slices is None else slice_comparison_files(slices)),
        **(further or {}),
    }
    return write_files(folder, contents, _OLDER)


def _paper_files(comparison: Comparison, wide: bool) -> dict[str, Content]:
    marks = marks_explained(comparison)
    tables = paper_tables(comparison)
    latex = [table.latex(f"{table.title}; {marks}. {caption(comparison)}.", wide=wide) for table in tables]
    parts = [f"## {table.title}\n\n{table.markdown()}" for table in tables]
    text = "\n".join(["# Tables for a paper", "", *parts, f"{marks[0].upper()}{marks[1:]}. {caption(comparison)}.", ""])
    return {"tables.md": text, "tables.tex": "\n".join(latex)}


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


def slice_comparison_files(table: pd.DataFrame) -> dict[str, Content]:
    """Return `comparison_slices.csv` and `.md`."""
    parts = ["# Differences by slice", ""]
    for title, rows in _groups(table):
        cells = [_slice_cells(row) for row in rows.to_dict("records")]
        parts += [f"## {title}", "", TextTable(headings=_SLICE_HEADINGS, cells=cells).markdown()]
    return {"comparison_slices.csv": table, "comparison_slices.md": "\n".join(parts)}
