"""Rows that two nodes of a Ray cluster make are those of one process."""

import sys
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is an extra: pip install 'multimodal-hashtags[ray]'")
pytest.importorskip("optuna")

from data_loaders.bulk.executors import executor_named
from multimodal.experiments.benchmark.entries import choose_entries
from multimodal.experiments.benchmark.running import run_benchmark
from multimodal.experiments.side_by_side import beside_others

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "data_loaders" / "bulk"))

from ray_nodes import two_nodes
from rows_made import prepared, written


def test_models_figures_and_trials_are_the_same(tmp_path, monkeypatch):
    data = prepared(tmp_path / "dump", monkeypatch)
    entries = choose_entries("popularity,user_habit")
    run_benchmark(entries, data, tmp_path / "here", [5], trials=2)
    with two_nodes(Path(__file__).parent):
        executor = executor_named("ray", begin=partial(beside_others, 1))
        rows, failures = run_benchmark(entries, data, tmp_path / "there", [5], trials=2, executor=executor)
    assert [row.entry.name for row in rows] == ["popularity", "user_habit"]
    assert failures == []
    assert written(tmp_path / "there", entries) == written(tmp_path / "here", entries)
