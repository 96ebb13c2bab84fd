"""Say how much the fusion of a trained run trusts the picture, by what a post has and lacks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from _cli import run_main
from rich.console import Console

from data_loaders.prepared import PreparedData
from multimodal.ablation.report import as_table, gate_rows
from multimodal.design.gate import gate_of_run
from multimodal.distributed.processes import is_main_process

_EXAMPLE = "example:\n  python scripts/gate.py --run runs/sample --data data/prepared --split test"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="run folder")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder")
    parser.add_argument("--split", default="test", help="train, validation or test (default: test)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_args(arguments)
    table = gate_of_run(options.run, PreparedData.open(options.data), options.split)
    if is_main_process():
        Console().print(as_table(*gate_rows(table), title=f"{options.run}, {options.split} split"))


if __name__ == "__main__":
    run_main(main)
