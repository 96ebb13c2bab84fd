"""The measurements of a DESIGN with memories of two sizes run with tiny ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("likeness", ["words", "mixed"])
def test_every_figure_is_given(tmp_path, likeness):
    figures = tmp_path / "figures.jsonl"
    options = ["--posts", "300,600", "--questions", "2", "--likeness", likeness, "--json", str(figures)]
    command = [sys.executable, str(ROOT / "benchmarks/bench_remembering.py"), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    rows = [json.loads(line) for line in figures.read_text().splitlines()]
    names = [f"recommend, {likeness}", "append", "fork", "withdraw", "forget"]
    assert [(row["name"], row["posts"]) for row in rows] == [(name, posts) for posts in (300, 600) for name in names]
    assert all(row["ms"] > 0 and row["ratio"] > 0 for row in rows)
    assert "over that of 300 posts" in done.stdout
