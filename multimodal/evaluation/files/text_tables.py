"""Numbers and tables as text: Markdown and LaTeX, values that are not defined as a dash."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

DASH = "–"
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "−": "$-$",
          "±": r"$\pm$", "≥": r"$\geq$", "≤": r"$\leq$", "<": r"$<$", ">": r"$>$",
          **{character: f"\\{character}" for character in "&%$#_{}"}}  # fmt: skip


def number(value: float, digits: int = 3) -> str:
    """Return a number without the 0 before the point, such as `.288`; a dash where it is not defined.

    >>> number(0.28849), number(1.0), number(float("nan"))
    ('.288', '1.000', '–')
    """
    if value is None or math.isnan(value):
        return DASH
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def signed(value: float, digits: int = 3) -> str:
    """Return a number with its sign.

    >>> signed(0.0311), signed(-0.2)
    ('+.031', '−.200')
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


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def latex_table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """Return a table in LaTeX; it needs the package booktabs."""
    body = [" & ".join(map(latex_text, row)) + r" \\" for row in rows]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{latex_text(caption)}}}",
            rf"\begin{{tabular}}{{{'l' + 'r' * (len(columns) - 1)}}}",
            r"\toprule",
            " & ".join(map(latex_text, columns)) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def latex_text(text: str) -> str:
    """Return text with what LaTeX reads as commands written out."""
    return "".join(_LATEX.get(character, character) for character in text)


def plain_values(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as values for JSON; a value that is not defined is null."""
    return [{str(name): _plain(value) for name, value in record.items()} for record in table.to_dict("records")]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value
