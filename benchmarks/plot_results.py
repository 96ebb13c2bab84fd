"""Draw the README's picture of results from the tables of BENCHMARKS.md.

python benchmarks/plot_results.py --output docs/assets/results.svg
"""

from __future__ import annotations

import argparse
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).resolve().parents[1]
EVERYONE = "Every System, side by side"
LEADING = ("hybrid", "design")
STRONG, PALE = "#4051b5", "#b9bfd9"
VARIANTS = {"sum": "sum instead of the gate"}


class Measured(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def tables(section: str) -> Iterator[list[dict[str, str]]]:
    """Yield the tables under a heading of BENCHMARKS.md, a dictionary per row."""
    text = (ROOT / "BENCHMARKS.md").read_text(encoding="utf-8")
    _, _, rest = text.partition(f"\n## {section}\n")
    for block in re.findall(r"(?:^\|.*\n)+", rest.partition("\n## ")[0], re.M):
        header, _, *rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in block.splitlines()]
        yield [dict(zip(header, row, strict=True)) for row in rows]


def measured(cell: str) -> Measured:
    """Read `0.405 [0.386, 0.424]` or `+0.015 [+0.003, +0.027]`."""
    value, low, high = (float(text.replace("−", "-")) for text in re.findall(r"[+−]?\d*\.\d+", cell))
    return Measured(value, low, high)


def f1_at_5() -> dict[str, Measured]:
    """Return F1@5 of every System on the blog posts, the best first."""
    return {row["System"]: measured(row["F1@5"]) for row in next(tables(EVERYONE))}


def ablation() -> dict[str, Measured]:
    """Return the difference in F1@5 to `full`, by variant of the sample."""
    rows = next(tables("Ablation on the sample"))
    return {row["variant"]: measured(row["difference to full"]) for row in rows if row["difference to full"]}


def draw_systems(axes: Axes) -> None:
    """Bars of F1@5 of every System on the blog posts."""
    systems = f1_at_5()
    for row, (system, result) in enumerate(reversed(systems.items())):
        axes.barh(row, result.value, 0.72, color=STRONG if system.startswith(LEADING) else PALE)
        axes.errorbar(
            result.value, row, xerr=[[result.value - result.low], [result.high - result.value]], color="#333333"
        )
        axes.text(result.high + 0.008, row, f"{result.value:.3f}", va="center", fontsize=8)
    axes.set_yticks(range(len(systems)), list(reversed(systems)), fontsize=8.5)
    axes.set_ylim(-0.6, len(systems) - 0.4)
    axes.set_xlim(0, 0.58)
    axes.set_title("F1@5 on 519 blog posts", loc="left", fontsize=11)


def draw_ablation(axes: Axes) -> None:
    """Bars of what leaving out a part changes."""
    for row, (variant, result) in enumerate(reversed(ablation().items())):
        axes.barh(row, result.value, 0.62, color=STRONG if result.high < 0 else PALE)
        axes.errorbar(
            result.value, row, xerr=[[result.value - result.low], [result.high - result.value]], color="#333333"
        )
        axes.text(0.04, row, VARIANTS.get(variant, variant), va="center", fontsize=9)
    axes.axvline(0, color="#333333", linewidth=0.8)
    axes.set_xlim(-0.31, 0.24)
    axes.set_xticks([-0.3, -0.2, -0.1, 0], ["−0.3", "−0.2", "−0.1", "0"])
    axes.set_yticks([])
    axes.set_title("Ablation: change in F1@5 on the sample", loc="left", fontsize=11)


def main() -> None:
    """Draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "assets" / "results.svg")
    output = parser.parse_args().output
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "results", "axes.spines.top": False, "axes.spines.right": False})
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 5.2), layout="constrained")
    draw_systems(left)
    draw_ablation(right)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", facecolor="white", metadata={"Date": None})
    output.write_text("".join(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines()), encoding="utf-8")


if __name__ == "__main__":
    main()
