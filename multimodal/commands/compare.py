"""Compare evaluated runs with the first of them: intervals, paired tests, effect sizes. No model is run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_loaders.errors import UserError
from multimodal.commands.answer import Answer, split_names, written
from multimodal.commands.run_paths import run_folders
from multimodal.evaluation.metrics.cut_offs import parse_ks

if TYPE_CHECKING:
    from multimodal.evaluation.comparison.comparison import Comparison
    from multimodal.evaluation.comparison.saved_runs import SavedRun
    from multimodal.evaluation.files.text_table import TextTable
    from multimodal.evaluation.files.writing import Content

EXAMPLES = """examples:
  multimodal-hashtags compare runs/popularity runs/user_habit runs/design --split test --k 5
  multimodal-hashtags compare runs/a runs/b --k 1-10 --column f1,recall --unit users --output runs/comparison
  multimodal-hashtags compare runs/sum_seed0 runs/sum_seed1 runs/weighted_seed0 runs/weighted_seed1 --k 5
  multimodal-hashtags compare runs/sum runs/weighted --slices caption_length
  multimodal-hashtags compare --group sum=runs/a,runs/b --group weighted=runs/c,runs/d --k 5

Evaluate the runs first: multimodal-hashtags evaluate --run … --data … --split test"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add = parser.add_argument
    add("runs", nargs="*", type=Path, metavar="RUN", help="run or evaluation folders, folders of runs, patterns")
    add("--split", default="test", help="train, validation or test (default: test)")
    add("--history", default="rolling", help="the protocol they were evaluated under (default: rolling)")
    add("--k", default="5", help="cut-offs, such as 5, 1-10 or 1,3,5 (default: 5)")
    add("--column", default="f1", help="metrics, such as f1 or hit_rate,precision,recall,f1 (default: f1)")
    add("--unit", default="posts", help="what is resampled and swapped: posts or users (default: posts)")
    add("--against", metavar="RUN", help="run or system to compare the others with (default: the first)")
    add("--group", action="append", default=[], metavar="NAME=RUN1,RUN2", help="runs that are seeds of one system")
    add("--separate", action="store_true", help="do not group runs whose configurations differ only in the seed")
    add("--common-posts", action="store_true", help="compare on the posts all runs share; the others are counted")
    add("--slices", metavar="NAMES", help="differences by slice: all, or names such as caption_length,history")
    add("--resamples", type=int, default=1_000, help="bootstrap samples (default: 1000)")
    swaps = "random swaps per test (default: 10000, and more where the correction for many tests asks for it)"
    add("--permutations", type=int, help=swaps)
    tested = "the Ks to test (default: those of --k; of a range 5 or the nearest to it, and bands elsewhere)"
    add("--test-k", help=tested)
    add("--seed", type=int, default=0, help="of resamples and swaps (default: 0)")
    add("--wide-tables", action="store_true", help="LaTeX tables across both columns of a page of two")
    add("--output", type=Path, help="folder for tables (CSV, Markdown, LaTeX, JSON), pictures and a page")


def run(options: argparse.Namespace) -> Answer:
    """Compare the runs."""
    from multimodal.evaluation.comparison import comparison_files
    from multimodal.evaluation.comparison.comparison import Protocol, compare_runs
    from multimodal.evaluation.comparison.comparison_slices import check_slicings, compare_slices, read_slices
    from multimodal.evaluation.comparison.pivots import marks_explained, systems_by_k

    ks = parse_ks(options.k)
    slicings = check_slicings((split_names(options.slices) or []) if options.slices else [])
    systems = read_systems(options)
    protocol = Protocol(
        columns=split_names(options.column) or [],
        unit=options.unit,
        resamples=options.resamples,
        permutations=options.permutations,
        test_ks=_tested(options, ks),
        seed=options.seed,
    )
    against = find_system(options.against, systems)
    comparison = compare_runs(systems, ks, protocol, against=against, common_posts=options.common_posts)
    by_slice = compare_slices(comparison, read_slices(systems, comparison.aligned), slicings) if slicings else None
    document = comparison_files.comparison_record(comparison)
    parts: list[str | TextTable] = [comparison_files.narrow_comparison_table(comparison)]
    parts += [comparison_files.caption(comparison), *(f"note: {note}" for note in comparison.notes)]
    if len(ks) > 1:
        parts += [*(systems_by_k(comparison, column) for column in protocol.columns), marks_explained(comparison)]
    slices: list[TextTable] = []
    if by_slice is not None:
        document["slices"] = by_slice.to_dict("records")
        slices = comparison_files.slice_tables(by_slice)
    files = []
    if options.output is not None:
        drawn = _drawn(options, systems, comparison, slices)
        files = comparison_files.write_comparison(
            options.output, comparison, slices=by_slice, further=drawn, wide=options.wide_tables
        )
    return Answer({**document, "written": files}, [*parts, *slices, *([written(files)] if files else [])])


def _tested(options: argparse.Namespace, ks: Sequence[int]) -> list[int] | None:
    """Return the Ks to test; None for all."""
    from multimodal.evaluation.slices.slice_metrics import slice_k

    if options.test_k is not None:
        tested = parse_ks(options.test_k)
        if outside := sorted(set(tested) - set(ks)):
            raise UserError(f"--test-k: {', '.join(map(str, outside))} is not among the Ks of --k {options.k}.")
        return tested
    return [slice_k(ks)] if "-" in options.k and len(ks) > 1 else None


def _drawn(
    options: argparse.Namespace,
    systems: Mapping[str, Sequence[SavedRun]],
    comparison: Comparison,
    slices: Sequence[TextTable],
) -> dict[str, Content]:
    from multimodal.evaluation.comparison.curves import system_curves
    from multimodal.evaluation.comparison.pictures import picture_files
    from multimodal.evaluation.report.comparison_page import comparison_page

    protocol = comparison.protocol
    curves = system_curves(
        systems,
        sorted(set(comparison.table["k"].tolist())),
        protocol.columns,
        unit=protocol.unit,
        resamples=protocol.resamples,
        seed=protocol.seed,
        common_posts=options.common_posts,
    )
    return {"comparison.html": comparison_page(comparison, curves, slices), **picture_files(curves)}


def read_systems(options: argparse.Namespace) -> dict[str, list[SavedRun]]:
    """Return name → runs, as the arguments group them."""
    from multimodal.evaluation.comparison.saved_runs import group_by_seed, named_groups, read_saved_runs

    named = named_groups(options.group)
    loose_paths = run_folders(options.runs)
    paths: list[str | Path] = [*loose_paths, *(run for members in named.values() for run in members)]
    if not paths:
        raise UserError("no run to compare: give run folders, such as runs/popularity runs/user_habit.")
    runs = read_saved_runs(paths, options.split, options.history)
    loose, rest = runs[: len(loose_paths)], iter(runs[len(loose_paths) :])
    systems = {run.name: [run] for run in loose} if options.separate else group_by_seed(loose)
    for name, members in named.items():
        if name in systems:
            raise UserError(f"--group: the name {name!r} is already that of another run; choose another one.")
        systems[name] = [next(rest) for _ in members]
    return systems


def find_system(against: str | None, systems: Mapping[str, Sequence[SavedRun]]) -> str | None:
    """Return the system that `--against` means: its name, or the path of one of its runs."""
    for name, members in systems.items():
        if against is not None and any(Path(run.given) == Path(against) for run in members):
            return name
    return against
