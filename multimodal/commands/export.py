"""Write for other programs: predictions and truth of an evaluated run (TREC, ranx, CSV), or its encoders as ONNX."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from data_loaders.errors import UserError
from multimodal.commands.answer import Answer, written

EXAMPLES = """examples:
  multimodal-hashtags export --run runs/sample --data data/prepared --format trec --output runs/exported
  multimodal-hashtags export --run runs/sample --data data/prepared --format ranx --output runs/exported
  multimodal-hashtags export --run runs/sample --onnx --output runs/onnx

Evaluate the run first: multimodal-hashtags evaluate --run … --data … --split test"""
_FORMATS = ("trec", "ranx", "ranx-parquet", "csv", "jsonl")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--run", type=Path, required=True, help="run folder, or an evaluation folder")
    parser.add_argument("--onnx", action="store_true", help="its encoders, compared with torch (extra onnx)")
    parser.add_argument("--data", type=Path, help="prepared folder it was evaluated on")
    parser.add_argument("--split", default="test", help="train, validation or test (default: test)")
    parser.add_argument("--history", default="rolling", help="the protocol it was evaluated under (default: rolling)")
    formats = "trec: run and qrels; ranx: the same as JSON; ranx-parquet; csv; jsonl: a post a line"
    parser.add_argument("--format", choices=_FORMATS, help=formats)
    parser.add_argument("--name", help="of the System, in a TREC run (default: that of the run)")
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")


def run(options: argparse.Namespace) -> Answer:
    """Write the files."""
    wanted = {"--data": options.data, "--format": options.format}
    if options.onnx:
        return _encoders(options, [name for name, given in wanted.items() if given is not None])
    missing = [name for name, given in wanted.items() if given is None]
    if missing:
        raise UserError(f"{' and '.join(missing)} must be given for predictions; --onnx writes the encoders.")
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


def _encoders(options: argparse.Namespace, needless: Sequence[str]) -> Answer:
    from multimodal.encoders.onnx_models.exporting import output_name
    from multimodal.encoders.onnx_models.folder import export_encoders
    from multimodal.encoders.onnx_models.parity import TOLERANCE
    from multimodal.systems.model_folder import load_model

    if needless:
        raise UserError(f"{' and '.join(needless)}: not for --onnx, which needs --run and --output alone.")
    encoders = load_model(options.run).system.encoders()
    differences = export_encoders(encoders, options.output)
    lines = [
        f"{file}: {output_name(encoder)} of {encoder.config.name}, {difference:.1e} of the largest value off torch"
        for encoder, (file, difference) in zip(encoders, differences.items(), strict=True)
    ]
    files = [options.output / file for file in differences]
    return Answer({"differences": differences, "tolerance": TOLERANCE, "written": files}, [*lines, written(files)])
