"""Write the predictions and the truth of an evaluated run for other programs: TREC run and qrels, ranx, CSV."""

from __future__ import annotations

import argparse
from pathlib import Path

from multimodal.commands.answer import Answer, written

EXAMPLES = """examples:
  multimodal-hashtags export --run runs/sample --data data/prepared --format trec --output runs/exported
  multimodal-hashtags export --run runs/sample --data data/prepared --format ranx --output runs/exported

Evaluate the run first: multimodal-hashtags evaluate --run … --data … --split test"""
_FORMATS = ("trec", "ranx", "ranx-parquet", "csv", "jsonl")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--run", type=Path, required=True, help="run folder, or an evaluation folder")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder it was evaluated on")
    parser.add_argument("--split", default="test", help="train, validation or test (default: test)")
    parser.add_argument("--history", default="rolling", help="the protocol it was evaluated under (default: rolling)")
    formats = "trec: run and qrels; ranx: the same as JSON; ranx-parquet; csv; jsonl: a post a line"
    parser.add_argument("--format", choices=_FORMATS, required=True, help=formats)
    parser.add_argument("--name", help="of the System, in a TREC run (default: that of the run)")
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")


def run(options: argparse.Namespace) -> Answer:
    """Write the files."""
    from data_loaders.prepared import PreparedData
    from multimodal.evaluation.comparison.saved_runs import evaluation_folder_of
    from multimodal.evaluation.files.export import export_files
    from multimodal.evaluation.files.predictions import read_predictions
    from multimodal.evaluation.files.provenance import PREDICTIONS, check_unchanged

    folder = evaluation_folder_of(options.run, options.split, options.history)
    settings = check_unchanged(folder).get("settings", {})
    posts = list(PreparedData.open(options.data).split(settings.get("split", options.split)))
    rankings = read_predictions(folder / PREDICTIONS, [post.post_id for post in posts])
    truth = {post.post_id: post.hashtags for post in posts}
    name = options.name or str(settings.get("system", options.run.name))
    files = export_files(options.output, options.format, rankings, truth, name)
    document = {"evaluation": folder, "format": options.format, "posts": len(posts), "depth": rankings.k}
    text = f"{len(posts):,} posts of {folder}, lists of up to {rankings.k}"
    return Answer({**document, "written": files}, [text, written(files)])
