"""Audit a trained run for leaks: does anything it is evaluated by reach its answers?"""

from __future__ import annotations

import argparse
from pathlib import Path

from multimodal.commands.answer import FAILED, Answer, written
from multimodal.commands.dump_arguments import MOVED

EXAMPLES = """examples:
  multimodal-hashtags audit --run runs/sample --data data/prepared
  multimodal-hashtags audit --run runs/sample --data data/prepared --split validation --posts 1000

exit status: 0 if no check failed, 1 if one did, 2 for a mistake in the command"""
_DEFAULT_POSTS = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--run", type=Path, required=True, help="run folder")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder the run was trained on")
    parser.add_argument("--images", type=Path, help=MOVED)
    parser.add_argument("--split", default="test", help="train, validation or test (default: test)")
    parser.add_argument(
        "--posts", type=int, default=_DEFAULT_POSTS, help=f"largest number of posts queried (default: {_DEFAULT_POSTS})"
    )
    parser.add_argument("--k", type=int, default=10, help="length of the lists (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")


def run(options: argparse.Namespace) -> Answer:
    """Audit the run."""
    from data_loaders.prepared import PreparedData
    from multimodal.audit.finding import as_json, findings_table
    from multimodal.audit.run import audit_run

    audit = audit_run(
        options.run,
        PreparedData.open(options.data, options.images),
        options.split,
        options.posts,
        options.k,
        options.seed,
    )
    document = as_json(audit.findings, audit.settings)
    files = written([audit.folder / "audit.json", audit.folder / "audit.md"])
    status = FAILED if audit.verdict == "failed" else 0
    return Answer(document, [findings_table(audit.findings), f"verdict: {audit.verdict}", files], status=status)
