"""A comparison as a table for the terminal, and as CSV, Markdown, LaTeX and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from multimodal.evaluation.comparison.comparison import Comparison, settings_of
from multimodal.evaluation.files.text_tables import (
    DASH,
    latex_table,
    markdown_table,
    number,
    plain_values,
    signed,
    with_interval,
    with_signed_interval,
)
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.storage.run_folder import write_atomically, write_json

SIGNIFICANT = 0.05


def headings(comparison: Comparison) -> list[str]:
    """Return the headings of `rows`; columns that no row fills are left out."""
    share = f"{comparison.protocol.level:.0%}"
    seeds = ["± sd (seeds)"] if comparison.table["sd_over_seeds"].notna().any() else []
    return ["System", "Metric", "K", f"Value [{share}]", *seeds, f"Difference [{share}]",
            "p", "Holm", "Effect", "Win / tie / loss"]  # fmt: skip


def rows(comparison: Comparison) -> list[list[str]]:
    """Return the cells of each row as text."""
    with_seeds = bool(comparison.table["sd_over_seeds"].notna().any())
    return [_cells(record, with_seeds) for record in comparison.table.to_dict("records")]


def _cells(record: dict[Any, Any], with_seeds: bool) -> list[str]:
    seeds = []
    if with_seeds:
        alone = math.isnan(record["sd_over_seeds"])
        seeds = ["–" if alone else f"± {record['sd_over_seeds']:.4f} ({record['runs']})"]
    first = [
        str(record["system"]),
        METRICS.label(str(record["metric"])),
        str(record["k"]),
        with_interval(record["value"], record["low"], record["high"]),
        *seeds,
    ]
    if pd.isna(record["against"]):
        return [*first, DASH, "", "", "", ""]
    outcome = " / ".join(f"{int(record[name]):,}" for name in ("wins", "ties", "losses"))
    return [
        *first,
        with_signed_interval(record["difference"], record["difference_low"], record["difference_high"]),
        probability(record["p"]),
        probability(record["p_holm"]),
        signed(record["effect_size"], 2),
        outcome,
    ]


def probability(p: float) -> str:
    """Return a p-value as text."""
    if math.isnan(p):
        return "–"
    return "< .0001" if p < 1e-4 else number(p, 4)


def comparison_table(comparison: Comparison) -> Table:
    """Return the comparison for the terminal; differences that hold after Holm's correction stand out."""
    title = f"Compared with {comparison.against}"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", overflow="fold", min_width=10)
    # Second lines keep the table within 80 columns.
    seeds = "± sd (seeds)" in headings(comparison)
    share = f"{comparison.protocol.level:.0%}"
    for heading in ("At", f"Value\n[{share}]", f"Difference\n[{share}]", "p\nHolm", "Effect", "Win\ntie\nloss"):
        table.add_column(escape(heading), justify="left" if heading == "At" else "right", no_wrap=True)
    records = comparison.table.to_dict("records")
    for cells, record in zip(rows(comparison), records, strict=True):
        name, metric, k, value = cells[:4]
        difference, p, p_holm, effect, outcome = cells[-5:]
        stacked = [name, f"{metric}@{k}", value.replace(" [", "\n["), difference.replace(" [", "\n["),
                   f"{p}\n{p_holm}", effect, outcome.replace(" / ", "\n")]  # fmt: skip
        if seeds:
            stacked[2] += "" if cells[4] == DASH else f"\n{cells[4]}"
        holds = record["p_holm"] < SIGNIFICANT
        style = ("green" if record["difference"] > 0 else "red") if holds else None
        table.add_row(*map(escape, stacked), style=style)
    return table


def caption(comparison: Comparison) -> str:
    """Return what the figures rest on, in a sentence."""
    protocol, tests = comparison.protocol, int(comparison.table["p"].notna().sum())
    return (
        f"{len(comparison.aligned.post_ids):,} posts; {protocol.resamples:,} bootstrap samples and "
        f"{protocol.permutations:,} random swaps of {protocol.unit}; Holm over {tests} comparison{'s'[: tests != 1]}"
    )


def comparison_record(comparison: Comparison) -> dict[str, Any]:
    """Return the content of `comparison.json`."""
    return {**settings_of(comparison), "table": plain_values(comparison.table)}


def write_comparison(folder: Path, comparison: Comparison) -> list[Path]:
    """Write `comparison.csv`, `.md`, `.tex` and `.json` and return their paths.

    Args:
        folder: made if needed.
        comparison: numbers in full precision go to CSV and JSON, rounded ones to Markdown and LaTeX.
    """
    cells, columns, below = rows(comparison), headings(comparison), caption(comparison)
    texts = {
        "comparison.csv": comparison.table.to_csv(index=False),
        "comparison.md": _markdown(columns, cells, below, comparison.notes),
        "comparison.tex": latex_table(columns, cells, f"Comparison with {comparison.against}. {below}."),
    }
    for name, text in texts.items():
        write_atomically(folder / name, lambda path, text=text: path.write_text(text, encoding="utf-8"))  # type: ignore[misc]
    write_json(folder / "comparison.json", comparison_record(comparison))
    return [folder / name for name in (*texts, "comparison.json")]


def _markdown(columns: Sequence[str], cells: Sequence[Sequence[str]], below: str, notes: Sequence[str]) -> str:
    return "\n".join([markdown_table(columns, cells), f"{below}.", *(f"\nNote: {note}." for note in notes), ""])
