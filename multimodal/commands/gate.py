"""Show how much the fusion of a trained run relies on the picture, by what a post has and lacks."""

from __future__ import annotations

import argparse
from pathlib import Path

from multimodal.commands.answer import Answer, written
from multimodal.commands.dump_arguments import MOVED

EXAMPLES = "example:\n  multimodal-hashtags gate --run runs/sample --data data/prepared --split test"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--run", type=Path, required=True, help="run folder")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder")
    parser.add_argument("--images", type=Path, help=MOVED)
    parser.add_argument("--split", default="test", help="train, validation or test (default: test)")
    parser.add_argument("--output", type=Path, help="folder for gate_SPLIT.csv and .md (default: the run folder)")


def run(options: argparse.Namespace) -> Answer | None:
    """Work out the table; only the main process answers."""
    from data_loaders.prepared import PreparedData
    from multimodal.design.gate import gate_of_model
    from multimodal.distributed.processes import is_main_process
    from multimodal.evaluation.files.writing import write_files
    from multimodal.evaluation.pipeline import check_same_data
    from multimodal.experiments.ablation.report import gate_table
    from multimodal.systems.model_folder import load_model

    data, model = PreparedData.open(options.data, options.images), load_model(options.run)
    warning = check_same_data(model, data)
    table = gate_of_model(model, data, options.split)
    if not is_main_process():
        return None
    shown = gate_table(table, f"{options.run}, {options.split} split")
    folder, name = options.output or model.run.path, f"gate_{options.split}"
    files = write_files(folder, {f"{name}.csv": table, f"{name}.md": f"# {shown.title}\n\n{shown.markdown()}"})
    document = {"run": options.run, "split": options.split, "table": table.to_dict("records")}
    notes = [f"warning: {warning}"] if warning else []
    return Answer({**document, "written": files}, [shown, *notes, written(files)])
