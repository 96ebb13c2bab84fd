"""A benchmark for people: tables for the terminal, Markdown and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from multimodal.evaluation.files.text_table import TextTable, number, with_interval
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.experiments.benchmark.running import Failure

_POOLED = ("f1_micro", "f1_macro_label")
_WITH_INTERVAL = ("f1", "ndcg")
# What 80 columns leave for the name of a System.
_NAME_WIDTH = 10


def at_k_table(table: pd.DataFrame, k: int) -> TextTable:
    """Return the metrics at one K, intervals with F1 and NDCG."""
    headings = ["system", *(f"{METRICS[name].heading}@{k}" for name in (*METRICS.headline, *_POOLED))]
    cells = []
    for line in table[table["k"] == k].to_dict("records"):
        values = [
            with_interval(line[metric], line[f"{metric}_low"], line[f"{metric}_high"])
            if metric in _WITH_INTERVAL
            else number(line[metric])
            for metric in (*METRICS.headline, *_POOLED)
        ]
        cells.append([line["system"], *values])
    return TextTable(headings=headings, cells=cells)


def narrow_at_k_table(table: pd.DataFrame, k: int) -> TextTable:
    """Return the metrics at one K for a terminal of 80 columns: the interval of F1 alone."""
    names = (*METRICS.headline, *_POOLED)
    at = names.index("f1") + 1
    short = [METRICS[name].heading for name in names]
    headings = ["system", *short[:at], "95 %", *short[at:]]
    cells = []
    for line in table[table["k"] == k].to_dict("records"):
        texts = [number(line[name]) for name in names]
        interval = f"{number(line['f1_low'])}–{number(line['f1_high'])}"
        cells.append([_folded(line["system"]), *texts[:at], interval, *texts[at:]])
    return TextTable(headings=_stacked(headings), cells=cells, title=f"K = {k}")


def cost_table(table: pd.DataFrame) -> TextTable:
    """Return the metrics of labels above the threshold, and of what each System costs."""
    headings = ["system", "threshold", "micro F1", "macro F1", "new-tag recall", "training", "model", "ms a post"]
    cells = []
    for line in table.drop_duplicates("system", keep="last").to_dict("records"):
        cells.append(
            [
                line["system"],
                f"{line['threshold']:.3g}",
                number(line["labels_f1_micro"]),
                number(line["labels_f1_macro"]),
                number(line["new_hashtag_recall"]),
                f"{line['training_s']:,.0f} s",
                f"{line['size_bytes'] / 1e6:,.1f} MB",
                f"{line['ms_per_post']:.2f}",
            ]
        )
    return TextTable(headings=_stacked(headings), cells=cells, title="Labels above a threshold, and cost")


def _folded(name: str) -> str:
    """Break a name that is too long for its column behind an underscore."""
    cut = name.rfind("_", 0, _NAME_WIDTH) + 1
    return f"{name[:cut]}\n{name[cut:]}" if cut and len(name) > _NAME_WIDTH else name


def _stacked(headings: Sequence[str]) -> list[str]:
    return [heading.replace(" ", "\n") for heading in headings]


def explanation(table: pd.DataFrame, settings: dict[str, Any], failures: Sequence[Failure]) -> str:
    """Return how the figures came about, and what is missing."""
    deepest = int(table["k"].max()) if len(table) else 0
    posts = int(table["posts"].iloc[0]) if len(table) else 0
    rule = (
        "each System's own, with the best micro F1 on the validation split"
        if settings["threshold"] is None
        else f"{settings['threshold']:g} for all"
    )
    lines = [
        f"{posts:,} posts of the test split, history rolling, seed {settings['seed']}; in brackets 95 % bootstrap "
        f"intervals over {settings['unit']}.",
        f"Micro and macro F1 without a K: of the hashtags whose score reaches a threshold; the threshold is {rule}. "
        f"New-tag recall is that of the first {deepest}. The model's size leaves remembered posts out.",
        *(f"Left out: {failure.entry.name}: {failure.reason}" for failure in failures),
    ]
    return "\n".join(lines)


def markdown(table: pd.DataFrame, settings: dict[str, Any], failures: Sequence[Failure]) -> str:
    """Return everything as Markdown."""
    ks = sorted(int(k) for k in table["k"].unique()) if len(table) else []
    parts = ["# Every System, side by side", explanation(table, settings, failures)]
    parts += [at_k_table(table, k).markdown() for k in ks]
    if len(table):
        parts.append(cost_table(table).markdown())
    return "\n\n".join([*parts, f"Command: `{settings['command']}`"]) + "\n"


def write_report(
    folder: Path, table: pd.DataFrame, settings: dict[str, Any], failures: Sequence[Failure]
) -> list[Path]:
    """Write `benchmark.csv` and `benchmark.md` and return their paths."""
    return write_files(folder, {"benchmark.csv": table, "benchmark.md": markdown(table, settings, failures)})
