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
SYSTEMS = {"design": "DESIGN", "user_habit": "user habit", "popularity": "popularity"}
COLOURS = {"design": "#4051b5", "user_habit": "#7e8bd0", "popularity": "#b9bfd9"}
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


def f1_at_5(section: str) -> dict[str, Measured]:
    """Return F1@5 of DESIGN and the two baselines, as the first table of a section has it."""
    rows = [row for row in next(tables(section)) if row["Metric"] == "F1" and row["K"] == "5"]
    return {row["System"]: measured(row["Value [95 %]"]) for row in rows}


def ablation() -> dict[str, Measured]:
    """Return the difference in F1@5 to `full`, by variant of the sample."""
    rows = next(tables("Ablation on the sample"))
    return {row["variant"]: measured(row["difference to full"]) for row in rows if row["difference to full"]}


def draw_systems(axes: Axes) -> None:
    """Bars of F1@5 on the two sets of real posts."""
    for group, section in enumerate(("Blog posts", "Tweets")):
        for offset, (system, result) in enumerate(f1_at_5(section).items()):
            x = group + (offset - 1) * 0.27
            label = SYSTEMS[system] if group == 0 else None
            axes.bar(x, result.value, 0.25, color=COLOURS[system], label=label)
            axes.errorbar(x, result.value, [[result.value - result.low], [result.high - result.value]], color="#333333")
            axes.text(x, result.high + 0.008, f"{result.value:.3f}", ha="center", fontsize=8)
    axes.set_xticks([0, 1], ["5,281 blog posts", "128,627 tweets"])
    axes.set_ylim(0, 0.58)
    axes.set_title("F1@5 on real posts", loc="left", fontsize=11)
    axes.legend(frameon=False, fontsize=9, loc="upper right", ncols=3, columnspacing=1, handlelength=1)


def draw_ablation(axes: Axes) -> None:
    """Bars of what leaving out a part changes."""
    for row, (variant, result) in enumerate(reversed(ablation().items())):
        axes.barh(row, result.value, 0.62, color="#4051b5" if result.high < 0 else "#b9bfd9")
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

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    draw_systems(left)
    draw_ablation(right)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", facecolor="white", metadata={"Date": None})
    output.write_text("".join(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines()), encoding="utf-8")


if __name__ == "__main__":
    main()
