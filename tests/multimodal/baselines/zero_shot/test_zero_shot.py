"""`zero_shot` on a small random SigLIP."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from model_folders import make_siglip

from data_loaders.errors import ConfigError, RunError
from multimodal.baselines.zero_shot.system import ZeroShot
from multimodal.memory.questions.memory_questions import MemoryQuestions
from multimodal.ranking import score_blocks
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_siglip(tmp_path_factory.mktemp("siglip"))


@pytest.fixture(scope="module")
def system(folder, tiny_data, tmp_path_factory):
    system = ZeroShot(load_config("zero_shot", [f"model={folder}", "prompt='a photo of {}'"]))
    system.fit(tiny_data, RunFolder(tmp_path_factory.mktemp("run")))
    return system


@pytest.fixture
def asked(tiny_data):
    return next(post for post in tiny_data.split("test") if post.image is not None)


def filled(system, posts):
    memory = system.new_memory()
    system.add_posts(memory, posts)
    return memory


def test_scores_are_cosines_of_picture_and_text(system, asked):
    (ranking,) = system.rank([asked], system.new_memory(), 4)
    (picture,) = system.towers.pictures([asked])
    texts = system.towers.texts([f"a photo of {hashtag}" for hashtag, _ in ranking])
    assert [score for _, score in ranking] == pytest.approx((texts @ picture).tolist(), abs=1e-6)
    everything = system.towers.texts([f"a photo of {hashtag}" for hashtag in system.id_map.names]) @ picture
    assert ranking[0][1] == pytest.approx(everything.max(), abs=1e-6)


def test_a_hashtag_used_before_is_compared_and_a_later_one_is_not(system, asked, tiny_data):
    used = replace(asked, post_id="used", timestamp=asked.timestamp - timedelta(hours=1), hashtags=("zebra",))
    later = replace(asked, post_id="later", hashtags=("quagga",))
    names = {hashtag for hashtag, _ in system.rank([asked], filled(system, [used, later]), 100).of(0)}
    assert names == {*tiny_data.vocabulary.hashtags, "zebra"}


def test_only_the_most_used_outside_the_vocabulary(folder, tiny_data, asked, tmp_path):
    system = ZeroShot(load_config("zero_shot", [f"model={folder}", "recent=1"]))
    system.fit(tiny_data, RunFolder(tmp_path))
    uses = [
        replace(asked, post_id=f"use{number}", timestamp=asked.timestamp - timedelta(hours=number), hashtags=(tag,))
        for number, tag in enumerate(["rare", "often", "often"], 1)
    ]
    names = {hashtag for hashtag, _ in system.rank([asked], filled(system, uses), 100).of(0)}
    assert names - set(tiny_data.vocabulary.hashtags) == {"often"}


def test_what_was_used_is_asked_for_a_few_posts_at_a_time(system, tiny_data, monkeypatch):
    posts, memory = tiny_data.split("test"), filled(system, tiny_data.split("train"))
    expected, asked = list(system.rank(posts, memory, 9)), []
    ask = MemoryQuestions.trends

    def noted(self, instants_us, *arguments, count):
        asked.append(len(instants_us) * count)
        return ask(self, instants_us, *arguments, count=count)

    monkeypatch.setattr(score_blocks, "MOST_SCORES", 2 * (system.config.recent + len(tiny_data.vocabulary)))
    monkeypatch.setattr(MemoryQuestions, "trends", noted)
    assert list(system.rank(posts, memory, 9)) == expected
    assert max(asked) == score_blocks.MOST_SCORES


def test_without_a_picture_it_is_popularity(system, asked):
    bare = replace(asked, image=None)
    index, shares = system.prior.ranking(3)
    expected = [(system.id_map[int(one)], share) for one, share in zip(index, shares.tolist(), strict=True)]
    assert system.rank([bare, asked], system.new_memory(), 3).of(0) == expected


def test_texts_are_encoded_once(system, asked, monkeypatch):
    memory = system.new_memory()
    first = system.rank([asked], memory, 5).of(0)
    monkeypatch.setattr(system.towers, "texts", lambda _: pytest.fail("a text was encoded again"))
    assert system.rank([asked], memory, 5).of(0) == first


def test_a_saved_model_brings_its_towers(folder, tiny_data, asked, tmp_path):
    train_run(load_config("zero_shot", [f"model={folder}"]), tiny_data, tmp_path / "run")
    model = load_model(tmp_path / "run")
    assert np.isfinite([score for _, score in model.system.rank([asked], model.memory, 5).of(0)]).all()
    (tmp_path / "run" / "model" / "towers" / "config.json").unlink()
    with pytest.raises(RunError, match="towers"):
        load_model(tmp_path / "run")


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"prompt: 'a photo' has no place for the hashtag; write \{\} where"):
        load_config("zero_shot", ["prompt=a photo"])
    (problem,) = ZeroShot(load_config("zero_shot", [f"model={tmp_path / 'none'}"])).missing_weights()
    assert "there is no model in this folder" in problem
