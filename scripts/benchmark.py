"""Train and evaluate Systems on the same data and put them into one table. Finished runs are kept."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from _cli import run_main
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from data_loaders.errors import UserError
from data_loaders.prepared import PreparedData
from multimodal.benchmark.entries import choose_entries, parse_entry, parse_settings
from multimodal.benchmark.report import cost_cells, explanation, narrow_at_k_cells, write_report
from multimodal.benchmark.running import run_benchmark
from multimodal.benchmark.table import benchmark_table
from multimodal.evaluation.metrics.cut_offs import parse_ks

_EXAMPLES = """examples:
  python scripts/benchmark.py --data data/prepared --systems all --output runs/benchmark
  python scripts/benchmark.py --data data/prepared --systems popularity,user_habit,fasttext,lstm --output runs/some
  python scripts/benchmark.py --data data/prepared --systems all --output runs/local \\
      --set "bert:encoder.pretrained=models/minilm training.epochs=1"
  python scripts/benchmark.py --data data/prepared --output runs/branches \\
      --entry small="configs/sample.yaml" --entry lstm="configs/sample.yaml encoder.caption=lstm"

A row that cannot be made (a model that cannot be fetched, say) is left out and named; the others are still made."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="prepared folder")
    add(
        "--systems",
        default="",
        help="names with commas between, or all: each with configs/<name>.yaml, design with sample",
    )
    add("--output", type=Path, required=True, help="folder for the runs and the tables")
    add("--entry", action="append", default=[], metavar='NAME="FILE key=value …"', help="a row of your own; repeatable")
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME:key=value",
        help="change one row's configuration; repeatable",
    )
    add("--k", default="3,5,10", help="cut-offs (default: 3,5,10)")
    add("--threshold", type=float, help="score from which a hashtag counts as a label (default: tuned on validation)")
    add("--unit", choices=["posts", "users"], default="posts", help="what intervals resample (default: posts)")
    add("--seed", type=int, default=0, help="of all runs (default: 0)")
    add("overrides", nargs="*", metavar="key=value", help="change the configuration of all rows")
    return parser


def as_table(title: str, headings: list[str], cells: list[list[str]]) -> Table:
    """Return a table for the terminal."""
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for number, heading in enumerate(headings):
        table.add_column(heading.replace(" ", "\n"), justify="right" if number else "left", no_wrap=True)
    for row in cells:
        table.add_row(*row)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_intermixed_args(arguments)
    ks = parse_ks(options.k)
    entries = choose_entries(
        options.systems, [parse_entry(text) for text in options.entry], parse_settings(options.set), options.overrides
    )
    data = PreparedData.open(options.data)
    rows, failures = run_benchmark(entries, data, options.output, ks, options.seed)
    if not rows:
        raise UserError(
            "no row could be made:\n" + "\n".join(f"  {failure.entry.name}: {failure.reason}" for failure in failures)
        )
    table = benchmark_table(rows, data, ks, threshold=options.threshold, unit=options.unit)
    command = shlex.join(["python", "scripts/benchmark.py", *(sys.argv[1:] if arguments is None else arguments)])
    settings = {"seed": options.seed, "unit": options.unit, "threshold": options.threshold, "command": command}
    files = write_report(options.output, table, settings, failures)
    for k in ks:
        Console().print(as_table(f"K = {k}", *narrow_at_k_cells(table, k)))
    Console().print(as_table("Labels above a threshold, and cost", *cost_cells(table)))
    print(explanation(table, settings, failures))
    print("\n".join(["written:", *(f"  {path}" for path in files)]))
    names = " ".join(str(row.folder) for row in rows)
    print(f"paired tests: python scripts/compare.py {names} --k {ks[len(ks) // 2]}")


if __name__ == "__main__":
    run_main(main)
