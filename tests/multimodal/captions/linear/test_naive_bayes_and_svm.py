"""`naive_bayes` and `svm` beside scikit-learn's, and captions of any kind."""

from __future__ import annotations

import json

import numpy as np
import pytest
from linear_data import ODD_CAPTIONS, make_labelled
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

from data_loaders.errors import ConfigError, RunError
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.validation import validate_captions, validate_scores
from multimodal.encoders.captions.words import split_words
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config
from multimodal.systems.registry import get_system

TRAIN, VALIDATION = make_labelled(150, 5), make_labelled(60, 5, seed=1)
NAMES = ["naive_bayes", "svm"]


def learn(folder, name, *settings, train=TRAIN, validation=VALIDATION):
    system = get_system(name)(load_config(None, [f"system={name}", *settings]))
    frequencies = [sum(label in row for row in train.targets) for label in range(5)]
    system.start(HashtagIdMap(["a", "b", "c", "d", "e"], frequencies), len(train))
    system.learn(train, validation, RunFolder(folder))
    return system


@pytest.mark.parametrize("smoothing", [0.01, 1.0, 30.0])
def test_naive_bayes_equals_scikit_learn_on_repeated_posts(tmp_path, smoothing):
    ours = learn(tmp_path, "naive_bayes", f"smoothings=[{smoothing}]")
    pairs = [(row, label) for row, labels in enumerate(TRAIN.targets) for label in labels]
    counts = ours.bags.counts(TRAIN.captions)[[row for row, _ in pairs]]
    theirs = MultinomialNB(alpha=smoothing)
    theirs.fit(counts, [label for _, label in pairs], [1 / len(TRAIN.targets[row]) for row, _ in pairs])
    asked = [*VALIDATION.captions, "harbour " * 300 + "rain"]
    expected = theirs.predict_proba(ours.bags.counts(asked))
    np.testing.assert_allclose(ours.scores(asked), expected, atol=1e-5)


def test_the_best_smoothing_is_kept(tmp_path):
    system = learn(tmp_path, "naive_bayes", "smoothings=[0.001, 1, 1000]")
    logged = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [one["smoothing"] for one in logged] == [0.001, 1, 1000]
    score = validate_captions(system.scores_or_prior, VALIDATION, 5)["score"]
    assert score == pytest.approx(max(one["f1@5"] for one in logged))


def test_svm_equals_linear_svc(tmp_path):
    settings = ("strengths=[1]", "iterations=[800]", "learning_rate=0.5", "smallest_weight=0", "minimum_count=1")
    ours = learn(tmp_path, "svm", *settings)
    # Here every word comes with every hashtag, so both have the same weights to choose.
    assert ours.model.linear.weights.nnz == len(ours.bags) * 5
    vectors = TfidfVectorizer(analyzer=split_words).fit(TRAIN.captions)
    for label in range(5):
        # A large scaling leaves their bias almost without a penalty, as ours is.
        theirs = LinearSVC(C=1.0, intercept_scaling=1e3, max_iter=100_000, tol=1e-9, dual=False)
        theirs.fit(vectors.transform(TRAIN.captions), [label in row for row in TRAIN.targets])
        margins = theirs.decision_function(vectors.transform(VALIDATION.captions))
        np.testing.assert_allclose(ours.scores(VALIDATION.captions)[:, label], margins, atol=5e-3)


@pytest.mark.parametrize("name", NAMES)
class TestBoth:
    def test_beats_the_prior(self, tmp_path, name):
        system = learn(tmp_path, name, *(["iterations=[30]"] if name == "svm" else []))
        ours = validate_captions(system.scores_or_prior, VALIDATION, 1)["score"]
        floor = validate_scores(lambda rows: np.tile(system.prior.scores, (len(rows), 1)), VALIDATION, 1)["score"]
        assert ours > floor + 0.2

    def test_any_caption_gets_an_answer(self, tmp_path, name):
        system = learn(tmp_path, name)
        long = "harbour rain " * 5_000
        assert np.isfinite(system.scores_or_prior([*ODD_CAPTIONS, long])).all()
        assert system.can_score([long]).all()
        assert not system.can_score(ODD_CAPTIONS).any()
        prior = np.tile(system.prior.scores, (len(ODD_CAPTIONS), 1))
        np.testing.assert_array_equal(system.scores_or_prior(ODD_CAPTIONS), prior)

    def test_a_hashtag_that_no_learnable_post_carries(self, tmp_path, name):
        train = LabelledCaptions(["sea sea", "sky sky", "sea sky"], [[0], [1], [0, 1]], [1, 1, 2], 5)
        scores = learn(tmp_path, name, train=train, validation=train).scores(["sea"])[0]
        assert np.isfinite(scores).all()
        assert scores.argmax() == 0
        assert scores[2:].max() < scores[:2].min() + 0.5

    def test_captions_that_share_no_word_leave_the_prior(self, tmp_path, name):
        train = LabelledCaptions(["one", "two", "three"], [[0], [1], [1, 2]], [1, 1, 2], 5)
        system = learn(tmp_path, name, train=train, validation=train)
        np.testing.assert_array_equal(system.scores_or_prior(["one"])[0], system.prior.scores)

    def test_saved_and_loaded(self, tmp_path, name):
        system = learn(tmp_path, name)
        system.save(tmp_path)
        loaded = get_system(name).load(tmp_path, system.config, system.id_map)
        asked = ODD_CAPTIONS + VALIDATION.captions
        np.testing.assert_array_equal(loaded.scores_or_prior(asked), system.scores_or_prior(asked))

    def test_a_partial_folder_is_refused(self, tmp_path, name):
        system = learn(tmp_path, name)
        system.save(tmp_path)
        for file in tmp_path.glob("*.safetensors"):
            kept = file.read_bytes()
            file.unlink()
            with pytest.raises(RunError, match="missing"):
                get_system(name).load(tmp_path, system.config, system.id_map)
            file.write_bytes(kept)


@pytest.mark.parametrize(
    ("name", "setting"), [("naive_bayes", "smoothings=[0]"), ("svm", "strengths=[-1]"), ("svm", "iterations=[0]")]
)
def test_settings_without_sense_are_refused(name, setting):
    with pytest.raises(ConfigError, match="every one must be above 0"):
        load_config(None, [f"system={name}", setting])
