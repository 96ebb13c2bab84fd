"""Tables for a paper: systems by K, and systems by metric, the best bold, the second underlined, differences marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from multimodal.evaluation.comparison.comparison import Comparison
from multimodal.evaluation.files.text_table import Emphasis, TextTable, number
from multimodal.evaluation.metrics.accuracy import Floats
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.uncertainty.intervals import bootstrap

# Of a long sweep a page shows these.
_SHOWN_KS = (1, 2, 3, 5, 10, 15, 20, 25, 30)
_MOST_KS = 10
_BETTER, _WORSE = "†", "‡"


def systems_by_k(comparison: Comparison, metric: str, *, every_k: bool = False) -> TextTable:
    """Return one metric of every system at every K.

    Args:
        every_k: also of a long sweep, of which nine Ks are shown otherwise.
    """
    rows = comparison.table[comparison.table["metric"] == metric]
    ks = sorted(rows["k"].unique().tolist())
    if len(ks) > _MOST_KS and not every_k:
        ks = [k for k in ks if k in _SHOWN_KS] or ks[:_MOST_KS]
    cells = [rows[rows["k"] == k] for k in ks]
    return pivot(f"{METRICS.label(metric)} at K", [str(k) for k in ks], cells, list(comparison.runs))


def systems_by_metric(comparison: Comparison, k: int) -> TextTable:
    """Return the headline metrics of every system at one K; those that were not tested carry no mark."""
    tested = comparison.table[comparison.table["k"] == k]
    parts = []
    for metric in METRICS.headline:
        rows = tested[tested["metric"] == metric]
        parts.append(rows if len(rows) else _untested(comparison, metric, k))
    headings = [METRICS[name].heading for name in METRICS.headline]
    return pivot(f"Metrics at K = {k}", headings, parts, list(comparison.runs))


def _untested(comparison: Comparison, metric: str, k: int) -> pd.DataFrame:
    values = [
        float(bootstrap(outcomes.at(np.array([k])), [metric], resamples=1).values[metric][0])
        for outcomes in comparison.aligned.systems.values()
    ]
    return pd.DataFrame(
        {"system": list(comparison.aligned.systems), "value": values, "differs": False, "difference": 0.0}
    )


def pivot(
    title: str,
    headings: Sequence[str],
    columns: Sequence[pd.DataFrame],
    systems: Sequence[str],
    unjudged: Sequence[str] = (),
) -> TextTable:
    """Return a table of systems from a data frame for each column: system, value, difference, differs.

    The best value of a column is bold and the second underlined, as they read with three digits; never zeros.

    Args:
        unjudged: headings of columns where more is not better.
    """
    values = np.array([[_of(rows, name, "value") for rows in columns] for name in systems])
    marks = [[_mark(rows, name) for rows in columns] for name in systems]
    cells = [
        [name, *(number(value) + mark for value, mark in zip(line, marked, strict=True))]
        for name, line, marked in zip(systems, values, marks, strict=True)
    ]
    emphasis = {
        (row, column + 1): how
        for column in range(len(columns))
        if headings[column] not in unjudged
        for row, how in _order(values[:, column]).items()
        if len(systems) > 1
    }
    return TextTable(headings=["System", *headings], cells=cells, title=title, emphasis=emphasis)


def _of(rows: pd.DataFrame, name: str, column: str) -> float:
    return float(rows.loc[rows["system"] == name, column].iloc[0])


def _mark(rows: pd.DataFrame, name: str) -> str:
    row = rows[rows["system"] == name].iloc[0]
    if pd.isna(row["differs"]) or not row["differs"]:
        return ""
    return _BETTER if row["difference"] > 0 else _WORSE


def _order(values: Floats) -> dict[int, Emphasis]:
    rounded = np.round(values, 3)
    distinct = sorted({value for value in rounded.tolist() if value > 0}, reverse=True)[:2]
    kinds: tuple[Emphasis, ...] = ("bold", "underline")
    places = dict(zip(distinct, kinds, strict=False))
    return {row: places[value] for row, value in enumerate(rounded.tolist()) if value in places}


def marks_explained(comparison: Comparison) -> str:
    """Return what the marks mean, in a sentence."""
    tested = comparison.protocol.test_ks
    how = "p < 0.05 after Holm's correction"
    if tested is not None:
        ks = ", ".join(map(str, sorted(tested)))
        how += f" at K = {ks}; elsewhere the 95 % band of the difference, which holds at all K at once, excludes 0"
    return f"best bold, second underlined; {_BETTER} better and {_WORSE} worse than {comparison.against}: {how}"


def paper_tables(comparison: Comparison) -> list[TextTable]:
    """Return the tables for a paper: each metric by K where there are several, and the metrics at each tested K."""
    ks = sorted(comparison.table["k"].unique().tolist())
    tested = ks if comparison.protocol.test_ks is None else [k for k in ks if k in comparison.protocol.test_ks]
    by_k = [systems_by_k(comparison, metric) for metric in comparison.protocol.columns] if len(ks) > 1 else []
    return [*by_k, *(systems_by_metric(comparison, k) for k in tested)]
