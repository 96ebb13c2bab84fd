"""Trains, and stops after some steps: what `test_two_machines.py` runs on one machine and on two.

python tests/multimodal/distributed/sharded_training.py DATA RUN CONFIG STEPS [key=value …]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from data_loaders.prepared import PreparedData
from multimodal.distributed.launching import init_distributed
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.systems.config_loading import load_config
from multimodal.training.run import train_run
from multimodal.training.trainer import Trainer


def main(data: str, run: str, config: str, steps: str, overrides: Sequence[str]) -> None:
    """Train until `steps` are made, then save a checkpoint and stop; to the end and evaluate if `steps` is 0."""
    prepared = PreparedData.open(data)
    update = Trainer.update

    def counted(trainer: Trainer, group: list[list[int]]) -> object:
        losses = update(trainer, group)
        trainer._interrupted = trainer.state.step + 1 == int(steps)
        return losses

    Trainer.update = counted  # type: ignore[method-assign, assignment]
    try:
        train_run(load_config(Path(config), overrides), prepared, run)
        evaluate_run(run, prepared, split="test", ks=[1, 3])
    except KeyboardInterrupt:
        if not int(steps):
            raise
    finally:
        Trainer.update = update  # type: ignore[method-assign]


if __name__ == "__main__":
    init_distributed()
    main(*sys.argv[1:5], sys.argv[5:])
