"""`TextTable`: one table for the terminal, Markdown and LaTeX; and the one way numbers are written in tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from textwrap import wrap
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from rich.table import Table

DASH = "–"
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "−": "$-$",
          "±": r"$\pm$",
          "†": r"$^{\dagger}$", "‡": r"$^{\ddagger}$", "≥": r"$\geq$", "≤": r"$\leq$", "<": r"$<$", ">": r"$>$",
          "|": r"$|$",
          **{character: f"\\{character}" for character in "&%$#_{}"}}  # fmt: skip
Emphasis: TypeAlias = Literal["bold", "underline"]
_MARKDOWN = {"bold": "**{}**", "underline": "<u>{}</u>"}
_LATEX_COMMANDS = {"bold": r"\textbf{{{}}}", "underline": r"\underline{{{}}}"}
# So many rows of a LaTeX table fit on a page.
_PAGE_ROWS = 40
# And so many characters of a cell in a line.
_LATEX_LINE = 50
# A word is not broken below this width in a narrow terminal.
_LONGEST_WORD = 40


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A table of text.

    Attributes:
        headings: of the columns; a line break is one in the terminal only, as in cells.
        title: above the table in the terminal.
        caption: below it in the terminal; in LaTeX unless another is given.
        text_columns: how many of the first columns hold text, aligned left; the others hold numbers.
        styles: of each row in the terminal; none for plain rows.
        emphasis: cells that stand out, by row and column.
        dense: one space between columns in the terminal, not two.
    """

    headings: Sequence[str]
    cells: Sequence[Sequence[str]]
    title: str = ""
    caption: str = ""
    text_columns: int = 1
    styles: Sequence[str] = ()
    emphasis: Mapping[tuple[int, int], Emphasis] = field(default_factory=dict)
    dense: bool = False

    def fitted(self, width: int) -> list[TextTable]:
        """Return the table in parts that a terminal of this width shows with names and numbers whole.

        Each part repeats the columns of text; the first has the title, the last the caption. A table that would just
        not fit in one part has its columns closer together.
        """
        widths = [self._narrowest(column) + 2 for column in range(len(self.headings))]
        if width < sum(widths) <= width + len(widths) - 1:
            return [replace(self, dense=True)]
        text, groups = sum(widths[: self.text_columns]), list[list[int]]([[]])
        for column in range(self.text_columns, len(self.headings)):
            if groups[-1] and text + sum(widths[other] for other in groups[-1]) + widths[column] > width:
                groups.append([])
            groups[-1].append(column)
        parts = [self._part([*range(self.text_columns), *group]) for group in groups]
        last = len(parts) - 1
        return [
            replace(part, title=self.title if number == 0 else "", caption=self.caption if number == last else "")
            for number, part in enumerate(parts)
        ]

    def _part(self, columns: Sequence[int]) -> TextTable:
        place = {column: number for number, column in enumerate(columns)}
        emphasis = {(row, place[column]): how for (row, column), how in self.emphasis.items() if column in place}
        cells = [[row[column] for column in columns] for row in self.cells]
        return replace(self, headings=[self.headings[column] for column in columns], cells=cells, emphasis=emphasis)

    def _narrowest(self, column: int) -> int:
        """Return the width of a column of numbers, or of the longest word of a column of text."""
        lines = [line for row in self.cells for line in row[column].split("\n")]
        if column >= self.text_columns:
            return max(map(len, [*self.headings[column].split("\n"), *lines]), default=0)
        return min(max((len(word) for line in lines for word in line.split()), default=0), _LONGEST_WORD)

    def rich(self) -> Table:
        """Return the table for a terminal."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(title=self.title or None, caption=self.caption or None, caption_justify="left",
                      box=SIMPLE_HEAD, pad_edge=False, padding=(0, 0 if self.dense else 1, 0, 0))  # fmt: skip
        for number, heading in enumerate(self.headings):
            if number < self.text_columns:
                table.add_column(Text(heading), overflow="fold", min_width=self._narrowest(number))
            else:
                table.add_column(Text(heading), justify="right", no_wrap=True)
        for number, (row, style) in enumerate(zip(self.cells, self.styles or [""] * len(self.cells), strict=True)):
            cells = [Text(cell, style=self.emphasis.get((number, place), "")) for place, cell in enumerate(row)]
            table.add_row(*cells, style=style or None)
        return table

    def markdown(self) -> str:
        """Return the table in Markdown, a line break at its end."""
        cells = [
            [self._emphasised(markdown_text(cell), row, column, _MARKDOWN) for column, cell in enumerate(line)]
            for row, line in enumerate(self.cells)
        ]
        lines = [[*map(markdown_text, self.headings)], ["---"] * len(self.headings), *cells]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def _emphasised(self, text: str, row: int, column: int, commands: Mapping[str, str]) -> str:
        how = self.emphasis.get((row, column))
        return text if how is None else commands[how].format(text)

    def latex(self, caption: str = "", *, wide: bool = False) -> str:
        """Return the table in LaTeX, which needs the packages booktabs and graphicx.

        It is made smaller where it is wider than the column, and several tables where it is longer than a page.

        Args:
            wide: across both columns of a page of two.
        """
        cells = [
            [self._emphasised(_latex_lines(cell), row, column, _LATEX_COMMANDS) for column, cell in enumerate(line)]
            for row, line in enumerate(self.cells)
        ]
        text = latex_text(caption or self.caption)
        parts = [cells[start : start + _PAGE_ROWS] for start in range(0, max(len(cells), 1), _PAGE_ROWS)]
        tables = [
            self._float(part, f"(continued) {text}" if number else text, wide) for number, part in enumerate(parts)
        ]
        return "\n".join(["% needs \\usepackage{booktabs,graphicx}", *tables])

    def _float(self, cells: Sequence[Sequence[str]], caption: str, wide: bool) -> str:
        lines = [" & ".join(row) + r" \\" for row in ([*map(latex_text, self.headings)], *cells)]
        # Behind a rule and the end of a line, [ and * would be an argument of it.
        lines = ["{}" + line if line.startswith(("[", "*")) else line for line in lines]
        name = "table*" if wide else "table"
        numbers = len(self.headings) - self.text_columns
        return "\n".join(
            [
                rf"\begin{{{name}}}",
                r"\centering",
                rf"\caption{{{caption}}}",
                r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
                rf"\begin{{tabular}}{{{'l' * self.text_columns + 'r' * numbers}}}",
                r"\toprule",
                lines[0],
                r"\midrule",
                *lines[1:],
                r"\bottomrule",
                r"\end{tabular}}",
                rf"\end{{{name}}}",
                "",
            ]
        )


def markdown_text(text: str) -> str:
    """Return text for one cell of a Markdown table: a single line, with `|` escaped."""
    return text.replace("|", "\\|").replace("\n", " ").replace("\0", "")


def latex_text(text: str) -> str:
    """Return text with the characters that LaTeX reads as commands escaped."""
    return "".join(_LATEX.get(character, character) for character in text.replace("\n", " "))


def _latex_lines(text: str) -> str:
    """Return a cell, on several lines if it is long."""
    lines = wrap(text, _LATEX_LINE, break_long_words=False, break_on_hyphens=False)
    joined = r"\\".join(map(latex_text, lines))
    return latex_text(text) if len(lines) < 2 else rf"\begin{{tabular}}[t]{{@{{}}l@{{}}}}{joined}\end{{tabular}}"


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
