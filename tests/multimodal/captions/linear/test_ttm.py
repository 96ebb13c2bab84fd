"""`ttm`: topics and translations beside slow loops, and captions of any kind."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from linear_data import ODD_CAPTIONS, make_labelled
from scipy import sparse

from data_loaders.errors import ConfigError, RunError
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.topics.translations import learn_translations
from multimodal.captions.topics.ttm import Ttm
from multimodal.captions.topics.tweet_topics import learn_topics
from multimodal.captions.validation import validate_captions, validate_scores
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config

TRAIN, VALIDATION = make_labelled(150, 5), make_labelled(60, 5, seed=1)
COUNTS = sparse.csr_matrix(np.float32([[2, 0, 1, 0], [0, 1, 0, 0], [1, 1, 0, 3], [0, 0, 2, 1], [1, 0, 0, 0]]))
TARGETS = sparse.csr_matrix(np.float32([[1, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0, 1, 0], [1, 0, 0]]))
BELIEFS = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.0, 1.0], [0.7, 0.3]])


def learn(folder, *settings, train=TRAIN, validation=VALIDATION):
    system = Ttm(load_config(None, ["system=ttm", "topics=[2, 3]", *settings]))
    frequencies = [sum(label in row for row in train.targets) for label in range(5)]
    system.start(HashtagIdMap(["a", "b", "c", "d", "e"], frequencies), len(train))
    system.learn(train, validation, RunFolder(folder))
    return system


def likelihood(model, counts, post, topic):
    product = model.topics[topic]
    for word, count in enumerate(counts[post]):
        own = model.switch * model.words[topic][word] + (1 - model.switch) * model.background[word]
        product *= own**count
    return product


class TestTopics:
    def test_beliefs_are_those_of_a_slow_loop(self):
        model = learn_topics(COUNTS, 3, 4, seed=1, switch=0.6)
        counts = COUNTS.toarray()
        for post, found in enumerate(model.of(COUNTS)):
            each = [likelihood(model, counts, post, topic) for topic in range(3)]
            np.testing.assert_allclose(found, np.array(each) / sum(each), atol=1e-9)

    def test_a_round_is_that_of_a_slow_loop(self):
        before, after = (learn_topics(COUNTS, 2, rounds, 1, 0.6, (0.5, 0.01)) for rounds in (3, 4))
        counts, beliefs = COUNTS.toarray(), before.of(COUNTS)
        topics, words = np.full(2, 0.5), np.full((2, 4), 0.01)
        for post, topic in itertools.product(range(5), range(2)):
            topics[topic] += beliefs[post][topic]
            for word in range(4):
                own = 0.6 * before.words[topic][word]
                topical = own / (own + 0.4 * before.background[word])
                words[topic][word] += beliefs[post][topic] * counts[post][word] * topical
        np.testing.assert_allclose(after.topics, topics / topics.sum())
        np.testing.assert_allclose(after.words, words / words.sum(1, keepdims=True))

    def test_the_likelihood_never_falls(self):
        counts = COUNTS.toarray()
        # Without smoothing, expectation maximisation climbs the likelihood itself.
        values = []
        for rounds in range(8):
            model = learn_topics(COUNTS, 2, rounds, 1, 0.6, (0.0, 1e-12))
            values.append(
                sum(math.log(sum(likelihood(model, counts, post, topic) for topic in range(2))) for post in range(5))
            )
        assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(values))
        assert values[-1] > values[0] + 0.1

    def test_finds_two_kinds_of_posts_with_common_words(self):
        draw = np.random.default_rng(0)
        kinds = draw.integers(0, 2, 300)
        counts = np.zeros((300, 12))
        for post, kind in enumerate(kinds):
            # Words 0 to 3 are everywhere, 4 to 7 belong to one kind, 8 to 11 to the other.
            for word in [*draw.integers(0, 4, 4), *(4 + 4 * kind + draw.integers(0, 4, 4))]:
                counts[post, word] += 1
        model = learn_topics(sparse.csr_matrix(counts), 2, 30, seed=0)
        found = model.of(sparse.csr_matrix(counts)).argmax(1)
        agreement = (found == kinds).mean()
        assert max(agreement, 1 - agreement) == 1
        assert model.topical()[:, :4].max() < model.topical()[:, 4:].max(0).min()


@pytest.mark.parametrize("smallest", [0.0, 0.25])
def test_translations_are_those_of_a_slow_loop(smallest):
    mu = 2.5
    model = learn_translations(COUNTS, TARGETS, BELIEFS, mu, smallest)
    counts, targets = COUNTS.toarray(), TARGETS.toarray()
    weights = np.array([[0.5, 0.5, 0, 0], [0, 0, 0.2, 0.8]])
    asked = np.array([[0.3, 0.7], [1.0, 0.0]])
    overall = targets.sum(0) / targets.sum()
    expected = np.zeros((2, 3))
    for row, topic, word, label in itertools.product(range(2), range(2), range(4), range(3)):
        kept = [post for post in range(5) if BELIEFS[post, topic] >= smallest]
        together = sum(BELIEFS[post, topic] * counts[post, word] * targets[post, label] for post in kept)
        of_word = sum(BELIEFS[post, topic] * counts[post, word] for post in kept)
        held = sum(BELIEFS[post, topic] * targets[post, label] for post in kept)
        by_label = (held + overall[label]) / (sum(BELIEFS[post, topic] for post in kept) + 1)
        by_word = (counts[:, word] @ targets[:, label] + mu * by_label) / (counts[:, word].sum() + mu)
        share = (together + mu * by_word) / (of_word + mu)
        expected[row, label] += asked[row, topic] * weights[row, word] * share
    found = model.translate(sparse.csr_matrix(weights), asked)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)


class TestSystem:
    def test_beats_the_prior(self, tmp_path):
        system = learn(tmp_path)
        ours = validate_captions(system.scores_or_prior, VALIDATION, 1)["score"]
        floor = validate_scores(lambda rows: np.tile(system.prior.scores, (len(rows), 1)), VALIDATION, 1)["score"]
        assert ours > floor + 0.2

    def test_every_setting_is_logged_and_the_best_is_kept(self, tmp_path):
        system = learn(tmp_path, "backoffs=[0.1, 1000]")
        logged = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
        tried = [(one["topics"], one["backoff"]) for one in logged]
        assert tried == [(2, 0.1), (2, 1000), (3, 0.1), (3, 1000)]
        score = validate_captions(system.scores_or_prior, VALIDATION, 5)["score"]
        assert score == pytest.approx(max(one["f1@5"] for one in logged), abs=1e-9)

    def test_scores_are_probabilities_whatever_the_caption(self, tmp_path):
        system = learn(tmp_path)
        long = "harbour rain " * 5_000
        np.testing.assert_allclose(system.scores([*VALIDATION.captions, long]).sum(1), 1, atol=1e-5)
        assert (system.scores([long]) >= 0).all()
        assert not system.can_score(ODD_CAPTIONS).any()
        prior = np.tile(system.prior.scores, (len(ODD_CAPTIONS), 1))
        np.testing.assert_array_equal(system.scores_or_prior(ODD_CAPTIONS), prior)

    def test_captions_that_share_no_word_leave_the_prior(self, tmp_path):
        train = LabelledCaptions(["one", "two", "three"], [[0], [1], [1, 2]], [1, 1, 2], 5)
        system = learn(tmp_path, train=train, validation=train)
        system.save(tmp_path)
        loaded = Ttm.load(tmp_path, system.config, system.id_map)
        np.testing.assert_array_equal(loaded.scores_or_prior(["one"])[0], system.prior.scores)

    def test_saved_and_loaded(self, tmp_path):
        system = learn(tmp_path)
        system.save(tmp_path)
        loaded = Ttm.load(tmp_path, system.config, system.id_map)
        asked = ODD_CAPTIONS + VALIDATION.captions
        np.testing.assert_allclose(loaded.scores_or_prior(asked), system.scores_or_prior(asked), atol=1e-12)

    def test_damage_is_refused(self, tmp_path):
        system = learn(tmp_path)
        system.save(tmp_path)
        (tmp_path / "ttm.json").write_text('{"topics": 7, "backoff": 1, "switch": 0.5}')
        with pytest.raises(RunError, match="does not fit"):
            Ttm.load(tmp_path, system.config, system.id_map)
        (tmp_path / "ttm.json").write_text("[]")
        with pytest.raises(RunError, match=r"ttm.json \(topics and translations\) is damaged: an object is needed"):
            Ttm.load(tmp_path, system.config, system.id_map)
        (tmp_path / "ttm.json").write_text("{}")
        with pytest.raises(RunError, match="topics is missing; backoff is missing; switch is missing"):
            Ttm.load(tmp_path, system.config, system.id_map)

    @pytest.mark.parametrize("setting", ["topics=[0]", "backoffs=[-1]"])
    def test_settings_without_sense_are_refused(self, setting):
        with pytest.raises(ConfigError, match="every one must be above 0"):
            load_config(None, ["system=ttm", setting])
