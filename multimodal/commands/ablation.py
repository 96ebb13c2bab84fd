"""Train a configuration and its variants with several seeds to show what each part contributes. Finished runs are
kept."""

from __future__ import annotations

import argparse
from pathlib import Path

from data_loaders.errors import UserError
from multimodal.commands.answer import Answer, split_names, written
from multimodal.commands.dump_arguments import MOVED
from multimodal.commands.executor_arguments import add_executor_arguments, executor_side_by_side
from multimodal.experiments.ablation.variants import VARIANTS, choose_variants, parse_variant

EXAMPLES = """examples:
  multimodal-hashtags ablation --data data/prepared --output runs/ablation
  multimodal-hashtags ablation --data data/prepared --output runs/fusion --variants full,sum --seeds 0,1,2,3,4
  multimodal-hashtags ablation --data data/prepared --output runs/quick --seeds 0 --variant narrow="width=64" \\
      training.epochs=3"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", default="sample", help="the reference: a name or a YAML file (default: sample)")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder")
    parser.add_argument("--images", type=Path, help=MOVED)
    parser.add_argument("--output", type=Path, required=True, help="folder for the runs and the report")
    known = ",".join(variant.name for variant in VARIANTS)
    parser.add_argument("--variants", help=f"which, separated by commas (default: all: {known})")
    parser.add_argument(
        "--variant", action="append", default=[], metavar='NAME="key=value …"', help="one of your own; may be repeated"
    )
    parser.add_argument("--seeds", default="0,1,2", help="seeds, separated by commas (default: 0,1,2)")
    add_executor_arguments(parser, "makes the runs, several side by side", "1, one run after the other")
    parser.add_argument("--k", type=int, default=5, help="cut-off of the table (default: 5)")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="change the configuration of all variants")


def run(options: argparse.Namespace) -> Answer | None:
    """Train and compare the variants; only the main process answers."""
    from data_loaders.prepared import PreparedData
    from multimodal.distributed.processes import is_main_process
    from multimodal.experiments.ablation.report import explanation, gate_table, main_table, write_report
    from multimodal.experiments.ablation.running import run_ablation

    ablation = run_ablation(
        options.config,
        PreparedData.open(options.data, options.images),
        options.output,
        choose_variants(split_names(options.variants), [parse_variant(text) for text in options.variant]),
        read_seeds(options.seeds),
        options.k,
        options.overrides,
        executor=executor_side_by_side(options),
        images=options.images,
    )
    if not is_main_process():
        return None
    files = write_report(options.output, ablation)
    document = {
        "settings": ablation.settings,
        "table": ablation.table.to_dict("records"),
        "gate": None if ablation.gate is None else ablation.gate.to_dict("records"),
        "written": files,
    }
    gate = [] if ablation.gate is None else [gate_table(ablation.gate)]
    return Answer(document, [main_table(ablation), explanation(ablation), *gate, written(files)])


def read_seeds(text: str) -> list[int]:
    """Return the seeds that `--seeds` names.

    Raises:
        UserError: they are not whole numbers from 0 on.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise UserError(f"--seeds {text!r}: give whole numbers separated by commas, for instance 0,1,2.")
    return [int(part) for part in parts]
