"""Trains, evaluates and trains again in bf16: what `test_two_processes.py` runs in one process and in two.

python tests/multimodal/distributed/two_processes.py DATA RUN CONFIG [key=value …]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from data_loaders.prepared import PreparedData
from multimodal.encoders.features import inputs
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.systems.config_loading import load_config
from multimodal.training.run import train_run


def main(data: str, run: str, config: str, overrides: Sequence[str]) -> None:
    """Train and evaluate on the test split; then train for one epoch in another precision."""
    prepared = PreparedData.open(data)
    train_run(load_config(Path(config), overrides), prepared, run)
    evaluate_run(run, prepared, split="test", ks=[1, 3])
    other = [*overrides, "training.precision=bf16", "training.epochs=1"]
    train_run(load_config(Path(config), other), prepared, f"{run}-bf16")


if __name__ == "__main__":
    # In two processes, as if the pictures did not fit in memory: workers decode each process's share.
    inputs._PIXELS_IN_MEMORY_BYTES = 0
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
