"""Two machines under torchrun, here two addresses of this one: encoders in shares, and checkpoints that move."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import sharded_training
import torch
from safetensors.torch import load_file

from multimodal.distributed.sharding import LARGE_ENCODER, placed, to_shard, whole

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "configs" / "debug.yaml"
OVERRIDES = [
    "interaction.dropout=0",
    "heads.dropout=0",
    "encoder.caption.dropout=0",
    "modality_dropout=0",
    "history.dropout=0",
    "training.batch_size=15",
]
SHARDED = [*OVERRIDES, "training.shard_encoders=true"]


def on_two_machines(*arguments):
    """Run a training on two addresses, each a node of its own for torchrun; return what the second one said."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        **{"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "lo", "CUDA_VISIBLE_DEVICES": ""},
    }
    nodes = []
    for rank, address in enumerate(("127.0.0.1", "127.0.0.2")):
        command = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", f"--node-rank={rank}"]
        command += ["--nproc-per-node=1", "--master-addr=127.0.0.1", f"--master-port={port}", f"--local-addr={address}"]
        command += [sharded_training.__file__, *map(str, arguments)]
        nodes.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    said = [node.communicate(timeout=300)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], "\n".join(text[-3_000:] for text in said)


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """Runs of one process, of two machines, and of two machines that are stopped and go on as one process."""
    folder = tmp_path_factory.mktemp("runs")
    sharded_training.main(str(data), str(folder / "one"), str(CONFIG), "0", OVERRIDES)
    on_two_machines(data, folder / "two", CONFIG, 0, *SHARDED)
    on_two_machines(data, folder / "moved", CONFIG, 5, *SHARDED)
    (folder / "moved" / "stopped").write_text((folder / "moved" / "metrics.jsonl").read_text())
    sharded_training.main(str(data), str(folder / "moved"), str(CONFIG), "0", SHARDED)
    return {name: folder / name for name in ("one", "two", "moved")}


def steps(file):
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [line for line in lines if line["event"] == "step"]


def learned(name, weights):
    """Leave out the bias of an attention's keys: softmax is blind to it, and Adam makes steps of rounding errors."""
    if not name.endswith("in_proj_bias"):
        return weights
    queries, _, values = weights.chunk(3)
    return torch.cat([queries, values])


@pytest.mark.parametrize("name", ["two", "moved"])
def test_the_run_is_that_of_one_process(runs, name):
    expected, found = steps(runs["one"] / "metrics.jsonl"), steps(runs[name] / "metrics.jsonl")
    assert len(expected) == len(found) == 12
    assert [line["loss"] for line in found] == pytest.approx([line["loss"] for line in expected], rel=1e-4)
    files = sorted(path.relative_to(runs["one"]) for path in (runs["one"] / "model").rglob("*.safetensors"))
    for file in files:
        one, other = load_file(runs["one"] / file), load_file(runs[name] / file)
        assert set(one) == set(other)
        for key, value in one.items():
            torch.testing.assert_close(learned(key, other[key]), learned(key, value), rtol=1e-3, atol=1e-4)
    tables = []
    for run in (runs["one"], runs[name]):
        with (run / "evaluation" / "test" / "metrics.csv").open() as file:
            tables.append([[row[key] for key in ("k", "precision", "recall", "f1")] for row in csv.DictReader(file)])
    assert tables[1] == tables[0]


def test_it_was_stopped_on_two_machines(runs):
    assert len(steps(runs["moved"] / "stopped")) == 5


def test_only_large_encoders_are_sharded_unless_asked_for(monkeypatch):
    with torch.device("meta"):
        encoders = {"small": torch.nn.Linear(10, 10), "large": torch.nn.Linear(LARGE_ENCODER // 100, 100)}
    assert to_shard(encoders, True) == []
    monkeypatch.setattr("multimodal.distributed.sharding.process_count", lambda: 2)
    assert to_shard(encoders, None) == ["large"]
    assert to_shard(encoders, True) == ["small", "large"]
    assert to_shard(encoders, False) == []


def test_what_is_whole_stays_as_it_is():
    values = {"step": 3, "tensors": [torch.ones(2)], "betas": (0.9, 0.99)}
    assert whole(values) == values
    assert isinstance(whole(values)["betas"], tuple)
    assert placed(values["tensors"][0], torch.zeros(2)) is values["tensors"][0]
