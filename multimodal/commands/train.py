"""Train a System on a prepared folder and write a run folder. Run the same command again to resume."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from data_loaders.command_line import command_line
from data_loaders.errors import UserError
from multimodal.commands.answer import Answer
from multimodal.commands.dump_arguments import MOVED

if TYPE_CHECKING:
    from multimodal.config import RunConfig

EXAMPLES = """examples:
  multimodal-hashtags train --config sample --data data/prepared --output runs/sample
  multimodal-hashtags train --config sample --data data/prepared --output runs/long training.epochs=40
  multimodal-hashtags train --config my_own.yaml --data data/prepared --output runs/my_own
  multimodal-hashtags train --resume --data data/prepared --output runs/long
  accelerate launch -m multimodal.commands train --config sample --data data/prepared --output runs/sample"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", help="name of a configuration of the package, or a YAML file")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder")
    parser.add_argument("--images", type=Path, help=MOVED)
    parser.add_argument("--output", type=Path, required=True, help="run folder to make")
    parser.add_argument("--seed", type=int, help="seed of every random choice (default: the configuration's)")
    parser.add_argument("--resume", action="store_true", help="continue the run in --output with its own configuration")
    parser.add_argument("--overwrite", action="store_true", help="delete the run in --output and start over")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="change the configuration")


def run(options: argparse.Namespace) -> Answer | None:
    """Train; only the main process answers."""
    from data_loaders.prepared import PreparedData
    from multimodal.distributed.processes import is_main_process
    from multimodal.systems.requirements import check_requirements
    from multimodal.training.run import train_run

    config = read_config(options)
    check_requirements(config)
    try:
        trained = train_run(
            config, PreparedData.open(options.data, options.images), options.output, overwrite=options.overwrite
        )
    except KeyboardInterrupt:
        words = ["--resume", "--data", options.data, "--output", options.output]
        print(f"to go on: {command_line('train', *words)}", file=sys.stderr)
        raise
    if not is_main_process():
        return None
    document = {"run": trained.run.path, "model": trained.run.model, "facts": trained.facts}
    width = max(map(len, trained.facts))
    facts = [
        f"  {name:<{width}}  {value if isinstance(value, str) or name == 'seed' else f'{value:,}'}"
        for name, value in trained.facts.items()
    ]
    words = ["--run", trained.run.path, "--data", options.data, "--split", "test", "--k", "1-10"]
    return Answer(document, [f"{trained.run.path}:", *facts, f"next: {command_line('evaluate', *words)}"])


def read_config(options: argparse.Namespace) -> RunConfig:
    """Return the configuration that the arguments name.

    Raises:
        UserError: none is named, or arguments contradict each other.
    """
    from multimodal.storage.run_folder import RunFolder
    from multimodal.systems.config_loading import load_config

    overrides = [*options.overrides, *([] if options.seed is None else [f"seed={options.seed}"])]
    if not options.resume:
        if options.config is None and not any(text.startswith("system=") for text in options.overrides):
            raise UserError("no configuration given; pass --config, for example --config sample.")
        return load_config(options.config, overrides)
    if options.config is not None or overrides or options.overwrite:
        raise UserError("--resume continues with the run's own configuration: leave out --config, --seed, --overwrite "
                        "and key=value, or leave out --resume.")  # fmt: skip
    saved = RunFolder(options.output).config
    if not saved.is_file():
        raise UserError(f"--resume: {options.output} is not a run that can be continued ({saved} is missing).")
    return load_config(saved)
