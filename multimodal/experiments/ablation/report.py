"""An ablation for people: a table for the terminal, Markdown, CSV and a figure."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from data_loaders.command_line import command_line
from multimodal.evaluation.files.text_table import TextTable, number, percent, with_signed_interval
from multimodal.evaluation.files.writing import Content, write_files
from multimodal.evaluation.metrics.catalogue import BEST_BY, METRICS
from multimodal.experiments.ablation.running import LEVEL, Ablation
from multimodal.experiments.ablation.variants import VARIANTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BAR, _REFERENCE_BAR = "#7FA9C9", "#0072B2"
_RESOLUTION_DPI = 200


def write_report(folder: Path, ablation: Ablation) -> list[Path]:
    """Write `ablation.csv`, `ablation.md`, `ablation.png` and, where there is a gate, `gate.csv`."""
    contents: dict[str, Content] = {
        "ablation.csv": ablation.table,
        "ablation.md": markdown(ablation),
        "ablation.png": lambda path: figure(ablation).savefig(path, dpi=_RESOLUTION_DPI, format="png"),
    }
    return write_files(folder, contents if ablation.gate is None else {**contents, "gate.csv": ablation.gate})


def main_table(ablation: Ablation) -> TextTable:
    """Return one row per variant."""
    k, reference = ablation.settings["k"], ablation.settings["reference"]
    others = [METRICS[name] for name in METRICS.headline_sets if name != BEST_BY]
    headings = ["variant", f"F1@{k}", f"difference to {reference}", *(f"{metric.heading}@{k}" for metric in others)]
    cells: list[list[str]] = []
    for row in ablation.table.to_dict("records"):
        f1 = number(row["f1"]) + ("" if math.isnan(row["f1_sd"]) else f" ± {number(row['f1_sd'])}")
        difference = with_signed_interval(row["difference"], row["difference_low"], row["difference_high"])
        cells.append([str(row["variant"]), f1, difference if cells else "", *(number(row[m.name]) for m in others)])
    return TextTable(headings=headings, cells=cells, title="What each part earns")


def gate_table(gate: pd.DataFrame, title: str = "Where the gate looks") -> TextTable:
    """Return the mean weight of the picture by kind of post."""
    headings = ["caption", "picture", "posts", "mean weight of the picture"]
    cells = [
        [row["caption"], row["picture"], f"{row['posts']:,}", number(row["weight"])] for row in gate.to_dict("records")
    ]
    return TextTable(headings=headings, cells=cells, title=title, text_columns=2)


def explanation(ablation: Ablation) -> str:
    """Return how the figures came about, in a few sentences."""
    settings = ablation.settings
    seeds = ", ".join(map(str, settings["seeds"]))
    lines = [
        f"{settings['posts']:,} posts of the {settings['split']} split, history {settings['history']}; mean ± standard "
        f"deviation over the seeds {seeds}.",
        f"In brackets: {percent(LEVEL)} interval of the difference, paired bootstrap over posts with these seeds.",
    ]
    return "\n".join([*lines, *settings["notes"]])


def markdown(ablation: Ablation) -> str:
    """Return everything as Markdown."""
    settings = ablation.settings
    changes = [
        f"- {row['variant']}: `{row['overrides']}`" for row in ablation.table.to_dict("records") if row["overrides"]
    ]
    parts = ["# What each part earns", main_table(ablation).markdown(), explanation(ablation), "\n".join(changes)]
    if ablation.gate is not None:
        parts += [
            "## Where the gate looks",
            f"Weight w of the picture in p = (1 - w)·t + w·v, mean over coordinates, posts and seeds; variant "
            f"“{settings['reference']}”. Caption lengths are after cleaning.",
            gate_table(ablation.gate).markdown(),
        ]
    return "\n\n".join([*(part for part in parts if part), f"Command: `{_command(ablation)}`"]) + "\n"


def _command(ablation: Ablation) -> str:
    settings, known = ablation.settings, [variant.name for variant in VARIANTS]
    chosen = {str(row["variant"]): row["overrides"] for row in ablation.table.to_dict("records")}
    parts = ["ablation", "--config", settings["config"], "--data", settings["data"],
             "--output", "…", "--variants", ",".join(name for name in chosen if name in known)]  # fmt: skip
    for name, overrides in chosen.items():
        parts += [] if name in known else ["--variant", f"{name}={overrides}"]
    seeds = ",".join(map(str, settings["seeds"]))
    return command_line(*parts, "--seeds", seeds, "--k", str(settings["k"]), *settings["overrides"])


def figure(ablation: Ablation) -> Figure:
    """Draw F1 of every variant as a bar with its interval, and the difference beside it."""
    from matplotlib.figure import Figure

    table, settings = ablation.table, ablation.settings
    cells = main_table(ablation).cells
    drawing = Figure(figsize=(7.2, 0.9 + 0.36 * len(table)), layout="constrained")
    axes = drawing.add_subplot()
    heights = list(range(len(table)))
    colours = [_REFERENCE_BAR, *[_BAR] * (len(table) - 1)]
    values, low, high = (table[name].to_numpy() for name in ("f1", "f1_low", "f1_high"))
    reach = [(values - low).clip(min=0), (high - values).clip(min=0)]
    axes.barh(heights, values, color=colours, height=0.66)
    axes.errorbar(values, heights, xerr=reach, fmt="none", ecolor="#222222", elinewidth=1.0, capsize=3)
    axes.axvline(float(values[0]), color=_REFERENCE_BAR, linewidth=0.9, linestyle=":", zorder=0)
    edge = float(max(high.max(), values.max()))
    for height, row in zip(heights, cells, strict=True):
        axes.text(edge * 1.03, height, row[2] or "difference", va="center", fontsize=8, color="#444444")
    axes.set_yticks(heights, list(table["variant"]))
    axes.invert_yaxis()
    axes.set_xlim(0, edge * 1.45)
    axes.set_xlabel(f"F1@{settings['k']}, {len(settings['seeds'])} seeds, {settings['posts']:,} posts")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return drawing
