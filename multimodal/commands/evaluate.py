"""Evaluate runs, or the predictions of any program, on one split: metrics at K, predictions and charts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_loaders.command_line import command_line
from data_loaders.errors import UserError
from multimodal.commands.answer import Answer, written
from multimodal.commands.dump_arguments import MOVED
from multimodal.commands.run_paths import run_folders

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.evaluation.evaluation_run import EvaluationRun
    from multimodal.evaluation.files.text_table import TextTable

EXAMPLES = """examples:
  multimodal-hashtags evaluate --run runs/sample --data data/prepared --split test --k 1-10
  multimodal-hashtags evaluate --run runs/sample --data data/prepared --report
  multimodal-hashtags evaluate --run runs/sample --data data/prepared --history frozen --k 1,5,10
  multimodal-hashtags evaluate --run runs/benchmark --data data/prepared --k 1-30
  multimodal-hashtags evaluate --predictions theirs.trec --data data/prepared --name theirs

--run takes several runs, folders of runs and patterns. Saved predictions are used again where ranking would give the
same ones: evaluating at other Ks takes seconds."""
_FORMATS = ("parquet", "csv", "jsonl", "trec", "ranx")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add = parser.add_argument
    runs = "run folders, folders of runs, or patterns such as 'runs/*'"
    add("--run", type=Path, nargs="+", action="extend", default=[], help=runs)
    add("--data", type=Path, required=True, help="prepared folder the run was trained on")
    add("--images", type=Path, help=MOVED)
    add("--split", default="test", help="train, validation or test (default: test)")
    add("--k", default="1-10", help="cut-offs, such as 5, 1-10 or 1,3,5 (default: 1-10)")
    known = "rolling: all strictly earlier posts are known; frozen: only the train split (default: rolling)"
    add("--history", help=known)
    unit = "what intervals resample: posts, or users with all their posts (default: posts)"
    add("--unit", default="posts", help=unit)
    add("--report", action="store_true", help="write report.html, with errors and posts to look at, and tables")
    trade = "write how F1 at K falls as lists get more diverse; reorders the saved predictions, so --k 1-30 helps"
    add("--trade-off", type=int, metavar="K", help=trade)
    add("--no-slices", action="store_true", help="leave out the metrics of slices")
    add("--no-validation", action="store_true", help="do not evaluate the validation split first for a per-post K")
    add("--rank-again", action="store_true", help="do not use the predictions that an earlier evaluation saved")
    add("--batch-size", type=int, default=2_048, help="posts ranked together (default: 2048)")
    add("--device", help="cpu, cuda, cuda:1 (default: cuda if available, else cpu)")
    foreign = parser.add_argument_group("predictions of another program, in place of --run")
    add = foreign.add_argument
    add("--predictions", type=Path, metavar="FILE", help="Parquet, CSV, JSON Lines, TREC run, or ranx's Run")
    add("--name", help="of the System, in tables (default: the name of the file)")
    add("--format", choices=_FORMATS, help="of the file (default: by the ending of its name)")
    add("--output", type=Path, help="folder to write to, as a run's (default: runs/NAME)")


def run(options: argparse.Namespace) -> Answer | None:
    """Evaluate; only the main process answers."""
    from data_loaders.prepared import PreparedData
    from multimodal.distributed.processes import is_main_process

    _check(options)
    data = PreparedData.open(options.data, options.images)
    if options.predictions is not None:
        return _answer(options, data, _evaluate_predictions(options, data))
    runs = run_folders(options.run)
    if len(runs) == 1:
        evaluated = _evaluate(options, data, runs[0])
        return _answer(options, data, evaluated, runs[0]) if is_main_process() else None
    answers: list[Answer] = []
    failures: dict[Path, str] = {}
    for folder in runs:
        try:
            evaluated = _evaluate(options, data, folder)
            if is_main_process():
                answers.append(_answer(options, data, evaluated, folder))
        except UserError as error:
            failures[folder] = str(error)
    return _join(options, answers, failures, [run for run in runs if run not in failures])


def _check(options: argparse.Namespace) -> None:
    if bool(options.run) == (options.predictions is not None):
        raise UserError("give --run with run folders, or --predictions with a file of another program; one of the two.")
    if options.trade_off is not None and options.trade_off < 2:
        raise UserError(f"--trade-off: {options.trade_off} hashtags cannot resemble each other; give at least 2.")
    given = [name for name in ("name", "format", "output") if getattr(options, name) is not None]
    if options.run and given:
        raise UserError(f"--{given[0]} belongs to --predictions; runs have names, formats and folders of their own.")


def _evaluate(options: argparse.Namespace, data: PreparedData, folder: Path) -> EvaluationRun:
    from multimodal.evaluation.metrics.cut_offs import parse_ks
    from multimodal.evaluation.pipeline import check_choices, evaluate_run, evaluate_validation_first

    settings: dict[str, Any] = {
        "split": options.split,
        "ks": parse_ks(options.k),
        "history": options.history or "rolling",
        "batch_size": options.batch_size,
        "unit": options.unit,
        "device": options.device,
        "rank_again": options.rank_again,
    }
    check_choices(settings["split"], settings["history"], settings["unit"])
    if not options.no_validation:
        evaluate_validation_first(folder, data, **settings)
    return evaluate_run(folder, data, **settings, slices=not options.no_slices)


def _evaluate_predictions(options: argparse.Namespace, data: PreparedData) -> EvaluationRun:
    from multimodal.evaluation.foreign import ForeignPredictions, evaluate_predictions
    from multimodal.evaluation.metrics.cut_offs import parse_ks

    name = options.name or options.predictions.name.partition(".")[0]
    given = ForeignPredictions(
        path=options.predictions,
        name=name,
        output=options.output or Path("runs") / name,
        file_format=options.format,
        history=options.history,
    )
    ks, slices = parse_ks(options.k), not options.no_slices
    return evaluate_predictions(given, data, split=options.split, ks=ks, unit=options.unit, slices=slices)


def _answer(
    options: argparse.Namespace, data: PreparedData, evaluated: EvaluationRun, folder: Path | None = None
) -> Answer:
    from multimodal.evaluation.files.figures import k_table
    from multimodal.evaluation.files.provenance import read_summary
    from multimodal.evaluation.uncertainty.resampling import count_units, few_units

    if options.report:
        from multimodal.evaluation.report.write import write_report

        write_report(folder, data, evaluated.folder, options.unit)
    document: dict[str, Any] = {"folder": evaluated.folder, **read_summary(evaluated.folder)}
    further: list[str] = []
    if options.trade_off is not None:
        from multimodal.evaluation.trade_off import write_trade_off

        document["trade_off"] = write_trade_off(evaluated, data, options.trade_off)
        further = [f"trade-off at {options.trade_off}: {', '.join(map(str, document['trade_off']))}"]
    units = count_units(len(evaluated.metrics.outcomes), evaluated.metrics.outcomes.user_ids, options.unit)
    few = [f"note: {note}" for note in few_units(units, options.unit)]
    return Answer(document, [k_table(evaluated.metrics), *few, describe(evaluated, options.data), *further])


def _join(
    options: argparse.Namespace, answers: list[Answer], failures: dict[Path, str], runs: list[Path]
) -> Answer | None:
    document = {"evaluations": [answer.document for answer in answers], "failed": failures}
    parts: list[str | TextTable] = [part for answer in answers for part in (*answer.parts, "")]
    if len(runs) > 1:
        parts.append(f"compare them: {command_line('compare', *runs, '--split', options.split, '--k', options.k)}")
    listed = "\n".join(f"  {folder}: {reason}" for folder, reason in failures.items())
    return Answer(document, parts, f"runs that could not be evaluated:\n{listed}" if failures else "")


def describe(evaluated: EvaluationRun, data: Path) -> str:
    """Return the best K, the files written and the command that comes next."""
    from multimodal.evaluation.files.folder import EVALUATION_FILES

    settings, chosen = evaluated.settings, evaluated.which_k
    files = sorted(path for path in evaluated.folder.iterdir() if path.name in EVALUATION_FILES)
    lines = [
        f"{settings['system']} on the {settings['split']} split of {data}, history {settings['history']}",
        *([f"warning: {settings['warning']}"] if "warning" in settings else []),
        *(f"note: {note}" for note in settings.get("notes", ())),
        chosen.sentence if chosen else f"best K by F1: {evaluated.metrics.best_k()}",
        *(f"  {note}" for note in (chosen.notes if chosen else ())),
        *_left_out(settings.get("pictures_left_out", 0)),
        *_empty(evaluated.metrics.counts["posts_with_an_empty_list"]),
        written(files),
        f"next: {_next(settings)}",
    ]
    return "\n".join(lines)


def _next(settings: dict[str, Any]) -> str:
    if "predictions" in settings:
        return command_line("compare", "RUN", settings["run"], "--split", settings["split"])
    return command_line("recommend", "--run", settings["run"], "--caption", "…", "--user-id", "…")


def _left_out(count: int) -> list[str]:
    return [f"{count:,} posts have a picture that cannot be used; they counted as posts without one"] if count else []


def _empty(count: int) -> list[str]:
    return [f"{count:,} posts have an empty list: it counts as a list without a hit"] if count else []
