"""Evaluate a trained run on one split: metrics at K, predictions and charts in the run folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from data_loaders.command_line import command_line
from multimodal.commands.answer import Answer, written
from multimodal.commands.dump_arguments import MOVED

if TYPE_CHECKING:
    from multimodal.evaluation.evaluation_run import EvaluationRun

EXAMPLES = """examples:
  multimodal-hashtags evaluate --run runs/sample --data data/prepared --split test --k 1-10
  multimodal-hashtags evaluate --run runs/sample --data data/prepared --report
  multimodal-hashtags evaluate --run runs/sample --data data/prepared --history frozen --k 1,5,10"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--run", type=Path, required=True, help="run folder")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder the run was trained on")
    parser.add_argument("--images", type=Path, help=MOVED)
    parser.add_argument("--split", default="test", help="train, validation or test (default: test)")
    parser.add_argument("--k", default="1-10", help="cut-offs, such as 5, 1-10 or 1,3,5 (default: 1-10)")
    known = "rolling: all strictly earlier posts are known; frozen: only the train split (default: rolling)"
    parser.add_argument("--history", default="rolling", help=known)
    unit = "what intervals resample: posts, or users with all their posts (default: posts)"
    parser.add_argument("--unit", default="posts", help=unit)
    report = "write report.html, with errors and posts to look at, and tables for a paper"
    parser.add_argument("--report", action="store_true", help=report)
    parser.add_argument("--no-slices", action="store_true", help="leave out the metrics of slices")
    parser.add_argument("--batch-size", type=int, default=2_048, help="posts ranked together (default: 2048)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 (default: cuda if available, else cpu)")


def run(options: argparse.Namespace) -> Answer | None:
    """Evaluate; only the main process answers."""
    from data_loaders.prepared import PreparedData
    from multimodal.distributed.processes import is_main_process
    from multimodal.evaluation.files.figures import k_table
    from multimodal.evaluation.files.results import summary
    from multimodal.evaluation.metrics.cut_offs import parse_ks
    from multimodal.evaluation.pipeline import evaluate_run

    ks = parse_ks(options.k)
    data = PreparedData.open(options.data, options.images)
    evaluated = evaluate_run(
        options.run,
        data,
        split=options.split,
        ks=ks,
        history=options.history,
        batch_size=options.batch_size,
        unit=options.unit,
        slices=not options.no_slices,
        device=options.device,
    )
    if not is_main_process():
        return None
    if options.report:
        from multimodal.evaluation.report.write import write_report

        write_report(options.run, data, evaluated.folder, options.unit)
    document = {"folder": evaluated.folder, **summary(evaluated.metrics, evaluated.settings)}
    return Answer(document, [k_table(evaluated.metrics), describe(evaluated, options.data)])


def describe(evaluated: EvaluationRun, data: Path) -> str:
    """Return the best K, the files written and the command that comes next."""
    from multimodal.evaluation.files.folder import EVALUATION_FILES

    settings, chosen = evaluated.settings, evaluated.which_k
    files = sorted(path for path in evaluated.folder.iterdir() if path.name in EVALUATION_FILES)
    recommend = command_line("recommend", "--run", settings["run"], "--caption", "…", "--user-id", "…")
    lines = [
        f"{settings['system']} on the {settings['split']} split of {data}, history {settings['history']}",
        *([f"warning: {settings['warning']}"] if "warning" in settings else []),
        chosen.sentence if chosen else f"best K by F1: {evaluated.metrics.best_k()}",
        *(f"  {note}" for note in (chosen.notes if chosen else ())),
        *_left_out(settings.get("pictures_left_out", 0)),
        written(files),
        f"next: {recommend}",
    ]
    return "\n".join(lines)


def _left_out(count: int) -> list[str]:
    return [f"{count:,} posts have a picture that cannot be used; they counted as posts without one"] if count else []
