"""A benchmark for people: tables for the terminal, Markdown and CSV."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from multimodal.evaluation.comparison.alignment import alike
from multimodal.evaluation.comparison.curves import SystemCurves, system_curves
from multimodal.evaluation.comparison.pictures import PICTURES, picture_files
from multimodal.evaluation.comparison.pivots import pivot
from multimodal.evaluation.comparison.saved_runs import SavedRun, read_saved_runs
from multimodal.evaluation.files.text_table import DASH, TextTable, number, with_interval
from multimodal.evaluation.files.writing import Content, write_files
from multimodal.evaluation.metrics.catalogue import BEST_BY, METRICS
from multimodal.evaluation.report.systems import Part, curve_charts, systems_page, tables_of
from multimodal.evaluation.report.tables import from_text
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.experiments.benchmark.failures import Failure
from multimodal.experiments.benchmark.running import DEPTH, Row
from multimodal.experiments.benchmark.table import CHANCES_COLUMNS

_POOLED = ("f1_micro", "f1_macro_label", "new_hashtag_recall", "redundancy")
# A terminal has room for no more.
_NARROW = _POOLED[:2]
_IN_PAPERS = (*METRICS.headline, "new_hashtag_recall", "redundancy")
_WITH_INTERVAL = ("f1", "ndcg")
_STAND_OUT = "The best is bold, the second underlined."
# Paired tests, the trials of the search for hyper-parameters, and lists in another order.
FURTHER = PAIRED, TRIALS, RERANKED = "paired.csv", "trials.csv", "reranked.csv"


def at_k_table(table: pd.DataFrame, k: int) -> TextTable:
    """Return the metrics at one K, intervals with F1 and NDCG."""
    names = (*METRICS.headline, *_POOLED)
    headings = ["system", *(f"{METRICS[name].heading}@{k}" for name in names), f"F1@{k} over users"]
    cells = []
    for line in table[table["k"] == k].to_dict("records"):
        values = [
            with_interval(line[metric], line[f"{metric}_low"], line[f"{metric}_high"])
            if metric in _WITH_INTERVAL
            else number(line[metric])
            for metric in names
        ]
        over_users = f"[{number(line['f1_users_low'])}, {number(line['f1_users_high'])}]"
        cells.append([line["system"], *values, over_users])
    return TextTable(headings=headings, cells=cells)


def narrow_at_k_table(table: pd.DataFrame, k: int) -> TextTable:
    """Return the metrics at one K for a terminal: the interval of F1 alone."""
    names = (*METRICS.headline, *_NARROW)
    at = names.index("f1") + 1
    short = [METRICS[name].heading.replace(" ", "\n") for name in names]
    headings = ["system", *short[:at], "95 %", *short[at:]]
    cells = []
    for line in table[table["k"] == k].to_dict("records"):
        texts = [number(line[name]) for name in names]
        interval = f"{number(line['f1_low'])}–{number(line['f1_high'])}"
        cells.append([line["system"], *texts[:at], interval, *texts[at:]])
    return TextTable(headings=headings, cells=cells, title=f"K = {k}")


def cost_table(table: pd.DataFrame) -> TextTable:
    """Return the metrics of labels above the threshold, and of what each System costs."""
    headings = ["system", "threshold", "micro\nF1", "macro\nF1", "new-tag\nrecall", "training", "model", "ms a\npost"]
    cells = []
    for line in table.drop_duplicates("system", keep="last").to_dict("records"):
        cells.append(
            [
                line["system"],
                f"{line['threshold']:.3g}",
                number(line["labels_f1_micro"]),
                number(line["labels_f1_macro"]),
                number(line["new_hashtag_recall"]),
                _measured(line["training_s"], "{:,.0f} s"),
                f"{line['size_bytes'] / 1e6:,.1f} MB",
                _measured(line["ms_per_post"], "{:.2f}"),
            ]
        )
    return TextTable(headings=headings, cells=cells, title="Labels above a threshold, and cost")


def _measured(value: float, form: str) -> str:
    """Return a time, or a dash where a run was there already, made by another command."""
    return DASH if math.isnan(value) else form.format(value)


def last_tables(table: pd.DataFrame) -> list[TextTable]:
    """Return the tables that stand below those of each K."""
    chances = chances_table(table)
    return [cost_table(table), *([chances] if chances.cells else [])]


def chances_table(table: pd.DataFrame) -> TextTable:
    """Return how far the chances of each System that has any are off, and what lists of their own length are worth."""
    headings = ["system", "calibration\nerror", "in the\nfirst 5", "F1 of\nauto", "F1 per\npost", "mean\nlength"]
    lines = table[table["calibration_error"].notna()].drop_duplicates("system").to_dict("records")
    cells = [
        [line["system"], *(number(line[name]) for name in CHANCES_COLUMNS[:-1]), f"{line['auto_mean_length']:.2f}"]
        for line in lines
    ]
    return TextTable(headings=headings, cells=cells, title="Chances, and lists as long as they make them")


def explanation(table: pd.DataFrame, settings: Mapping[str, Any], failures: Sequence[Failure]) -> str:
    """Return how the figures came about, and what is missing."""
    deepest = int(table["k"].max()) if len(table) else 0
    rule = (
        "each System's own, with the best micro F1 on the validation split"
        if settings["threshold"] is None
        else f"{settings['threshold']:g} for all"
    )
    lines = [
        f"{_made(table, settings)} In brackets 95 % bootstrap intervals over {settings['unit']}.",
        f"Micro and macro F1 without a K: of the hashtags whose score reaches a threshold; the threshold is {rule}. "
        f"New-tag recall is that of the first {deepest}. The model's size leaves remembered posts out.",
        *(f"Left out: {failure.entry.name}: {failure.reason}" for failure in failures),
    ]
    return "\n".join(lines)


def _made(table: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """Return what was measured, of which models."""
    posts = int(table["posts"].iloc[0]) if len(table) else 0
    made = f"{posts:,} posts of the test split, history rolling, seed {settings['seed']}."
    if trials := settings.get("trials"):
        made += f" Hyper-parameters are the best of {trials} trials by the validation split, where a System has any."
    return made


def markdown(
    table: pd.DataFrame,
    settings: dict[str, Any],
    failures: Sequence[Failure],
    notes: Sequence[str] = (),
    further: Sequence[TextTable] = (),
) -> str:
    """Return everything as Markdown; `further` tables come last."""
    ks = sorted(int(k) for k in table["k"].unique()) if len(table) else []
    parts = ["# Every System, side by side", explanation(table, settings, failures)]
    parts += [f"Note: {note}." for note in notes]
    parts += [at_k_table(table, k).markdown() for k in ks]
    for one in [*(last_tables(table) if len(table) else ()), *further]:
        parts += [f"{one.title}:", one.markdown()]
    return "\n\n".join(part.rstrip("\n") for part in [*parts, f"Command: `{settings['command']}`"]) + "\n"


def write_report(
    folder: Path,
    table: pd.DataFrame,
    settings: dict[str, Any],
    failures: Sequence[Failure],
    curves: SystemCurves | None = None,
    notes: Sequence[str] = (),
    further: Mapping[str, tuple[pd.DataFrame, Sequence[TextTable]]] = MappingProxyType({}),
) -> list[Path]:
    """Write `benchmark.csv` and `benchmark.md`; with curves also `.tex`, the pictures and `.html`; return the paths.

    Args:
        notes: what the reader must know.
        further: name of a CSV file → its content, and tables of it for everything else; see `FURTHER`.
    """
    tables = [one for _, shown in further.values() for one in shown]
    text = markdown(table, settings, failures, notes, tables)
    contents: dict[str, Content] = {"benchmark.csv": table, "benchmark.md": text}
    contents |= {name: frame for name, (frame, _) in further.items()}
    if curves is not None:
        caption = f"{_made(table, settings)} {_STAND_OUT}"
        latex = [one.latex(f"{one.title}. {caption}") for one in paper_tables(table)]
        latex += [one.latex(f"{one.title}.") for one in tables]
        page = _page(table, settings, failures, curves, notes, tables)
        contents |= {"benchmark.tex": "\n".join(latex), "benchmark.html": page, **picture_files(curves)}
    return write_files(folder, contents, ("benchmark.tex", "benchmark.html", *FURTHER, *PICTURES))


def paper_tables(table: pd.DataFrame) -> list[TextTable]:
    """Return systems by metric at each K, then systems by K for F1; the best bold, the second underlined."""
    systems = table["system"].unique().tolist()
    ks = [int(k) for k in table["k"].unique()]

    def column(metric: str, k: int) -> pd.DataFrame:
        rows = table[table["k"] == k]
        return pd.DataFrame({"system": rows["system"], "value": rows[metric], "differs": False})

    names = [METRICS[metric].heading for metric in _IN_PAPERS]
    redundant = [METRICS["redundancy"].heading]
    at_k = [
        pivot(f"Metrics at K = {k}", names, [column(name, k) for name in _IN_PAPERS], systems, redundant) for k in ks
    ]
    by_k = pivot(f"{METRICS.label(BEST_BY)} at K", [str(k) for k in ks], [column(BEST_BY, k) for k in ks], systems)
    return [*at_k, *([by_k] if len(ks) > 1 else [])]


def _page(
    table: pd.DataFrame,
    settings: dict[str, Any],
    failures: Sequence[Failure],
    curves: SystemCurves,
    notes: Sequence[str],
    further: Sequence[TextTable],
) -> str:
    facts = {"Figures": explanation(table, settings, failures), "Command": settings["command"]}
    ks = sorted(int(k) for k in table["k"].unique())
    exact = [(f"K = {k}", from_text(at_k_table(table, k))) for k in ks]
    parts = [
        Part("How it came about", facts=facts, notes=notes),
        Part("Against the length of the list", charts=curve_charts(curves)),
        Part("Metrics", _STAND_OUT, tables=tables_of(paper_tables(table))),
        Part("With intervals, and what each System costs", tables=[*exact, *tables_of(last_tables(table))]),
        *(
            [Part("Paired tests, what was chosen, and lists ordered anew", tables=tables_of(further))]
            if further
            else []
        ),
    ]
    lead = f"{curves.posts:,} posts of the test split."
    return systems_page("Every System, side by side", "benchmark", lead, parts)


def saved_runs_of(rows: Sequence[Row]) -> dict[str, list[SavedRun]]:
    """Return the evaluations of all rows by name."""
    runs = read_saved_runs([row.folder for row in rows])
    return {row.entry.name: [run] for row, run in zip(rows, runs, strict=True)}


def curves_of(systems: Mapping[str, list[SavedRun]], unit: Unit) -> tuple[SystemCurves, list[str]]:
    """Return the curves of all rows, and which of them rank alike."""
    return system_curves(systems, [DEPTH], METRICS.headline, unit=unit), alike(systems)
