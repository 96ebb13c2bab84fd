"""Train a System on a prepared folder and write a run folder. An interrupted run is continued by the same command."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from _cli import run_main
from rich.console import Console
from rich.table import Table

from data_loaders.errors import UserError
from data_loaders.prepared import PreparedData
from multimodal.config import RunConfig
from multimodal.distributed.processes import is_main_process
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config
from multimodal.training.run import TrainedRun, train_run

_EXAMPLES = """examples:
  python scripts/train.py --config configs/sample.yaml --data data/prepared --output runs/sample
  python scripts/train.py --config configs/sample.yaml --data data/prepared --output runs/long training.epochs=40
  python scripts/train.py --resume --data data/prepared --output runs/long
  accelerate launch scripts/train.py --config configs/sample.yaml --data data/prepared --output runs/sample"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, help="YAML configuration, see configs/")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder")
    parser.add_argument("--output", type=Path, required=True, help="run folder to make")
    parser.add_argument("--seed", type=int, help="seed of every random choice (default: the configuration's)")
    parser.add_argument("--resume", action="store_true", help="continue the run in --output with its own configuration")
    parser.add_argument("--overwrite", action="store_true", help="delete the run in --output and start anew")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="change the configuration")
    return parser


def read_config(options: argparse.Namespace) -> RunConfig:
    """Return the configuration that the arguments name.

    Raises:
        UserError: none is named, or arguments contradict each other.
    """
    overrides = [*options.overrides, *([] if options.seed is None else [f"seed={options.seed}"])]
    if not options.resume:
        if options.config is None and not any(text.startswith("system=") for text in options.overrides):
            raise UserError("nothing says what to train: give --config, for instance --config configs/sample.yaml.")
        return load_config(options.config, overrides)
    if options.config is not None or overrides or options.overwrite:
        raise UserError("--resume continues with the run's own configuration: leave out --config, --seed, --overwrite "
                        "and key=value, or leave out --resume.")  # fmt: skip
    saved = RunFolder(options.output).config
    if not saved.is_file():
        raise UserError(f"--resume: {options.output} holds no run to continue ({saved} is missing).")
    return load_config(saved)


def summary(trained: TrainedRun) -> Table:
    """Return what was trained, as a table."""
    table = Table(title=str(trained.run.path), show_header=False)
    for name, value in trained.facts.items():
        table.add_row(name, value)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = build_parser().parse_intermixed_args(arguments)
    config = read_config(options)
    trained = train_run(config, PreparedData.open(options.data), options.output, overwrite=options.overwrite)
    if is_main_process():
        Console().print(summary(trained))
        command = ["python", "scripts/evaluate.py", "--run", str(options.output), "--data", str(options.data)]
        print(f"next: {shlex.join(command)} --split test --k 1-10")


if __name__ == "__main__":
    run_main(main)
