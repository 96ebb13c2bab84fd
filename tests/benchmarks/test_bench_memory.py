"""The measurements of the memory run with a tiny memory, so that they work when they meet a large one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("vectors", ["clusters", "isotropic"])
def test_every_figure_is_given(tmp_path, vectors):
    figures = tmp_path / "figures.jsonl"
    sizes = ["--posts", "17000", "--rolling", "40", "--questions", "3", "--warm-up", "9", "--observe", "25"]
    options = [*sizes, "--vectors", vectors, "--json", str(figures)]
    command = [sys.executable, str(ROOT / "benchmarks/bench_memory.py"), *options, "--folder", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    rows = {row["name"]: row for row in map(json.loads, figures.read_text().splitlines())}
    assert 0.5 < rows["recall@20 against exact"]["value"] <= 1
    assert rows["recall@20 against exact"]["bar"] == "≥ .95"
    assert rows["rolling neighbours of the last 40, two processes, the slower"]["posts"] == 17_000
    assert rows["private memory, opened"]["value"] > 0.05
    assert rows["resident memory, at most while it opens"]["value"] > 0.05
    assert rows["observe, SQLite, one by one"]["value"] > 0
    assert rows["observe, SQLite, 100 at once"]["bar"] == "≥ 5,000"
    assert "neighbours of one post, p50" in done.stdout
    assert list(tmp_path.iterdir()) == [figures]
