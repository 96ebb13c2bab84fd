"""`knn_…`: against a slow loop over the memory, and what each is made of."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from data_loaders.errors import ConfigError
from multimodal.baselines.retrieval.building import build_spaces
from multimodal.baselines.retrieval.systems import NeighbourVotes
from multimodal.storage.run_folder import RunFolder, read_json
from multimodal.systems.config_loading import load_config
from multimodal.systems.model_folder import load_model
from multimodal.systems.registry import get_system
from multimodal.training.run import train_run

NO_CACHE = "feature_cache=null"


def small(name, *overrides):
    return load_config(name, [NO_CACHE, *overrides])


def fitted(config, data, folder):
    system = get_system(config.system)(config)
    system.fit(data, RunFolder(folder))
    memory = system.new_memory()
    system.add_posts(memory, data.posts)
    return system, memory


def by_hand(system, posts, asked, k):
    """All earlier posts one by one, in Python's own numbers."""
    terms = [dict(zip(row.indices.tolist(), row.data.tolist(), strict=True)) for row in system.spaces.terms_of(posts)]
    own = dict(zip(*(part.tolist() for part in _row(system.spaces.terms_of([asked]))), strict=True))
    found = []
    for post, row in zip(posts, terms, strict=True):
        if post.instant_us < asked.instant_us:
            similarity = round(sum(row.get(slot, 0) * weight for slot, weight in own.items()), 5)
            age = (asked.instant_us - post.instant_us) / 3.6e9
            found.append((similarity**system.power * (age + 1) ** -system.decay, post.instant_us, post))
    nearest = sorted((one for one in found if one[0] > 0), key=lambda one: (-one[0], -one[1]))[: int(system.neighbours)]
    sums = defaultdict(float)
    for weight, _, post in nearest:
        for hashtag in post.hashtags:
            sums[hashtag] += weight
    total = sum(weight for weight, _, _ in nearest)
    return {hashtag: weight / total for hashtag, weight in sums.items()}


def _row(matrix):
    return matrix.indices, matrix.data


class TestWords:
    @pytest.fixture(scope="class")
    def made(self, tiny_data, tmp_path_factory):
        return fitted(small("knn_words"), tiny_data, tmp_path_factory.mktemp("words"))

    def test_against_a_slow_loop(self, made, tiny_data):
        system, memory = made
        compared = 0
        for asked in tiny_data.split("test"):
            expected = by_hand(system, tiny_data.posts, asked, 5)
            (ranking,) = system.rank([asked], memory, 5)
            voted = [(hashtag, score) for hashtag, score in ranking if hashtag in expected]
            assert len(voted) == min(len(expected), 5)
            for hashtag, score in voted:
                assert score == pytest.approx(expected[hashtag], abs=2e-6)
            compared += len(voted)
        assert compared > 20

    def test_a_new_hashtag_is_named_as_soon_as_it_was_used(self, made, tiny_data):
        system, memory = made
        asked = replace(tiny_data.split("test")[-1], caption="zebra quagga okapi")
        with memory.fork() as known:
            before = system.rank([asked], known, 3).of(0)
            used = replace(asked, post_id="used", timestamp=tiny_data.posts[100].timestamp, hashtags=("brandnew",))
            system.add_posts(known, [used])
            after = system.rank([asked], known, 3).of(0)
        assert "brandnew" not in dict(before)
        assert after[0] == ("brandnew", 1.0)

    def test_without_similar_posts_the_scores_are_those_of_popularity(self, made, tiny_data):
        system, memory = made
        asked = replace(tiny_data.split("test")[0], caption=None)
        expected = [(system.id_map[index], share) for index, share in zip(*_listed(system.prior, 4), strict=True)]
        assert system.rank([asked], memory, 4).of(0) == expected

    def test_popular_hashtags_score_below_all_votes(self, made, tiny_data):
        system, memory = made
        for ranking in system.rank(tiny_data.split("test"), memory, len(system.id_map)):
            scores = np.array([score for _, score in ranking])
            assert (np.diff(scores) <= 0).all()
            assert (scores >= 0).all()

    def test_settings_are_logged_and_saved(self, tiny_data, tmp_path):
        trained = train_run(small("knn_words", "tuning.windows=2"), tiny_data, tmp_path / "run")
        saved = read_json(tmp_path / "run" / "model" / "retrieval.json", "settings")
        logged = [line for line in trained.run.metrics.read_text(encoding="utf-8").splitlines() if "decay" in line]
        assert len(logged) == 3 * 3 * 4
        assert (saved["neighbours"], saved["power"], saved["decay"]) == (
            trained.system.neighbours,
            trained.system.power,
            trained.system.decay,
        )

    def test_the_test_split_is_not_read(self, tiny_data, tmp_path):
        class Guarded:
            vocabulary = tiny_data.vocabulary

            def split(self, name):
                assert name != "test"
                return tiny_data.split(name)

        system = get_system("knn_words")(small("knn_words"))
        system.fit(Guarded(), RunFolder(tmp_path))
        assert math.isfinite(system.power)


def _listed(prior, k):
    return (part.tolist() for part in prior.ranking(k))


class TestOtherSpaces:
    def test_mixed_likeness_needs_both(self, tiny_data, tiny_bert, tmp_path):
        encoder = f"encoder.caption={{name: transformer, pretrained: {tiny_bert}, maximum_tokens: 32}}"
        system, memory = fitted(small("knn_mixed", encoder), tiny_data, tmp_path)
        assert system.spaces.weights == {"words": 0.5, "caption": 0.5}
        assert memory.slots > 0
        assert memory.spaces == {"caption": 16}

    def test_a_space_that_the_data_do_not_fill_is_left_out(self, tiny_data, tmp_path):
        class Bare:
            vocabulary = tiny_data.vocabulary

            def split(self, name):
                return [replace(post, caption=None) for post in tiny_data.split(name)]

        system = get_system("knn_words")(small("knn_words"))
        system.fit(Bare(), RunFolder(tmp_path))
        assert system.spaces.weights == {}
        system.save(tmp_path)
        loaded = type(system).load(tmp_path, system.config, system.id_map)
        rankings = [one.rank(tiny_data.split("test"), one.new_memory(), 3).of(0) for one in (system, loaded)]
        assert len(rankings[0]) == 3
        assert rankings[0] == rankings[1]

    def test_encoders_are_never_trained(self, tiny_bert):
        settings = f"{{name: transformer, pretrained: {tiny_bert}, maximum_tokens: 32, trainable: true}}"
        config = small("knn_mixed", f"encoder.caption={settings}")
        spaces = build_spaces(config, ["a walk"], None)
        assert config.encoder.caption.trainable is False
        assert spaces.captions.frozen

    @pytest.mark.parametrize(
        ("overrides", "message"),
        [
            (["likeness.smell=1"], "likeness: 'smell' is not a space; give weights of words, caption, image"),
            (["likeness.words=-1"], "the weight of 'words' is -1.0; give a finite number of at least 0"),
            (["likeness.words=0"], "gives no space a weight; give one above 0, for instance {words: 1}"),
            (["likeness.caption=1"], "likeness.caption=1.0, but encoder.caption is null; give one"),
            (["caption_profile=plian"], "caption_profile: unknown caption profile 'plian'. Did you mean 'plain'?"),
            (["likeness.content=1"], "'content' is not a space"),
        ],
    )
    def test_what_cannot_be_is_refused(self, overrides, message):
        with pytest.raises(ConfigError) as error:
            small("knn_words", *overrides)
        assert message in str(error.value)

    def test_missing_weights_are_named(self, tmp_path):
        config = small("knn_mixed", f"encoder.caption.pretrained={tmp_path / 'none'}")
        (problem,) = get_system("knn_caption")(config).missing_weights()
        assert "encoder.caption.pretrained" in problem
        assert "there is no such folder" in problem


class TestContent:
    def test_a_run_without_content_vectors_is_refused(self, tiny_data, tmp_path):
        train_run(load_config("popularity"), tiny_data, tmp_path / "popular")
        config = small("knn_content", f"content={tmp_path / 'popular'}")
        with pytest.raises(ConfigError, match="is a run of 'popularity', which keeps no content vectors; name one of"):
            NeighbourVotes.fit(get_system("knn_content")(config), tiny_data, RunFolder(tmp_path / "run"))

    def test_a_configuration_is_trained_first_and_only_once(self, tiny_data, tmp_path):
        config = small("knn_content", "content=debug")
        trained = train_run(config, tiny_data, tmp_path / "run")
        inner = tmp_path / "run" / "content" / "model" / "model.json"
        written = inner.stat().st_mtime_ns
        train_run(config, tiny_data, tmp_path / "run", overwrite=True)
        assert inner.stat().st_mtime_ns == written
        assert load_model(tmp_path / "run").system.spaces.content.name == "design"
        assert trained.system.new_memory().width == trained.system.spaces.content.new_memory().width > 0
