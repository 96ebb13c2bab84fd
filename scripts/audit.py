"""Audit a trained run for leaks: does anything it is judged by reach its answers?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from _cli import run_main
from rich.console import Console

from data_loaders.prepared import PreparedData
from multimodal.audit.run import DEFAULT_POSTS, audit_run
from multimodal.audit.tables import findings_table

_EXAMPLES = """examples:
  python scripts/audit.py --run runs/sample --data data/prepared
  python scripts/audit.py --run runs/sample --data data/prepared --split validation --posts 1000

exit status: 0 when no check failed, 1 when one did, 2 for a mistake in the command"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="run folder")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder the run was trained on")
    parser.add_argument("--split", default="test", help="train, validation or test (default: test)")
    parser.add_argument(
        "--posts", type=int, default=DEFAULT_POSTS, help=f"posts asked about at most (default: {DEFAULT_POSTS})"
    )
    parser.add_argument("--k", type=int, default=10, help="length of the lists (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn at random (default: 0)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_args(arguments)
    audit = audit_run(
        options.run, PreparedData.open(options.data), options.split, options.posts, options.k, options.seed
    )
    Console().print(findings_table(audit.findings))
    print(f"verdict: {audit.verdict}")
    print(f"written:\n  {audit.folder / 'audit.json'}\n  {audit.folder / 'audit.md'}")
    if audit.verdict == "failed":
        sys.exit(1)


if __name__ == "__main__":
    run_main(main)
