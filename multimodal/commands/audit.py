"""Audit a trained run for leaks: does anything it is evaluated by reach its answers?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from multimodal.commands.answer import FAILED, Answer, print_files

if TYPE_CHECKING:
    from multimodal.audit.run import Audit

EXAMPLES = """examples:
  multimodal-hashtags audit --run runs/sample --data data/prepared
  multimodal-hashtags audit --run runs/sample --data data/prepared --split validation --posts 1000

exit status: 0 if no check failed, 1 if one did, 2 for a mistake in the command"""
_DEFAULT_POSTS = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--run", type=Path, required=True, help="run folder")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder the run was trained on")
    parser.add_argument("--split", default="test", help="train, validation or test (default: test)")
    parser.add_argument(
        "--posts", type=int, default=_DEFAULT_POSTS, help=f"largest number of posts queried (default: {_DEFAULT_POSTS})"
    )
    parser.add_argument("--k", type=int, default=10, help="length of the lists (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")


def run(options: argparse.Namespace) -> Answer:
    """Audit the run."""
    from data_loaders.prepared import PreparedData
    from multimodal.audit.finding import as_json
    from multimodal.audit.run import audit_run

    audit = audit_run(
        options.run, PreparedData.open(options.data), options.split, options.posts, options.k, options.seed
    )
    document = as_json(audit.findings, audit.settings)
    return Answer(document, lambda: show(audit), status=FAILED if audit.verdict == "failed" else 0)


def show(audit: Audit) -> None:
    """Print the findings, the verdict and the files."""
    from rich.console import Console

    from multimodal.audit.finding import findings_table

    Console().print(findings_table(audit.findings).rich())
    print(f"verdict: {audit.verdict}")
    print_files([audit.folder / "audit.json", audit.folder / "audit.md"])
