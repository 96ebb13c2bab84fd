"""The oracles of a trained hybrid are in order."""

from __future__ import annotations

from benchmarks.hybrid_oracles import figures_of, judged
from multimodal.systems.model_folder import load_model


def test_no_oracle_is_worse_than_what_it_replaces(hybrid_run, tiny_data):
    figures = figures_of(judged(load_model(hybrid_run.path), tiny_data, "test"), 0.5, 40)
    assert 0 < figures["F1@5, as it is"] <= figures["F1@5, the first 10 in perfect order"]
    assert figures["F1@5, candidates in perfect order"] <= figures["F1@5, all hashtags in perfect order"]
