"""The hybrid as a System: what it says of itself, its explanations, and its files."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from data_loaders.errors import RunError
from data_loaders.posts import Post
from multimodal.hybrid.building import TableBuilder
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.recommender import Recommender
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run
from tests.multimodal.hybrid.conftest import hybrid_config


@pytest.fixture(scope="module")
def model(hybrid_run):
    return load_model(hybrid_run.path)


def test_the_run_says_which_sources_it_took(hybrid_run):
    records = [json.loads(line) for line in hybrid_run.metrics.read_text().splitlines()]
    (ranker,) = [record for record in records if record["event"] == "ranker"]
    assert ranker["sources"] == ["own", "similar", "words", "caption", "linear", "design", "trends", "together"]
    assert 0 <= ranker["validation_f1@5"] <= 1


def test_scores_are_chances(model, tiny_data):
    rankings = model.system.rank(tiny_data.split("test"), model.memory, 12)
    assert ((rankings.scores >= 0) & (rankings.scores <= 1)).all()


def test_chances_are_used_as_they_come(model):
    assert model.system.calibration.of([0.0, 0.3, 0.9]).tolist() == [0.0, 0.3, 0.9]
    recommender = Recommender(model.system, model.memory)
    answer = recommender.recommend(caption="a quiet harbour", user_id="user3", k="auto")
    assert [one.probability for one in answer] == [one.score for one in answer]


@pytest.mark.parametrize("detect", [True, False])
def test_its_memory_finds_out_languages_where_a_part_needs_them(model, detect, monkeypatch):
    part = SimpleNamespace(new_memory=lambda: PostMemory(HashtagIdMap(), detect_languages=detect))
    monkeypatch.setattr(model.system, "parts", {**model.system.parts, "by_language": part})
    memory = model.system.new_memory()
    assert (memory.detect_languages, set(model.system.parts)) == (detect, {"design", "by_language"})


def test_a_list_and_its_explanation_ask_the_sources_once(model, monkeypatch):
    asked, recommender = [], Recommender(model.system, model.memory)
    table = TableBuilder.table
    monkeypatch.setattr(TableBuilder, "table", lambda *one: asked.append(one) or table(*one))
    post = {"caption": "a quiet harbour", "user_id": "user3"}
    told = recommender.recommend(**post, k=4, explain=True)
    assert len(asked) == 1
    assert all(one.sources for one in told)
    assert recommender.recommend(**post, k=4) == [replace(one, sources=None) for one in told]


def test_lists_and_explanations_together_are_those_of_rank_and_explain(model, tiny_data, monkeypatch):
    monkeypatch.setattr("multimodal.hybrid.system._POSTS_AT_ONCE", 5)
    system, asked = model.system, tiny_data.split("test")[:12]
    barred = [{"zen"} if row % 2 else frozenset() for row in range(len(asked))]
    rankings, told = system.rank_explained(asked, model.memory, 6, barred)
    expected = system.rank(asked, model.memory, 6, barred)
    assert list(rankings) == list(expected)
    assert told == system.explain(asked, expected, model.memory)
    assert system.rank_explained([], model.memory, 6)[1] == []


def test_every_effect_of_an_explanation_adds_up(model, tiny_data):
    system, asked = model.system, tiny_data.split("test")
    rankings = system.rank(asked, model.memory, 5)
    explanations = system.explain(asked, rankings, model.memory)
    named = set()
    for ranking, explained in zip(rankings, explanations, strict=True):
        for (_, chance), sources in zip(ranking, explained, strict=True):
            named |= {source.name for source in sources}
            if sources[0].name == "popularity":
                continue
            log_odds = system.ranker.base + sum(source.effect for source in sources)
            assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(chance, abs=2e-6)
    assert {"own", "similar", "post"} <= named


def test_posts_behind_a_hashtag_carry_it(model, tiny_data):
    by_id = {post.post_id: post for post in tiny_data.posts}
    asked = tiny_data.split("test")
    rankings = model.system.rank(asked, model.memory, 5)
    seen = 0
    for post, ranking, explained in zip(
        asked, rankings, model.system.explain(asked, rankings, model.memory), strict=True
    ):
        for (hashtag, _), sources in zip(ranking, explained, strict=True):
            for source in sources:
                for post_id in source.posts:
                    assert hashtag in by_id[post_id].hashtags
                    assert source.name != "own" or by_id[post_id].user_id == post.user_id
                    seen += 1
    assert seen


def test_observing_moves_it_at_once(hybrid_run):
    recommender = Recommender.from_pretrained(hybrid_run.path)
    asked = {"user_id": "walker", "caption": "a quiet harbour"}
    assert "brandnew" not in [one.hashtag for one in recommender.recommend(**asked, k=15)]
    for number in range(4):
        recommender.observe({"post_id": f"n{number}", **asked, "hashtags": ["brandnew"]})
    assert "brandnew" in [one.hashtag for one in recommender.recommend(**asked, k=15)]


class TestFiles:
    @pytest.fixture
    def folder(self, hybrid_run, tmp_path):
        """A model without checksums, so that what is changed is found out by itself."""
        shutil.copytree(hybrid_run.model, tmp_path / "model")
        path = tmp_path / "model" / "model.json"
        info = json.loads(path.read_text())
        del info["checksums"]
        path.write_text(json.dumps(info))
        return tmp_path / "model"

    def change_settings(self, folder, **values):
        path = folder / "hybrid.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"left_out": ["own"]}, r"names sources \['design'\], without \['own'\]"),
            ({"parts": ["other"]}, r"names sources \['other'\], without \['mentions', 'own_mentions'\]"),
            ({"left_out": ["trends"]}, "the ranker knows other features than the sources give"),
            ({"bigrams": 7}, "hybrid.json"),
        ],
    )
    def test_settings_that_do_not_fit(self, folder, values, message):
        self.change_settings(folder, **values)
        with pytest.raises(RunError, match=message):
            load_model(folder)

    def test_a_part_with_another_vocabulary(self, folder):
        path = folder / "sources" / "design" / "model.json"
        info = json.loads(path.read_text())
        del info["checksums"]
        path.write_text(json.dumps(info))
        vocabulary = folder / "sources" / "design" / "vocabulary.json"
        content = json.loads(vocabulary.read_text())
        content["hashtags"][0] = "other"
        vocabulary.write_text(json.dumps(content))
        with pytest.raises(RunError, match="its vocabulary is not that of the hybrid"):
            load_model(folder)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda arrays: arrays.update(weights=arrays["weights"][:, :2]), "weights has the shape"),
            (lambda arrays: arrays.update(weights=np.full_like(arrays["weights"], np.nan)), "not finite"),
            (lambda arrays: arrays.update(weights=np.zeros((5_000, 15), np.float32)), "it knows 5,000 posts, at most"),
            (lambda arrays: arrays["words.columns"].__setitem__(0, 2**30), "words is not a matrix"),
            (lambda arrays: arrays.pop("words.data"), "words.data"),
        ],
    )
    def test_a_linear_head_that_does_not_fit(self, folder, change, message):
        path = folder / "linear.safetensors"
        arrays = load_file(path)
        change(arrays)
        save_file(arrays, path)
        with pytest.raises(RunError, match=message):
            load_model(folder)


def test_chances_choose_the_length_of_a_list(hybrid_run, tiny_data):
    recommender = Recommender.from_pretrained(hybrid_run.path)
    calibration = recommender.system.calibration
    assert (calibration.scores, calibration.chances) == ((0.0, 1.0), (0.0, 1.0))
    assert calibration.outside is not None
    posts = [replace(post, hashtags=()) for post in tiny_data.split("test")]
    auto, fixed = recommender.recommend_many(posts, "auto"), recommender.recommend_many(posts, 10)
    assert all(row == longer[: len(row)] for row, longer in zip(auto, fixed, strict=True) if len(row) <= 10)
    assert all(one.probability == one.score for row in fixed for one in row)


def test_a_model_that_was_saved_before_the_last_posts_of_hashtags_were_looked_at(tiny_data, tmp_path):
    train_run(hybrid_config("rows.choose=false", "search.hashtag_posts=0"), tiny_data, tmp_path / "run")
    asked, model = tiny_data.split("test"), load_model(tmp_path / "run")
    expected = list(model.system.rank(asked, model.memory, 5))
    path = RunFolder(tmp_path / "run").model / "model.json"
    info = json.loads(path.read_text())
    del info["checksums"], info["config"]["search"]["hashtag_posts"]
    path.write_text(json.dumps(info))
    older = load_model(tmp_path / "run")
    assert list(older.system.rank(asked, older.memory, 5)) == expected
    assert older.system.config.search.hashtag_posts == 0


def test_posts_without_any_candidate_get_popular_hashtags(tiny_data, tmp_path):
    train_run(hybrid_config("rows.choose=false"), tiny_data, tmp_path / "run")
    system = load_model(tmp_path / "run").system
    rankings = list(system.rank([Post(post_id="1"), Post(post_id="2")], system.new_memory(), 3))
    popular = list(tiny_data.vocabulary.hashtags[:3])
    assert [[hashtag for hashtag, _ in ranking] for ranking in rankings] == [popular, popular]
