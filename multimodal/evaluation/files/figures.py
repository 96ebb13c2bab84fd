"""A sweep for people: two figures, precision and recall and hit rate and F1 against K, and a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multimodal.evaluation.files.chart_style import BAND_OPACITY, COLOURS, DASHES, chart_style
from multimodal.evaluation.files.text_table import TextTable, number, percent
from multimodal.evaluation.files.writing import Content
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.sweep import MetricTable
from multimodal.evaluation.uncertainty.intervals import Bootstrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURES = {"precision_recall.png": ("precision", "recall"), "hit_rate_f1.png": ("hit_rate", "f1")}
_MARKERS = ("o", "s")
_RESOLUTION_DPI = 200
_MOST_MARKERS = 40


def figure_files(metrics: MetricTable, curves: Bootstrap | None = None) -> dict[str, Content]:
    """Return both figures, drawn when they are written; their numbers are those of `metrics.csv`.

    Args:
        curves: resampled metrics; their 95 % intervals are drawn as bands.
    """

    def drawn(columns: tuple[str, ...]) -> Content:
        return lambda path: sweep_figure(metrics, columns, curves).savefig(path, dpi=_RESOLUTION_DPI, format="png")

    return {name: drawn(columns) for name, columns in FIGURES.items()}


@chart_style()
def sweep_figure(metrics: MetricTable, columns: tuple[str, ...], curves: Bootstrap | None = None) -> Figure:
    """Draw up to two metrics against K and mark the best K by F1.

    Args:
        curves: resampled metrics at the same Ks; those that it holds get a band.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    axes = figure.add_subplot()
    ks = metrics.ks
    best = metrics.best_k()
    marker_step = -(-len(ks) // _MOST_MARKERS)
    for column, colour, dash, marker in zip(columns, COLOURS, DASHES, _MARKERS, strict=False):
        values = metrics.table[column].to_numpy()
        style: Any = {"color": colour, "linestyle": dash, "marker": marker, "markersize": 5, "markevery": marker_step}
        axes.plot(ks, values, label=METRICS.label(column), **style)
        if curves is not None and column in curves.values:
            low, high = curves.interval(column)
            axes.fill_between(ks, low, high, color=colour, alpha=BAND_OPACITY, linewidth=0)
        at_best = float(values[ks.index(best)])
        axes.plot(
            best, at_best, "o", markersize=11, markerfacecolor="none", markeredgecolor="black", markeredgewidth=1.2
        )
    axes.axvline(best, color="black", linewidth=0.9, linestyle=":", label=f"best K by F1: {best}", zorder=0)
    _finish(axes, ks, [METRICS.label(column) for column in columns])
    posts = int(metrics.table["posts"].iloc[0])
    band = "" if curves is None else f"; bands: 95 % of resamples of {curves.unit}"
    axes.set_title(f"{posts:,} posts{band}", loc="right", fontsize=9, color="#555555")
    return figure


def _finish(axes: Axes, ks: list[int], labels: list[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("K, length of the recommended list")
    axes.set_ylabel(" and ".join([labels[0], *(label.lower() if label != "F1" else label for label in labels[1:])]))
    axes.set_ylim(bottom=0)
    margin = min(0.9, 0.3 + 0.03 * (ks[-1] - ks[0]))  # below 1, so that no tick stands at K = 0
    axes.set_xlim(ks[0] - margin, ks[-1] + margin)
    locator: Any = MaxNLocator(nbins=12, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])
    axes.xaxis.set_major_locator(locator)
    if len(ks) <= 12:
        axes.set_xticks(ks)
    axes.grid(axis="y")
    axes.legend(fontsize=9)


def k_table(metrics: MetricTable) -> TextTable:
    """Return one row per K with the main metrics; the best K by F1 is marked and stands out."""
    best = metrics.best_k()
    posts, left_out = metrics.counts["posts"], metrics.counts["posts_without_truth"]
    coverage = float(metrics.table["coverage_of_truth"].iloc[0])
    caption = (
        f"{posts:,} posts; {left_out:,} without a true hashtag left out; "
        f"vocabulary covers {percent(coverage, 1)} of the truth"
    )
    rows = [
        [str(int(row["k"])), *(number(row[name]) for name in METRICS.headline), "best F1" if row["k"] == best else ""]
        for row in metrics.table.to_dict("records")
    ]
    return TextTable(
        headings=["K", *map(METRICS.label, METRICS.headline), ""],
        cells=rows,
        title="Metrics at K",
        caption=caption,
        text_columns=0,
        styles=["bold green" if k == best else "" for k in metrics.ks],
    )
