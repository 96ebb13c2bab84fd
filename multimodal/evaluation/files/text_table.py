"""`TextTable`: one table for the terminal, Markdown and LaTeX; and the one way numbers are written in tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

DASH = "–"
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "−": "$-$",
          "±": r"$\pm$", "≥": r"$\geq$", "≤": r"$\leq$", "<": r"$<$", ">": r"$>$",
          **{character: f"\\{character}" for character in "&%$#_{}"}}  # fmt: skip
# A column of text is not squeezed below this width in a narrow terminal.
_NARROWEST = 10


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A table of text.

    Attributes:
        headings: of the columns; a line break is one in the terminal only, as in cells.
        title: above the table in the terminal.
        caption: below it in the terminal; in LaTeX unless another is given.
        text_columns: how many of the first columns hold text, aligned left; the others hold numbers.
        styles: of each row in the terminal; none for plain rows.
    """

    headings: Sequence[str]
    cells: Sequence[Sequence[str]]
    title: str = ""
    caption: str = ""
    text_columns: int = 1
    styles: Sequence[str] = ()

    def rich(self) -> Table:
        """Return the table for a terminal."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(title=self.title or None, caption=self.caption or None, caption_justify="left",
                      box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))  # fmt: skip
        for number, heading in enumerate(self.headings):
            if number < self.text_columns:
                longest = max((len(row[number]) for row in self.cells), default=0)
                table.add_column(Text(heading), overflow="fold", min_width=min(longest, _NARROWEST))
            else:
                table.add_column(Text(heading), justify="right", no_wrap=True)
        for row, style in zip(self.cells, self.styles or [""] * len(self.cells), strict=True):
            table.add_row(*map(Text, row), style=style or None)
        return table

    def markdown(self) -> str:
        """Return the table in Markdown, a line break at its end."""
        lines = [self.headings, ["---"] * len(self.headings), *self.cells]
        return "".join(f"| {' | '.join(map(markdown_text, line))} |\n" for line in lines)

    def latex(self, caption: str = "") -> str:
        """Return the table in LaTeX; it needs the package booktabs."""
        lines = [" & ".join(map(latex_text, row)) + r" \\" for row in (self.headings, *self.cells)]
        numbers = len(self.headings) - self.text_columns
        return "\n".join(
            [
                "% needs \\usepackage{booktabs}",
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{latex_text(caption or self.caption)}}}",
                rf"\begin{{tabular}}{{{'l' * self.text_columns + 'r' * numbers}}}",
                r"\toprule",
                lines[0],
                r"\midrule",
                *lines[1:],
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
                "",
            ]
        )


def markdown_text(text: str) -> str:
    """Return text for one cell of a Markdown table: a single line, with `|` escaped."""
    return text.replace("|", "\\|").replace("\n", " ").replace("\0", "")


def latex_text(text: str) -> str:
    """Return text with the characters that LaTeX reads as commands escaped."""
    return "".join(_LATEX.get(character, character) for character in text.replace("\n", " "))


def number(value: float | None, digits: int = 3) -> str:
    """Return a number, such as `0.288`; a dash where it is not defined.

    >>> number(0.28849), number(1.0), number(float("nan"))
    ('0.288', '1.000', '–')
    """
    return DASH if value is None or math.isnan(value) else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 3) -> str:
    """Return a number with its sign.

    >>> signed(0.0311), signed(-0.2)
    ('+0.031', '−0.200')
    """
    if value is None or math.isnan(value):
        return DASH
    text = number(abs(value), digits)
    return text if not float(text) and not math.isinf(value) else ("−" if value < 0 else "+") + text


def with_interval(value: float, low: float, high: float) -> str:
    """Return `value [low, high]`."""
    return number(value) if math.isnan(low) else f"{number(value)} [{number(low)}, {number(high)}]"


def with_signed_interval(value: float, low: float, high: float) -> str:
    """Return `+value [+low, +high]`."""
    return signed(value) if math.isnan(low) else f"{signed(value)} [{signed(low)}, {signed(high)}]"


def probability(p: float) -> str:
    """Return a p-value; a very small one as an upper bound."""
    return f"< {number(1e-4, 4)}" if p < 1e-4 else number(p, 4)


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share in per cent, or a dash where it is not defined.

    >>> percent(0.954), percent(0.954, 1)
    ('95 %', '95.4 %')
    """
    return DASH if share is None or math.isnan(share) else f"{100 * share:.{digits}f} %"
