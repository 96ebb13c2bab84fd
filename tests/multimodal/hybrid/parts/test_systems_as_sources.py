"""Other Systems as sources: trained twice, reused, and asked with the memory of the hybrid."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from data_loaders.errors import ConfigError, DataError
from multimodal.hybrid.learning_posts import by_time, instant_cut
from multimodal.hybrid.parts.first_posts import FirstPosts
from multimodal.hybrid.parts.part_memory import PartMemory
from multimodal.hybrid.parts.training import part_config
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run
from tests.multimodal.hybrid.conftest import hybrid_config


class TestFirstPosts:
    def test_it_knows_the_first_posts_and_their_hashtags_alone(self, tiny_data):
        order = by_time(tiny_data.split("train"))
        early = FirstPosts(tiny_data, order, 40)
        assert [post.post_id for post in early.split("train")] == [f"t{row:03d}" for row in range(36)]
        assert [post.post_id for post in early.split("validation")] == [f"t{row:03d}" for row in range(36, 40)]
        assert (len(early.split("test")), len(early.posts())) == (0, 40)
        used = {hashtag for post in early.split("train") for hashtag in post.hashtags}
        assert set(early.vocabulary.hashtags) <= used
        assert sum(early.vocabulary.frequencies) < sum(tiny_data.vocabulary.frequencies)

    def test_other_lengths_are_other_data(self, tiny_data):
        order = by_time(tiny_data.split("train"))
        assert FirstPosts(tiny_data, order, 40).fingerprint != FirstPosts(tiny_data, order, 41).fingerprint

    def test_an_unknown_split(self, tiny_data):
        early = FirstPosts(tiny_data, by_time(tiny_data.split("train")), 40)
        with pytest.raises(DataError, match=r"split 'all' is unknown; accepted: train, validation, test\."):
            early.split("all")


def test_no_instant_lies_on_both_sides_of_a_cut(tiny_data):
    first = tiny_data.posts[0]
    posts = [replace(first, timestamp=first.timestamp + timedelta(hours=number // 3)) for number in range(9)]
    assert [instant_cut(posts, count) for count in range(10)] == [0, 3, 3, 3, 6, 6, 6, 9, 9, 9]


class TestMemoryOfAPart:
    @pytest.fixture(scope="class")
    def hybrid(self, hybrid_run):
        return load_model(hybrid_run.path).system

    def test_its_answers_are_those_of_a_memory_of_its_own(self, hybrid, tiny_data):
        part, asked = hybrid.parts["design"], tiny_data.split("test")
        whole, own = hybrid.new_memory(), part.new_memory()
        hybrid.add_posts(whole, tiny_data.posts)
        part.add_posts(own, tiny_data.posts)
        view = PartMemory(hybrid.spaces.questions(asked, whole), "design", part.new_memory())
        assert list(part.rank(asked, view, 7)) == list(part.rank(asked, own, 7))
        assert (view.vectors == own.vectors).all()

    @pytest.mark.parametrize("limit", [0, 3, 1_000])
    def test_the_history_is_that_of_the_memory_whoever_is_asked_about(self, hybrid, tiny_data, limit):
        whole, asked = hybrid.new_memory(), tiny_data.split("test")
        hybrid.add_posts(whole, tiny_data.posts)
        view = PartMemory(hybrid.spaces.questions(asked, whole), "design", hybrid.parts["design"].new_memory())
        users, instants = [post.user_id for post in asked], np.array([post.instant_us for post in asked])
        for question in ((users, instants), (users[::-1], instants), (users, instants - 1), (users[:1], instants[:1])):
            assert (view.history(*question, limit) == whole.history(*question, limit)).all()

    def test_the_hybrid_remembers_what_the_part_encodes(self, hybrid, tiny_data):
        memory = hybrid.new_memory()
        assert memory.spaces == {"design.content": hybrid.parts["design"].new_memory().width}
        hybrid.add_posts(memory, tiny_data.posts[:3])
        assert np.abs(memory.vectors_at("design.content", np.arange(3))).max() > 0


class TestTraining:
    def test_a_given_run_is_reused(self, hybrid_run, tiny_data, tmp_path):
        design = hybrid_run.path / "sources" / "design" / "whole"
        config = hybrid_config(f"sources={{design: {design}}}", "rows.choose=false")
        run = train_run(config, tiny_data, tmp_path / "run").run
        assert sorted(path.name for path in (run.path / "sources" / "design").iterdir()) == ["early"]
        asked = tiny_data.split("test")
        reused, trained = load_model(run.path), load_model(hybrid_run.path)
        assert list(reused.system.rank(asked, reused.memory, 5)) == list(trained.system.rank(asked, trained.memory, 5))

    def test_a_run_on_other_hashtags_is_refused(self, other_tiny_data, hybrid_run, tmp_path):
        design = hybrid_run.path / "sources" / "design" / "whole"
        config = hybrid_config(f"sources={{design: {design}}}")
        with pytest.raises(ConfigError, match=r"was trained on other hashtags than .* has; train it on this folder"):
            train_run(config, other_tiny_data, tmp_path / "run")

    def test_a_run_that_weighs_words_otherwise_is_refused(self, tiny_data, tmp_path):
        config = hybrid_config("sources={design: debug}", "caption_profile=tweet")
        with pytest.raises(ConfigError, match=r"sources\.design cleans captions by the profile 'plain', the hybrid by"):
            train_run(config, tiny_data, tmp_path / "run")

    def test_a_hybrid_is_no_source(self):
        with pytest.raises(ConfigError, match=r"sources\.all='hybrid' is a hybrid itself; give another System"):
            part_config("all", "hybrid", 0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("sources={own: sample}", "'own' is a source that the hybrid has itself; give another name"),
        ("sources={a b: sample}", "'a b' is not a name for a source"),
        ("encoder.caption=small", "this encoder is never trained; give `pretrained`"),
        ("rows.refit=1", "rows.refit: Input should be less than 1"),
    ],
)
def test_impossible_configurations(setting, message):
    with pytest.raises(ConfigError, match=message):
        hybrid_config(setting)
