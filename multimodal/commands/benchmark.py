"""Train and evaluate Systems on the same data and put them into one table. Finished runs are kept."""

from __future__ import annotations

import argparse
from pathlib import Path

from data_loaders.command_line import command_line
from data_loaders.errors import UserError
from multimodal.commands.answer import FAILED, Answer, written
from multimodal.commands.dump_arguments import MOVED
from multimodal.commands.executor_arguments import add_executor_arguments, executor_side_by_side
from multimodal.evaluation.metrics.cut_offs import parse_ks

EXAMPLES = """examples:
  multimodal-hashtags benchmark --data data/prepared --systems all --output runs/benchmark
  multimodal-hashtags benchmark --data data/prepared --systems popularity,user_habit,fasttext,lstm --output runs/some
  multimodal-hashtags benchmark --data data/prepared --systems all --output runs/local \\
      --set "bert:encoder.pretrained=models/minilm training.epochs=1"
  multimodal-hashtags benchmark --data data/prepared --systems all --trials 20 --output runs/tuned
  multimodal-hashtags benchmark --data data/prepared --systems all --output runs/diverse \\
      --rerank diversity=0.3 --rerank "method=dpp diversity=0.3 popularity=0.1"
  multimodal-hashtags benchmark --data data/prepared --systems all --trials 20 --output runs/tuned --processes 4
  multimodal-hashtags benchmark --data data/prepared --output runs/branches \\
      --entry small="sample" --entry lstm="sample encoder.caption=lstm"

A row that cannot be made, for example because a model cannot be fetched, is left out and named; the exit status is then
1. Finished rows and trials are kept: give the same command again to go on. Those of another configuration or of other
data are refused, and made again with --renew."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add = parser.add_argument
    add("--data", type=Path, required=True, help="prepared folder")
    add("--images", type=Path, help=MOVED)
    of_its_name = "names separated by commas, or all: each with the configuration of its name, design with sample"
    add("--systems", default="", help=of_its_name)
    add("--output", type=Path, required=True, help="folder for the runs, the tables, the pictures and a page")
    entry = "a row of your own: the name or file of a configuration, with changes; repeatable"
    add("--entry", action="append", default=[], metavar='NAME="CONFIG key=value …"', help=entry)
    one = "change one row's configuration; repeatable"
    add("--set", action="append", default=[], metavar="NAME:key=value", help=one)
    add("--k", default="1,3,5,7,10", help="cut-offs (default: 1,3,5,7,10)")
    tried = "hyper-parameters each row tries on the validation split, the first as configured (default: 0, no search)"
    add("--trials", type=int, default=0, metavar="N", help=tried)
    kept = "rows, or all: what is kept of another configuration, version or data is deleted and made again, not refused"
    add("--renew", default="", metavar="NAME,…", help=kept)
    reordered = "also evaluate every System's lists in this order, see docs/rules.md, such as diversity=0.3; repeatable"
    add("--rerank", action="append", default=[], metavar='"key=value …"', help=reordered)
    add("--threshold", type=float, help="score from which a hashtag counts as a label (default: tuned on validation)")
    add("--unit", choices=["posts", "users"], default="posts", help="what intervals resample (default: posts)")
    add_executor_arguments(parser, "makes the rows, several side by side", "1, one row after the other")
    add("--seed", type=int, default=0, help="of all runs (default: 0)")
    add("overrides", nargs="*", metavar="key=value", help="change the configuration of all rows")


def run(options: argparse.Namespace) -> Answer:
    """Make every row and the tables."""
    from data_loaders.prepared import PreparedData
    from multimodal.evaluation.slices.slice_metrics import slice_k
    from multimodal.experiments.benchmark import report
    from multimodal.experiments.benchmark.entries import choose_entries, choose_rows, parse_entry, parse_settings
    from multimodal.experiments.benchmark.paired import paired_tables, paired_tests
    from multimodal.experiments.benchmark.reranked import parse_rerankings, reranked_table, reranked_tables
    from multimodal.experiments.benchmark.running import SEARCHES, run_benchmark
    from multimodal.experiments.benchmark.searching import read_trials, trials_table
    from multimodal.experiments.benchmark.table import benchmark_table

    if options.trials < 0:
        raise UserError(f"--trials: {options.trials} is negative; give 0 for no search, or how many to try.")
    ks = parse_ks(options.k)
    entries = choose_entries(
        options.systems, [parse_entry(text) for text in options.entry], parse_settings(options.set), options.overrides
    )
    renewed, rerankings = choose_rows("--renew", options.renew, entries), parse_rerankings(options.rerank)
    data = PreparedData.open(options.data, options.images)
    rows, failures = run_benchmark(
        entries, data, options.output, ks, options.seed, options.trials, renewed,
        executor=executor_side_by_side(options), images=options.images,
    )  # fmt: skip
    if not rows:
        raise UserError(
            "no row could be made:\n" + "\n".join(f"  {failure.entry.name}: {failure.reason}" for failure in failures)
        )
    table = benchmark_table(rows, data, ks, threshold=options.threshold, unit=options.unit)
    settings = {"seed": options.seed, "unit": options.unit, "threshold": options.threshold, "trials": options.trials,
                "command": command_line(*options.words)}  # fmt: skip
    runs = report.saved_runs_of(rows)
    curves, notes = report.curves_of(runs, options.unit)
    tests = paired_tests(runs, table, slice_k(ks))
    trials = read_trials(options.output / SEARCHES, [row.entry for row in rows] if options.trials else ())
    further = {report.PAIRED: (tests, paired_tables(tests))}
    if len(trials):
        further[report.TRIALS] = (trials, [trials_table(trials)])
    if rerankings:
        reranked = reranked_table(rows, data, ks, rerankings, options.unit)
        further[report.RERANKED] = (reranked, reranked_tables(reranked, slice_k(ks)))
    files = report.write_report(options.output, table, settings, failures, curves, notes, further)
    document = {
        "settings": settings,
        "table": table.to_dict("records"),
        "paired": tests.to_dict("records"),
        "trials": trials.to_dict("records"),
        "reranked": further[report.RERANKED][0].to_dict("records") if rerankings else [],
        "notes": notes,
        "left_out": {failure.entry.name: failure.reason for failure in failures},
        "written": files,
    }
    tables = [*(report.narrow_at_k_table(table, k) for k in ks), *report.last_tables(table)]
    tables += [one for _, shown in further.values() for one in shown]
    texts = [report.explanation(table, settings, failures), *(f"note: {note}" for note in notes), written(files)]
    return Answer(document, [*tables, *texts], status=FAILED if failures else 0)
