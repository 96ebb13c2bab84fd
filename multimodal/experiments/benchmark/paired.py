"""Paired tests of every System of a benchmark against the best one and against the user's habit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

import pandas as pd

from multimodal.evaluation.comparison.comparison import Protocol, compare_runs
from multimodal.evaluation.comparison.saved_runs import SavedRun
from multimodal.evaluation.files.text_table import TextTable, probability, with_signed_interval
from multimodal.evaluation.metrics.catalogue import BEST_BY, METRICS
from multimodal.evaluation.uncertainty.resampling import Unit

HABIT = "user_habit"
COLUMNS = (
    "system", "against", "unit", "k", "value", "difference", "difference_low", "difference_high", "p", "p_holm",
    "differs",
)  # fmt: skip


def paired_tests(systems: Mapping[str, Sequence[SavedRun]], table: pd.DataFrame, k: int) -> pd.DataFrame:
    """Return one line per System, opponent and unit, the columns `COLUMNS`; see `compare_runs`.

    Opponents are the System with the best F1 and `user_habit`, units are posts and, where they are known, users.

    Args:
        systems: name → its run.
        table: `benchmark_table` of the same.
        k: the cut-off.
    """
    at_k = table[table["k"] == k]
    best = str(at_k["system"].to_numpy()[int(at_k[BEST_BY].to_numpy().argmax())])
    opponents = [best, *([HABIT] if HABIT in systems and best != HABIT else [])]
    if len(systems) < 2:
        return pd.DataFrame(columns=list(COLUMNS))
    parts = [_against(systems, k, name, unit) for name in opponents for unit in _units(systems)]
    return pd.concat(parts, ignore_index=True)


def _units(systems: Mapping[str, Sequence[SavedRun]]) -> list[Unit]:
    users = next(iter(systems.values()))[0].outcomes.user_ids
    return [unit for unit in get_args(Unit) if unit == "posts" or any(user is not None for user in users or ())]


def _against(systems: Mapping[str, Sequence[SavedRun]], k: int, name: str, unit: Unit) -> pd.DataFrame:
    compared = compare_runs(systems, [k], Protocol(columns=(BEST_BY,), unit=unit), against=name).table
    return compared[compared["system"] != name].assign(unit=unit)[list(COLUMNS)]


def paired_tables(tests: pd.DataFrame) -> list[TextTable]:
    """Return a table for each opponent: the difference over posts and over users, each with its interval and p."""
    return [_table(tests[tests["against"] == name], str(name)) for name in tests["against"].unique()]


def _table(tests: pd.DataFrame, against: str) -> TextTable:
    units = tests["unit"].unique().tolist()
    k = int(tests["k"].iloc[0])
    cells = []
    for system in tests["system"].unique():
        lines = [tests[(tests["system"] == system) & (tests["unit"] == unit)].iloc[0] for unit in units]
        cells.append([str(system), *(text for line in lines for text in _cells(line))])
    headings = ["system", *(text for unit in units for text in (f"difference, {unit}", f"p, {unit}"))]
    title = f"{METRICS.label(BEST_BY)}@{k} against {against}; 95 % intervals, p after Holm's correction"
    return TextTable(headings=headings, cells=cells, title=title)


def _cells(line: pd.Series[float]) -> tuple[str, str]:
    ends = line["difference"], line["difference_low"], line["difference_high"]
    return with_signed_interval(*ends), probability(line["p_holm"])
