"""The charts of the page: lines, bars, points and intervals, drawn by matplotlib.

`label` says what a chart shows, for screen readers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from multimodal.evaluation.files.chart_style import BAND_OPACITY, COLOURS, line_style
from multimodal.evaluation.report.inline_svg import inline_svg, page_style
from multimodal.evaluation.report.text import clean_text, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
_WIDTH_INCHES, _HEIGHT_INCHES, _ROW_INCHES, _LEGEND_ROW_INCHES = 4.6, 2.75, 0.25, 0.16
_MOST_POINTS, _MOST_MARKERS, _MOST_NAMES, _SIZES = 240, 16, 12, 6
_LONGEST_NAME, _LONGEST_OF_TWO_COLUMNS = 40, 24


@dataclass(frozen=True)
class Chart:
    """A chart with its title and a remark below it."""

    title: str
    svg: Markup
    note: str = ""


@dataclass(frozen=True)
class Series:
    """A line.

    Attributes:
        name: for the legend.
        x: (n,) rising.
        y: (n,) values; NaN for none.
        low: (n,) lower end of a band around the line; None for no band.
        high: (n,) upper end.
        tail: how many of the last points were not measured; drawn faintly.
        ring: a value of x to ring; None for none.
    """

    name: str
    x: Sequence[float] | Floats
    y: Sequence[float] | Floats
    low: Sequence[float] | Floats | None = None
    high: Sequence[float] | Floats | None = None
    tail: int = 0
    ring: float | None = None


@dataclass(frozen=True)
class Axis:
    """One axis: its title and range; `log`: logarithmic; `whole`: ticks at whole numbers only."""

    title: str
    low: float
    high: float
    log: bool = False
    whole: bool = False


def line_chart(
    series: Sequence[Series], x: Axis, y: Axis, label: str, *, markers: bool = False, mark_x: int | None = None
) -> Markup:
    """Draw lines that differ in colour and dashes, with a legend below.

    Args:
        series: their colours repeat after seven, with other dashes.
        markers: put a dot on every value if they are few.
        mark_x: a value of x to mark with a dotted line and a ring on every series.
    """
    with page_style():
        columns = 2 if max(len(line.name) for line in series) <= _LONGEST_OF_TWO_COLUMNS else 1
        figure, axes = _frame(x, y, legend_rows=-(-len(series) // columns) if len(series) > 1 else 0)
        hover = {}
        if mark_x is not None:
            axes.axvline(mark_x, color="black", linewidth=0.9, linestyle=":")
        for i, line in enumerate(series):
            across, up = np.asarray(line.x, float), np.asarray(line.y, float)
            if line.low is not None and line.high is not None:
                colour = line_style(i)["color"]
                axes.fill_between(across, line.low, line.high, color=colour, alpha=BAND_OPACITY, linewidth=0)
            across, up = across[~np.isnan(up)], up[~np.isnan(up)]
            _draw_line(axes, across, up, i, line)
            if markers and len(line.x) <= _MOST_MARKERS:
                colour = line_style(i)["color"]
                axes.plot(across, up, "o", color=colour, markersize=4.2, gid=f"hover-{i}", clip_on=False)
                hover[f"hover-{i}"] = [
                    f"{line.name} at {a:g}: {b:.3f}" for a, b in zip(across.tolist(), up.tolist(), strict=True)
                ]
            for x_value, colour in ((mark_x, "black"), (line.ring, line_style(i)["color"])):
                if x_value is not None and x_value in across:
                    ring: dict[str, Any] = {"markersize": 8.5, "color": colour, "fillstyle": "none", "clip_on": False}
                    axes.plot(x_value, up[across == x_value], "o", **ring)
        if len(series) > 1:
            figure.legend(loc="outside lower left", ncols=columns)
        return inline_svg(figure, label, hover)


def _draw_line(axes: Axes, x: Floats, y: Floats, i: int, line: Series) -> None:
    drawn = line_style(i)
    style: dict[str, Any] = {"color": drawn["color"], "linestyle": drawn["linestyle"], "clip_on": False}
    style["label"] = _name(line.name)
    measured = len(x) - line.tail
    axes.plot(*_thinned(x[:measured], y[:measured]), **style)
    if line.tail and measured:
        rest = slice(measured - 1, None)
        axes.plot(*_thinned(x[rest], y[rest]), color=drawn["color"], linestyle=":", linewidth=1, alpha=0.7)


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    if len(x) <= _MOST_POINTS:
        return x, y
    kept = np.linspace(0, len(x) - 1, _MOST_POINTS).round().astype(int)
    return x[kept], y[kept]


def bar_chart(
    names: Sequence[str],
    groups: Sequence[tuple[str, Sequence[float]]],
    x_title: str,
    y: Axis,
    label: str,
    shown: Sequence[str] | None = None,
) -> Markup:
    """Draw upright bars, side by side if there are several groups, with a legend below.

    Args:
        names: one for each position along the horizontal axis.
        groups: name and one value for each position; NaN for none.
        x_title: title of the horizontal axis.
        shown: texts above the bars of the only group, where there is room.
    """
    with page_style():
        several = len(groups) > 1
        figure, axes = _frame(Axis(x_title, -0.6, len(names) - 0.4), y, legend_rows=len(groups) if several else 0)
        positions, width = np.arange(len(names)), 0.78 / len(groups)
        hover = {}
        for i, (group, values) in enumerate(groups):
            offset = (i - (len(groups) - 1) / 2) * width
            bars = axes.bar(positions + offset, np.nan_to_num(values), width * 0.94, color=COLOURS[i], label=group)
            for j, (bar, value) in enumerate(zip(bars, values, strict=True)):
                bar.set_gid(f"hover-{i}-{j}")
                hover[f"hover-{i}-{j}"] = [f"{names[j]}, {group}: {value:.3f}"]
            if shown is not None and len(names) <= _MOST_NAMES:
                axes.bar_label(bars, shown, padding=2)
        step = -(-len(names) // _MOST_NAMES)
        axes.set_xticks(positions[::step], [_name(name) for name in names[::step]])
        if several:
            figure.legend(loc="outside lower left")
        return inline_svg(figure, label, hover)


def scatter_chart(points: Sequence[tuple[float, float, float, str]], x: Axis, y: Axis, label: str) -> Markup:
    """Draw a circle for each point.

    Args:
        points: x, y, weight (the area of the circle), and a text shown on hover.
    """
    with page_style():
        figure, axes = _frame(x, y)
        largest = max((weight for _, _, weight, _ in points), default=1) or 1
        sizes = [round(_SIZES * math.sqrt(weight / largest)) for _, _, weight, _ in points]
        hover = {}
        for size in range(_SIZES, -1, -1):  # small circles on top of large ones
            chosen = [point for point, of in zip(points, sizes, strict=True) if of == size]
            across, up = [point[0] for point in chosen], [point[1] for point in chosen]
            name, diameter = f"hover-{size}", 3 + 10 * size / _SIZES
            axes.plot(across, up, "o", color=COLOURS[0], alpha=0.5, markeredgewidth=0, markersize=diameter, gid=name)
            hover[name] = [point[3] for point in chosen]
        return inline_svg(figure, label, hover)


def interval_chart(
    rows: Sequence[tuple[str, float, float, float]], high: float, mark_x: float | None, label: str
) -> Markup:
    """Draw a dot with its interval on a row for each value.

    Args:
        rows: name, value, low, high; NaN for none.
        high: end of the horizontal axis, which begins at 0.
        mark_x: where to draw a dotted vertical line.
    """
    with page_style():
        height = 0.45 + _ROW_INCHES * len(rows)
        figure, axes = _frame(Axis("", 0, high), Axis("", len(rows) - 0.5, -0.5), height=height, grid="x")
        values, low, high_end = (np.array([row[i] for row in rows], float) for i in (1, 2, 3))
        positions = np.arange(len(rows))
        if mark_x is not None:
            axes.axvline(mark_x, color="black", linewidth=0.9, linestyle=":")
        axes.hlines(positions, low, high_end, color=COLOURS[0])
        held = ~np.isnan(values)
        axes.plot(values[held], positions[held], "o", color=COLOURS[0], markersize=5, gid="hover", clip_on=False)
        axes.set_yticks(positions, [_name(row[0]) for row in rows])
        texts = [
            f"{name}: {value:.3f}" + ("" if math.isnan(low_end) else f" ({low_end:.3f}–{top:.3f})")
            for name, value, low_end, top in rows
            if not math.isnan(value)
        ]
        return inline_svg(figure, label, {"hover": texts})


def _name(text: str) -> str:
    return shortened(clean_text(text), _LONGEST_NAME)


def _frame(
    x: Axis, y: Axis, legend_rows: int = 0, height: float = _HEIGHT_INCHES, grid: str = "y"
) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

    figure = Figure(figsize=(_WIDTH_INCHES, height + _LEGEND_ROW_INCHES * legend_rows), layout="constrained")
    axes = figure.add_subplot()
    if x.log:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator())
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    else:
        axes.xaxis.set_major_locator(
            MaxNLocator(10 if x.whole else 5, steps=[1, 2, 5, 10], integer=x.whole, min_n_ticks=1)
        )
    axes.set(xlim=(x.low, x.high), ylim=(y.low, y.high), xlabel=x.title, ylabel=y.title)
    axes.grid(axis=grid)  # type: ignore[arg-type]
    return figure, axes
