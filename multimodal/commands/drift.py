"""Compare Systems period by period: frozen, rolling and refitted, beside shifts of trends. Finished parts are kept."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from data_loaders.command_line import command_line
from data_loaders.errors import UserError, nearest
from multimodal.commands.answer import FAILED, Answer, split_names, written
from multimodal.commands.dump_arguments import MOVED
from multimodal.commands.executor_arguments import add_executor_arguments, executor_side_by_side

if TYPE_CHECKING:
    from multimodal.evaluation.files.text_table import TextTable

EXAMPLES = """examples:
  multimodal-hashtags drift --data data/prepared --systems popularity,user_habit,trends,knn_words --output runs/drift
  multimodal-hashtags drift --data data/prepared --systems all --output runs/benchmark --protocols frozen,rolling
  multimodal-hashtags drift --data data/prepared --systems tfidf_logistic --output runs/drift --period week
  multimodal-hashtags drift --data data/prepared --systems all --output runs/benchmark --refit user_habit,trends

The runs of a benchmark in the same folder are used. `refitted` trains each System once for every period, those of
--refit alone where it is given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add = parser.add_argument
    add("--data", type=Path, required=True, help="prepared folder")
    add("--images", type=Path, help=MOVED)
    add("--systems", default="", help="names separated by commas, or all, as in benchmark")
    add("--output", type=Path, required=True, help="folder for the runs, the table and the figure")
    entry = "a row of your own: the name or file of a configuration, with changes; repeatable"
    add("--entry", action="append", default=[], metavar='NAME="CONFIG key=value …"', help=entry)
    one = "change one row's configuration; repeatable"
    add("--set", action="append", default=[], metavar="NAME:key=value", help=one)
    add("--protocols", default="frozen,rolling,refitted", help="which (default: frozen,rolling,refitted)")
    add("--refit", default="all", metavar="NAME,…", help="rows of the protocol refitted (default: all)")
    add("--period", default="month", help="day, week, month, quarter or year (default: month)")
    add("--split", choices=["validation", "test"], default="test", help="whose posts are evaluated (default: test)")
    add("--k", type=int, default=5, help="length of the lists (default: 5)")
    add_executor_arguments(parser, "makes the rows, several side by side", "1, one row after the other")
    add("--seed", type=int, default=0, help="of all runs (default: 0)")
    add("overrides", nargs="*", metavar="key=value", help="change the configuration of all rows")


def run(options: argparse.Namespace) -> Answer:
    """Make every row under every protocol, the table and the figure."""
    from data_loaders.prepare.splits import SPLITS
    from data_loaders.prepared import PreparedData
    from multimodal.experiments.benchmark.entries import choose_entries, choose_rows, parse_entry, parse_settings
    from multimodal.experiments.drift.periods import check_kind
    from multimodal.experiments.drift.report import drift_summary, explanation, write_report
    from multimodal.experiments.drift.running import PROTOCOLS, Plan, run_drift
    from multimodal.experiments.drift.table import drift_table
    from multimodal.experiments.drift.trend_shifts import trend_table

    kind, wanted = check_kind(options.period), split_names(options.protocols) or []
    for name in wanted:
        if name not in PROTOCOLS:
            known = ", ".join(PROTOCOLS)
            raise UserError(f"--protocols: {name!r} is unknown.{nearest(name, PROTOCOLS)} Accepted: {known}.")
    if options.k < 1:
        raise UserError(f"--k: {options.k} is not a length of a list; give 1 or more.")
    entries = choose_entries(
        options.systems, [parse_entry(text) for text in options.entry], parse_settings(options.set), options.overrides
    )
    refitted = choose_rows("--refit", options.refit, entries)
    data = PreparedData.open(options.data, options.images)
    plan = Plan(data, options.output, options.split, kind, options.k, options.seed)
    posts = plan.posts()
    if not posts:
        raise UserError(f"no post of the {options.split} split has a hashtag and a timestamp, so there are no periods.")
    protocols = [name for name in PROTOCOLS if name in wanted]
    aged, failures = run_drift(
        entries, plan, protocols, refitted, executor=executor_side_by_side(options), images=options.images
    )
    if not aged:
        raise UserError(
            "no row could be made:\n" + "\n".join(f"  {failure.entry.name}: {failure.reason}" for failure in failures)
        )
    trends = trend_table({name: data.split(name) for name in SPLITS}, kind)
    table = drift_table(aged, posts, trends, kind, options.k)
    settings = {"split": options.split, "period": kind, "k": options.k, "seed": options.seed,
                "command": command_line(*options.words)}  # fmt: skip
    files = write_report(options.output, table, settings, failures)
    document = {
        "settings": settings,
        "table": table.to_dict("records"),
        "left_out": {failure.entry.name: failure.reason for failure in failures},
        "written": files,
    }
    parts: list[str | TextTable] = [
        drift_summary(table, options.k),
        explanation(table, settings, failures),
        written(files),
    ]
    return Answer(document, parts, status=FAILED if failures else 0)
