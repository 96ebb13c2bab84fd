"""`k = "auto"` from end to end: every System with chances, alone and in batches, and as it is evaluated."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from data_loaders.errors import RunError, UserError
from multimodal.commands.main import main
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.recommender import Recommender
from multimodal.systems.calibrating import calibrate
from multimodal.systems.config_loading import validate_config
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    path = tmp_path_factory.mktemp("auto") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("multimodal.systems.calibrating._LEAST_POSTS", 10)
        train_run(validate_config({"system": "naive_bayes"}), tiny_data, path)
    return path


@pytest.fixture
def recommender(run):
    return Recommender.from_pretrained(run)


def test_what_lies_outside_is_learned_on_validation(run, tiny_data):
    model = load_model(run)
    posts = [post for post in tiny_data.split("validation") if post.hashtags]
    recommender = Recommender(model.system, model.memory)
    lists = recommender.recommend_many([dataclasses.replace(post, hashtags=()) for post in posts], 10)
    missed = [len(set(post.hashtags) - {one.hashtag for one in row}) for post, row in zip(posts, lists, strict=True)]
    assert model.system.calibration.outside == pytest.approx(np.mean(missed))
    assert model.system.calibration.depth == 10


def test_a_list_is_the_beginning_of_a_fixed_one(recommender, tiny_data):
    posts = [{"caption": post.caption} for post in tiny_data.split("test") if post.caption]
    auto = recommender.recommend_many(posts, "auto")
    fixed = recommender.recommend_many(posts, 10)
    assert all(one == other[: len(one)] for one, other in zip(auto, fixed, strict=True))
    assert len(set(map(len, auto))) > 1
    assert [recommender.recommend(**post, k="auto") for post in posts[:5]] == auto[:5]


def test_bounds(recommender, tiny_data):
    posts = [{"caption": post.caption} for post in tiny_data.split("test") if post.caption]
    lists = recommender.recommend_many(posts, "auto", minimum=2, maximum=3)
    assert {len(one) for one in lists} <= {2, 3}
    assert len(recommender.recommend(caption="a walk", k="auto", minimum=4, maximum=4)) == 4


def test_what_always_comes_first_keeps_to_the_longest_list(recommender):
    demanded = [f"shop{number}" for number in range(11)]
    text = r"maximum: k='auto' names at most 3 hashtags, but 5 always come first \(shop0, .*, shop4\); raise max"
    with pytest.raises(UserError, match=text):
        recommender.recommend(caption="a walk", k="auto", maximum=3, always=demanded[:5])
    text = "maximum: k='auto' names at most 10 hashtags for query 1, but 11 always come first .*; give a number"
    for maximum in (None, 10, 50):
        with pytest.raises(UserError, match=text):
            recommender.recommend_many([{"caption": "a"}] * 2, k="auto", maximum=maximum, always=demanded)
    for asked in ({"maximum": 3}, {"maximum": 5}, {"maximum": 12, "minimum": 12}):
        most = asked["maximum"]
        named = [one.hashtag for one in recommender.recommend(caption="a", k="auto", always=demanded[:most], **asked)]
        assert named[: len(demanded)] == demanded[:most]
    (row,) = recommender.recommend_many([{"caption": "a"}], "auto", maximum=3, always=demanded, on_short="fewer")
    assert [one.hashtag for one in row] == demanded[:3]


@pytest.mark.parametrize(
    "options, text",
    [
        ({"k": "auto", "minimum": 0}, "minimum: 0 is not a number of hashtags; give a whole number of at least 1"),
        ({"k": "auto", "maximum": "5"}, "maximum: '5' is not a number of hashtags"),
        ({"k": "auto", "maximum": True}, "maximum: True is not a number of hashtags"),
        ({"k": "auto", "minimum": 4, "maximum": 3}, "minimum: 4 is above the maximum, 3; give at most that"),
        ({"k": "auto", "minimum": 10**6}, "k: 1000000 hashtags were requested, but only"),
        ({"k": 5, "minimum": 2}, "minimum: it bounds k='auto'; 5 hashtags were requested, leave it out"),
        ({"maximum": 2}, "maximum: it bounds k='auto'"),
        ({"k": "all"}, "k: 'all' is not a whole number; give how many hashtags to recommend, at least 1, or 'auto'"),
    ],
)
def test_what_is_no_length_is_refused(recommender, options, text):
    with pytest.raises(UserError, match=text):
        recommender.recommend(caption="a walk", **options)


def test_a_system_without_chances_says_so(tiny_data, tmp_path, recommender):
    train_run(validate_config({"system": "user_habit"}), tiny_data, tmp_path / "habit")
    habit = Recommender.from_pretrained(tmp_path / "habit")
    with pytest.raises(UserError, match="the scores of 'user_habit' are not probabilities; give a number"):
        habit.recommend(user_id="user1", k="auto")
    calibration = recommender.system.calibration
    recommender.system.calibration = dataclasses.replace(calibration, outside=None)
    with pytest.raises(UserError, match="by an earlier version, which kept too little for that: train it again"):
        recommender.recommend(caption="a walk", k="auto")
    recommender.system.calibration = None
    with pytest.raises(UserError, match="this 'naive_bayes' was trained on too few validation posts to have any"):
        recommender.recommend(caption="a walk", k="auto")


def test_models_of_earlier_versions_load(run, tmp_path):
    recommender = Recommender.from_pretrained(run)
    calibration = recommender.system.calibration
    recommender.system.calibration = dataclasses.replace(calibration, outside=None)
    recommender.save_pretrained(tmp_path / "old")
    assert "outside" not in json.loads((tmp_path / "old" / "model.json").read_text(encoding="utf-8"))["calibration"]
    assert load_model(tmp_path / "old").system.calibration.of([0.5]) == calibration.of([0.5])


@pytest.mark.parametrize(
    "values",
    [{"outside": -1.0}, {"outside": "none"}, {"depth": 0}, {"depth": 2.5}, {"spread": -1.0}, {"spread": "wide"}],
)
def test_a_tampered_calibration_is_refused(run, tmp_path, values, monkeypatch):
    recommender = Recommender.from_pretrained(run)
    honest = recommender.system.calibration.as_values()
    monkeypatch.setattr("multimodal.ranking.calibration.Calibration.as_values", lambda self: {**honest, **values})
    recommender.save_pretrained(tmp_path / "model")
    with pytest.raises(RunError, match=f"calibration.{next(iter(values))}"):
        load_model(tmp_path / "model")


def test_chances_that_are_calibrated_are_left_as_they_are(run, tiny_data, monkeypatch):
    monkeypatch.setattr("multimodal.systems.calibrating._LEAST_POSTS", 10)
    model = load_model(run)
    fitted = model.system.calibration
    monkeypatch.setattr(type(model.system), "scores_are_calibrated", True)
    monkeypatch.setattr(type(model.system), "calibration_depth", 4)
    calibrate(model.system, model.memory, tiny_data)
    assert model.system.calibration is fitted
    monkeypatch.setattr(type(model.system), "scores_are_calibrated", False)
    calibrate(model.system, model.memory, tiny_data)
    assert model.system.calibration.depth == 4
    assert model.system.calibration.outside > fitted.outside


def test_evaluated_lists_are_the_recommended_ones(run, recommender, tiny_data):
    evaluated = evaluate_run(run, tiny_data, ks=range(1, 7), history="frozen", slices=False)
    table = pd.read_csv(evaluated.folder / "which_k.csv")
    row = table[table["rule"] == "auto"].iloc[0]
    posts = [post for post in tiny_data.split("test") if post.hashtags]
    lists = recommender.recommend_many([dataclasses.replace(post, hashtags=()) for post in posts], "auto", maximum=6)
    found = [len(set(post.hashtags) & {one.hashtag for one in row}) for post, row in zip(posts, lists, strict=True)]
    sizes = [(len(row), len(set(post.hashtags))) for post, row in zip(posts, lists, strict=True)]
    precision = np.mean([count / length for count, (length, _) in zip(found, sizes, strict=True)])
    recall = np.mean([count / true for count, (_, true) in zip(found, sizes, strict=True)])
    assert row["mean_length"] == pytest.approx(np.mean([length for length, _ in sizes]))
    assert row["f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert row["f1_per_post"] == pytest.approx(
        np.mean([2 * count / sum(size) for count, size in zip(found, sizes, strict=True)])
    )
    assert row["f1_low"] <= row["f1"] <= row["f1_high"]
    assert "| auto | validation |" in (evaluated.folder / "which_k.md").read_text(encoding="utf-8")
    assert evaluated.which_k.notes[-1].startswith(
        "k = auto, the length with the highest expected F1 by the probabilities"
    )


def test_the_command(run, capsys):
    assert main(["recommend", "--run", str(run), "--caption", "a walk", "--k", "auto", "--maximum", "3", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)["recommendations"]
    assert 1 <= len(answer) <= 3
    assert {"hashtag", "score", "probability"} == set(answer[0])
    assert main(["recommend", "--run", str(run), "--caption", "a walk", "--k", "2"]) == 0
    assert "Probability" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["recommend", "--run", str(run), "--caption", "a walk", "--k", "many"])
    assert "argument --k: 'many' is neither a number of hashtags nor auto" in capsys.readouterr().err
