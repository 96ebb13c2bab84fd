"""Measure a trained run on one split: metrics at K, predictions and figures in the run folder."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from _cli import run_main
from rich.console import Console

from data_loaders.prepared import PreparedData
from multimodal.distributed.processes import is_main_process
from multimodal.evaluation.files.tables import k_table
from multimodal.evaluation.metrics.cut_offs import parse_ks
from multimodal.evaluation.pipeline import EvaluatedRun, evaluate_run

_EXAMPLES = """examples:
  python scripts/evaluate.py --run runs/sample --data data/prepared --split test --k 1-10
  python scripts/evaluate.py --run runs/sample --data data/prepared --report
  python scripts/evaluate.py --run runs/sample --data data/prepared --history frozen --k 1,5,10"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="run folder")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder the run was trained on")
    parser.add_argument("--split", default="test", help="train, validation or test (default: test)")
    parser.add_argument("--k", default="1-10", help="cut-offs, such as 5, 1-10 or 1,3,5 (default: 1-10)")
    parser.add_argument(
        "--history",
        default="rolling",
        help="rolling: all strictly earlier posts are known; frozen: only the train split (default: rolling)",
    )
    parser.add_argument(
        "--unit", default="posts", help="what intervals resample: posts, or users with all their posts (default: posts)"
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="write report.html, with errors and posts to look at, and tables for a paper",
    )
    parser.add_argument("--no-slices", action="store_true", help="leave out the metrics of slices")
    parser.add_argument("--batch-size", type=int, default=2_048, help="posts ranked together (default: 2048)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 (default: cuda where there is any, else cpu)")
    return parser


def describe(evaluated: EvaluatedRun, data: Path) -> str:
    """Return the best K, the files written and the command that comes next."""
    evaluation, folder = evaluated.evaluation, evaluated.folder
    best = evaluation.best_k("f1")
    settings = evaluated.settings
    recommend = ["python", "scripts/recommend.py", "--run", settings["run"], "--caption", "…", "--user-id", "…"]
    lines = [
        f"{settings['system']} on the {settings['split']} split of {data}, history {settings['history']}",
        evaluated.which_k.sentence if evaluated.which_k else f"best K by F1: {best}",
        *(f"  {note}" for note in (evaluated.which_k.notes if evaluated.which_k else ())),
        "written:",
        *(f"  {path}" for path in sorted(folder.iterdir()) if not path.name.startswith(".")),
        f"next: {shlex.join(recommend)}",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_args(arguments)
    ks = parse_ks(options.k)
    data = PreparedData.open(options.data)
    evaluated = evaluate_run(
        options.run,
        data,
        options.split,
        ks,
        options.history,
        options.batch_size,
        options.unit,
        not options.no_slices,
        options.device,
    )
    if is_main_process():
        if options.report:
            from multimodal.evaluation.report.write import write_report

            write_report(options.run, data, evaluated.folder, options.unit)
        Console().print(k_table(evaluated.evaluation))
        print(describe(evaluated, options.data))


if __name__ == "__main__":
    run_main(main)
