"""The pictures of a comparison: every system's metrics against K in one figure, as PNG and SVG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from multimodal.evaluation.comparison.curves import SystemCurves
from multimodal.evaluation.files.chart_style import BAND_OPACITY, chart_style, line_style
from multimodal.evaluation.files.text_table import percent
from multimodal.evaluation.files.writing import Content
from multimodal.evaluation.metrics.catalogue import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Names of what earlier comparisons drew.
PICTURES = ("curves_*.png", "curves_*.svg")
# The two figures of published hashtag work; every other metric has a figure of its own.
_PAIRS = {"precision_recall": ("precision", "recall"), "hit_rate_f1": ("hit_rate", "f1")}
_RESOLUTION_DPI = 200
# More bands than these hide each other.
MOST_BANDS = 8
_WIDTH_INCHES, _HEIGHT_INCHES, _ROW_INCHES = 4.7, 3.5, 0.24
_LEGEND_WIDTH, _MOST_MARKERS = 100, 12


def picture_files(curves: SystemCurves) -> dict[str, Content]:
    """Return a PNG and an SVG for each figure, drawn when they are written."""
    paired = {column for pair in _PAIRS.values() for column in pair}
    others = {column: (column,) for column in curves.columns if column not in paired}
    contents: dict[str, Content] = {}
    for name, columns in {**_PAIRS, **others}.items():
        contents |= {f"curves_{name}.{kind}": _drawn(curves, columns, kind) for kind in ("png", "svg")}
    return contents


def _drawn(curves: SystemCurves, columns: tuple[str, ...], kind: str) -> Content:
    def write(path: Path) -> None:
        from matplotlib import rc_context

        with rc_context({"svg.hashsalt": "-".join(columns)}):  # the same bytes for the same figure
            metadata: Any = {"Date": None} if kind == "svg" else None
            system_figure(curves, columns).savefig(path, dpi=_RESOLUTION_DPI, format=kind, metadata=metadata)

    return write


@chart_style()
def system_figure(curves: SystemCurves, columns: tuple[str, ...]) -> Figure:
    """Draw metrics of all systems against K, a panel each, and ring each system's best K by F1."""
    from matplotlib.figure import Figure

    longest = max(map(len, curves.curves))
    in_row = max(1, min(len(curves.curves), _LEGEND_WIDTH * len(columns) // (2 * (longest + 8))))
    rows = -(-len(curves.curves) // in_row)
    size = (_WIDTH_INCHES * len(columns), _HEIGHT_INCHES + _ROW_INCHES * rows)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(columns), squeeze=False)[0]
    for axes, column in zip(panels, columns, strict=True):
        _panel(axes, curves, column)
    lines, names = panels[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=in_row, fontsize=9)
    band = f"bands: {percent(curves.level)}, all K at once, over {curves.unit}; " if _has_bands(curves) else ""
    figure.suptitle(
        f"{curves.posts:,} posts; {band}ring: best K by F1", x=0.995, ha="right", fontsize=9, color="#555555"
    )
    return figure


def _has_bands(curves: SystemCurves) -> bool:
    return len(curves.curves) <= MOST_BANDS


def _panel(axes: Axes, curves: SystemCurves, column: str) -> None:
    from matplotlib.ticker import MaxNLocator

    ks = curves.ks
    step = -(-len(ks) // _MOST_MARKERS)
    for number, (name, held) in enumerate(curves.curves.items()):
        curve, style = held[column], line_style(number)
        axes.plot(ks, curve.value, label=name, markersize=4.2, markevery=step, **style)
        if _has_bands(curves):
            axes.fill_between(ks, curve.low, curve.high, color=style["color"], alpha=BAND_OPACITY / 1.4, linewidth=0)
        best = curves.best_k[name]
        ring: Any = {"markersize": 10, "fillstyle": "none", "color": style["color"], "markeredgewidth": 1.4}
        axes.plot(best, curve.value[ks.index(best)], "o", **ring)
    axes.set(xlabel="K, length of the recommended list", ylabel=METRICS.label(column))
    axes.set_ylim(bottom=0)
    margin = min(0.9, 0.3 + 0.03 * (ks[-1] - ks[0]))  # below 1, so that no tick stands at K = 0
    axes.set_xlim(ks[0] - margin, ks[-1] + margin)
    locator: Any = MaxNLocator(nbins=10, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])
    axes.xaxis.set_major_locator(locator)
    axes.grid(axis="y")
