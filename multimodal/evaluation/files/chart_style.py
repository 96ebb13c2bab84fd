"""The look of all charts of an evaluation: the pictures next to its files, and the charts of the report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Okabe and Ito's hues, which colour-blind readers can tell apart, chosen to stand out on white and on dark grey.
COLOURS = ("#1a80c4", "#d55e00", "#009e73", "#cc79a7", "#b07d00", "#7d5cc6", "#808080")
# Lines differ in dashes as well.
DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (1, 3)), (0, (7, 2)), (0, (3, 1, 1, 1, 1, 1)))
BAND_OPACITY = 0.2
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
_SETTINGS: Any = {
    "axes.axisbelow": True,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9.3,
    "grid.alpha": 0.13,
    "grid.color": "black",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "text.parse_math": False,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
}


def line_style(number: int) -> dict[str, Any]:
    """Return colour, dashes and marker of a line; each of the first 63 lines of a chart has its own."""
    turn, hue = divmod(number, len(COLOURS))
    dashes = DASHES[(hue + 2 * turn) % len(DASHES)]
    return {"color": COLOURS[hue], "linestyle": dashes, "marker": _MARKERS[number % len(_MARKERS)]}


@contextmanager
def chart_style() -> Iterator[None]:
    """Draw charts with these settings."""
    from matplotlib import rc_context

    with rc_context(_SETTINGS):
        yield
