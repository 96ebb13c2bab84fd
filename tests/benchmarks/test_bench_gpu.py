"""The measurements on a GPU run with tiny sizes on a CPU, so that they work the first time they meet a GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAGES = "finetuning,agreement,frozen,vgg,precision,serving"
OPTIONS = [
    "--size",
    "tiny",
    "--device",
    "cpu",
    "--posts",
    "320",
    "--batch-size",
    "16",
    "--warm-up-steps",
    "1",
    "--steps",
    "1",
]


def test_every_stage_gives_its_figures(tmp_path):
    # The compiler would take minutes on a CPU.
    environment = {**os.environ, "TORCH_COMPILE_DISABLE": "1", "PYTHONPATH": str(ROOT)}
    figures = tmp_path / "figures.jsonl"
    command = [
        sys.executable,
        str(ROOT / "benchmarks/bench_gpu.py"),
        *OPTIONS,
        "--only",
        STAGES,
        "--json",
        str(figures),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in figures.read_text().splitlines()]
    assert {row["stage"] for row in rows} == {"machine", *STAGES.split(",")}
    values = {row["name"]: row["value"] for row in rows}
    assert values["same 5 hashtags in the same order as on the CPU"] == 100
    assert values["design_vit_weighted, end to end, eager: MFU"] > 0
    assert 0 <= values["design_vgg_weighted, end to end, eager: waits for data"] < 100
    assert values["frozen, with the feature cache: steps"] > 1
    assert all(row["name"] in done.stdout for row in rows)
