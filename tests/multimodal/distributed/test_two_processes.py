"""Two processes under `accelerate launch`, whose workers decode the pictures, train and evaluate as one does."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import two_processes
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "configs" / "debug.yaml"
# Dropout draws from each process's own stream. Batches of 15 give the two shares of different size.
OVERRIDES = [
    "interaction.dropout=0",
    "heads.dropout=0",
    "encoder.caption.dropout=0",
    "modality_dropout=0",
    "history.dropout=0",
    "training.batch_size=15",
    "encoder.image.augmentation=true",
    "training.loader_workers=1",
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """The folders of the run in this process and of the run in two."""
    folder = tmp_path_factory.mktemp("runs")
    two_processes.main(str(data), str(folder / "one"), str(CONFIG), OVERRIDES)
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", str(free_port())]
    command = [*launch, two_processes.__file__, str(data), str(folder / "two"), str(CONFIG), *OVERRIDES]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "one", folder / "two"


def records(folder, event):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == event]


def learned(name, weights):
    """Leave out the bias of an attention's keys: softmax is blind to it, and Adam makes steps of rounding errors."""
    if not name.endswith("in_proj_bias"):
        return weights
    queries, _, values = weights.chunk(3)
    return torch.cat([queries, values])


def test_losses_of_every_step(runs):
    one, two = (records(run, "step") for run in runs)
    assert len(one) == 12
    for expected, found in zip(one, two, strict=True):
        for key in ("step", "epoch", "loss", "multilabel_loss", "sequence_loss", "learning_rate"):
            assert found[key] == pytest.approx(expected[key], rel=1e-4), key


def test_losses_of_a_second_training_in_another_precision(runs):
    one, two = (records(run.with_name(f"{run.name}-bf16"), "step") for run in runs)
    assert len(one) == 6
    assert [line["loss"] for line in one] != [line["loss"] for line in records(runs[0], "step")[:6]]
    assert [line["loss"] for line in two] == pytest.approx([line["loss"] for line in one], rel=0.01)


def test_validation_scores(runs):
    one, two = (records(run, "validation") for run in runs)
    assert len(one) == 2
    for expected, found in zip(one, two, strict=True):
        for key in ("step", "epoch", "train_loss", "score", "alpha", "hit_rate"):
            assert found[key] == pytest.approx(expected[key], rel=1e-4), key


def test_weights(runs):
    files = sorted(path.relative_to(runs[0]) for path in (runs[0] / "model").rglob("*.safetensors"))
    assert len(files) == 5
    for file in files:
        one, two = (load_file(run / file) for run in runs)
        assert set(one) == set(two)
        for key, value in one.items():
            torch.testing.assert_close(learned(key, two[key]), learned(key, value), rtol=1e-3, atol=1e-4)


def test_metrics_of_the_evaluation(runs):
    tables = []
    for run in runs:
        with (run / "evaluation" / "test" / "metrics.csv").open() as file:
            tables.append(list(csv.DictReader(file)))
    assert [row["k"] for row in tables[0]] == ["1", "3"]
    for expected, found in zip(*tables, strict=True):
        for key in ("hit_rate", "precision", "recall", "f1"):
            assert float(found[key]) == pytest.approx(float(expected[key]), rel=1e-6)
