"""Train a configuration and its variants with several seeds, and say what each part earns. Finished runs are kept."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from _cli import run_main
from rich.console import Console

from data_loaders.errors import UserError
from data_loaders.prepared import PreparedData
from multimodal.ablation.report import as_table, explanation, gate_rows, rows, write_report
from multimodal.ablation.running import Ablation, run_ablation
from multimodal.ablation.variants import VARIANTS, choose_variants, parse_variant
from multimodal.distributed.processes import is_main_process

_EXAMPLES = """examples:
  python scripts/ablation.py --data data/prepared --output runs/ablation
  python scripts/ablation.py --data data/prepared --output runs/fusion --variants full,sum --seeds 0,1,2,3,4
  python scripts/ablation.py --data data/prepared --output runs/quick --seeds 0 --variant narrow="width=64" \\
      training.epochs=3"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--config", type=Path, default=Path("configs/sample.yaml"), help="the reference (default: configs/sample.yaml)"
    )
    parser.add_argument("--data", type=Path, required=True, help="prepared folder")
    parser.add_argument("--output", type=Path, required=True, help="folder for the runs and the report")
    known = ",".join(variant.name for variant in VARIANTS)
    parser.add_argument("--variants", help=f"which, with commas between (default: all: {known})")
    parser.add_argument(
        "--variant", action="append", default=[], metavar='NAME="key=value …"', help="one of your own; may be repeated"
    )
    parser.add_argument("--seeds", default="0,1,2", help="seeds, with commas between (default: 0,1,2)")
    parser.add_argument("--k", type=int, default=5, help="cut-off of the table (default: 5)")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="change the configuration of all variants")
    return parser


def read_seeds(text: str) -> list[int]:
    """Return the seeds that `--seeds` names.

    Raises:
        UserError: they are no whole numbers from 0 on.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise UserError(f"--seeds {text!r}: give whole numbers with commas between, for instance 0,1,2.")
    return [int(part) for part in parts]


def show(ablation: Ablation, files: Sequence[Path]) -> None:
    """Print the tables and where they are."""
    console = Console()
    console.print(as_table(*rows(ablation), title="What each part earns"))
    print(explanation(ablation))
    if ablation.gate is not None:
        console.print(as_table(*gate_rows(ablation.gate), title="Where the gate looks"))
    print("\n".join(["written:", *(f"  {path}" for path in files)]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_intermixed_args(arguments)
    names = None if options.variants is None else [name.strip() for name in options.variants.split(",")]
    ablation = run_ablation(
        options.config,
        PreparedData.open(options.data),
        options.output,
        choose_variants(names, [parse_variant(text) for text in options.variant]),
        read_seeds(options.seeds),
        options.k,
        options.overrides,
    )
    if is_main_process():
        show(ablation, write_report(options.output, ablation))


if __name__ == "__main__":
    run_main(main)
