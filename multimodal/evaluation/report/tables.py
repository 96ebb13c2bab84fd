"""The tables of the page: cells are texts, or values with an interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from multimodal.evaluation.files.text_table import TextTable
from multimodal.evaluation.report.text import number


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its interval, as texts."""

    value: str
    low: str
    high: str


@dataclass(frozen=True)
class Emphasised:
    """A text that stands out, `bold` or `underline`."""

    text: str
    how: str


Cell: TypeAlias = str | Interval | Emphasised


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        headings: of the columns.
        rows: cells; a row of a single cell is a heading above the rows that follow.
        text: indices of the columns that hold text, aligned left.
        best: index of the row that stands out; -1 for none.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    text: Sequence[int] = (0,)
    best: int = -1


def with_interval(value: float, low: float, high: float) -> Cell:
    """Return a value with its interval; the value alone where the interval is not defined."""
    if math.isnan(low) or math.isnan(high):
        return number(value)
    return Interval(number(value), number(low), number(high))


def from_text(table: TextTable) -> Table:
    """Return a table of text for the page; rows that stand out in the terminal do so by their texts alone."""
    rows = [
        [
            Emphasised(cell, table.emphasis[row, column]) if (row, column) in table.emphasis else cell
            for column, cell in enumerate(line)
        ]
        for row, line in enumerate(table.cells)
    ]
    headings = [heading.replace("\n", " ") for heading in table.headings]
    return Table(headings, rows, text=range(table.text_columns))


def data_table(frame: pd.DataFrame) -> Table:
    """Return any data frame as a table, numbers with three digits."""
    texts = [i for i, name in enumerate(frame.columns) if not pd.api.types.is_numeric_dtype(frame[name])]
    rows = [[_cell(value) for value in record] for record in frame.itertuples(index=False)]
    return Table([str(name).replace("_", " ") for name in frame.columns], rows, text=texts)


def _cell(value: object) -> str:
    if isinstance(value, (float, np.floating)):
        return number(float(value))
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_)):
        return f"{value:,}"
    return str(value)
