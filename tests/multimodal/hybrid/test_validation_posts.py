"""What is said of the validation split is found out before the ranker learns from it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from multimodal.evaluation.pipeline import evaluate_run
from multimodal.hybrid.choosing import hits_of_scores
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run
from tests.multimodal.hybrid.conftest import hybrid_config


@pytest.fixture(scope="module")
def trained(tiny_data, tmp_path_factory):
    """Two hybrids that differ in whether the ranker learns from validation posts, with what they logged."""
    found = {}
    for learns in (True, False):
        folder = tmp_path_factory.mktemp("validation") / "run"
        train_run(hybrid_config(f"rows={{choose: false, validation: {learns}}}"), tiny_data, folder)
        (record,) = [
            json.loads(line) for line in RunFolder(folder).metrics.read_text().splitlines() if "ranker" in line
        ]
        found[learns] = load_model(folder).system, record, folder
    return found


def test_the_ranker_learns_from_more_posts(trained):
    (one, record, _), (other, before, _) = trained[True], trained[False]
    assert record["rows"] > before["rows"]
    assert (record["validation_weight"], before["validation_weight"]) == (1, 0)
    assert one.ranker.kind == other.ranker.kind == record["kind"]
    features = np.zeros((1, len(one.ranker.names)), np.float32)
    assert one.ranker.log_odds(features) != other.ranker.log_odds(features)


def test_what_was_found_out_before_stays(trained):
    (one, record, _), (other, before, _) = trained[True], trained[False]
    assert record["validation_f1@5"] == before["validation_f1@5"] > 0
    assert one.calibration == other.calibration
    assert one.calibration.outside is not None


@pytest.mark.parametrize(
    ("learns", "split", "told"),
    [
        (True, "validation", "has learned from these posts too, so these figures flatter it"),
        (
            True,
            "test",
            "has learned from the validation posts too",
        ),
        (False, "validation", ""),
        (False, "test", ""),
    ],
)
def test_figures_that_flatter_are_called_so(trained, tiny_data, learns, split, told):
    notes = evaluate_run(trained[learns][2], tiny_data, ks=[5], split=split, slices=False).settings["notes"]
    flattering = [note for note in notes if "has learned from" in note]
    assert len(flattering) == (1 if told else 0)
    assert all(told in note for note in flattering)


def test_hits_by_hand():
    rows, scores = np.array([0, 0, 0, 2]), np.array([0.1, 0.9, 0.5, 0.2])
    right = np.array([True, False, True, True])
    assert hits_of_scores(rows, scores, right, 3, 2).tolist() == [1, 0, 1]
