"""A drift for people: one figure, one CSV file, and a short table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from multimodal.evaluation.files.chart_style import BAND_OPACITY, COLOURS, chart_style, line_style
from multimodal.evaluation.files.text_table import TextTable, number, signed
from multimodal.evaluation.files.writing import Content, write_files
from multimodal.experiments.benchmark.failures import Failure
from multimodal.experiments.drift.trend_shifts import LEADING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FILES = ("drift.csv", "drift.md", "drift.png", "drift.svg")
_MOST_BANDS, _MOST_TICKS = 4, 14
_RESOLUTION_DPI = 200
_SHIFT = "#c00000"


def drift_summary(table: pd.DataFrame, k: int) -> TextTable:
    """Return the mean over the periods of each System's F1, and that of the last half minus that of the first."""
    cells = []
    for (system, protocol), own in table.groupby(["system", "protocol"], sort=False):
        values = own["f1"].to_numpy(float)
        half = len(values) // 2
        change = values[len(values) - half :].mean() - values[:half].mean() if half else float("nan")
        cells.append([str(system), str(protocol), number(values.mean()), number(values.min()), signed(change)])
    headings = ["system", "protocol", f"mean F1@{k}", "worst period", "last half - first half"]
    return TextTable(headings=headings, cells=cells, title=f"F1@{k} period by period", text_columns=2)


def explanation(table: pd.DataFrame, settings: dict[str, Any], failures: Sequence[Failure]) -> str:
    """Return how the figures came about."""
    periods = table.drop_duplicates("period")
    shifts = periods[periods["shift"]]["period"].tolist()
    shifted = f"Trends shifted in {', '.join(shifts)}." if shifts else "No shift of trends stands out."
    return "\n".join(
        [
            f"{int(periods['posts'].sum()):,} posts of the {settings['split']} split in {len(periods)} periods "
            f"({settings['period']}), seed {settings['seed']}. frozen: fitted to train, knows train alone; rolling: "
            "knows whatever is strictly earlier; refitted: fitted again before each period, and rolling. 95 % "
            "intervals over posts.",
            f"{shifted} A shift: the ranked Jaccard distance of the {LEADING} leading hashtags from those of the "
            "period before is more than two standard deviations above the mean of earlier distances.",
            *(f"Left out: {failure.entry.name}: {failure.reason}" for failure in failures),
        ]
    )


def write_report(
    folder: Path, table: pd.DataFrame, settings: dict[str, Any], failures: Sequence[Failure]
) -> list[Path]:
    """Write `drift.csv`, `drift.md` and the figure as PNG and SVG; return the paths."""
    text = "\n\n".join(
        [
            "# Drift",
            explanation(table, settings, failures),
            drift_summary(table, settings["k"]).markdown(),
            f"Command: `{settings['command']}`",
        ]
    )
    contents: dict[str, Content] = {"drift.csv": table, "drift.md": text + "\n"}
    contents |= {f"drift.{kind}": _drawn(table, settings["k"], kind) for kind in ("png", "svg")}
    return write_files(folder, contents, FILES)


def _drawn(table: pd.DataFrame, k: int, kind: str) -> Content:
    def write(path: Path) -> None:
        from matplotlib import rc_context

        with rc_context({"svg.hashsalt": "drift"}):  # the same bytes for the same figure
            metadata: Any = {"Date": None} if kind == "svg" else None
            drift_figure(table, k).savefig(path, dpi=_RESOLUTION_DPI, format=kind, metadata=metadata)

    return write


@chart_style()
def drift_figure(table: pd.DataFrame, k: int) -> Figure:
    """Draw F1 period by period, a panel for each protocol, above unseen hashtags and shifts of trends."""
    from matplotlib.figure import Figure

    protocols = table["protocol"].unique().tolist()
    systems = table["system"].unique().tolist()
    periods = sorted(table["period"].unique().tolist())
    in_row = max(1, min(len(systems), 6))
    height = 2.3 * (len(protocols) + 1) + 0.24 * -(-len(systems) // in_row)
    figure = Figure(figsize=(8.2, height), layout="constrained")
    panels = figure.subplots(len(protocols) + 1, 1, sharex=True, squeeze=False)[:, 0]
    highest = float(table["f1_high"].max())
    for axes, protocol in zip(panels, protocols, strict=False):
        _curves(axes, table[table["protocol"] == protocol], systems, periods)
        axes.set_ylabel(f"F1@{k}, {protocol}")
        axes.set_ylim(0, max(highest * 1.05, 0.05))
    _trends(panels[-1], table.drop_duplicates("period").set_index("period").loc[periods], periods)
    lines, names = panels[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=in_row, fontsize=8.5)
    return figure


def _curves(axes: Axes, table: pd.DataFrame, systems: list[str], periods: list[str]) -> None:
    for place, name in enumerate(systems):
        own = table[table["system"] == name].set_index("period").reindex(periods)
        style, positions = line_style(place), range(len(periods))
        axes.plot(positions, own["f1"], label=name, markersize=3.6, **style)
        if len(systems) <= _MOST_BANDS:
            band: Any = {"color": style["color"], "alpha": BAND_OPACITY / 1.4, "linewidth": 0}
            axes.fill_between(positions, own["f1_low"], own["f1_high"], **band)
    _mark_shifts(axes, table.drop_duplicates("period").set_index("period").reindex(periods))
    axes.grid(axis="y")


def _trends(axes: Axes, happened: pd.DataFrame, periods: list[str]) -> None:
    positions = range(len(periods))
    axes.bar(positions, happened["unseen_in_train"], color=COLOURS[-1], alpha=0.45, label="uses unseen in train")
    axes.plot(
        positions, happened["unseen_before"], color="0.45", linestyle=":", marker=".", label="unseen before the period"
    )
    axes.plot(positions, happened["distance"], color="black", linestyle="--", label="ranked Jaccard distance")
    _mark_shifts(axes, happened, label="shift of trends")
    axes.set_ylim(0, 1.02)
    step = -(-len(periods) // _MOST_TICKS)
    axes.set_xticks(list(positions)[::step], list(periods)[::step], rotation=30, ha="right", fontsize=8)
    axes.legend(fontsize=7.5, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    axes.set_ylabel("share, distance")


def _mark_shifts(axes: Axes, happened: pd.DataFrame, label: str | None = None) -> None:
    for place in [place for place, shift in enumerate(happened["shift"]) if shift is True or shift == 1]:
        axes.axvline(place, color=_SHIFT, linewidth=1, alpha=0.7, label=label)
        label = None
