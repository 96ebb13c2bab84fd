"""Charts as inline SVG, drawn with the page's colours so that they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal.evaluation.report.parts import escape

Floats = NDArray[np.float64]
WIDTH, HEIGHT = 440, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 14, 12, 44
_DASHES = ("", "6 4", "2 4", "9 4 2 4", "1 5", "12 4", "4 2")
_MOST_POINTS = 240
_MOST_MARKERS = 16
_LETTER_WIDTH = 7.4


@dataclass(frozen=True)
class Series:
    """A line.

    Attributes:
        name: for the legend.
        x: rising.
        y: beside it.
        low: lower end of a band around it; None for none.
        high: upper end.
        tail: how many of the last segments are drawn faintly, as not measured.
    """

    name: str
    x: Sequence[float] | Floats
    y: Sequence[float] | Floats
    low: Sequence[float] | Floats | None = None
    high: Sequence[float] | Floats | None = None
    tail: int = 0


@dataclass(frozen=True)
class Axis:
    """One axis: its title and range, and whether it is logarithmic."""

    title: str
    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value lies between the ends, 0..1 inside of them."""
        if self.log:
            return (math.log10(max(value, self.low)) - math.log10(self.low)) / (
                math.log10(self.high) - math.log10(self.low)
            )
        return (value - self.low) / ((self.high - self.low) or 1.0)

    def ticks(self, most: int = 6) -> list[float]:
        """Return round values inside the range."""
        if self.log:
            powers = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            return [10.0**power for power in powers]
        span = (self.high - self.low) or 1.0
        step = 10 ** math.floor(math.log10(span / most))
        step = next(step * factor for factor in (1, 2, 5, 10, 20) if span / (step * factor) <= most)
        first = math.ceil(self.low / step - 1e-9)
        return [round(place * step, 10) for place in range(first, math.floor(self.high / step + 1e-9) + 1)]


def line_chart(
    series: Sequence[Series], x: Axis, y: Axis, *, markers: bool = False, mark_x: float | None = None, label: str = ""
) -> str:
    """Draw lines with a legend below; they differ in colour and in dashes.

    Args:
        series: at most seven.
        x: the horizontal axis.
        y: the vertical axis.
        markers: put a dot on every value, where they are few.
        mark_x: where to draw a dotted vertical line.
        label: what the picture shows, for those who do not see it.
    """
    parts = [_frame(x, y)]
    if mark_x is not None:
        across = _x(x, mark_x)
        parts.append(f'<line class="mark" x1="{across}" x2="{across}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>')
    for number, line in enumerate(series, start=1):
        parts.append(_band(line, number, x, y))
        parts.append(_line(line, number, x, y))
        if markers and len(line.x) <= _MOST_MARKERS:
            parts += [
                f'<circle class="f{number}" r="3.2" cx="{_x(x, at)}" cy="{_y(y, value)}"/>'
                for at, value in zip(line.x, line.y, strict=True)
                if not math.isnan(value)
            ]
    return _svg("".join(parts), label) + legend([line.name for line in series])


def bar_chart(names: Sequence[str], groups: Sequence[tuple[str, Sequence[float]]], y: Axis, x_title: str, label: str,
              shown: Sequence[Sequence[str]] | None = None) -> str:  # fmt: skip
    """Draw upright bars, side by side where there are several groups.

    Args:
        names: of the places along the horizontal axis.
        groups: name and one value per place; a legend is drawn where there is more than one.
        y: the vertical axis.
        x_title: of the horizontal axis.
        label: what the picture shows.
        shown: texts above the bars, one list per group.
    """
    parts = [_frame(Axis("", 0, 1), y, x_title, x_ticks=False)]
    room = (WIDTH - _LEFT - _RIGHT) / max(len(names), 1)
    wide = min(room * 0.78 / len(groups), 46)
    crowded = max(map(len, names), default=0) * _LETTER_WIDTH > room
    for place, name in enumerate(names):
        middle = _LEFT + room * (place + 0.5)
        parts.append(_text(middle, HEIGHT - _BOTTOM + 16, name, "middle", "crowded" if crowded else ""))
        for number, (_, values) in enumerate(groups):
            value = 0.0 if math.isnan(values[place]) else values[place]
            left, top = middle + (number - len(groups) / 2) * wide, _y(y, value)
            high = max(HEIGHT - _BOTTOM - top, 0)
            parts.append(
                f'<rect class="f{number + 1}" x="{left + 1:.1f}" y="{top}" width="{wide - 2:.1f}" '
                f'height="{high:.1f}" rx="2"/>'
            )
            if shown:
                parts.append(_text(left + wide / 2, top - 4, shown[number][place], "middle", "ink"))
    drawn = _svg("".join(parts), label)
    return drawn + legend([name for name, _ in groups], filled=True) if len(groups) > 1 else drawn


def scatter(points: Sequence[tuple[float, float, float, str]], x: Axis, y: Axis, label: str) -> str:
    """Draw circles: x, y, area weight, and a text that shows when pointed at."""
    largest = max((weight for _, _, weight, _ in points), default=1) or 1
    circles = [
        f'<circle class="f1" opacity=".5" cx="{_x(x, across)}" cy="{_y(y, up)}" '
        f'r="{2 + 7 * math.sqrt(weight / largest):.1f}"><title>{escape(text)}</title></circle>'
        for across, up, weight, text in points
    ]
    return _svg(_frame(x, y) + "".join(circles), label)


def dot_rows(rows: Sequence[tuple[str, float, float, float]], x: Axis, mark_x: float | None, label: str) -> str:
    """Draw one dot with its interval a row: name, value, low, high."""
    left, row_height = 226, 26
    height = 34 + row_height * len(rows)

    def across(value: float) -> float:
        return round(left + min(max(x.place(value), 0), 1) * (WIDTH - left - _RIGHT), 1)

    parts = []
    for tick in x.ticks(5):
        parts.append(f'<line class="gridline" x1="{across(tick)}" x2="{across(tick)}" y1="4" y2="{height - 26}"/>')
        parts.append(_text(across(tick), height - 10, _tick(tick), "middle"))
    if mark_x is not None:
        parts.append(f'<line class="mark" x1="{across(mark_x)}" x2="{across(mark_x)}" y1="4" y2="{height - 26}"/>')
    for place, (name, value, low, high) in enumerate(rows):
        middle = 4 + row_height * (place + 0.5)
        parts.append(_text(left - 10, middle + 4, name, "end", "ink"))
        if math.isnan(value):
            continue
        if not math.isnan(low):
            parts.append(f'<path class="s k1" d="M{across(low)} {middle}H{across(high)}"/>')
        parts.append(f'<circle class="f1" r="4" cx="{across(value)}" cy="{middle}"/>')
    return _svg("".join(parts), label, height)


def legend(names: Sequence[str], filled: bool = False) -> str:
    """Return the legend of numbered series as a list that wraps; `filled` shows squares instead of lines."""
    items = "".join(f"<li>{_key(number, filled)}{escape(name)}</li>" for number, name in enumerate(names, start=1))
    return f'<ul class="legend">{items}</ul>'


def _key(number: int, filled: bool) -> str:
    shape = (
        f'<rect class="f{number}" x="8" y="0" width="12" height="12" rx="2"/>'
        if filled
        else f'<line class="s k{number}" x1="1" x2="27" y1="6" y2="6"{_dash(number)}/>'
    )
    return f'<svg class="key" viewBox="0 0 28 12" aria-hidden="true">{shape}</svg>'


def _svg(inside: str, label: str, height: float = HEIGHT) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">{inside}</svg>'


def _frame(x: Axis, y: Axis, x_title: str = "", x_ticks: bool = True) -> str:
    bottom, parts = HEIGHT - _BOTTOM, []
    for tick in y.ticks(6):
        up = _y(y, tick)
        parts.append(f'<line class="gridline" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{up}" y2="{up}"/>')
        parts.append(_text(_LEFT - 7, up + 4, _tick(tick), "end"))
    for tick in x.ticks(10) if x_ticks else []:
        parts.append(_text(_x(x, tick), bottom + 16, _tick(tick), "middle"))
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>')
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 7, x_title or x.title, "middle"))
    middle = f"{(_TOP + bottom) / 2:.1f}"
    turned = f'text-anchor="middle" transform="rotate(-90 13 {middle})"'
    parts.append(f'<text x="13" y="{middle}" {turned}>{escape(y.title)}</text>')
    return "".join(parts)


def _line(line: Series, number: int, x: Axis, y: Axis) -> str:
    points = [(a, b) for a, b in zip(line.x, line.y, strict=True) if not math.isnan(b)]
    split = len(points) - line.tail
    drawn = f'<polyline class="s k{number}"{_dash(number)} points="{_points(points[:split], x, y)}"/>'
    if line.tail and split:
        rest = _points(points[split - 1 :], x, y)
        drawn += f'<polyline class="s k{number}" opacity=".55" stroke-dasharray="2 5" points="{rest}"/>'
    return drawn


def _dash(number: int) -> str:
    dash = _DASHES[(number - 1) % len(_DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def _band(line: Series, number: int, x: Axis, y: Axis) -> str:
    if line.low is None or line.high is None:
        return ""
    around = [*zip(line.x, line.high, strict=True), *list(zip(line.x, line.low, strict=True))[::-1]]
    return f'<polygon class="band f{number}" points="{_points(around, x, y, thin=False)}"/>'


def _points(points: Sequence[tuple[float, float]], x: Axis, y: Axis, thin: bool = True) -> str:
    if thin and len(points) > _MOST_POINTS:
        chosen = np.linspace(0, len(points) - 1, _MOST_POINTS).round().astype(int).tolist()
        points = [points[place] for place in chosen]
    return " ".join(f"{_x(x, across)},{_y(y, up)}" for across, up in points)


def _x(axis: Axis, value: float) -> float:
    return round(_LEFT + axis.place(float(value)) * (WIDTH - _LEFT - _RIGHT), 1)


def _y(axis: Axis, value: float) -> float:
    bottom = HEIGHT - _BOTTOM
    return round(bottom - axis.place(float(value)) * (bottom - _TOP), 1)


def _text(across: float, up: float, text: str, anchor: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{across:.1f}" y="{up:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _tick(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"
