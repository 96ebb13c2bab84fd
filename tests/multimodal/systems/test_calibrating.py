"""Scores that claim to be chances are calibrated, others say that they are not; it is stored with the model."""

import json
from dataclasses import replace

import numpy as np
import pytest

from data_loaders.errors import RunError
from multimodal.ranking.calibration import AS_THEY_ARE, Calibration, fit_calibration
from multimodal.recommender import Recommender
from multimodal.systems.calibrating import calibrate
from multimodal.systems.config_loading import validate_config
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run

HAND = Calibration((0.0, 0.5, 1.0), (0.1, 0.2, 0.8))


def test_between_and_beyond_its_scores():
    np.testing.assert_allclose(HAND.of([-1, 0, 0.25, 0.75, 2]), [0.1, 0.1, 0.15, 0.5, 0.8])
    assert Calibration.of_values(HAND.as_values()) == HAND
    together = replace(HAND, outside=0.3, depth=40, spread=2.0)
    assert Calibration.of_values(together.as_values()) == together
    assert "spread" not in HAND.as_values()


def test_fitted_chances_are_shares_and_rise():
    scores = np.repeat([0.1, 0.4, 0.6, 0.9], 100)
    right = np.concatenate([np.arange(100) < count for count in (10, 40, 30, 80)])
    fitted = fit_calibration(scores, right)
    np.testing.assert_allclose(fitted.of([0.1, 0.4, 0.6, 0.9]), [0.1, 0.35, 0.35, 0.8])


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"scores": [0.0], "chances": []},
        {"scores": [1.0, 0.0], "chances": [0.1, 0.2]},
        {"scores": [0.0, 1.0], "chances": [0.3, 0.2]},
        {"scores": [0.0, 1.0], "chances": [0.3, 1.2]},
        {"scores": [0.0, float("nan")], "chances": [0.3, 0.4]},
    ],
)
def test_what_is_no_rising_line_is_refused(values):
    with pytest.raises(RunError, match="its calibration is not a rising line from scores to probabilities"):
        Calibration.of_values(values)


def test_a_claim_is_calibrated_stored_and_answered(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr("multimodal.systems.calibrating._LEAST_POSTS", 10)
    train_run(validate_config({"system": "naive_bayes"}), tiny_data, tmp_path / "run")
    stored = json.loads((tmp_path / "run" / "model" / "model.json").read_text(encoding="utf-8"))["calibration"]
    model = load_model(tmp_path / "run")
    assert model.system.calibration.as_values() == stored
    recommender = Recommender.from_pretrained(tmp_path / "run")
    answer = recommender.recommend(caption="a quiet walk", k=5)
    chances = [one.probability for one in answer]
    assert chances == model.system.calibration.of([one.score for one in answer]).tolist()
    assert sorted(chances, reverse=True) == chances
    recommender.save_pretrained(tmp_path / "copy")
    assert load_model(tmp_path / "copy").system.calibration == model.system.calibration


@pytest.mark.parametrize("system", ["user_habit", "naive_bayes"])
def test_without_a_claim_or_with_few_validation_posts_there_is_no_probability(tiny_data, tmp_path, system):
    train_run(validate_config({"system": system}), tiny_data, tmp_path / "run")
    assert "calibration" not in json.loads((tmp_path / "run" / "model" / "model.json").read_text(encoding="utf-8"))
    answer = Recommender.from_pretrained(tmp_path / "run").recommend(caption="a walk", user_id="user1", k=3)
    assert [one.probability for one in answer] == [None] * 3


def test_scores_that_come_true_stay_as_they_are():
    rng = np.random.default_rng(0)
    scores = rng.random(400)
    right = rng.random(400) < scores
    posts = np.repeat(np.arange(40), 10)
    assert fit_calibration(scores, right, posts) == AS_THEY_ARE
    assert fit_calibration(scores, right) != AS_THEY_ARE
    halved = fit_calibration(scores / 2, right, posts)
    np.testing.assert_allclose(halved.of([0.1, 0.25, 0.4]), [0.2, 0.5, 0.8], atol=0.15)


@pytest.mark.parametrize("scores", [[-1.0, 0.5], [0.5, 1.5]])
def test_scores_outside_of_0_to_1_are_no_chances_as_they_are(scores):
    fitted = fit_calibration(np.array(scores), np.array([False, True]), np.array([0, 1]))
    assert fitted.of(scores).tolist() == [0.0, 1.0]


def test_scores_of_one_half_alone_are_fitted():
    assert fit_calibration(np.array([0.2, 0.4]), np.array([False, True]), np.array([2, 2])) != AS_THEY_ARE


def test_validation_posts_know_the_earlier_ones(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr("multimodal.systems.calibrating._LEAST_POSTS", 10)
    train_run(validate_config({"system": "naive_bayes"}), tiny_data, tmp_path / "run")
    model = load_model(tmp_path / "run")
    seen = []
    rank = type(model.system).rank
    monkeypatch.setattr(
        type(model.system),
        "rank",
        lambda self, posts, memory, *rest: seen.append(len(memory)) or rank(self, posts, memory, *rest),
    )
    before = len(model.memory)
    calibrate(model.system, model.memory, tiny_data)
    assert seen == [before + len(tiny_data.split("validation"))]
    assert len(model.memory) == before
