"""The curve of F1 against redundancy, novelty and coverage."""

from __future__ import annotations

import pandas as pd
import pytest

from data_loaders.errors import UserError
from multimodal import Recommender
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.evaluation.trade_off import AGAINST, STEPS, trade_off, write_trade_off
from multimodal.systems.config_loading import validate_config
from multimodal.training.run import train_run


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("traded") / "habit"
    train_run(validate_config({"system": "user_habit"}), tiny_data, folder)
    return folder


@pytest.fixture(scope="module")
def evaluated(run, tiny_data):
    return evaluate_run(run, tiny_data, ks=range(1, 11), slices=False)


def test_without_diversity_the_figures_are_those_of_the_evaluation(evaluated, tiny_data):
    table = trade_off(evaluated, tiny_data, 5)
    expected = evaluated.metrics.at(5)
    for curve in ("mmr", "dpp", "popularity"):
        (first,) = table[(table["curve"] == curve) & (table["step"] == 0)].to_dict("records")
        assert {name: first[name] for name in ("f1", *AGAINST)} == {name: expected[name] for name in ("f1", *AGAINST)}


def test_more_diverse_lists_are_less_redundant_and_less_popular_ones_more_novel(evaluated, tiny_data):
    table = trade_off(evaluated, tiny_data, 5).set_index(["curve", "step"])
    assert len(table) == 3 * len(STEPS)
    for curve in ("mmr", "dpp"):
        assert table.loc[(curve, 0.9), "redundancy"] < table.loc[(curve, 0.0), "redundancy"]
    assert table.loc[("popularity", 0.9), "novelty"] > table.loc[("popularity", 0.0), "novelty"]


def test_the_files(evaluated, tiny_data):
    csv, picture = write_trade_off(evaluated, tiny_data, 3)
    assert csv.parent == evaluated.folder.parent.parent / "trade_off" / "test"
    assert pd.read_csv(csv)["k"].unique().tolist() == [3]
    assert picture.read_bytes().startswith(b"\x89PNG")


class TestRecommending:
    def test_settings_of_a_call(self, run):
        habit = Recommender.from_pretrained(run)
        plain = habit.recommend(user_id="user3", k=4)
        assert habit.recommend(user_id="user3", k=4, rerank={"diversity": 0.0}) == plain
        diverse = habit.recommend(user_id="user3", k=4, rerank={"diversity": 0.9, "pool": 13})
        assert diverse[0] == plain[0]
        assert len({one.hashtag for one in diverse}) == 4
        assert diverse != plain

    def test_rules_hold(self, run):
        habit = Recommender.from_pretrained(run)
        first = habit.recommend(user_id="user3", k=1)[0].hashtag
        answer = habit.recommend(user_id="user3", k=4, rerank={"diversity": 0.5}, never=[first], always=["shop"])
        names = [one.hashtag for one in answer]
        assert names[0] == "shop"
        assert first not in names
        assert answer[0].score == max(one.score for one in answer)

    def test_many_are_answered_as_one_by_one(self, run, tiny_data):
        habit = Recommender.from_pretrained(run)
        posts = tiny_data.split("test")
        together = habit.recommend_many(posts, 4, rerank={"method": "dpp", "diversity": 0.5})
        alone = [habit.recommend_many([post], 4, rerank={"method": "dpp", "diversity": 0.5})[0] for post in posts]
        assert together == alone

    def test_mistakes(self, run):
        with pytest.raises(UserError, match="rerank: diversity 2 is not a number from 0 to 1"):
            Recommender.from_pretrained(run).recommend(user_id="user3", rerank={"diversity": 2})
