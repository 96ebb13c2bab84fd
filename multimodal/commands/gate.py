"""Show how much the fusion of a trained run relies on the picture, by what a post has and lacks."""

from __future__ import annotations

import argparse
from pathlib import Path

from multimodal.commands.answer import Answer
from multimodal.commands.dump_arguments import MOVED

EXAMPLES = "example:\n  multimodal-hashtags gate --run runs/sample --data data/prepared --split test"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--run", type=Path, required=True, help="run folder")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder")
    parser.add_argument("--images", type=Path, help=MOVED)
    parser.add_argument("--split", default="test", help="train, validation or test (default: test)")


def run(options: argparse.Namespace) -> Answer | None:
    """Work out the table; only the main process answers."""
    from data_loaders.prepared import PreparedData
    from multimodal.design.gate import gate_of_run
    from multimodal.distributed.processes import is_main_process
    from multimodal.experiments.ablation.report import gate_table

    table = gate_of_run(options.run, PreparedData.open(options.data, options.images), options.split)
    if not is_main_process():
        return None
    document = {"run": options.run, "split": options.split, "table": table.to_dict("records")}
    return Answer(document, [gate_table(table, f"{options.run}, {options.split} split")])
